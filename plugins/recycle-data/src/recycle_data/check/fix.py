"""Mending what can be mended without guessing, into a new COCO content."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from recycle_coco.document import usable_id
from recycle_coco.empty_shapes import NO_PIXEL, REMEDIES, outline_fault, told
from recycle_coco.labels import IGNORE_CATEGORY, is_background, project_categories
from recycle_coco.lenient import strict
from recycle_coco.misplaced import misplaced

from recycle_data.check.geometry import MeasuredShape, Parts, measured_annotations, shapes_of
from recycle_data.check.lists import class_count
from recycle_data.check.shapes import crowded_faults, shape_faults
from recyclecli.errors import RecycleError, join_limited
from recyclecli.printable import short_repr
from recyclecli.types import IGNORE

OF_UNKNOWN_IMAGE = "are of an image that the file does not list"


def mended(content: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """A copy of a COCO content with every fault mended that the catalogue marks so, and their numbers by code.

    Entries of one photo and size are joined.
    Loose spellings become COCO's; blanks around names of categories go, and categories that are no class.
    Polygons are clipped and lose parts without area; empty and doubled annotations and those of
    unknown images go; doubled ids are numbered anew; wrong areas and boxes become the shape's own.
    Where there are more classes than masks hold, those without an object go.

    Raises:
        RecycleError: the outlines are `misplaced`; or most annotations, or all of a photo, would go: that is no slip
            but how the file is written.
    """
    content, loose = strict(content)
    if wrong := misplaced(content):
        raise RecycleError(
            f"{wrong}: clipped, and with boxes made of them, they would only look right; nothing is written",
            "export them again: in pixels of these photos, x before y",
        )
    done: Counter[str] = Counter(code for code, _, _ in loose)
    content = _joined(content, done)
    content = {**content, "categories": _categories(content, done)}
    kept: list[tuple[dict[str, Any], MeasuredShape | None]] = []
    lost: list[tuple[dict[str, Any], dict[str, Any], str]] = []
    for annotation, image, shape in measured_annotations(content):
        if isinstance(shape, MeasuredShape):
            new, codes = _mended(annotation, image, shape)
            done.update(codes)
            if new is not None:
                kept.append(new)
            else:
                boxed = bool(annotation.get("bbox"))
                cause = outline_fault(annotation.get("segmentation"), image["height"], image["width"], boxed)
                lost.append((annotation, image, cause or NO_PIXEL))
        elif shape[0] == "unknown-image":
            done["unknown-image"] += 1
            lost.append((annotation, image, OF_UNKNOWN_IMAGE))
        else:
            kept.append((annotation, None))
    _refuse_loss(content, lost, {annotation["image_id"] for annotation, _ in kept})
    doubled = _doubled(kept)
    done["duplicate-annotation"] += len(doubled)
    annotations = _numbered([annotation for annotation, _ in kept if id(annotation) not in doubled], done)
    categories = content["categories"]
    if class_count(categories) > IGNORE:
        used = {annotation["category_id"] for annotation in annotations}
        categories = [one for one in categories if one["id"] in used or is_background(one["name"])]
        done["too-many-classes"] = len(content["categories"]) - len(categories)
    return {**content, "annotations": annotations, "categories": categories}, +done


def _joined(content: dict[str, Any], done: Counter[str]) -> dict[str, Any]:
    """The content with one entry for each photo: the first, which takes the annotations of those of its size."""
    ids = Counter(image["id"] for image in content["images"])
    first: dict[tuple[str, int, int], dict[str, Any]] = {}
    id_of: dict[Any, Any] = {}
    for image in content["images"]:
        key = (posixpath.normpath(image["file_name"]), image["width"], image["height"])
        one = first.setdefault(key, image)
        if one is not image and ids[one["id"]] == ids[image["id"]] == 1:
            id_of[image["id"]] = one["id"]
    if not id_of:
        return content
    done["duplicate-file-name"] += len(id_of)
    images = [image for image in content["images"] if image["id"] not in id_of]
    annotations = [
        {**annotation, "image_id": id_of.get(annotation["image_id"], annotation["image_id"])}
        for annotation in content["annotations"]
    ]
    return {**content, "images": images, "annotations": annotations}


def _categories(content: dict[str, Any], done: Counter[str]) -> list[dict[str, Any]]:
    """The categories without those that are no class, their names without blanks where they stay unique."""
    groups = {category["id"] for category in project_categories(content)}
    kept = [category for category in content["categories"] if category["id"] not in groups]
    if not any(category["name"] != IGNORE_CATEGORY and not is_background(category["name"]) for category in kept):
        kept = content["categories"]
    done["project-category"] += len(content["categories"]) - len(kept)
    names = Counter(category["name"].strip() for category in kept)
    tidy = []
    for category in kept:
        name = category["name"].strip()
        if name and name != category["name"] and names[name] == 1:
            category = {**category, "name": name}
            done["untidy-category-name"] += 1
        tidy.append(category)
    return tidy


def _refuse_loss(
    content: dict[str, Any], lost: list[tuple[dict[str, Any], dict[str, Any], str]], labelled: set[Any]
) -> None:
    """Refuse to delete what the whole file spells the same way, or all labels of a photo."""
    total = len(content["annotations"])
    causes = Counter(cause for _, _, cause in lost)
    most = causes.most_common(1)[0] if causes else ("", 0)
    remedy = REMEDIES.get(most[0], "give each image_id the id of an image")
    if 2 * most[1] > total:
        example = ""
        if most[0] == OF_UNKNOWN_IMAGE:
            wanted = next(annotation["image_id"] for annotation, _, cause in lost if cause == OF_UNKNOWN_IMAGE)
            ids = [image["id"] for image in content["images"][:3]]
            example = f" (image_id {short_repr(wanted)}; the images have {', '.join(map(short_repr, ids))} ...)"
        raise RecycleError(f"--fix would delete labels, and writes nothing: {told(causes, total)}{example}", remedy)
    emptied = {image["file_name"]: cause for _, image, cause in lost if image and image["id"] not in labelled}
    if emptied:
        raise RecycleError(
            f"--fix would leave {join_limited(emptied)} without a label, and writes nothing: the only ones there "
            f"{join_limited(dict.fromkeys(emptied.values()))}",
            "remove or redraw these annotations by hand, then mend the rest",
        )


def _mended(
    annotation: dict[str, Any], image: Mapping[str, Any], shape: MeasuredShape
) -> tuple[tuple[dict[str, Any], MeasuredShape] | None, list[str]]:
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


def _doubled(kept: Iterable[tuple[dict[str, Any], MeasuredShape | None]]) -> set[int]:
    by_image: dict[Any, list[MeasuredShape]] = {}
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
