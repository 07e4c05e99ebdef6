"""Archives, which are named where a folder is meant: what to type to unpack them."""

from __future__ import annotations

import shlex
import stat
from itertools import chain, count
from pathlib import Path

from recyclecli.errors import RecycleError
from recyclecli.reading import FILE_KINDS, open_regular

UNPACK = {".zip": "unzip {0} -d {1}", ".tar": "mkdir {1} && tar -xf {0} -C {1}", ".7z": "7z x {0} -o{1}"}
TARS = (".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".txz", ".tbz2", ".tar.zst")
MAGIC = {b"PK\x03\x04": ".zip", b"7z\xbc\xaf\x27\x1c": ".7z", b"\x1f\x8b": ".tar", b"\xfd7zXZ\0": ".tar"}


def refuse_archive(file: Path, expected: str) -> None:
    """Raise RecycleError where a file is an archive by its name or its first bytes, or a stream or device.

    The remedy of an archive unpacks it to a new folder.

    Args:
        file: anything that exists, or does not.
        expected: what is read in its place, as `photos are read from files and folders`.
    """
    try:
        kind = stat.S_IFMT(file.stat().st_mode)
    except (OSError, ValueError):  # there is none, or it cannot be seen
        return
    if kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise RecycleError(
            f"{file} is {FILE_KINDS.get(kind, 'a device')}, and {expected}",
            "save what comes from there as a file, and name that",
        )
    form = _form(file) if kind == stat.S_IFREG else None
    if form is None:
        return
    stem = file.name.lstrip(".-").partition(".")[0] or "unpacked"
    folder = next(one for one in chain([stem], (f"{stem}-{k}" for k in count(1))) if not Path(one).exists())
    name = shlex.quote(f"./{file}" if str(file).startswith("-") else str(file))
    folder = shlex.quote(folder)
    raise RecycleError(
        f"{file} is an archive, and {expected}",
        f"{UNPACK[form].format(name, folder)}, then name the folder {folder}",
    )


def _form(file: Path) -> str | None:
    """The suffix under which an archive's command stands; None for other files."""
    if file.name.lower().endswith(TARS):
        return ".tar"
    if file.suffix.lower() in UNPACK:
        return file.suffix.lower()
    with open_regular(file) as handle:
        head = handle.read(8)
    return next((form for magic, form in MAGIC.items() if head.startswith(magic)), None)
