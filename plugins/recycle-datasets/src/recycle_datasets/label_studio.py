"""The `label-studio` dataset: Label Studio's own JSON, of tasks, of stored annotations and minimal (JSON-MIN)."""

import base64
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
from recycle_coco import (
    PHOTO_SUFFIXES,
    Tree,
    check_size,
    encode,
    locate,
    photo_size,
    resolve_file,
)

from recycle_datasets import LabelStudioOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.bitmaps import bands, png
from recycle_datasets.folders import names_of
from recycle_datasets.label_studio_tasks import Task, TaskRegion, kind_of, read_tasks
from recycle_datasets.labels import LabelledPhoto, Labels, is_file, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import HIDDEN, NOBODY_LABELLED
from recycle_datasets.recognise.label_studio import recognise
from recycle_datasets.rle import decode_brush
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recycle_datasets.xmls import parse_xml
from recyclecli.types import DatasetContext, RecycleError

PHOTO_KEYS = ("image", "img", "photo", "picture", "ocr", "url", "file")  # what the photo of a task is usually called
TAGS = ("PolygonLabels", "BrushLabels", "BitmaskLabels", "EllipseLabels", "VectorLabels", "Labels")  # of areas
SKIPPED_BY_ANNOTATORS = "photos that the annotators skipped"
EXPORT = "label and submit them in Label Studio, and export again as JSON"

COMPARED_SIZE_PIXELS = 2**24  # pixels of a size that is compared with the photo before anything is painted
Size = tuple[int, int]  # height and width in pixels


@dataclass(frozen=True, slots=True)
class _Config:
    """What a labelling configuration beside the tasks says: labels in its order, and data keys by the image's name."""

    labels: Sequence[str] = ()
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Labelled:
    """The regions of one photo of a task."""

    address: str
    where: str
    regions: Sequence[TaskRegion]
    size: Size | None


def open_label_studio(options: LabelStudioOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Label Studio's tasks, of one file or of several.

    Polygons, brush masks and ellipses are labelled areas, in per cent of the photo as it is before `image_rotation`
    turns it on the screen. Label Studio shows photos as a browser does, turned as EXIF says, and states that size; old
    browsers did not turn, and the stated size tells. It keeps no order of drawing: the smaller is on top. Of several
    annotations of a task the ground truth is taken, else the one that was changed last; skipped ones and predictions
    never are. The order of the classes is that of the labelling configuration, where it lies beside as XML, else
    by name. Of a region with several labels the first counts.

    Raises:
        RecycleError: see `ShapeSource`; no such file, none of Label Studio, no labelled task or no labelled area.
    """
    files = options.files or names_of(Tree(context.root), context, recognise, "files", "Label Studio", "result.json")
    config = _config(context.root)
    labels = Labels(context.root / files[0])
    found: dict[str, Task] = {}  # of which parts lie apart, in records or files of their own
    waiting: list[tuple[int, _Labelled]] = []  # for the size of their photo
    for name, split in zip(files, splits_of(files), strict=True):
        for task in read_tasks(context.root / name, split, found):
            waiting += _label(labels, task, options.image, config)
    for task in found.values():
        waiting += _label(labels, task, options.image, config)
    found_at = locate(context.root, [one.address for _, one in waiting]).found if waiting else {}
    for place, one in waiting:
        size = _size(context.root, found_at.get(one.address, one.address), one.size)
        if size is not None:
            shapes = list(_shapes(labels, one, size))
            labels.photos[place] = replace(labels.photos[place], shapes=shapes)
    if not labels.photos and not labels.faults:
        raise RecycleError(f"{labels.file} holds no labelled task{labels.instead()}", EXPORT)
    labels.refuse_no_area("draw polygons or brush masks in Label Studio, and export again as JSON")
    labels.names = list(dict.fromkeys([*config.labels, *sorted_names(labels.photos)]))
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _config(root: Path) -> _Config:
    """The first labelling configuration below a folder, an XML file of a <View>."""
    tree = Tree(root)
    labels: list[str] = []
    images: dict[str, str] = {}

    def start(path: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        if path[-1] == "Label" and any(tag in path for tag in TAGS):
            labels.append(attributes.get("alias") or attributes.get("value", ""))
        elif path[-1] == "Image":
            images[attributes.get("name", "")] = attributes.get("value", attributes.get("valueList", "")).lstrip("$")

    for name in tree.few(".xml"):
        if "<View" in tree.head(name, 2**12):
            with contextlib.suppress(RecycleError):  # it would only tell an order
                parse_xml(root / name, start)
                break
    return _Config([*filter(None, labels)], images)


def _label(labels: Labels, task: Task, key: str | None, config: _Config) -> Iterator[tuple[int, _Labelled]]:
    """Add the photos of a task to the labels; yield those whose size, and with it their shapes, is not
    known, or so large that their photo is to be looked at first."""
    annotation = _annotation(labels, task)
    if annotation is None:
        return
    for one in _photos(labels, task, annotation, key, config):
        height, width = one.size or (None, None)
        known = one.size is not None and one.size[0] * one.size[1] <= COMPARED_SIZE_PIXELS
        shapes = list(_shapes(labels, one, one.size)) if known and one.size else []
        photo = LabelledPhoto(one.address, shapes, height, width, task.split, str(task.file))
        if one.address.startswith("data:"):  # the photo itself
            inside = partial(base64.b64decode, one.address.partition(",")[2] + "==")
            photo = replace(photo, name=f"{task.file.stem}-{len(labels.photos) + 1}.png", embedded=inside)
        labels.photos.append(photo)
        if not known and one.regions:
            yield len(labels.photos) - 1, one


def _annotation(labels: Labels, task: Task) -> Mapping[str, Any] | None:
    """The annotation of a task that is taken; None where there is none."""
    if any(not isinstance(one, dict) for one in task.annotations):
        raise RecycleError(f"{task.file}: task {task.key} holds the ids of its annotations alone", EXPORT)
    if task.predictions:
        labels.left_out["predictions of models"] += task.predictions
    whole = [one for one in task.annotations if not one.get("was_cancelled") and not one.get("skipped")]
    if not whole:
        labels.left_out[SKIPPED_BY_ANNOTATORS if task.annotations else NOBODY_LABELLED] += 1
        return None
    if len(whole) > 1:
        labels.left_out["annotations of a task beside the one that is taken"] += len(whole) - 1
    chosen: Mapping[str, Any] = max(
        whole, key=lambda one: (bool(one.get("ground_truth")), str(one.get("updated_at") or one.get("created_at")))
    )
    return chosen


def _photos(
    labels: Labels, task: Task, annotation: Mapping[str, Any], key: str | None, config: _Config
) -> Iterator[_Labelled]:
    """The photos of a task with their regions; most tasks have one."""
    results = annotation.get("result")
    regions = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    addresses = _addresses(task, key)
    names = [config.images.get(str(one.get("to_name")), one.get("to_name")) for one in regions]
    used = [name for name in dict.fromkeys(names) if name in addresses] if len(addresses) > 1 and key is None else []
    chosen = used or [next(iter(addresses), "")]
    if further := sum(len(pages) for name, pages in addresses.items() if name not in chosen):
        labels.left_out["further photos of tasks, without regions"] += further
    for name in chosen:
        pages = addresses.get(name) or [task.upload]
        own = [one for one, to in zip(regions, names, strict=True) if to == name or len(chosen) == 1]
        for page, address in enumerate(pages):
            shown = own if len(pages) == 1 else [one for one in own if (one.get("item_index") or 0) == page]
            where = f"{task.file}: task {task.key}"
            yield _Labelled(_plain(address), where, shown, _stated_size(labels, where, shown))


def _addresses(task: Task, key: str | None) -> dict[str, list[str]]:
    """The data of a task that are addresses of photos, by their keys, the likeliest first."""
    found: dict[str, list[str]] = {}
    for name, value in task.data.items():
        values = value if isinstance(value, list) else [value]
        texts = [one for one in values if isinstance(one, str) and (name == key or _is_address(one))]
        if texts and key in (None, name):
            found[name] = texts
    rank = {name: place for place, name in enumerate(PHOTO_KEYS)}
    return dict(sorted(found.items(), key=lambda pair: rank.get(pair[0].lower(), len(PHOTO_KEYS))))


def _is_address(text: str) -> bool:
    path = text.partition("?d=")[2] or text.partition("?")[0]
    is_photo = PurePosixPath(unquote(path)).suffix.lower() in PHOTO_SUFFIXES if len(path) < 2**12 else False
    return is_photo or text.startswith("data:image/") or "fileuri=" in text or "/data/upload/" in text


def _plain(address: str) -> str:
    """An address without what Label Studio wraps around it."""
    if "fileuri=" in address:  # /tasks/1/presign/?fileuri=BASE64
        text = unquote(address.partition("fileuri=")[2].partition("&")[0])
        with contextlib.suppress(ValueError):
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    if "?d=" in address:
        return unquote(address.partition("?d=")[2].partition("&")[0]).replace("\\", "/")
    return address


def _stated_size(labels: Labels, where: str, regions: Sequence[TaskRegion]) -> Size | None:
    for one in regions:
        if size := labels.size(one.get("original_height"), one.get("original_width"), where):
            return size
    return None


def _size(root: Path, place: str, stated: Size | None) -> Size | None:
    """The size that a photo was labelled at: its own where none is stated, which else must fit it; None without it."""
    if not is_file(root, place):
        return stated if place.startswith("data:") else None
    if stated is not None:
        check_size(resolve_file(root, place), *stated)
        return stated
    with contextlib.suppress(RecycleError):
        return photo_size(resolve_file(root, place))
    return None


def _shapes(labels: Labels, photo: _Labelled, size: Size) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for value, name, hidden, where in _regions(labels, photo):
        kind = kind_of(value)
        if hidden:
            labels.left_out[HIDDEN] += 1
        elif kind in ("box", "keypoint", "vector"):
            labels.left_out[{"box": "boxes", "keypoint": "keypoints", "vector": "vectors"}[kind]] += 1
        elif kind == "polygon" and value.get("closed") is False:
            labels.left_out["polygons that are not closed"] += 1
        elif not name:
            labels.left_out["regions without a label"] += 1
        else:
            shape = _shape(labels, where, kind, value, name, size)
            if shape is not None:
                yield shape


def _regions(labels: Labels, photo: _Labelled) -> Iterator[tuple[Mapping[str, Any], str, bool, str]]:
    """Of each region its value, its label, whether it is hidden, and where it is, for messages.

    A shape and its label may be two results, of one id, or in JSON-MIN of one place.
    """
    values: dict[str, dict[str, Any]] = {}
    hidden: set[str] = set()
    for number, result in enumerate(photo.regions):
        value = result.get("value")
        if not isinstance(value, dict):
            continue
        key = str(result.get("id") or {name: one for name, one in value.items() if not _is_label(name)})
        if not kind_of(value) and key not in values:
            labels.left_out["tags and texts"] += 1
            continue
        known = values.setdefault(key, {"": number})
        known.update(value)
        if result.get("hidden"):
            hidden.add(key)
    for key, value in values.items():
        named = [one for name, texts in value.items() if _is_label(name) and isinstance(texts, list) for one in texts]
        labels.left_out.update({"further labels of a region": len(named) - 1} if len(named) > 1 else {})
        yield value, str(named[0]) if named else "", key in hidden, f"{photo.where}, region {value[''] + 1}"


def _is_label(name: str) -> bool:
    return name.endswith("labels")


def _shape(labels: Labels, where: str, kind: str, value: Mapping[str, Any], name: str, size: Size) -> Shape | None:
    """A labelled area in pixels; None and a fault where it cannot be used."""
    height, width = size
    try:
        if kind == "polygon":
            return Shape(name, [labels.outline(value["points"], where, (width / 100, height / 100))])
        if kind == "ellipse":
            x, y, across, down = (float(value[key]) / 100 for key in ("x", "y", "radiusX", "radiusY"))
            turn = float(value.get("rotation") or 0)
            corners = ellipse(x * width, y * height, across * width, down * height, turn)
            return Shape(name, [labels.outline(corners, where)])
        if kind == "brush":
            if not value["rle"]:
                labels.left_out["brush regions without a stroke"] += 1
                return None
            return Shape(name, rle=encode(decode_brush(value["rle"], height, width)))
        return Shape(name, rle=encode(_bitmask(str(value["imageDataURL"]), height, width)))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        labels.faults.append((where, f"its {kind} cannot be used: {error}"))
        return None


def _bitmask(address: str, height: int, width: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The drawn pixels (H, W) of a PNG in a data address.

    Raises:
        ValueError: no such address, no PNG, or of another size.
    """
    found = np.zeros((height, width), bool)
    with png(base64.b64decode(address.partition(",")[2])) as image:
        if image.size != (width, height):
            raise ValueError(f"it is {image.width}x{image.height} pixels, and the photo {width}x{height}")
        image.load()
        for rows, band in bands(image):
            pixels = np.asarray(band.convert("RGBA"))
            found[rows] = (pixels[..., :3].max(-1) > 0) & (pixels[..., 3] > 0)
    return found
