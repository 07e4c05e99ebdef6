"""Mending what can be mended without guessing, into a new COCO content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from recyclecli.coco.document import shape_fault
from recyclecli.data.check.shapes import Shape, crowded_faults, painted, polygon_parts, shape_faults


def mended(content: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """A copy of a COCO content with every fault mended that the catalogue marks so, and their numbers by code.

    Polygons are clipped and lose parts without area; empty and doubled annotations and those of
    unknown images go; doubled ids are numbered anew; wrong areas and boxes become the shape's own.
    """
    images = {image["id"]: image for image in content["images"]}
    done: Counter[str] = Counter()
    kept: list[tuple[dict[str, Any], Any]] = []
    for annotation in content["annotations"]:
        image = images.get(annotation["image_id"])
        if image is None:
            done["unknown-image"] += 1
            continue
        if min(image["height"], image["width"]) < 1 or shape_fault(annotation.get("segmentation"), image):
            kept.append((annotation, None))
            continue
        new, codes = _mended(annotation, image)
        done.update(codes)
        if new is not None:
            kept.append((new, painted(new, image)))
    doubled = _doubled(kept)
    done["duplicate-annotation"] += len(doubled)
    annotations = _numbered([annotation for annotation, _ in kept if id(annotation) not in doubled], done)
    return {**content, "annotations": annotations}, +done


def _mended(annotation: dict[str, Any], image: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    codes = [code for code, _ in shape_faults(painted(annotation, image), image)]
    if "empty-segmentation" in codes:
        return None, ["empty-segmentation"]
    new = dict(annotation)
    if {"outside-image", "degenerate-polygon"} & set(codes):
        new["segmentation"] = _clipped(annotation["segmentation"], image)
        if not new["segmentation"]:
            return None, [code for code in codes if code in ("outside-image", "degenerate-polygon")]
        shape = painted(new, image)
        codes = codes + [code for code, _ in shape_faults(shape, image) if code not in codes]
    shape = painted(new, image)
    if "bbox-mismatch" in codes:
        left, top, right, bottom = shape.box
        new["bbox"] = [left, top, right - left, bottom - top]
    if "area-mismatch" in codes:
        new["area"] = shape.area
    mendable = ("outside-image", "degenerate-polygon", "bbox-mismatch", "area-mismatch")
    return new, [code for code in codes if code in mendable]


def _clipped(segmentation: Any, image: Mapping[str, Any]) -> list[list[float]]:
    """The parts of polygons that lie in the photo; a part that crosses itself is left as it is."""
    import shapely

    frame = shapely.box(0, 0, image["width"], image["height"])
    parts: list[list[float]] = []
    for points in polygon_parts(segmentation):
        polygon = shapely.Polygon(points) if len(points) >= 3 else None
        if polygon is None:
            continue
        if not polygon.is_valid and polygon.area > 0:
            parts.append(points.ravel().tolist())
            continue
        if not polygon.is_valid:
            continue
        inside = polygon if frame.contains(polygon) else polygon.intersection(frame)
        for piece in getattr(inside, "geoms", [inside]):
            if piece.geom_type == "Polygon" and piece.area > 0:
                parts.append([float(value) for point in list(piece.exterior.coords)[:-1] for value in point])
    return parts


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
        if annotation.get("id") is not None and annotation["id"] in seen:
            annotation = {**annotation, "id": following}
            following += 1
            done["duplicate-annotation-id"] += 1
        seen.add(annotation.get("id"))
        numbered.append(annotation)
    return numbered
