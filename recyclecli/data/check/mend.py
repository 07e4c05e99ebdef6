"""Mending what can be mended without guessing, into a new COCO content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from recyclecli.coco.document import usable_id
from recyclecli.data.check.drawn import Parts, Shape, drawn, shapes_of
from recyclecli.data.check.shapes import crowded_faults, shape_faults


def mended(content: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """A copy of a COCO content with every fault mended that the catalogue marks so, and their numbers by code.

    Polygons are clipped and lose parts without area; empty and doubled annotations and those of
    unknown images go; doubled ids are numbered anew; wrong areas and boxes become the shape's own.
    """
    done: Counter[str] = Counter()
    kept: list[tuple[dict[str, Any], Shape | None]] = []
    for annotation, image, shape in drawn(content):
        if isinstance(shape, Shape):
            new, codes = _mended(annotation, image, shape)
            done.update(codes)
            if new is not None:
                kept.append(new)
        elif shape[0] == "unknown-image":
            done["unknown-image"] += 1
        else:
            kept.append((annotation, None))
    doubled = _doubled(kept)
    done["duplicate-annotation"] += len(doubled)
    annotations = _numbered([annotation for annotation, _ in kept if id(annotation) not in doubled], done)
    return {**content, "annotations": annotations}, +done


def _mended(
    annotation: dict[str, Any], image: Mapping[str, Any], shape: Shape
) -> tuple[tuple[dict[str, Any], Shape] | None, list[str]]:
    """A copy of the annotation without what can be mended, and its shape, None where nothing remains; codes."""
    codes = [code for code, _ in shape_faults(shape, image)]
    if "empty-segmentation" in codes:
        return None, ["empty-segmentation"]
    new = dict(annotation)
    if shape.parts is not None and {"outside-image", "degenerate-polygon"} & set(codes):
        new["segmentation"] = _clipped(annotation["segmentation"], shape.parts, image)
        if not new["segmentation"]:
            return None, [code for code in codes if code in ("outside-image", "degenerate-polygon")]
        (shape,) = shapes_of([(new, image)])
        remain = [code for code, _ in shape_faults(shape, image)]
        codes += [code for code in remain if code not in codes]
        codes = [code for code in codes if code != "outside-image" or code not in remain]
    if "bbox-mismatch" in codes:
        left, top, right, bottom = shape.box
        new["bbox"] = [left, top, right - left, bottom - top]
    if "area-mismatch" in codes:
        new["area"] = shape.area
    mendable = ("outside-image", "degenerate-polygon", "bbox-mismatch", "area-mismatch")
    return (new, replace(shape, annotation=new, parts=None)), [code for code in codes if code in mendable]


def _clipped(segmentation: Any, parts: Parts, image: Mapping[str, Any]) -> list[list[float]]:
    """The parts of polygons that lie in the photo; one that crosses itself there is left as it is."""
    import shapely

    frame = shapely.box(0, 0, image["width"], image["height"])
    clipped: list[list[float]] = []
    for number, polygon, valid in zip(parts.numbers.tolist(), parts.polygons, parts.valid.tolist(), strict=True):
        if polygon is None:
            continue
        if not valid:
            if shapely.make_valid(polygon).intersection(frame).area > 0:
                clipped.append(segmentation[number])
            continue
        inside = polygon if frame.contains(polygon) else polygon.intersection(frame)
        for piece in getattr(inside, "geoms", [inside]):
            if piece.geom_type == "Polygon" and piece.area > 0:
                clipped.append([float(value) for point in list(piece.exterior.coords)[:-1] for value in point])
    return clipped


def _doubled(kept: Iterable[tuple[dict[str, Any], Shape | None]]) -> set[int]:
    by_image: dict[Any, list[Shape]] = {}
    for annotation, shape in kept:
        if shape is not None and shape.area:
            by_image.setdefault(annotation["image_id"], []).append(shape)
    return {
        id(annotation)
        for shapes in by_image.values()
        for code, annotation, _ in crowded_faults(shapes)
        if code == "duplicate-annotation"
    }


def _numbered(annotations: list[dict[str, Any]], done: Counter[str]) -> list[dict[str, Any]]:
    """The annotations with ids of their own: later ones of a doubled id are numbered after the highest."""
    ids = [annotation.get("id") for annotation in annotations]
    following = max((identity for identity in ids if isinstance(identity, int)), default=0) + 1
    seen: set[Any] = set()
    numbered = []
    for annotation in annotations:
        usable = usable_id(annotation.get("id"))
        if not usable or (annotation.get("id") is not None and annotation["id"] in seen):
            annotation = {**annotation, "id": following}
            following += 1
            done["duplicate-annotation-id" if usable else "malformed-field"] += 1
        seen.add(annotation.get("id"))
        numbered.append(annotation)
    return numbered
