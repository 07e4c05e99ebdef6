"""`recycle data convert`: any dataset as a COCO, a mask or a YOLO folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_coco import CocoSource
from recycle_coco.paths import ANNOTATIONS_FILE, CLASSES_FILE, TEST_FILE

from recycle_data.convert.coco import write_coco
from recycle_data.convert.masks import write_masks
from recycle_data.convert.yolo import YOLO_FILE as YOLO_FILE
from recycle_data.convert.yolo import write_yolo
from recycle_data.foreground import refuse_nothing
from recycle_data.output_folder import refuse_output_folder
from recycle_data.replaced import never_read
from recycle_data.sources import open_source
from recyclecli.errors import RecycleError, suggest
from recyclecli.plugins import Registry

log = logging.getLogger("recycle.data")

CONVERTED_FORMATS = ("coco", "masks", "yolo")


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written.

    Attributes:
        file: what is written last: annotations.json, classes.txt or data.yaml.
        photos: how many.
        labels: labels: annotations, lines of label files, or masks.
        left_out: regions that the format cannot hold: crowds, ignored ones and a labelled background in YOLO files.
    """

    file: Path
    photos: int
    labels: int
    left_out: int = 0


def convert(
    registry: Registry,
    src: Path,
    dst: Path,
    origin: str,
    form: str,
    *,
    split: str | None = None,
    options: Mapping[str, Any] = {},
    polygons: bool = False,
    force: bool = False,
) -> Converted:
    """Write the photos and labels of `src` to `dst` in another format.

    Args:
        registry: the installed components.
        src: the data's root.
        dst: folder to write to.
        origin: name of the dataset component that reads `src`, or of a layout that is recognised there.
        form: one of `CONVERTED_FORMATS`.
        split: see `open_source`.
        options: settings of the dataset component.
        polygons: COCO polygons with holes instead of RLE.
        force: replace files that exist.

    Splits that the data names are kept: as train.json and so on beside annotations.json, else as lists of photos.

    Raises:
        RecycleError: data that cannot be read, cannot be written in that format, or would be overwritten.
    """
    if form not in CONVERTED_FORMATS:
        raise RecycleError(f"no format to write is called {form!r}", suggest(form, CONVERTED_FORMATS))
    if polygons and form != "coco":
        raise RecycleError(f"--polygons is of --to coco, not of {form}", "leave it out")
    refuse_output_folder(dst)
    with never_read(dst):
        source = open_source(registry, src, split, origin, options)
    refuse_nothing(source, f"photo of {src}", option="values")
    if split is None and isinstance(source, CocoSource) and (src / TEST_FILE).is_file():
        log.warning(f"note: {src / TEST_FILE} is left out: convert it into another folder with --split test")
    if form == "coco":
        return Converted(dst / ANNOTATIONS_FILE, len(source), write_coco(source, dst, polygons, force))
    if form == "masks":
        write_masks(source, src, dst, force)
        return Converted(dst / CLASSES_FILE, len(source), len(source))
    return Converted(dst / YOLO_FILE, len(source), *write_yolo(source, dst, force))
