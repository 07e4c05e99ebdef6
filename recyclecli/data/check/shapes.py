"""Faults of annotated shapes: what a polygon or RLE says against what it paints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recyclecli.coco.document import field_fault, shape_fault
from recyclecli.coco.labels import IGNORE_CATEGORY
from recyclecli.coco.rle import rasterise
from recyclecli.data.check.catalogue import Finding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SLIVER = 10  # pixels
MARGIN = 1.5  # pixels that a polygon may lie outside: tools differ in where a pixel's centre is
BOX_SLACK, BOX_SHARE = 2.0, 0.02  # a box may be off by so many pixels and by this share of its side
AREA_SLACK, AREA_SHARE = 4.0, 0.1
PARTS = 1000  # above so many parts of one object, holes are not looked for: every pair counts
THIN = 1e-3  # square pixels: the area of a polygon that has none


@dataclass(frozen=True, slots=True)
class Shape:
    """An annotation that can be painted.

    Attributes:
        annotation: as in the file.
        rle: its pixels; None when it encloses none.
        area: of the RLE in pixels.
        box: left, top, right, bottom of the RLE in pixels.
    """

    annotation: Mapping[str, Any]
    rle: Any
    area: float
    box: tuple[float, float, float, float]


def lint_shapes(content: dict[str, Any], file: str, sliver: int) -> Iterator[Finding]:
    """Faults of every annotation by itself, then of those of one image among each other."""
    images = {image["id"]: image for image in content["images"]}
    ignored = {category["id"] for category in content["categories"] if category["name"] == IGNORE_CATEGORY}
    by_image: dict[Any, list[Shape]] = defaultdict(list)
    for annotation in content["annotations"]:
        image = images.get(annotation["image_id"])
        if image is None or image["height"] < 1 or image["width"] < 1:
            continue
        where = f"annotation {annotation.get('id')} of {image['file_name']!r}"
        fault = shape_fault(annotation.get("segmentation"), image)
        if fault:
            yield Finding(fault[0], file, where, fault[1])
            continue
        shape = painted(annotation, image)
        found = list(shape_faults(shape, image, annotation["category_id"] in ignored))
        if shape.rle is not None and 0 < shape.area < sliver:
            found.append(("sliver", f"{shape.area:.0f} pixels"))
        for code, detail in found:
            yield Finding(code, file, where, detail)
        if shape.area:
            by_image[annotation["image_id"]].append(shape)
    for image_id, shapes in by_image.items():
        for code, annotation, detail in crowded_faults(shapes):
            where = f"annotation {annotation.get('id')} of {images[image_id]['file_name']!r}"
            yield Finding(code, file, where, detail)


def painted(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> Shape:
    """The annotation's pixels; its segmentation must have passed `shape_fault`."""
    from pycocotools import mask as coco

    rle = rasterise(annotation.get("segmentation") or [], image["height"], image["width"])
    if rle is None:
        return Shape(annotation, None, 0.0, (0.0, 0.0, 0.0, 0.0))
    left, top, width, height = (float(value) for value in coco.toBbox(rle))
    return Shape(annotation, rle, float(coco.area(rle)), (left, top, left + width, top + height))


def shape_faults(shape: Shape, image: Mapping[str, Any], ignored: bool = False) -> Iterator[tuple[str, str]]:
    """(code, detail) of what is wrong with one annotation by itself."""
    annotation = shape.annotation
    segmentation = annotation.get("segmentation") or []
    crowd = annotation.get("iscrowd", 0)
    if crowd not in (0, 1):
        yield "iscrowd-misuse", f"iscrowd is {crowd!r}"
    elif crowd and not isinstance(segmentation, Mapping):
        yield "iscrowd-misuse", "iscrowd is 1, the segmentation polygons"
    elif ignored and not crowd:
        yield "iscrowd-misuse", f"iscrowd is 0 for the category {IGNORE_CATEGORY!r}"
    parts: list[NDArray[np.float64]] = []
    if isinstance(segmentation, Mapping):
        if not shape.area:
            yield "empty-segmentation", "the RLE has no pixel"
    elif not any(segmentation):
        yield "empty-segmentation", "no polygon"
    else:
        parts = polygon_parts(segmentation)
        yield from _polygon_faults(parts, image)
    if shape.area:
        yield from _stated_faults(shape, parts)


def polygon_parts(segmentation: Any) -> list[NDArray[np.float64]]:
    """Each part of polygons as (points, 2) float64, x before y."""
    import numpy as np

    return [np.asarray(part, np.float64).reshape(-1, 2) for part in segmentation if part]


def shoelace(points: NDArray[np.float64]) -> float:
    """Area in square pixels that (points, 2) enclose."""
    import numpy as np

    x, y = (points - points[:1]).T
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _polygon_faults(parts: list[NDArray[np.float64]], image: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    import shapely

    solid = []
    for number, points in enumerate(parts):
        if len(points) < 3 or _is_line(points):
            yield "degenerate-polygon", f"part {number}: {len(points)} points enclose nothing"
        else:
            solid.append(shapely.Polygon(points))
        low, high = points.min(0), points.max(0)
        beyond = max(-low.min(), high[0] - image["width"], high[1] - image["height"])
        if beyond > MARGIN:
            yield "outside-image", f"part {number} reaches {beyond:g} pixels beyond the photo"
    valid = shapely.is_valid(solid) if solid else []
    for number, (polygon, fine) in enumerate(zip(solid, valid, strict=True)):
        reason = "" if fine else shapely.is_valid_reason(polygon)
        if reason.startswith("Self-intersection"):
            yield "self-crossing-polygon", f"part {number} at {reason.partition('[')[2].rstrip(']')}"
    sound = [polygon for polygon, fine in zip(solid, valid, strict=True) if fine]
    if 1 < len(sound) <= PARTS:
        tree = shapely.STRtree(sound)
        inner, outer = tree.query(sound, predicate="within")
        for within, around in zip(inner.tolist(), outer.tolist(), strict=True):
            if within != around and not sound[within].equals(sound[around]):
                yield "filled-hole", f"part {within} lies inside part {around}"


def _is_line(points: NDArray[np.float64]) -> bool:
    """Whether all points lie on one line: a bow-tie's signed area is zero, too."""
    import numpy as np

    offsets = points - points[0]
    far = offsets[np.argmax((offsets**2).sum(1))]
    across = np.abs(offsets[:, 0] * far[1] - offsets[:, 1] * far[0])
    return bool(across.max() <= THIN * max(1.0, float(np.hypot(*far))))


def _stated_faults(shape: Shape, parts: list[NDArray[np.float64]]) -> Iterator[tuple[str, str]]:
    """Stated bbox and area against the painted shape's, and against the polygon's own."""
    import numpy as np

    stated = shape.annotation.get("bbox")
    if stated is not None:
        boxes = [shape.box]
        if parts:
            points = np.concatenate(parts)
            boxes.append((*points.min(0).tolist(), *points.max(0).tolist()))
        if not any(_box_fits(stated, box) for box in boxes):
            left, top, right, bottom = shape.box
            yield "bbox-mismatch", f"stated {stated}, the shape's is {[left, top, right - left, bottom - top]}"
    area = shape.annotation.get("area")
    if area is not None and field_fault(shape.annotation) is None:
        areas = [shape.area] + ([sum(shoelace(points) for points in parts)] if parts else [])
        if all(abs(area - own) > AREA_SLACK + AREA_SHARE * own for own in areas):
            yield "area-mismatch", f"stated {area:g}, the shape has {shape.area:.0f} pixels"


def _box_fits(stated: Any, box: tuple[float, ...]) -> bool:
    left, top, right, bottom = box
    try:
        x, y, width, height = (float(value) for value in stated)
    except (TypeError, ValueError, OverflowError):
        return False
    across, down = (BOX_SLACK + BOX_SHARE * side for side in (right - left, bottom - top))
    return (
        abs(x - left) <= across
        and abs(x + width - right) <= across
        and abs(y - top) <= down
        and abs(y + height - bottom) <= down
    )


def crowded_faults(shapes: list[Shape]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(code, annotation, detail) of objects of one image that are doubled, or hidden when painted.

    Hidden is decided on the RLEs, without painting: an object that lies wholly in the union of
    those that are painted later.
    """
    from pycocotools import mask as coco

    seen: dict[Any, Any] = {}
    doubled = set()
    for number, shape in enumerate(shapes):
        key = (shape.annotation["category_id"], bytes(coco_counts(shape.rle)))
        if key in seen:
            yield "duplicate-annotation", shape.annotation, f"the same as annotation {seen[key]}"
            doubled.add(number)
        seen.setdefault(key, shape.annotation.get("id"))
    kept = [shape for number, shape in enumerate(shapes) if number not in doubled]
    order = sorted(range(len(kept)), key=lambda k: (-_painting_area(kept[k]), k))
    for place, number in enumerate(order):
        shape = kept[number]
        later = [kept[k] for k in order[place + 1 :] if _meet(shape.box, kept[k].box)]
        if later and sum(other.area for other in later) >= shape.area:
            cover = coco.merge([other.rle for other in later])
            if coco.area(coco.merge([shape.rle, cover], intersect=True)) == shape.area:
                ids = [other.annotation.get("id") for other in later]
                yield "hidden-object", shape.annotation, f"under annotation {', '.join(map(str, ids[:5]))}"


def coco_counts(rle: Mapping[str, Any]) -> bytes:
    """The compressed counts of an RLE."""
    counts = rle["counts"]
    return counts.encode() if isinstance(counts, str) else bytes(counts)


def _painting_area(shape: Shape) -> float:
    area = shape.annotation.get("area")
    return shape.area if area is None or field_fault(shape.annotation) else float(area)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
