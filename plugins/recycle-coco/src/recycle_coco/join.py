"""Several COCO files of one folder as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError, join_limited


def joined(contents: Sequence[dict[str, Any]], files: Sequence[Path]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The images and annotations of all contents, with ids of their own where two share one; how many of each.

    A photo that an earlier file lists is not repeated. Categories are those of the first file that has all names.

    Raises:
        RecycleError: no file has the categories of all.
    """
    if len(contents) == 1:
        return contents[0], (len(contents[0]["images"]),)
    names = {category["name"] for content in contents for category in content["categories"]}
    base = next((one for one in contents if names <= {category["name"] for category in one["categories"]}), None)
    if base is None:
        raise RecycleError(
            f"{join_limited(files)} name different categories, and none of them names all",
            "write all categories into one of them, or name one file with --json-path",
        )
    id_of = {category["name"]: category["id"] for category in base["categories"]}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    seen: set[str] = set()
    counts = []
    renumber = _shared(contents, "images") or _shared(contents, "annotations")
    for content in contents:
        categories = {category["id"]: id_of[category["name"]] for category in content["categories"]}
        new = [image for image in content["images"] if image["file_name"] not in seen]
        counts.append(len(new))
        seen.update(image["file_name"] for image in new)
        ids = {image["id"]: len(images) + number if renumber else image["id"] for number, image in enumerate(new, 1)}
        images += [{**image, "id": ids[image["id"]]} for image in new]
        for annotation in content["annotations"]:
            if annotation["image_id"] in ids:
                identity = {"id": len(annotations) + 1} if renumber else {}
                category = categories.get(annotation["category_id"], annotation["category_id"])
                image_id = ids[annotation["image_id"]]
                annotations.append({**annotation, **identity, "image_id": image_id, "category_id": category})
    return {**base, "images": images, "annotations": annotations}, tuple(counts)


def _shared(contents: Sequence[dict[str, Any]], section: str) -> bool:
    """Whether two contents use one id."""
    ids = [entry.get("id") for content in contents for entry in content[section]]
    return len(set(map(repr, ids))) < len(ids)
