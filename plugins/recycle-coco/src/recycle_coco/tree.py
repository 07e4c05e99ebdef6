"""What lies below a folder, listed once, for those who recognise how labels lie there."""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from recycle_coco.encodings import decode_text
from recycle_coco.json import parse_json
from recycle_coco.paths import PHOTO_SUFFIXES, is_hidden, on_list, walk
from recyclecli.errors import RecycleError
from recyclecli.reading import open_regular

HEAD_BYTES = 2**16  # bytes of a file that are looked at
PROBED_FILES_PER_SUFFIX = 5  # files of one suffix that are looked into in a folder with more
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)  # a string that is cut off goes to the end
CLOSER = {"{": "}", "[": "]"}


class Tree:
    """The files below a folder, by their names relative to it, with slashes.

    Hidden files and folders are left out, and links to folders are not followed. Nothing is read before it is asked
    for, and of large files the head alone.

    Args:
        root: the folder.
        alone: the one file of its suffix that counts; every file where none is named.

    Attributes:
        root: the folder.
        files: names of all regular files, in order.
        links: links to folders, in order.
    """

    def __init__(self, root: Path, alone: str = "") -> None:
        self.root = root
        for look in on_list:
            look(root)
        found, links = [], []
        for folder, folders, names in walk(root):
            folders[:] = [name for name in folders if not is_hidden(name)]
            inside = folder.relative_to(root).as_posix()
            prefix = "" if inside == "." else f"{inside}/"
            links += [prefix + name for name in folders if os.path.islink(folder / name)]  # noqa: PTH114 - see below
            own = (name for name in names if not is_hidden(name))
            found += [prefix + name for name in own if os.path.isfile(folder / name)]  # noqa: PTH113 - Path's fails for long ones
        suffix = posixpath.splitext(alone)[1].lower()
        found = [name for name in found if not alone or name == alone or not name.lower().endswith(suffix)]
        self.files: tuple[str, ...] = tuple(sorted(found))
        self.links: tuple[str, ...] = tuple(sorted(links))
        self._glimpses: dict[str, Any] = {}

    @cached_property
    def folders(self) -> dict[str, tuple[str, ...]]:
        """Folder to the names of its own files, relative to the root; the root itself is ""."""
        inside = defaultdict(list)
        for name in self.files:
            inside[name.rpartition("/")[0]].append(name)
        return {folder: tuple(names) for folder, names in inside.items()}

    @cached_property
    def photos(self) -> tuple[str, ...]:
        """Files that are photos, or masks, by their suffixes."""
        return self.ending(*PHOTO_SUFFIXES)

    def named(self, *names: str) -> tuple[str, ...]:
        """Files whose last part is one of `names`, in whatever case."""
        wanted = {name.casefold() for name in names}
        return tuple(name for name in self.files if name.rpartition("/")[2].casefold() in wanted)

    def ending(self, *suffixes: str) -> tuple[str, ...]:
        """Files that end in one of `suffixes` (".json"), in whatever case."""
        return tuple(name for name in self.files if name.lower().endswith(suffixes))

    def few(self, *suffixes: str) -> tuple[str, ...]:
        """As `ending`, but at most `PROBED_FILES_PER_SUFFIX` of each folder: enough to recognise what lies there."""
        chosen = set(self.ending(*suffixes))
        return tuple(
            name
            for names in self.folders.values()
            for name in [one for one in names if one in chosen][:PROBED_FILES_PER_SUFFIX]
        )

    def head(self, name: str, most: int = HEAD_BYTES) -> str:
        """The first `most` bytes of a file as text, see `decode_text`; "" where it cannot be read.

        What is no text of any encoding is UTF-8 with replaced characters.
        """
        try:
            with open_regular(self.root / name) as handle:
                data = handle.read(most)
        except (OSError, RecycleError):
            return ""
        try:
            return decode_text(data, cut=True)
        except UnicodeDecodeError:
            return data.decode("utf-8-sig", "replace")

    def glimpse(self, name: str) -> Any:
        """The value of a JSON file as far as its head tells, lists and objects that are cut off closed; None for none.

        What a large file holds behind its head is missing here, without a hint.
        """
        if name not in self._glimpses:
            self._glimpses[name] = _beginning(self.head(name))
        return self._glimpses[name]

    def jsons(self) -> Iterator[tuple[str, Any]]:
        """JSON files with what a glimpse shows of them; see `few` and `glimpse`."""
        for name in self.few(".json"):
            yield name, self.glimpse(name)


def _beginning(text: str) -> Any:
    """The value of a JSON text, or of as much of it as is there."""
    try:
        return parse_json(text)
    except ValueError:
        pass
    whole = max((token.end() - (token[0] == ",") for token in TOKEN.finditer(text) if token[0][0] != '"'), default=0)
    open_ones: list[str] = []
    for token in TOKEN.finditer(text, 0, whole):
        if token[0] in CLOSER:
            open_ones.append(CLOSER[token[0]])
        elif open_ones and token[0] == open_ones[-1]:
            open_ones.pop()
    try:
        return json.loads(text[:whole] + "".join(reversed(open_ones))) if whole else None
    except (ValueError, RecursionError):
        return None
