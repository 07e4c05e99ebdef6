"""The photos of the check: some of a folder that a user names, or drawn ones of the sample set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

HELD_OUT = 6  # one photo of so many is validated on
ANNOTATIONS = ("train_all.json", "train.json", "annotations.json")


def draw(folder: Path, count: int) -> None:
    """Draw photos of the sample set into a folder, in two parts."""
    from recycle_engine import api

    write_parts(json.loads(api.sample(folder, count).read_text()), folder)


def copy(source: Path, folder: Path, count: int) -> None:
    """Copy the first photos of a COCO folder, by name, with their labels, in two parts.

    Raises:
        FileNotFoundError: the folder has no annotation file.
    """
    file = next((source / name for name in ANNOTATIONS if (source / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(f"{source} has none of {', '.join(ANNOTATIONS)}")
    content = json.loads(file.read_text())
    content["images"] = sorted(content["images"], key=lambda image: image["file_name"])[:count]
    for image in content["images"]:
        target = folder / image["file_name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / image["file_name"], target)
    write_parts(content, folder)


def write_parts(content: dict[str, Any], folder: Path) -> None:
    """Write train.json and val.json: every sixth photo is validated on."""
    images = content["images"]
    held_out = {image["id"] for image in images[::HELD_OUT]}
    for name, inside in (("val", True), ("train", False)):
        kept = [image for image in images if (image["id"] in held_out) == inside]
        ids = {image["id"] for image in kept}
        labels = [one for one in content["annotations"] if one["image_id"] in ids]
        (folder / f"{name}.json").write_text(json.dumps({**content, "images": kept, "annotations": labels}))


def files(folder: Path) -> list[Path]:
    """The photos of both parts, by name; none where the folder is none of the check's."""
    parts = [folder / f"{name}.json" for name in ("train", "val")]
    if not all(map(Path.is_file, parts)):
        return []
    return sorted(folder / image["file_name"] for file in parts for image in json.loads(file.read_text())["images"])
