"""Which label file belongs to a photo of a YOLO set."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from recycle_coco import Tree

from recycle_datasets.recognise.places import bare
from recycle_datasets.recognise.yolo import labelled, stems_of
from recyclecli.types import RecycleError


def label_files(photos: list[Path], tree: Tree) -> list[Path | None]:
    """The label file of each photo: where ultralytics looks, else beside it, else anywhere under its name.

    Where one photo of a folder has its label file there, all have it there, or have none.
    """
    root = tree.root
    usual = [label_file(photo, root) for photo in photos]
    beside = [photo.with_suffix(".txt") for photo in photos]
    known = [label.is_file() for label in usual]
    near = [label.is_file() for label in beside]
    by_stem: dict[str, list[str]] = {}
    for name in tree.ending(".txt"):
        for stem in stems_of([name]):
            by_stem.setdefault(stem, []).append(name)
    has_usual = {photo.parent for photo, there in zip(photos, known, strict=True) if there}
    has_beside = {photo.parent for photo, there in zip(photos, near, strict=True) if there}
    found: list[Path | None] = []
    for place, photo in enumerate(photos):
        if photo.parent in has_usual:
            found.append(usual[place] if known[place] else None)
        elif photo.parent in has_beside:
            found.append(beside[place] if near[place] else None)
        else:
            names = by_stem.get(photo.stem) or by_stem.get(bare(photo.stem), [])
            own = set(photo.relative_to(root).parts[:-1])
            shared = [len(own & set(name.split("/")[:-1])) for name in names]
            best = [name for name, count in zip(names, shared, strict=True) if count == max(shared)]
            if len(best) > 1:
                raise RecycleError(
                    f"{photo} may have the labels of {best[0]} or of {best[1]}, which lie equally near",
                    "move the labels to where ultralytics looks: images/NAME.jpg and labels/NAME.txt",
                )
            found.append(root / best[0] if best else None)
    return found


def without_photo(labels: Iterable[Path | None], tree: Tree) -> int:
    """How many files in the folders of labels are called as no photo."""
    folders = {PurePosixPath(file.relative_to(tree.root)).parent.as_posix() for file in labels if file}
    stems = stems_of(tree.photos)
    texts = [PurePosixPath(name) for name in tree.ending(".txt")]
    return sum(
        text.parent.as_posix() in folders
        and not stems_of([text.name]) & stems
        and bool(labelled(tree.head(text.as_posix(), 4096)))
        for text in texts
    )


def label_file(photo: Path, root: Path) -> Path:
    """Where ultralytics looks: the last folder `images` becomes `labels`, the suffix .txt."""
    inside = PurePosixPath(photo.relative_to(root).as_posix())
    parts = list(inside.parent.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return root.joinpath(*parts, inside.stem + ".txt")
