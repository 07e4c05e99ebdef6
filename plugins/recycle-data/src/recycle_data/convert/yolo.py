"""Any source as a YOLO segmentation folder, as ultralytics reads it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import has_background, rasterise
from recycle_coco.paint import painting_order
from recycle_coco.rle import fifths

from recycle_data.coco_document import mask_regions
from recycle_data.convert.photos import copy_photo, place_photos, read_records, to_write
from recycle_data.named_splits import named_splits
from recycle_data.owned import Owned
from recycle_data.polygons import mask_polygon, rle_polygon, shifted
from recycle_data.progress import track
from recycle_data.sources import read_labels
from recyclecli.errors import counted
from recyclecli.types import IGNORE, Annotation, Record, Source

log = logging.getLogger("recycle.data")

YOLO_FILE = "data.yaml"
CORNER_NUDGE = 1e-9  # of a side, by which a corner is moved that nine digits would take to the next fifth of a pixel
YOLO_FILE_HEAD = """\
# train and val both name all photos: split them before you judge a model by val.
train: images
val: images
"""


@dataclass
class _Lost:
    """What YOLO files cannot say: regions that are no object."""

    regions: int = 0
    photos: int = 0

    def tell(self) -> None:
        """Log it."""
        if self.regions:
            log.warning(
                f"note: {counted(self.regions, 'crowd, ignored or background region')} "
                f"in {counted(self.photos, 'photo')} left out: "
                "YOLO files hold objects only, so these pixels become background"
            )


def write_yolo(source: Source, dst: Path, force: bool) -> tuple[int, int]:
    """Copy the photos to `dst`/images, write labels/NAME.txt, then data.yaml; how many lines, and regions left out.

    The splits that the data names are train.txt, val.txt and test.txt, a photo a line, which data.yaml names.

    Each object is one line and whole, also where others hide it: its own polygon where it has
    one that is read back to the same pixels, else its outline along pixel edges, holes and parts
    joined by bridges. What cannot be written is counted in the log.

    Raises:
        RecycleError: files that exist, or photos that would share a label file.
    """
    records = read_records(source)
    pairs = place_photos(records, dst, "labels", ".txt")
    photos, labels = [photo for photo, _ in pairs], [label for _, label in pairs]
    background = int(has_background(source.class_names))
    lost, owned = _Lost(), Owned(dst)
    named, written = named_splits(source), 0
    lists = named.photos() if named.train and named.val else {}
    files = [*to_write(photos, records), *labels, *(dst / f"{split}.txt" for split in lists)]
    with owned.begun(dst / YOLO_FILE, files, force):
        for index in track(range(len(source)), len(source), "converting"):
            record = records[index]
            copy_photo(owned, source, index, record, photos[index])
            shapes = list(_annotated(record) if record.annotations else _seen(source, index, bool(background)))
            objects = [shape for shape in shapes if shape[1] is not None and background <= shape[0] < IGNORE]
            lost.regions += len(shapes) - len(objects)
            lost.photos += len(shapes) > len(objects)
            lines = [f"{label - background} {text}\n" for label, text in objects]
            written += len(lines)
            owned.write_text(labels[index], "".join(lines))
        for split, members in lists.items():
            places = [photos[index].relative_to(dst).as_posix() for index in members]
            owned.write_text(dst / f"{split}.txt", "".join(f"./{place}\n" for place in places))
        head = "".join(f"{split}: {split}.txt\n" for split in lists) or YOLO_FILE_HEAD
        owned.write_text(dst / YOLO_FILE, head + _names(source.class_names[background:]))
    lost.tell()
    return written, lost.regions


def _annotated(record: Record) -> Iterator[tuple[int, str | None]]:
    """Label and polygon of each annotation, as they are painted; None for what is no object."""
    for annotation, rle in _painted(record):
        if annotation.iscrowd or annotation.label == IGNORE:
            yield annotation.label, None
        else:
            text = _own_polygon(annotation, rle, record) or _text(rle_polygon(rle), record.height, record.width)
            if text:
                yield annotation.label, text


def _seen(source: Source, index: int, background: bool) -> Iterator[tuple[int, str | None]]:
    """Label and outline of each instance of a source that knows pixels only."""
    mask, instances = read_labels(source, index)
    regions = [*mask_regions(mask, instances, background)]
    for region in sorted(regions, key=lambda region: -int(region.pixels.sum())):
        points = [] if region.crowd else shifted(mask_polygon(region.pixels), region.left, region.top)
        yield region.label, None if region.crowd else _text(points, *mask.shape)


def _painted(record: Record) -> list[tuple[Annotation, dict[str, Any]]]:
    """The annotations with their pixels in the order of painting; those without pixels are left out."""
    from pycocotools import mask as coco

    found = []
    for annotation in record.annotations:
        rle = rasterise(annotation.segmentation, record.height, record.width)
        if rle is not None and (area := float(coco.area(rle))):
            found.append((annotation, rle, area))
    order = painting_order([(area, one.area, one.iscrowd) for one, _, area in found])
    return [found[place][:2] for place in order]


def _own_polygon(annotation: Annotation, rle: dict[str, Any], record: Record) -> str:
    """The annotation's polygon, where it is a single one and read back to the same pixels; else nothing."""
    shape = annotation.segmentation
    if not isinstance(shape, list) or len(shape) != 1:
        return ""
    values = np.array(shape[0], float)
    sides = np.resize((record.width, record.height), len(values))
    if not ((values >= 0) & (values <= sides)).all():
        return ""
    texts = [f"{value:.9g}" for value in (values / sides).tolist()]
    off = fifths(values) - fifths(np.array(texts, float) * sides)  # where a corner lies between two
    for place in np.flatnonzero(off).tolist():
        texts[place] = f"{values[place] / sides[place] + CORNER_NUDGE * np.sign(off[place]):.9g}"
    back = np.array(texts, float) * sides
    size = (record.height, record.width)
    same = np.array_equal(fifths(back), fifths(values)) or rasterise([back.tolist()], *size) == rle
    return " ".join(texts) if same else ""


def _text(points: Sequence[float], height: int, width: int) -> str:
    """Points as shares of the photo's sides, exact enough to come back to the same pixels."""
    return " ".join(f"{value / (height if k % 2 else width):.9g}" for k, value in enumerate(points))


def _names(class_names: Sequence[str]) -> str:
    from ruamel.yaml import YAML

    stream = StringIO()
    YAML().dump({"names": dict(enumerate(class_names))}, stream)
    return stream.getvalue()
