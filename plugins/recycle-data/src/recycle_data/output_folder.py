"""Folders that commands write, by the names that people give them."""

from __future__ import annotations

import shlex
from pathlib import Path

from recycle_data.owned import refuse_link
from recyclecli.errors import RecycleError

FILES = (".onnx", ".png", ".jpg", ".jpeg", ".json", ".csv", ".yaml", ".yml", ".txt", ".html", ".zip", ".xml", ".py")


def refuse_output_folder(folder: Path) -> None:
    """Raise RecycleError where a link or a file stands in the place of a folder to write, or it is called as a file."""
    refuse_link(folder, "name the folder that it leads to, or another one")
    if folder.suffix.lower() in FILES and not folder.is_dir():
        raise RecycleError(
            f"{folder} is called as a file, and a folder of several files is written",
            f"name the folder: {shlex.quote(str(folder.with_suffix('')))}",
        )
