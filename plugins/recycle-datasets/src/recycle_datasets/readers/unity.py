"""The `unity` dataset: frames of Unity Perception (SOLO) with semantic segmentation."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from recycle_coco import resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels, is_file, sorted_names
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import base_of, documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.unity import SEMANTIC, is_frame, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError


def open_unity(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of all captures, each with the mask of colours that its semantic segmentation names.

    Masks are of the photo as EXIF turns it. Classes stand in the order in which frames list them; a colour that none
    of them has is the background. Other annotations are counted.

    Raises:
        RecycleError: see `ShapeSource`; no such frame, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    for name, content, split in documents(options, context, labels, recognise, "Unity Perception"):
        folder, file = PurePosixPath(name).parent, str(context.root / name)
        if not is_frame(content):
            labels.left_out["JSON files that are no frame"] += content is not None
            continue
        for capture in dicts(content["captures"]):
            photo = (folder / base_of(capture.get("filename"))).as_posix()
            shapes: list[Shape] = []
            for one in dicts(capture.get("annotations")):
                if SEMANTIC not in str(one.get("@type")):
                    labels.left_out["annotations that are no semantic segmentation"] += 1
                    continue
                colors = dict(_colors(one.get("instances")))
                names |= dict.fromkeys(colors.values())
                mask = (folder / base_of(one.get("filename"))).as_posix()
                if not is_file(context.root, mask):
                    labels.faults.append((file, f"its mask {mask} is not there"))
                    continue
                try:
                    codes = codes_of(resolve_file(context.root, mask))
                except RecycleError as error:
                    labels.faults.append((file, str(error.args[0])))
                    continue
                for code, called in colors.items():
                    shown = np.asarray(codes == code)
                    if shown.any():
                        shapes.append(Shape(called, rle=placed(shown, 0, 0, *shown.shape)))
            labels.photos.append(photo_of(photo, shapes, None, split, file))
    return source(context, labels, "Unity Perception", names or sorted_names(labels.photos))


def _colors(instances: Any) -> Iterator[tuple[int, str]]:
    """The colour of each class as one number."""
    for one in dicts(instances):
        color, name = one.get("pixelValue"), str(one.get("labelName") or "").strip()
        if name and isinstance(color, list) and len(color) > 2 and all(type(value) is int for value in color[:3]):
            red, green, blue = (value & 255 for value in color[:3])
            yield red << 16 | green << 8 | blue, name
