"""The `darwin` dataset: V7's Darwin JSON, versions 2.0 and 1.0, as it is downloaded or pulled."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from recycle_coco import Tree, parse_loose_json, read_large
from scipy import ndimage

from recycle_datasets import DarwinOptions
from recycle_datasets.bitmaps import placed, whole_runs
from recycle_datasets.folders import lines_of, names_of
from recycle_datasets.labels import LabelledPhoto, Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.recognise.darwin import is_annotation, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError

DATASET_METADATA = Path(".v7", "metadata.json")  # beside the annotations: the classes of the dataset
DARWIN_AREAS = frozenset({"polygon", "complex_polygon", "mask"})
SYSTEM = "__raster_layer__"  # a class of Darwin's own, which holds the pixels of masks
DARWIN_SKIPPED = {
    "ellipse": "ellipses",
    "tag": "tags",
    "line": "lines",
    "keypoint": "keypoints",
    "skeleton": "skeletons",
    "cuboid": "cuboids",
    "eye": "eyes",
    "frames": "objects of videos",
    "bounding_box": "boxes",
}


def open_darwin(options: DarwinOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Darwin's items, those without an annotation too.

    The rings of a polygon are filled as V7 does it: what lies in an odd number of them is inside. Masks are the values
    of the item's raster layer that the mask's id is mapped to, row by row. Darwin keeps no order of drawing: the
    smaller is on top. Of an item with several slots each image is a photo. The size that is stated tells whether the
    photo was labelled turned, as EXIF says, or as it is stored; turned where both have that size. Classes are those of
    .v7/metadata.json that may have an area, in its order; by name where it is missing. Splits are those of the lists
    that `darwin dataset split` makes, the random ones first, or of folders.

    Raises:
        RecycleError: see `ShapeSource`; no file of Darwin JSON, or none with an area.
    """
    tree = Tree(context.root)
    folders = options.folders or names_of(tree, context, recognise, "folders", "V7", "annotations")
    labels = Labels(context.root / folders[0])
    places = PhotoIndex(tree.photos)
    for folder in folders:
        inside = "" if folder == "." else PurePosixPath(folder).as_posix()
        labels.names = list(dict.fromkeys([*labels.names, *_classes(context.root / inside)]))
        splits = _splits(context.root / inside)
        for name in tree.folders.get(inside, ()):
            if name.lower().endswith(".json"):
                _read(labels, context.root, name, splits, places)
    labels.refuse_no_area("label polygons or masks in V7; boxes, ellipses, lines and tags are no areas")
    labels.names = labels.names or sorted_names(labels.photos)
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _classes(folder: Path) -> Iterator[str]:
    """Classes that may have an area, in the order of the dataset's metadata."""
    for place in (folder, *folder.parents[:2]):
        try:
            content = parse_loose_json(read_large(place / DATASET_METADATA), place / DATASET_METADATA)
            break
        except (RecycleError, ValueError):
            continue
    else:
        return
    classes = content.get("classes") if isinstance(content, dict) else None
    for one in classes if isinstance(classes, list) else []:
        if isinstance(one, dict) and one.get("type") in DARWIN_AREAS and one.get("name"):
            yield str(one["name"]).strip()


def _splits(folder: Path) -> dict[str, str]:
    """Last part of an annotation file's name to its split, of the lists that lie beside the folder."""
    lists = folder.parent / "lists"
    places = sorted(place for place in lists.glob("*") if place.is_dir() and not place.is_symlink())
    chosen = [lists / "default"] if (lists / "default").is_dir() else places
    found: dict[str, str] = {}
    if len(chosen) == 1:
        for way in ("random", "stratified_polygon"):
            for split in ("train", "val", "test"):
                file = chosen[0] / f"{way}_{split}.txt"
                for line in lines_of(file) if file.is_file() else []:
                    found.setdefault(line.replace("\\", "/").rpartition("/")[2], split)
            if found:
                break
    return found


def _read(labels: Labels, root: Path, name: str, splits: Mapping[str, str], places: PhotoIndex) -> None:
    """One annotation file, of an item with one slot or several."""
    file = root / name
    content = labels.json(file)
    if not is_annotation(content):
        labels.left_out["JSON files that are no Darwin JSON"] += 1
        return
    annotations = [one for one in content["annotations"] if isinstance(one, dict)]
    last = name.rpartition("/")[2]
    folder = PurePosixPath(name).parent
    split = splits.get(last, "") or nearest_split(folder)
    images = list(_images(labels, content))
    for slot, photo, stated in images:
        place = _place(places, folder, photo)
        size = labels.size(stated.get("height"), stated.get("width"), f"{file}: slot {slot}", (root, place))
        own = [one for one in annotations if len(images) == 1 or not one.get("slot_names") or slot in one["slot_names"]]
        shapes = list(_shapes(labels, str(file), own, size))
        own_split = split or nearest_split(photo.parent)
        height, width = size or (None, None)
        labels.photos.append(LabelledPhoto(place, shapes, height, width, own_split))


def _images(labels: Labels, content: Mapping[str, Any]) -> Iterator[tuple[str, PurePosixPath, Mapping[str, Any]]]:
    """The photos of an item: slot, where it lies, and what states its height and width."""
    item, image = content.get("item"), content.get("image")
    if not isinstance(item, dict):
        image = image if isinstance(image, dict) else {}
        if "frame_count" in image or "frame_urls" in image:
            labels.left_out["videos"] += 1
        else:
            yield "0", _below(image.get("path")) / _plain(image.get("filename")), image
        return
    given = item.get("slots")
    slots = [one for one in (given if isinstance(given, list) else []) if isinstance(one, dict)] or [{}]
    for slot in slots:
        files = slot.get("source_files")
        files = [one for one in (files if isinstance(files, list) else []) if isinstance(one, dict)]
        source = _plain(files[0].get("file_name") if files else slot.get("file_name"))
        name = _plain(item.get("name"))
        own = str(slot.get("slot_name", "0"))
        if slot.get("type", "image") != "image" or slot.get("frame_urls") or len(files) > 1:
            labels.left_out["videos, volumes and documents"] += 1
        elif len(slots) == 1:
            stem, suffix = PurePosixPath(name), PurePosixPath(source or name).suffix
            yield own, _below(item.get("path")) / (stem.stem + suffix if suffix else name), slot
        else:
            yield own, _below(item.get("path")) / name / own / (source or name), slot


def _plain(name: Any) -> str:
    """The last part of a file's name."""
    return str(name or "").replace("\\", "/").rstrip("/").rpartition("/")[2]


def _below(path: Any) -> PurePosixPath:
    """A folder of the dataset as one below the photos' folder."""
    parts = str(path or "").replace("\\", "/").split("/")
    return PurePosixPath(*(part for part in parts if part not in ("", ".", "..")))


def _place(places: PhotoIndex, folder: PurePosixPath, photo: PurePosixPath) -> str:
    """Where a photo lies: in images/ of the folder above the releases, or of another above; else as it is called."""
    above = [folder, *folder.parents]
    return places.exact([*(one / "images" for one in above), *above], photo.as_posix()) or photo.as_posix()


def _shapes(
    labels: Labels, file: str, annotations: Sequence[Mapping[str, Any]], size: tuple[int, int] | None
) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    masks = _masks(labels, file, annotations, size)
    for number, one in enumerate(annotations, start=1):
        where = f"{file}: annotation {number}"
        name = str(one.get("name") or "").strip()
        outlines = _outlines(labels, where, one)
        if name == SYSTEM or "raster_layer" in one:
            continue
        if outlines is None and "mask" not in one:
            kind = next((what for key, what in DARWIN_SKIPPED.items() if key in one), "annotations of other kinds")
            labels.left_out[kind] += 1
        elif not name:
            labels.faults.append((where, "it names no class"))
        elif outlines is not None:
            yield Shape(name, outlines, even_odd=True)
        elif str(one.get("id")) in masks:
            yield Shape(name, rle=masks[str(one.get("id"))])
        else:
            labels.left_out["masks without a pixel"] += 1


def _outlines(labels: Labels, where: str, one: Mapping[str, Any]) -> list[list[float]] | None:
    """The rings of a polygon, in whatever version; None for another annotation."""
    polygon = next((one[key] for key in ("polygon", "complex_polygon") if isinstance(one.get(key), dict)), None)
    if polygon is None or "frames" in one:
        return None
    paths = polygon.get("paths") or polygon.get("path") or []
    if isinstance(paths, list) and paths and isinstance(paths[0], dict):
        paths = [paths]
    more = polygon.get("additional_paths") or []
    if not isinstance(paths, list) or not isinstance(more, list):
        labels.faults.append((where, "its paths are no list"))
        return []
    return [labels.outline(path, where) for path in [*paths, *more]]


def _masks(
    labels: Labels, file: str, annotations: Sequence[Mapping[str, Any]], size: tuple[int, int] | None
) -> dict[str, Mapping[str, Any]]:
    """Masks by the ids of their annotations."""
    found: dict[str, Mapping[str, Any]] = {}
    for number, one in enumerate(annotations, start=1):
        layer = one.get("raster_layer")
        if not isinstance(layer, dict):
            continue
        where = f"{file}: annotation {number}"
        mapping = layer.get("mask_annotation_ids_mapping")
        if size is None or not isinstance(mapping, dict):
            labels.faults.append((where, "its item states no size" if size is None else "it maps no masks"))
            continue
        try:
            found.update(_run_masks(layer.get("dense_rle") or [], mapping, *size))
        except ValueError as error:
            labels.faults.append((where, str(error)))
    return found


def _run_masks(runs: Sequence[int], wanted: Mapping[str, int], height: int, width: int) -> dict[str, dict[str, Any]]:
    """The masks of values that are written as runs, row by row, as COCO RLE by name.

    Args:
        runs: value, count, value, count ... over the whole photo.
        wanted: name to the value of its pixels; names without a pixel are left out.
        height, width: of the photo.

    Raises:
        ValueError: the runs are no numbers, or do not cover the photo.
    """
    try:
        values, counts = np.asarray(runs, np.int64).reshape(-1, 2).T
        counts = whole_runs(counts, height * width)
        names = {int(value): name for name, value in wanted.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its runs cannot be used: {error}") from error
    if counts.sum() != height * width:
        raise ValueError(f"its runs cover {counts.sum()} pixels, and the photo has {height}x{width}")
    order = sorted(names)
    numbers = np.searchsorted(order, values)
    known = np.isin(values, order)
    small = np.min_scalar_type(len(order))
    labels = np.repeat(np.where(known, numbers + 1, 0).astype(small), counts).reshape(height, width)
    found = {}
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is not None:
            rows, columns = window
            mask = labels[window] == number
            found[names[order[number - 1]]] = placed(mask, columns.start, rows.start, height, width)
    return found
