"""The `supervisely` dataset: projects of Supervisely or datasets of them, as its export and Dataset Ninja write."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from recycle_coco import Tree, parse_loose_json, read_large, split_called

from recycle_datasets import SuperviselyOptions
from recycle_datasets.bitmaps import placed, png_mask
from recycle_datasets.folders import names_of
from recycle_datasets.labels import LabelledPhoto, Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.recognise.supervisely import META, is_annotation, is_meta, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError

SUPERVISELY_AREAS = frozenset({"polygon", "multipolygon", "bitmap", "alpha_mask", "any", "any_geometry"})
BITMAP_KEYS = ("bitmap", "alpha_mask", "alphaMask")  # keys of what holds one
NO_ANNOTATION_FILE = "photos without an annotation file"
SUPERVISELY_SKIPPED = {
    "rectangle": "boxes",
    "oriented_bbox": "boxes",
    "point": "points",
    "line": "lines",
    "graph": "keypoints",
}


def open_supervisely(options: SuperviselyOptions, context: DatasetContext) -> ShapeSource:
    """The photos of the datasets below the root, those without an object too.

    An annotation is called as its photo with .json behind (`a.jpg.json`, in old exports `a.json`), and lies in `ann/`
    beside the photo's `img/`. Later objects are drawn over earlier ones. A polygon is its exterior without its
    interiors; of a bitmap what is opaque, or of another value than 0, from its origin on; of an alpha mask all that is
    not transparent. The size that is stated tells whether the photo was labelled turned, as EXIF says, or as it is
    stored; turned where both have that size. A dataset whose folder is called as a split is one, else a photo's tag
    may name it. Classes are those of meta.json, in its order, but for those of a shape without an area; by name
    where it is missing.

    Raises:
        RecycleError: see `ShapeSource`; no annotation of Supervisely, or none with an area.
    """
    tree = Tree(context.root)
    folders = options.folders or names_of(tree, context, recognise, "folders", "Supervisely", "ds/ann")
    labels = Labels(context.root / folders[0])
    classes, titles = _classes(tree)
    labels.names = classes
    places = PhotoIndex(tree.photos)
    for folder in folders:
        inside = "" if folder == "." else PurePosixPath(folder).as_posix()
        for name in tree.folders.get(inside, ()):
            if name.lower().endswith(".json"):
                _read(labels, context.root, name, _photo(places, name), titles)
    labels.refuse_no_area("label polygons or masks in Supervisely; boxes, points and lines say nothing of pixels")
    labels.names = labels.names or sorted_names(labels.photos)
    named = {normalize("NFC", photo.name) for photo in labels.photos}
    images = {(PurePosixPath(folder).parent / "img").as_posix() for folder in folders}
    own = (normalize("NFC", name) for name in tree.photos if name.rpartition("/")[0] in images)
    labels.left_out.update({NO_ANNOTATION_FILE: count} if (count := sum(name not in named for name in own)) else {})
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _photo(places: PhotoIndex, annotation: str) -> str:
    """The photo of an annotation file; where it should lie, if it is not there."""
    path = PurePosixPath(annotation)
    own = path.parent.parent
    folders = [own / "img", path.parent, own / "images", own]
    stems = (path.stem, PurePosixPath(path.stem).stem)
    found = places.exact(folders, path.stem) or next(filter(None, (places.by_stem(folders, one) for one in stems)), "")
    return found or (folders[0] / path.stem).as_posix()


def _classes(tree: Tree) -> tuple[list[str], dict[Any, str]]:
    """Classes that may have an area in the order of meta.json, and all titles by id."""
    names: list[str] = []
    titles: dict[Any, str] = {}
    for name in tree.named(META):
        try:
            content = parse_loose_json(read_large(tree.root / name), tree.root / name)
        except (RecycleError, ValueError):
            continue
        if not is_meta(content):
            continue
        for one in content["classes"]:
            if isinstance(one.get("id"), int | str):
                titles[one["id"]] = str(one["title"])
            if str(one.get("shape", "any")) in SUPERVISELY_AREAS:
                names.append(str(one["title"]))
    return list(dict.fromkeys(names)), titles


def _read(labels: Labels, root: Path, name: str, photo: str, titles: Mapping[Any, str]) -> None:
    """One annotation file."""
    file = root / name
    content = labels.json(file)
    if not is_annotation(content):
        if file.name != META:
            labels.left_out["JSON files that are no annotation of a photo"] += 1
        return
    known = len(labels.faults)
    size = labels.size(content["size"]["height"], content["size"]["width"], str(file), (root, photo))
    if size is None:
        if len(labels.faults) == known:
            labels.faults.append((str(file), "its size is no pair of numbers"))
        return
    split = nearest_split(PurePosixPath(photo)) or _tagged(content)
    shapes: list[Shape] = []
    for number, one in enumerate(content["objects"], start=1):
        shapes += _shapes(labels, f"{file}: object {number}", one, number, titles, size)
    labels.photos.append(LabelledPhoto(photo, shapes, *size, split))


def _tagged(content: Mapping[str, Any]) -> str:
    """The split that a photo's tags name; "" where none does, or several do."""
    tags = content.get("tags")
    names = [one.get("name") if isinstance(one, dict) else one for one in (tags if isinstance(tags, list) else [])]
    splits = {split for name in names if isinstance(name, str) and (split := split_called(name))}
    return splits.pop() if len(splits) == 1 else ""


def _shapes(
    labels: Labels, where: str, one: Mapping[str, Any], level: int, titles: Mapping[Any, str], size: tuple[int, int]
) -> Iterator[Shape]:
    """The labelled area of an object; all else is counted as left out."""
    if not isinstance(one, dict):
        labels.faults.append((where, "it is no object"))
        return
    number = one.get("classId")
    title = one.get("classTitle") or (titles.get(number) if isinstance(number, int | str) else None)
    key = next((key for key in BITMAP_KEYS if isinstance(one.get(key), dict)), None)
    kind = str(one.get("geometryType") or one.get("shape") or ("bitmap" if key else "polygon"))
    if key is None and kind not in ("polygon", "multipolygon"):
        labels.left_out[SUPERVISELY_SKIPPED.get(kind, f"objects of type {kind}")] += 1
    elif title is None:
        labels.faults.append((where, "it names no class"))
    elif key is not None:
        yield from _mask(labels, where, str(title), one[key], level, size)
    elif kind == "multipolygon":
        parts = one.get("parts")
        for part in parts if isinstance(parts, list) else [None]:
            yield from _polygon(labels, where, str(title), part, level)
    else:
        yield from _polygon(labels, where, str(title), one.get("points"), level)


def _polygon(labels: Labels, where: str, title: str, points: Any, level: int) -> Iterator[Shape]:
    if not isinstance(points, dict) or not isinstance(points.get("exterior"), Sequence):
        labels.faults.append((where, "it has no exterior"))
        return
    interiors = points.get("interior") or []
    holes = [labels.outline(hole, where) for hole in interiors] if isinstance(interiors, list) else []
    yield Shape(title, [labels.outline(points["exterior"], where)], holes, level=level)


def _mask(
    labels: Labels, where: str, title: str, bitmap: Mapping[str, Any], level: int, size: tuple[int, int]
) -> Iterator[Shape]:
    try:
        left, top = (int(value) for value in bitmap["origin"])
        mask = png_mask(bitmap["data"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        labels.faults.append((where, f"its mask cannot be read: {error}"))
        return
    yield Shape(title, rle=placed(mask, left, top, *size), level=level)
