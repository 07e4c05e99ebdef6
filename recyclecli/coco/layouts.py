"""What a folder without a usual annotation file holds instead, and how to name it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError, listed
from recyclecli.reading import parse_json, read_bytes

LARGEST = 2**31  # bytes of a file that is looked into
READ = 20  # files that are looked into at most


def refuse_file(root: Path) -> None:
    """Raise RecycleError where the data folder is a file."""
    if root.is_file():
        option = f" --json-path {shlex.quote(root.name)}" if root.suffix == ".json" else ""
        raise RecycleError(
            f"{root} is a file, and --data names a folder", f"--data {shlex.quote(str(root.parent))}{option}"
        )


def is_labelme(content: Any) -> bool:
    """Whether JSON is labelme's, of one photo."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def other_annotations(root: Path) -> tuple[str, str] | None:
    """What JSON files lie in a folder and two levels below, and a remedy; None where there are none.

    For COCO files the remedy names one together with the folder that its photos are in.
    """
    files = sorted(file for pattern in ("*.json", "*/*.json", "*/*/*.json") for file in root.glob(pattern))
    if not files:
        return None
    contents = {file: _content(file) for file in files[:READ]}
    labelme = [file for file, content in contents.items() if is_labelme(content)]
    if labelme:
        return labelme_cause(f"but {len(files)} other JSON files", labelme[0], root)
    documents = {file: content for file, content in contents.items() if _is_coco(content)}
    if not documents:
        return f"but {_names(files, root)}, none of them COCO", "name the annotation file with --json-path FILE"
    file, content = min(documents.items(), key=lambda pair: "train" not in pair[0].parts[-2:][0])
    photos = _photos_of(root, file, content)
    folder = "" if photos in (None, root) else f"--data {shlex.quote(str(photos))} "
    return (
        f"but {_names(list(documents), root)}",
        f"name the annotation file, and the folder of its photos: {folder}--json-path {shlex.quote(str(file))}",
    )


def labelme_cause(start: str, file: Path, root: Path) -> tuple[str, str]:
    """What is said of labelme's files, and what to do with them."""
    there = shlex.quote(f"{root}-coco")
    return (
        f"{start}, and {file.name} is labelme's, of one photo",
        "make one COCO file of them with labelme2coco.py, which is in labelme's examples/instance_segmentation: "
        f"python labelme2coco.py {shlex.quote(str(root))} {there} --labels labels.txt, then --data {there}",
    )


def _names(files: list[Path], root: Path) -> str:
    return listed(file.relative_to(root).as_posix() for file in files)


def _content(file: Path) -> Any:
    try:
        return parse_json(read_bytes(file, LARGEST))
    except (OSError, ValueError, RecycleError):
        return None


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations"))


def _photos_of(root: Path, file: Path, content: Mapping[str, Any]) -> Path | None:
    """The folder that the first photo's name is relative to: the root, the file's own, or one below the root."""
    first = content["images"][0] if content["images"] else None
    name = first.get("file_name") if isinstance(first, dict) else None
    if not isinstance(name, str) or Path(name).is_absolute():
        return None
    folders = [root, file.parent, *sorted(path for pattern in ("*/", "*/*/") for path in root.glob(pattern))]
    return next((folder for folder in folders if folder.is_dir() and (folder / name).is_file()), None)
