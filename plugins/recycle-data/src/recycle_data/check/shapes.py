"""Faults of annotated shapes: what a polygon or RLE says against what it paints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from recycle_coco.document import usable_area
from recycle_coco.empty_shapes import RELATIVE_COORDINATES, outline_fault, told
from recycle_coco.labels import IGNORE_CATEGORY, is_background
from recycle_coco.paint import painting_order

from recycle_data.check.catalogue import LabelFault
from recycle_data.check.geometry import MeasuredShape, Parts, measured_annotations
from recycle_data.label_suspicions import FILLING_SHARE, MIN_FILLING_OBJECTS
from recyclecli.errors import counted
from recyclecli.printable import short_repr

MIN_OBJECT_PIXELS = 10  # pixels
OUTSIDE_MARGIN = 1.5  # pixels that a polygon may lie outside: tools differ in where a pixel's centre is
BOX_SLACK, BOX_SHARE = 2.0, 0.02  # a box may be off by so many pixels and by this share of its side
AREA_SLACK, AREA_SHARE = 4.0, 0.1
WHOLE_PHOTO_SHARE = 0.999  # of a photo
MAX_PARTS_SEARCHED = 1000  # above so many parts of one object, holes are not looked for: every pair counts
MERGED_ABOVE = 50  # above so many objects over one, they are merged once for all that follow
PAINTED_KEY = "painted"  # of a content whose labels are known from its pixels alone: names of shown classes
LISTED_FAULTS = ("unknown-image", "invalid-image-size", "photo-too-large")  # which `lint_lists` tells


def lint_shapes(content: dict[str, Any], file: str, min_object_pixels: int) -> Iterator[LabelFault]:
    """Faults of the annotations of one image after the other, of each by itself and then among each other."""
    ground = {one["id"] for one in content["categories"] if is_background(one["name"])}
    causes: Counter[str] = Counter()
    painted = False
    filling = 0
    ignored = {category["id"] for category in content["categories"] if category["name"] == IGNORE_CATEGORY}
    of_image: dict[Any, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        of_image.setdefault(annotation["image_id"], []).append(annotation)
    measured = measured_annotations({**content, "annotations": list(chain.from_iterable(of_image.values()))})
    shapes: list[MeasuredShape] = []  # of one image: those of all take gigabytes
    for annotation, image, shape in measured:
        found: list[tuple[str, str]] = []
        if isinstance(shape, MeasuredShape):
            if not painted and annotation["category_id"] not in ground | ignored:
                boxed = bool(annotation.get("bbox"))
                cause = outline_fault(annotation.get("segmentation"), image["height"], image["width"], boxed)
                causes[cause] += 1
                painted = not cause
            found += shape_faults(shape, image, annotation["category_id"] in ignored)
            if annotation["category_id"] not in ground | ignored:
                filling += shape.area >= WHOLE_PHOTO_SHARE * image["width"] * image["height"]
            if 0 < shape.area < min_object_pixels:
                found.append(("sliver", f"{shape.area:.0f} pixels"))
            if shape.area:
                shapes.append(shape)
        elif shape[0] not in LISTED_FAULTS:
            found.append(shape)
        for code, detail in found:
            yield LabelFault(code, file, _where(annotation, image), detail)
        if annotation is of_image[annotation["image_id"]][-1]:
            for code, owner, detail in crowded_faults(shapes):
                yield LabelFault(code, file, _where(owner, image), detail)
            shapes = []
    if not painted and not content.get(PAINTED_KEY):
        detail = (
            told(causes, len(content["annotations"]))
            if causes
            else "all photos hold Background alone: no annotation of an object"
        )
        yield LabelFault("only-background", file, "all annotations", detail)
    if filling > max(MIN_FILLING_OBJECTS, FILLING_SHARE * len(content["annotations"])):
        yield LabelFault("whole-photo", file, "annotations", f"{filling} of {len(content['annotations'])}")


def _where(annotation: Mapping[str, Any], image: Mapping[str, Any]) -> str:
    return f"annotation {short_repr(annotation.get('id'))} of {image['file_name']!r}"


def shape_faults(shape: MeasuredShape, image: Mapping[str, Any], ignored: bool = False) -> Iterator[tuple[str, str]]:
    """(code, detail) of what is wrong with one annotation by itself."""
    annotation = shape.annotation
    run_length = isinstance(annotation.get("segmentation"), Mapping)
    crowd = annotation.get("iscrowd", 0)
    if crowd not in (0, 1):
        yield "iscrowd-misuse", f"iscrowd is {crowd!r}"
    elif crowd and not run_length:
        yield "iscrowd-misuse", "iscrowd is 1, the segmentation polygons"
    elif ignored and not crowd:
        yield "iscrowd-misuse", f"iscrowd is 0 for the category {IGNORE_CATEGORY!r}"
    if shape.parts is not None:
        found = list(_polygon_faults(shape.parts, image))
        yield from found
        if not found and (not shape.area or float(shape.parts.high.max()) <= 1):
            cause = outline_fault(annotation["segmentation"], image["height"], image["width"])
            if cause:
                yield (
                    "malformed-segmentation" if cause == RELATIVE_COORDINATES else "empty-segmentation",
                    f"such {cause}",
                )
    elif not shape.area:
        yield "empty-segmentation", "the RLE has no pixel" if run_length else "no polygon"
    if shape.area:
        yield from _stated_faults(shape)


def _polygon_faults(parts: Parts, image: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    import numpy as np
    import shapely

    beyond = np.maximum(-parts.low, parts.high - (image["width"], image["height"])).max(1)
    suspects = np.flatnonzero(~parts.valid | (beyond > OUTSIDE_MARGIN)).tolist()
    for place in suspects:
        if parts.flat[place]:
            yield (
                "degenerate-polygon",
                f"part {parts.numbers[place]} encloses nothing: {counted(parts.counts[place], 'point')}",
            )
        if beyond[place] > OUTSIDE_MARGIN:
            yield "outside-image", f"part {parts.numbers[place]} reaches {beyond[place]:g} pixels beyond the photo"
    for place in suspects:
        reason = "" if parts.valid[place] else shapely.is_valid_reason(parts.polygons[place]) or ""
        if reason.startswith("Self-intersection"):
            yield "self-crossing-polygon", f"part {parts.numbers[place]} at {reason.partition('[')[2].rstrip(']')}"
    sound = np.flatnonzero(parts.valid)
    if 1 < len(sound) <= MAX_PARTS_SEARCHED:
        polygons, numbers = parts.polygons[sound], parts.numbers[sound]
        inner, outer = shapely.STRtree(polygons).query(polygons)
        low, high = parts.low[sound], parts.high[sound]
        boxed = ((low[inner] >= low[outer]) & (high[inner] <= high[outer])).all(1) & (inner != outer)
        inner, outer = inner[boxed], outer[boxed]
        shapely.prepare(polygons)
        inside = shapely.contains(polygons[outer], polygons[inner])
        inner, outer = inner[inside], outer[inside]
        doubled = shapely.equals(polygons[inner], polygons[outer])
        for within, around in zip(numbers[inner[~doubled]].tolist(), numbers[outer[~doubled]].tolist(), strict=True):
            yield "filled-hole", f"part {within} lies inside part {around}"


def _stated_faults(shape: MeasuredShape) -> Iterator[tuple[str, str]]:
    """Stated bbox and area against the painted shape's, and against the polygon's own."""
    stated = shape.annotation.get("bbox")
    if stated is not None:
        boxes = [shape.box]
        if shape.parts is not None:
            boxes.append((*shape.parts.low.min(0).tolist(), *shape.parts.high.max(0).tolist()))
        if not any(_box_fits(stated, box) for box in boxes):
            left, top, right, bottom = shape.box
            yield "bbox-mismatch", f"stated {stated}, the shape's is {[left, top, right - left, bottom - top]}"
    area = _stated_area(shape)
    if area is not None:
        areas = [shape.area] + ([] if shape.parts is None else [float(shape.parts.areas.sum())])
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


def crowded_faults(shapes: list[MeasuredShape]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(code, annotation, detail) of objects of one image that are doubled, or hidden when painted.

    Hidden is decided on the RLEs, without painting: an object that lies wholly in the union of
    those that are painted later.
    """
    seen: dict[Any, Any] = {}
    doubled = set()
    for number, shape in enumerate(shapes):
        key = (shape.annotation["category_id"], bytes(coco_counts(shape.rle)))
        if key in seen:
            yield "duplicate-annotation", shape.annotation, f"the same as annotation {seen[key]}"
            doubled.add(number)
        seen.setdefault(key, shape.annotation.get("id"))
    kept = [shape for number, shape in enumerate(shapes) if number not in doubled]
    order = painting_order([(shape.area, _stated_area(shape), bool(shape.annotation.get("iscrowd"))) for shape in kept])
    yield from reversed(list(_hidden([kept[place] for place in reversed(order)])))


def _hidden(shapes: list[MeasuredShape]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Those that lie wholly under the ones before them, the last painted first."""
    import numpy as np
    from pycocotools import mask as coco

    boxes = np.array([shape.box for shape in shapes]).reshape(-1, 4)
    seen = np.ones(len(shapes), bool)
    union: list[Any] = []  # RLEs before, merged when there are many to look at
    area = 0.0  # of all of them at most
    for place, shape in enumerate(shapes):
        left, top, right, bottom = boxes[place]
        if shape.area <= area:
            near = boxes[:place]
            meet = (near[:, 0] < right) & (left < near[:, 2]) & (near[:, 1] < bottom) & (top < near[:, 3])
            over = np.flatnonzero(meet & seen[:place]).tolist()
            if sum(shapes[k].area for k in over) >= shape.area:
                if len(over) > MERGED_ABOVE:
                    union = [coco.merge(union)]
                cover = union[0] if len(over) > MERGED_ABOVE else coco.merge([shapes[k].rle for k in over])
                if coco.area(coco.merge([shape.rle, cover], intersect=True)) == shape.area:
                    seen[place] = False
                    ids = [shapes[k].annotation.get("id") for k in np.flatnonzero(meet)[::-1][:5].tolist()]
                    yield "hidden-object", shape.annotation, f"under annotation {', '.join(map(str, ids))}"
                    continue
        union.append(shape.rle)
        area += shape.area


def coco_counts(rle: Mapping[str, Any]) -> bytes:
    """The compressed counts of an RLE."""
    counts = rle["counts"]
    return counts.encode() if isinstance(counts, str) else bytes(counts)


def _stated_area(shape: MeasuredShape) -> float | None:
    area: Any = shape.annotation.get("area")
    return float(area) if usable_area(area) else None
