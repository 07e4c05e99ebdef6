"""Any `Source` as a COCO document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recycle_coco.counts import label_counts
from recycle_coco.labels import IGNORE_CATEGORY, NO_BACKGROUND, has_background
from recycle_coco.rle import decode_box, rasterise
from recycle_coco.source import CocoSource

from recyclecli.types import IGNORE, Annotation, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels of one object, or of what is no single object, within their box.

    Attributes:
        label: class index; `IGNORE` for what is to be ignored.
        top, left: the box's first row and column in the photo.
        pixels: (h, w) bool of the box.
        crowd: not one object but all of a class that belongs to none.
        number: its instance number; 0 where it has none.
    """

    label: int
    top: int
    left: int
    pixels: NDArray[np.bool_]
    crowd: bool
    number: int = 0


def document_of(source: Source) -> dict[str, Any]:
    """The COCO content of `source`: its own for a `CocoSource`, else built from its masks.

    Built documents give label k the category id k, one RLE per instance with its true area
    and box, one RLE crowd per class for labelled pixels of no instance, and the reserved
    category `ignore` for 255. A source without a background keeps its first class as id 0, which says
    so; see `label_index`.
    """
    if isinstance(source, CocoSource):
        return source.document
    return build_document(
        source.class_names, ((source.record(index), source.read(index)) for index in range(len(source)))
    )


def build_document(class_names: tuple[str, ...], samples: Any) -> dict[str, Any]:
    """A COCO document from an iterable of (Record, Sample); see `document_of`."""
    background = has_background(class_names)
    photos = (
        (record.file_name, *sample.mask.shape, mask_regions(sample.mask, sample.instances, background))
        for record, sample in samples
    )
    return assemble(class_names, photos)


def assemble(
    class_names: tuple[str, ...], photos: Iterable[tuple[str, int, int, Iterable[Region]]], segment: Any = None
) -> dict[str, Any]:
    """A COCO document from each photo's file name, height, width and regions; see `document_of`.

    Args:
        class_names: K names by label.
        photos: read one by one.
        segment: `segment(region)` makes the segmentation of what is one object; by default an RLE.
    """
    names = [category["id"] for category in categories_of(class_names, False)]
    ignore_id = len(class_names)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ignored = False
    for number, (file_name, height, width, regions) in enumerate(photos, start=1):
        images.append({"id": number, "file_name": file_name, "width": width, "height": height})
        for region in regions:
            if region.label not in names and region.label != IGNORE:
                continue
            ignored |= region.label == IGNORE
            shape = shape_of(region, height, width)
            if segment is not None and not region.crowd:
                shape["segmentation"] = segment(region)
            category = ignore_id if region.label == IGNORE else region.label
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": category, **shape})
    return {"images": images, "annotations": annotations, "categories": categories_of(class_names, ignored)}


def categories_of(class_names: tuple[str, ...], ignored: bool) -> list[dict[str, Any]]:
    """COCO categories whose ids are the K labels; with `ignored` also K, the reserved category `ignore`."""
    names = [*class_names, IGNORE_CATEGORY] if ignored else class_names
    listed = [{"id": label, "name": name, "supercategory": name} for label, name in enumerate(names)]
    if has_background(class_names):
        return listed[1:]
    listed[0][NO_BACKGROUND] = True
    return listed


def shape_of(region: Region, height: int, width: int) -> dict[str, Any]:
    """RLE, area in pixels, box and iscrowd of a region in a photo of that size, as COCO has them."""
    rows, columns = region.pixels.shape
    return {
        "segmentation": encode_region(region, height, width),
        "area": int(region.pixels.sum()),
        "bbox": [region.left, region.top, columns, rows],
        "iscrowd": int(region.crowd),
    }


def mask_regions(mask: NDArray[np.uint8], instances: NDArray[np.int32], background: bool) -> Iterator[Region]:
    """The instances by number, then what belongs to none by label, 255 last; label 0 only without a background.

    Args:
        mask: (H, W) labels, 255 = ignore.
        instances: (H, W), 0 = none.
        background: label 0 is no object.
    """
    import numpy as np
    from scipy import ndimage

    for number, window in enumerate(ndimage.find_objects(instances), start=1):
        if window is not None:
            pixels = instances[window] == number
            label = int(mask[window][pixels][0])
            yield Region(label, window[0].start, window[1].start, pixels, False, number)
    free = instances == 0
    if background:
        free &= mask != 0
    if free.any():
        for label in np.flatnonzero(label_counts(mask, free)).tolist():
            yield _cropped(label, free & (mask == label), True)


def annotation_regions(annotations: Iterable[Annotation], height: int, width: int) -> Iterator[Region]:
    """Each annotation whole, also what others hide of it; those that enclose no pixel are left out."""
    for annotation in annotations:
        rle = rasterise(annotation.segmentation, height, width)
        if rle is not None:
            top, left, pixels = decode_box(rle)
            if pixels.size:
                yield Region(annotation.label, top, left, pixels, annotation.iscrowd or annotation.label == IGNORE)


def _cropped(label: int, pixels: NDArray[np.bool_], crowd: bool) -> Region:
    import numpy as np

    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    top, left = int(rows[0]), int(columns[0])
    return Region(label, top, left, pixels[top : rows[-1] + 1, left : columns[-1] + 1], crowd)


def encode_region(region: Region, height: int, width: int) -> dict[str, Any]:
    """The region as an RLE of a photo of that size, equal to `encode` of its whole mask but without making it."""
    import numpy as np
    from pycocotools import mask as coco

    down = np.zeros((region.pixels.shape[1], region.pixels.shape[0] + 1), bool)  # so that no run goes on in the next
    down[:, :-1] = region.pixels.T
    flat = down.ravel()
    column, row = np.divmod(np.flatnonzero(np.concatenate([flat[:1], flat[1:] != flat[:-1]])), down.shape[1])
    edges = (region.left + column) * height + region.top + row
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] != ends[:-1]  # runs that go on at the head of the next column are one
    starts, ends = starts[np.append(True, apart)], ends[np.append(apart, True)]
    counts = np.diff(np.concatenate([[0], np.stack([starts, ends], 1).ravel(), [height * width]])).tolist()
    if not counts[-1]:
        counts.pop()
    rle = coco.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return {"size": [height, width], "counts": rle["counts"].decode("ascii")}
