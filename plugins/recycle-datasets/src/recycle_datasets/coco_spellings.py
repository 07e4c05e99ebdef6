"""Spellings of COCO annotations that exporters and scripts leave, and that have one right reading."""

from __future__ import annotations

import ast
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from recycle_coco import parse_json

log = logging.getLogger("recycle.datasets")

ODD = "single numbers at the ends of outlines"
RLE_CHARACTERS = range(48, 112)  # the characters of a compressed RLE


def spell(content: Mapping[str, list[dict[str, Any]]], left_out: Counter[str]) -> None:
    """Mend annotations in place: classes by name, outlines and RLE as text, as bytes, or as shares of the sides.

    The corners of what COCO Annotator says is a box, `isbbox`, are no outline.

    Args:
        content: `images`, `annotations` and `categories`.
        left_out: what an outline loses is counted here.
    """
    ids = {str(one.get("name")).strip(): one.get("id") for one in content["categories"]}
    known = {str(one.get("id")).strip() for one in content["categories"]}
    for one in content["annotations"]:
        category = one.get("category_id", one.get("category_name"))
        if isinstance(category, str) and category.strip() not in known and category.strip() in ids:
            one["category_id"] = ids[category.strip()]
        shape = one.get("segmentation")
        if one.get("isbbox") is True:
            one["segmentation"] = []
        elif isinstance(shape, str | dict | list):
            one["segmentation"] = _shape(shape, left_out)
    if _are_shares(content["annotations"]):
        log.warning("note: all outlines lie within 0..1: they are taken for shares of the photos' sides")
        _scale(content)


def _shape(shape: Any, left_out: Counter[str]) -> Any:
    if isinstance(shape, str):
        try:
            shape = parse_json(shape)
        except ValueError:
            return shape
    if isinstance(shape, dict):
        return {**shape, "counts": _counts(shape)}
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict):
        return _shape(shape[0], left_out)
    return [_even(part, left_out) for part in shape] if isinstance(shape, list) else shape


def _counts(rle: Mapping[str, Any]) -> Any:
    """Counts of a compressed RLE that were written as the numbers of its bytes, or as Python shows bytes."""
    counts, size = rle.get("counts"), rle.get("size")
    if isinstance(counts, str) and counts[:2] in ("b'", 'b"'):
        try:
            return ast.literal_eval(counts).decode("ascii")
        except (ValueError, SyntaxError, AttributeError):
            return counts
    if not isinstance(counts, list) or not all(type(one) is int and one in RLE_CHARACTERS for one in counts):
        return counts
    sides = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size)
    whole = sides and sum(counts) == size[0] * size[1]  # type: ignore[index]
    return counts if whole or not sides else bytes(counts).decode("ascii")


def _even(part: Any, left_out: Counter[str]) -> Any:
    """An outline without the x at its end that has no y."""
    if isinstance(part, list) and len(part) % 2 and len(part) > 6 and all(isinstance(one, int | float) for one in part):
        left_out[ODD] += 1
        return part[:-1]
    return part


def _are_shares(annotations: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all outlines are, as Azure Machine Learning writes them, in shares of the photos' sides."""
    shapes = [one["segmentation"] for one in annotations if isinstance(one.get("segmentation"), list)]
    parts = [part for shape in shapes for part in shape if isinstance(part, list)]
    return any(parts) and all(isinstance(one, int | float) and 0 <= one <= 1 for part in parts for one in part)


def _scale(content: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Make shares of the sides pixels, where the file states the sides."""
    sides_of = {str(one.get("id")): (one.get("width"), one.get("height")) for one in content["images"]}
    for one in content["annotations"]:
        width, height = sides_of.get(str(one.get("image_id")), (None, None))
        if isinstance(one.get("segmentation"), list) and isinstance(width, int) and isinstance(height, int):
            one["segmentation"] = [
                [value * (height if place % 2 else width) for place, value in enumerate(part)]
                for part in one["segmentation"]
            ]
