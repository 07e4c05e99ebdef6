"""Reading the pages: their fenced blocks, and the comments that say how these are tested."""

import re
from collections.abc import Iterator
from pathlib import Path

PART = re.compile(r"<!-- (in|not run): (.+?) -->|^```(\w*)(?: title=\"(.+?)\")?\n(.*?)^```$", re.M | re.S)


def parts(page: Path) -> Iterator[tuple[str, str, str]]:
    """(kind, content, title) of each `in` comment and each block; blocks that are not run are left out."""
    skipped = False
    for comment, said, language, title, body in PART.findall(page.read_text(encoding="utf-8")):
        if comment == "in":
            yield "in", said, ""
        elif comment:
            skipped = True
        elif skipped:
            skipped = False
        else:
            yield language, body, title


def outside(page: Path) -> str:
    """What is left of a page without its fenced blocks."""
    return PART.sub("", page.read_text(encoding="utf-8"))
