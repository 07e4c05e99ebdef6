"""Annotations measured, many at once: the pixels they paint, and every part of their polygons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from recycle_coco.document import DocumentFault, shape_fault, size_fault
from recycle_coco.overfull import overfull
from recycle_coco.rle import rasterise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUMBERS_AT_A_TIME = 200_000  # numbers of polygons measured in one go: some 10 MB
EMPTY_AREA = 1e-3  # square pixels: the area of a polygon that has none


@dataclass(frozen=True, slots=True)
class Parts:
    """The P parts of one annotation's polygons, empty lists left out.

    Attributes:
        numbers: (P,) int64, the place of each among the segmentation's lists.
        counts: (P,) int64 points of each.
        low: (P, 2) float64, the least x and y of each.
        high: (P, 2) float64, the greatest.
        areas: (P,) float64 square pixels that each encloses, by the shoelace formula.
        flat: (P,) bool, whether it encloses nothing: fewer than three points, or all on one
            line. A bow-tie's signed area is zero, too, and it is not flat.
        polygons: (P,) object, each as a shapely polygon, None where flat.
        valid: (P,) bool, whether the polygon is valid by OGC's rules; False where flat.
    """

    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    areas: NDArray[np.float64]
    flat: NDArray[np.bool_]
    polygons: NDArray[np.object_]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MeasuredShape:
    """An annotation that can be painted.

    Attributes:
        annotation: as in the file.
        parts: of its polygons; None when it has none or is an RLE, or where they are no longer needed.
        rle: its pixels; None when it encloses none.
        area: of the RLE in pixels.
        box: left, top, right, bottom of the RLE in pixels.
    """

    annotation: Mapping[str, Any]
    parts: Parts | None
    rle: Any
    area: float
    box: tuple[float, float, float, float]


def measured_annotations(
    content: Mapping[str, Any],
) -> Iterator[tuple[dict[str, Any], dict[str, Any], MeasuredShape | DocumentFault]]:
    """Each annotation of a COCO content in file order, with its image and the shape or why there is none.

    Without an image the fault is `unknown-image` and the image empty; in an image without pixels
    it is `invalid-image-size`; else it is what `shape_fault` says.
    """
    images = {image["id"]: image for image in content["images"]}
    full = overfull(content["annotations"])
    some: list[tuple[dict[str, Any], dict[str, Any], DocumentFault | None]] = []
    numbers = 0
    for annotation in content["annotations"]:
        image = images.get(annotation["image_id"], {})
        fault = _fault(annotation, image)
        if fault is None and annotation["image_id"] in full:
            fault = "malformed-segmentation", full[annotation["image_id"]]
        some.append((annotation, image, fault))
        shape = annotation.get("segmentation")
        numbers += 100 + (sum(map(len, shape)) if isinstance(shape, list) and not fault else 0)
        if numbers > NUMBERS_AT_A_TIME:
            yield from _with_shapes(some)
            some, numbers = [], 0
    yield from _with_shapes(some)


def _with_shapes(
    some: Sequence[tuple[dict[str, Any], dict[str, Any], DocumentFault | None]],
) -> Iterator[tuple[dict[str, Any], dict[str, Any], MeasuredShape | DocumentFault]]:
    shapes = iter(shapes_of([(annotation, image) for annotation, image, fault in some if fault is None]))
    for annotation, image, fault in some:
        yield annotation, image, next(shapes) if fault is None else fault


def _fault(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> DocumentFault | None:
    if not image:
        return "unknown-image", f"no image has id {annotation['image_id']!r}"
    return size_fault(image) or shape_fault(annotation.get("segmentation"), image)


def shapes_of(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[MeasuredShape]:
    """The shapes of annotations in their images; their segmentations must have passed `shape_fault`."""
    from pycocotools import mask as coco

    segmentations = [annotation.get("segmentation") or [] for annotation, _ in pairs]
    rles = [
        rasterise(segmentation, image["height"], image["width"])
        for segmentation, (_, image) in zip(segmentations, pairs, strict=True)
    ]
    some = [rle for rle in rles if rle is not None]
    boxes = iter(coco.toBbox(some).tolist() if some else [])
    shapes = []
    for (annotation, _), parts, rle in zip(pairs, parts_of(segmentations), rles, strict=True):
        left, top, width, height = (0.0, 0.0, 0.0, 0.0) if rle is None else next(boxes)
        area = 0.0 if rle is None else float(coco.area(rle))  # of a list pycocotools counts in one byte
        shapes.append(MeasuredShape(annotation, parts, rle, area, (left, top, left + width, top + height)))
    return shapes


def parts_of(segmentations: Sequence[Any]) -> list[Parts | None]:
    """The measured parts of each segmentation; None for one without polygons."""
    import numpy as np

    polygons = [
        [] if isinstance(one, Mapping) else [(number, part) for number, part in enumerate(one) if part]
        for one in segmentations
    ]
    flat = list(chain.from_iterable(polygons))
    if not flat:
        return [None] * len(polygons)
    numbers, counts = np.array([(number, len(part) // 2) for number, part in flat]).T
    coordinates = chain.from_iterable(part for _, part in flat)
    points = np.fromiter(coordinates, np.float64, 2 * int(counts.sum())).reshape(-1, 2)
    every = (numbers, counts, *_measured(points, counts))
    ends = np.cumsum([len(parts) for parts in polygons]).tolist()
    bounds = zip([0, *ends[:-1]], ends, strict=True)
    return [Parts(*(column[begin:end] for column in every)) if end > begin else None for begin, end in bounds]


def _measured(points: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
    """`Parts` from `low` on, for parts of `counts` points each, which follow each other in (N, 2) `points`."""
    import numpy as np
    import shapely

    ends = np.cumsum(counts)
    starts = ends - counts
    owner = np.repeat(np.arange(len(counts)), counts)
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    x, y = (points - points[starts][owner]).T  # small numbers, whose products are exact enough
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    areas = np.abs(np.add.reduceat(x * y[following] - y * x[following], starts)) / 2
    away = x**2 + y**2
    (furthest,) = np.nonzero(away == np.maximum.reduceat(away, starts)[owner])
    far = furthest[np.searchsorted(owner[furthest], np.arange(len(counts)))]
    across = np.maximum.reduceat(np.abs(x * y[far][owner] - y * x[far][owner]), starts)
    flat = (counts < 3) | (across <= EMPTY_AREA * np.maximum(1.0, np.sqrt(away[far])))
    polygons = np.full(len(counts), None, object)
    solid = ~flat[owner]
    if solid.any():
        rings = shapely.linearrings(points[solid], indices=np.unique(owner[solid], return_inverse=True)[1])
        polygons[~flat] = shapely.polygons(rings)
    return low, high, areas, flat, polygons, shapely.is_valid(polygons)
