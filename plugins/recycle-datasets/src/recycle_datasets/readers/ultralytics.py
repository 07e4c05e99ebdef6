"""The `ultralytics` dataset: NDJSON of Ultralytics' platform, a line for the set and one for each photo."""

from typing import Any

from recycle_coco import Tree, split_called

from recycle_datasets import FilesOptions
from recycle_datasets.areas import is_number
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import base_of, lines, photo_of, size_of, source
from recycle_datasets.recognise.ultralytics import is_set, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

ULTRALYTICS_SKIPPED = {"boxes": "boxes", "obb": "boxes", "pose": "keypoints", "classification": "tags"}


def open_ultralytics(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos that the file names, those without an outline too.

    Outlines (`segments`: the number of the class, then x and y in shares of the sides) are labelled areas, the smaller
    on top. Splits are those of the lines. Classes stand in the order of their numbers. Stated sizes tell whether the
    photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Ultralytics", "data.ndjson")
    labels.file, places = context.root / files[0], PhotoIndex(tree.photos)
    names: dict[str, str] = {}
    for name in files:
        for where, line in lines(labels, context.root / name):
            if is_set(line):
                given = line["class_names"]
                pairs = (
                    given.items() if isinstance(given, dict) else enumerate(given if isinstance(given, list) else [])
                )
                names |= {str(key): str(value).strip() for key, value in pairs}
            elif isinstance(line, dict) and line.get("type") == "image":
                _image(labels, context, places, where, line, names)
    order = sorted(names, key=lambda key: (not is_number(key), int(key) if is_number(key) else 0))
    return source(context, labels, "Ultralytics", [names[key] for key in order])


def _image(
    labels: Labels, context: DatasetContext, places: PhotoIndex, where: str, line: dict[str, Any], names: dict[str, str]
) -> None:
    """One photo."""
    photo, split = base_of(line.get("file") or line.get("url")), split_called(str(line.get("split") or ""))
    place = places.exact_base(photo) or photo
    size = labels.size(line.get("height"), line.get("width"), where)
    found = line.get("annotations")
    found = found if isinstance(found, dict) else {}
    sides = size
    if sides is None and found.get("segments"):
        sides = size_of(context.root, place, {})
    shapes = []
    for kind, entries in found.items():
        count = len(entries) if isinstance(entries, list) else 0
        if kind != "segments":
            labels.left_out.update(
                {ULTRALYTICS_SKIPPED.get(kind, f"annotations of kind {kind}"): count} if count else {}
            )
            continue
        for number, one in enumerate(entries if isinstance(entries, list) else [], start=1):
            key = str(one[0]) if isinstance(one, list) and one else "?"
            if key not in names:
                labels.faults.append((f"{where}, segment {number}", f"no class has number {key}"))
            elif sides is not None:  # else the photo is missing, which is counted
                outline = labels.outline(one[1:], f"{where}, segment {number}", (sides[1], sides[0]))
                shapes.append(Shape(names[key], [outline]))
    labels.photos.append(photo_of(place, shapes, size, split, where))
