"""`recycle data merge`: several sets of labelled photos as one COCO folder, the same photo once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recycle_coco import BACKGROUND, CocoSource, is_background
from recycle_coco.archive import refuse_archive
from recycle_coco.document import PROVENANCE
from recycle_coco.labels import NO_BACKGROUND
from recycle_coco.paths import TEST_FILE, WHOLE_FILE

from recycle_data.coco_document import document_of
from recycle_data.convert.coco import part
from recycle_data.convert.photos import inside, put_photo, read_records, to_write
from recycle_data.importing.write import other_set
from recycle_data.named_splits import named_splits
from recycle_data.output_folder import refuse_output_folder
from recycle_data.owned import Owned
from recycle_data.progress import track
from recycle_data.sources import open_source, read_labels, relabelled
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry
from recyclecli.types import Record, Source

SPLIT_ORDER = ("test", "val", "train")  # where a photo of several splits stays: in the first
Take = Literal["first", "last"]

PhotoPlace = tuple[int, int]  # a set, and a photo's index in it


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written.

    Attributes:
        files: annotation files, that of the whole set or of the training photos first.
        photos: of each set, how many were written.
        doubled: photos that several sets hold, written once.
        conflicts: those of them whose labels differ, as the two places.
        renamed: photos whose name another set uses too: new name to old one.
        added: classes that the first set lacks.
    """

    files: tuple[Path, ...]
    photos: tuple[int, ...]
    doubled: int
    conflicts: tuple[tuple[str, str], ...]
    renamed: Mapping[str, str]
    added: tuple[str, ...]


def merge(
    registry: Registry,
    roots: Sequence[Path],
    out: Path,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    take: Take | None = None,
    link: bool = False,
    force: bool = False,
) -> Merged:
    """Write the photos and labels of several sets to `out`: classes by name, ids anew, the same photo once.

    Whether two photos are one is decided by their pixels, also where one was saved anew. Splits that sets name are
    kept; photos of sets without are for training then. A photo that two sets have in different splits stays in the one
    that judges: the test, then validation.

    Args:
        registry: the installed components.
        roots: the sets; the order of the first one's classes is kept, and its names of photos.
        out: folder to write to.
        dataset: name of the component that reads them.
        options: its settings.
        take: whose labels count where two sets label one photo differently; None refuses such photos.
        link: link the photos rather than copy them.
        force: replace what was written there.

    Raises:
        RecycleError: data that cannot be read, labels of one photo that differ, sets with and without a background,
            or a file that exists.
    """
    refuse_output_folder(out)
    if len(roots) < 2 or len({root.absolute() for root in roots}) < len(roots):
        raise RecycleError("merge joins two sets or more, each named once", "recycle data merge A B --out C")
    for root in roots:
        refuse_archive(root, "the data's folder is expected")
    if gone := [root for root in roots if not root.is_dir()]:
        what = "is a file" if gone[0].exists() else "does not exist"
        raise RecycleError(f"{gone[0]} {what}", "name the folders: recycle data merge A B --out C")
    if inside_of := [root for root in roots if out.resolve().is_relative_to(root.resolve())]:
        place = "is one of the sets" if out.resolve() == inside_of[0].resolve() else f"lies in the set {inside_of[0]}"
        raise RecycleError(f"{out} {place}", "name a new folder beside them with --out")
    sources = [open_source(registry, root, None, dataset, options) for root in roots]
    named = [named_splits(source).photos() for source in sources]
    if dataset == "coco":
        roots, sources, named = _with_tests(registry, roots, sources, named, options)
    documents = [document_of(source) for source in sources]
    categories = _categories(documents, roots)
    groups, doubled, conflicts = _once(sources, roots, take)
    kept = sorted(groups)
    records = [read_records(source) for source in sources]
    names = _names(kept, records, roots)
    splits = _splits(named, kept, groups)
    document = _document(documents, categories, kept, names)
    photos = [out / names[place] for place in kept]
    files = [out / f"{split}.json" for split in splits] or [out / WHOLE_FILE]
    owned, others = Owned(out), other_set(out, files, force)
    with owned.begun(files[0], [*to_write(photos, [records[k][index] for k, index in kept], link), *files[1:]], force):
        for (k, index), target in zip(
            track(kept, len(kept), "linking photos" if link else "copying photos"), photos, strict=True
        ):
            put_photo(owned, sources[k], index, records[k][index], target, link)
        for file, chosen in reversed([*zip(files, splits.values() or [set(range(len(kept)))], strict=True)]):
            owned.write_json(file, part(document, chosen))
        owned.remove(others)
    renamed = {names[k, index]: inside(records[k][index]) for k, index in kept}
    return Merged(
        tuple(files),
        tuple(sum(roots[place[0]] == root for place in kept) for root in dict.fromkeys(roots)),
        doubled,
        tuple(conflicts),
        {new: old for new, old in renamed.items() if new != old},
        tuple(name for name in categories if name not in {one["name"] for one in documents[0]["categories"]}),
    )


def _with_tests(
    registry: Registry,
    roots: Sequence[Path],
    sources: list[Source],
    named: list[dict[str, tuple[int, ...]]],
    options: Mapping[str, Any],
) -> tuple[list[Path], list[Source], list[dict[str, tuple[int, ...]]]]:
    """The sets, and the test.json of each as a set behind it, which COCO folders keep apart from what is trained on."""
    places, found, splits = [], [], []
    for root, source, own in zip(roots, sources, named, strict=True):
        places.append(root)
        found.append(source)
        splits.append(own)
        if (root / TEST_FILE).is_file():
            test = open_source(registry, root, str(root / TEST_FILE), options=options)
            places.append(root)
            found.append(test)
            splits.append({"test": tuple(range(len(test)))})
    return places, found, splits


def _categories(documents: Sequence[Mapping[str, Any]], roots: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Name to category, with new ids: the first set's in their order, then what others add."""
    grounds = [any(one.get(NO_BACKGROUND) is True for one in document["categories"]) for document in documents]
    if len(set(grounds)) > 1:
        first, other = roots[grounds.index(True)], roots[grounds.index(False)]
        raise RecycleError(
            f"{first} has no background and {other} has one, so that their labels cannot be those of one set",
            f"give {first} a background: rename one of its classes to {BACKGROUND} in the labelling tool",
        )
    found: dict[str, dict[str, Any]] = {}
    for document in documents:
        for category in sorted(document["categories"], key=lambda one: int(one["id"])):
            name = _spelled(category["name"], found)
            found.setdefault(name, {**category, "name": name, "id": len(found) + (0 if grounds[0] else 1)})
    return found


def _spelled(name: str, known: Mapping[str, Any]) -> str:
    """A category's name as it is known: a background may be spelled otherwise."""
    return next((other for other in known if is_background(other)), name) if is_background(name) else name


def _once(
    sources: Sequence[Source], roots: Sequence[Path], take: Take | None
) -> tuple[dict[PhotoPlace, list[PhotoPlace]], int, list[tuple[str, str]]]:
    """Each photo to write with the places it lies in, how many sets hold more than once, and whose labels differ."""
    import numpy as np

    from recycle_data.duplicates import one_photo
    from recycle_data.identity import identities

    places = [(k, index) for k, source in enumerate(sources) for index in range(len(source))]
    same = one_photo(np.concatenate([identities(source) for source in sources]))
    first: dict[int, PhotoPlace] = {}
    kept: dict[PhotoPlace, list[PhotoPlace]] = {}
    doubled, conflicts = 0, []
    for place, number in zip(places, same.tolist(), strict=True):
        earlier = first.setdefault(number, place)
        if earlier[0] == place[0]:  # the only one, or a copy in its own set, which is that set's affair
            kept[place] = [place]
            continue
        doubled += 1
        kept[earlier].append(place)
        if all(_is_labelled(sources[k]) for k, _ in (earlier, place)) and not _equal(sources, earlier, place):
            one, other = (str(roots[k] / sources[k].record(index).file_name) for k, index in (earlier, place))
            conflicts.append((one, other))
            if take == "last":
                kept[place] = kept.pop(earlier)
                first[number] = place
    if conflicts and take is None:
        shown = "\n  ".join(" and ".join(pair) for pair in conflicts[:5])
        raise RecycleError(
            f"{counted(len(conflicts), 'photo')} labelled differently in two sets:\n  {shown}",
            f"say whose labels count: --take first, or --take last; or take the photos out of {roots[-1]}",
        )
    return kept, doubled, conflicts


def _is_labelled(source: Source) -> bool:
    """Whether a set has labels at all, which photos of a contest's test have not."""
    return not isinstance(source, CocoSource) or bool(source.document["annotations"])


def _equal(sources: Sequence[Source], one: PhotoPlace, other: PhotoPlace) -> bool:
    """Whether two photos are labelled alike, by the names of the classes."""
    import numpy as np

    names = tuple(dict.fromkeys([*sources[one[0]].class_names, *sources[other[0]].class_names]))
    grounds = [name for name in names if is_background(name)]
    names = tuple(name for name in names if name not in grounds[1:])
    first, second = (read_labels(relabelled(sources[k], names), index)[0] for k, index in (one, other))
    return np.array_equal(first, second)


def _names(
    kept: Sequence[PhotoPlace], records: Sequence[Sequence[Record]], roots: Sequence[Path]
) -> dict[PhotoPlace, str]:
    """What each photo is called: as in its set, behind the set's own name where another set has that name."""
    found: dict[PhotoPlace, str] = {}
    taken: set[str] = set()
    for k, index in kept:
        name = own = inside(records[k][index])
        number = 1
        while name.casefold() in taken:
            folder = roots[k].absolute().name + (f"-{number}" if number > 1 else "")
            name, number = os.path.join(folder, own), number + 1  # noqa: PTH118 - a name, no path
        taken.add(name.casefold())
        found[k, index] = name
    return found


def _splits(
    named: Sequence[Mapping[str, Sequence[int]]],
    kept: Sequence[PhotoPlace],
    groups: Mapping[PhotoPlace, Sequence[PhotoPlace]],
) -> dict[str, set[int]]:
    """The photos of each split, as places in `kept`; none where no set names any."""
    if not any(named):
        return {}
    of = {(k, index): split for k, splits in enumerate(named) for split, photos in splits.items() for index in photos}
    found: dict[str, set[int]] = {}
    for number, place in enumerate(kept):
        splits = {of.get(one, "train") for one in groups[place]}
        judging = next(split for split in SPLIT_ORDER if split in splits)
        found.setdefault(judging, set()).add(number)
    return {split: found[split] for split in reversed(SPLIT_ORDER) if split in found}


def _document(
    documents: Sequence[Mapping[str, Any]],
    categories: Mapping[str, Mapping[str, Any]],
    kept: Sequence[PhotoPlace],
    names: Mapping[PhotoPlace, str],
) -> dict[str, Any]:
    """One document of the photos in `kept`, in their order."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    origins: list[dict[str, Any]] = []
    for k, document in enumerate(documents):
        listing = document["images"]
        numbers = {listing[index]["id"]: number for number, (of, index) in enumerate(kept, start=1) if of == k}
        renamed = {listing[index]["file_name"]: names[of, index] for of, index in kept if of == k}
        ids = {one["id"]: _spelled(one["name"], categories) for one in document["categories"]}
        chosen = [one for one in document["annotations"] if one["image_id"] in numbers]
        anew = {one.get("id"): number for number, one in enumerate(chosen, start=len(annotations) + 1)}
        for image in listing:
            if image["id"] in numbers:
                own = {"id": numbers[image["id"]], "file_name": renamed[image["file_name"]]}
                images.append(_traced(image, renamed, anew) | own)
        for number, one in enumerate(chosen, start=len(annotations) + 1):
            own = {"image_id": numbers[one["image_id"]], "category_id": categories[ids[one["category_id"]]]["id"]}
            annotations.append(_traced(one, renamed, anew) | {"id": number, **own})
        origins += _traced(document, renamed, anew).get(PROVENANCE, [])
    whole = {"images": sorted(images, key=lambda image: int(image["id"])), "annotations": annotations}
    return {**whole, "categories": list(categories.values()), **({PROVENANCE: origins} if origins else {})}


def _traced(entry: Mapping[str, Any], renamed: Mapping[str, str], anew: Mapping[Any, int]) -> dict[str, Any]:
    """An entry whose provenance names photos and annotations as they are called now."""
    if PROVENANCE not in entry:
        return dict(entry)
    origins = []
    for origin in entry[PROVENANCE]:
        own: dict[str, Any] = {"file_name": renamed.get(origin["file_name"], origin["file_name"])}
        if origin["file_name"] in renamed and "annotation_id" in origin:
            own["annotation_id"] = anew.get(origin["annotation_id"], origin["annotation_id"])
        origins.append({**origin, **own})
    return {**entry, PROVENANCE: origins}
