"""Any `Source` as a COCO document."""

from __future__ import annotations

from typing import Any

from recyclecli.coco.labels import BACKGROUND, IGNORE_CATEGORY
from recyclecli.coco.rle import encode
from recyclecli.coco.source import CocoSource
from recyclecli.types import IGNORE, Source


def document_of(source: Source) -> dict[str, Any]:
    """The COCO content of `source`: its own for a `CocoSource`, else built from its masks.

    Built documents give label k the category id k, one RLE per instance with its true area
    and box, one RLE crowd per class for labelled pixels of no instance, and the reserved
    category `ignore` for 255. A source without a background keeps its first class as id 0.
    """
    if isinstance(source, CocoSource):
        return source.document
    return build_document(
        source.class_names, [(source.record(index), source.read(index)) for index in range(len(source))]
    )


def build_document(class_names: tuple[str, ...], samples: Any) -> dict[str, Any]:
    """A COCO document from an iterable of (Record, Sample); see `document_of`."""
    import numpy as np

    has_background = class_names[0].lower() == BACKGROUND.lower()
    names = {label: name for label, name in enumerate(class_names) if label or not has_background}
    ignore_id = max(names) + 1
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ignored = False
    for number, (record, sample) in enumerate(samples, start=1):
        height, width = sample.mask.shape
        images.append({"id": number, "file_name": record.file_name, "width": width, "height": height})
        shapes = []
        for instance in np.unique(sample.instances[sample.instances > 0]):
            pixels = sample.instances == instance
            shapes.append((int(sample.mask[pixels][0]), pixels, 0))
        loose = np.where(sample.instances > 0, 0 if has_background else IGNORE + 1, sample.mask.astype(int))
        for label in np.unique(loose):
            if label in names or label == IGNORE:
                shapes.append((int(label), loose == label, 1))
        for label, pixels, crowd in shapes:
            rows, columns = np.nonzero(pixels.any(1))[0], np.nonzero(pixels.any(0))[0]
            left, top = int(columns[0]), int(rows[0])
            box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
            ignored |= label == IGNORE
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": ignore_id if label == IGNORE else label,
                    "segmentation": encode(pixels),
                    "area": int(pixels.sum()),
                    "bbox": box,
                    "iscrowd": crowd,
                }
            )
    categories = [{"id": label, "name": name, "supercategory": name} for label, name in names.items()]
    if ignored:
        categories.append({"id": ignore_id, "name": IGNORE_CATEGORY, "supercategory": IGNORE_CATEGORY})
    return {"images": images, "annotations": annotations, "categories": categories}
