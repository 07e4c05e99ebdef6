"""The `diffgram` dataset: Diffgram's JSON export, with one entry for each file beside `label_map`."""

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Outline, Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, VIDEOS_AND_DOCUMENTS, documents, photo_of, source
from recycle_datasets.recognise.diffgram import is_diffgram, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, counted

log = logging.getLogger("recycle.datasets")

OTHERS = {"box": "boxes", "point": "points", "line": "lines", "curve": "lines", "cuboid": "cuboids", "tag": "tags"}


def open_diffgram(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a Diffgram export.

    Polygons and ellipses are labelled areas, the smaller on top; merged polygons are one object of several parts.
    Photos without an instance that are not marked as complete are left out. Classes stand in the order of `label_map`.
    The stated size tells whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    turned: list[str] = []
    for name, content, split in documents(options, context, labels, recognise, "Diffgram", is_diffgram):
        file = context.root / name
        found = content.pop("label_map")
        called = {str(key): str(one).strip() for key, one in found.items()} if isinstance(found, dict) else {}
        names |= dict.fromkeys(called.values())
        for packet in _packets(content):
            _photo(labels, str(file), packet, called, split, turned)
    if turned:
        log.warning(
            f"note: {labels.file}: {counted(len(turned), 'photo')} labelled after a rotation in Diffgram, as "
            f"{turned[0]!r}: its outlines fit the rotated photo, which Diffgram serves, and not the original"
        )
    return source(context, labels, "Diffgram", names)


def _packets(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries of single files, those inside compound files too; each is let go of when the next is asked for."""
    for key in [*content]:
        packet = content.pop(key)
        if isinstance(packet, dict) and isinstance(packet.get("file"), dict):
            yield packet
            yield from _packets({inner: one for inner, one in packet.items() if inner.isdecimal()})


def _photo(
    labels: Labels, file: str, packet: Mapping[str, Any], called: Mapping[str, str], split: str, turned: list[str]
) -> None:
    """One file of the export."""
    about, image = packet["file"], packet.get("image")
    if not isinstance(image, dict):
        kind = str(about.get("type"))
        if kind != "compound":
            labels.left_out[VIDEOS_AND_DOCUMENTS if kind == "video" else f"files of type {kind}"] += 1
        return
    found = dicts(packet.get("instance_list"))
    photo = str(about.get("original_filename") or image.get("original_filename") or "")
    if not found and not about.get("ann_is_complete"):
        labels.left_out[NOBODY_LABELLED] += 1
        return
    if image.get("rotation_degrees"):
        turned.append(photo)
    where = f"{file}: {photo}"
    size = labels.size(image.get("height"), image.get("width"), where)
    shapes: list[Shape] = []
    for number, one in enumerate(found, start=1):
        shapes += _shapes(labels, f"{where}, instance {number}", one, called)
    labels.photos.append(photo_of(photo, shapes, size, split, file))


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], called: Mapping[str, str]) -> Iterator[Shape]:
    """The labelled area of an instance; all else is counted as left out."""
    kind, number = str(one.get("type")), str(one.get("label_file_id"))
    if kind not in ("polygon", "ellipse"):
        labels.left_out[OTHERS.get(kind, f"instances of type {kind}")] += 1
    elif not called.get(number):
        labels.faults.append((where, f"label_map does not name its label_file_id, {number}"))
    elif kind == "polygon":
        yield Shape(called[number], [labels.outline(part, where) for part in _figures(one.get("points"))])
    else:
        yield Shape(called[number], [_ellipse(labels, where, one)])


def _figures(points: Any) -> list[Any]:
    """The parts of a polygon: merged ones keep their points in one list, told apart by `figure_id`."""
    parts: dict[str, list[Any]] = {}
    for point in dicts(points):
        parts.setdefault(str(point.get("figure_id")), []).append(point)
    return [*parts.values()] if len(parts) > 1 else [points]


def _ellipse(labels: Labels, where: str, one: Mapping[str, Any]) -> Outline:
    """An ellipse by its centre, its radii, which are called width and height, and its angle in radians."""
    values = [one.get(key) for key in ("center_x", "center_y", "width", "height")]
    values.append(one.get("angle") or 0)
    x, y, across, down, angle = (float(value) if isinstance(value, int | float) else math.nan for value in values)
    return labels.outline(ellipse(x, y, across, down, math.degrees(angle)), where)
