"""Which files of a folder are recycle's own: told by a record of names, sizes and digests, and proved by the files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from recycle_coco.paths import below

from recycle_data.vanished_outputs import refuse_gone
from recyclecli.errors import RecycleError, RunFailed
from recyclecli.files import PART, atomic_path, encoded, lock, open_state, refuse_overwrite, unwritable, write_text
from recyclecli.locks import WITHIN, held

RECORD = ".recycle.jsonl"
"""In each folder that something is written into: a line [name, bytes, SHA-256] for each file, added before the file
appears. It is a claim that anybody can make, so a file is taken for ours only where it is still as a line says."""

BEGUN_MARK = b"recycle: begun, and not ended\n"
BEGINS = b'["'  # a record
MAX_RECORD_BYTES, MAX_RECORD_LINE_BYTES = 2**27, 2**14  # bytes of a record and of a line that are read
RECORD_LINE = re.compile(rb'\[".*", \d{1,19}, "[0-9a-f]{64}"\]\n?')

BATCH = 1000  # items of a list that are written in one go


@dataclass(frozen=True, slots=True)
class Owned:
    """A folder that commands write files of their own choice into, beside what others keep there.

    Attributes:
        base: the folder; names in its record are relative to it.
    """

    base: Path

    @contextmanager
    def atomic_path(self, path: Path) -> Iterator[Path]:
        """As `recyclecli.files.atomic_path`, with a line in the record.

        Args:
            path: of a file below `base`.

        Raises:
            RecycleError, RunFailed: see there; or the record is a link, or another user's.
        """
        self._refuse_links([path])
        with atomic_path(path) as part:
            yield part
            self._note(path, part)

    def write_bytes(self, path: Path, data: bytes) -> None:
        """Write `data` with `whole`; raises the same."""
        try:
            with self.atomic_path(path) as part:
                part.write_bytes(data)
        except OSError as error:
            raise unwritable(path, error) from error

    def write_text(self, path: Path, text: str) -> None:
        """Write `text` as UTF-8 with `whole`; raises the same."""
        self.write_bytes(path, encoded(path, text))

    def write_json(self, path: Path, value: Any, *, indent: int | None = None) -> None:
        """Write `value` as JSON with `whole`; NaN and infinity, which JSON lacks, raise ValueError."""
        self.write_texts(path, _texts(value, indent))

    def write_texts(self, path: Path, texts: Iterable[str]) -> None:
        """Write texts behind each other as UTF-8 with `whole`, never all in memory; raises the same."""
        try:
            with self.atomic_path(path) as part, part.open("wb") as handle:
                for text in texts:
                    handle.write(encoded(path, text))
        except OSError as error:
            raise unwritable(path, error) from error

    def refuse_overwrite(self, paths: Iterable[Path], force: bool) -> None:
        """Refuse to replace what is not our own.

        Raises:
            RecycleError: one of `paths` exists and not `force`; or it is a link, or not what was written here. What
                a process that was killed left of its lock is removed then.
        """
        paths = list(paths)
        try:
            self._refuse_links(paths)
            refuse_overwrite(paths, force=True)  # links and folders
            self.refuse_foreign(paths)  # before --force is offered as a remedy
            refuse_overwrite(paths, force)
        except RecycleError:
            _remove_lock(self.base)
            raise

    def refuse_foreign(self, paths: Iterable[Path], remedy: str = "move it away, or choose another place") -> None:
        """Raise RecycleError, naming the first of `paths` that exists and is not what was written here."""
        record = self._read()
        for path in paths:
            if os.path.lexists(path) and not self._proved(path, record):
                raise RecycleError(
                    f"{path} is not what recycle wrote there: it is yours, or was changed, so it is kept",
                    remedy,
                )

    @contextmanager
    def begun(self, last: Path, others: Iterable[Path], force: bool) -> Iterator[None]:
        """Mark work as begun until the block, which writes `last` at its end, succeeds.

        A mark that is found is an interrupted call's, which may be typed again.

        Args:
            last: a file in the folder.
            others: what the block writes before it.
            force: replace what was written here.

        Raises:
            RecycleError: another process writes there; a file exists, and neither `force` nor such a mark, or it is
                not what was written here; two files, or one and one of ours, have the same name; or nothing can be
                written there. RunFailed: files that the block wrote are gone at its end.
        """
        mark, files = last.with_name(last.name + PART), [last, *others]
        self._refuse_reserved(files, mark)
        self.refuse_overwrite(files, force or interrupted(mark))  # before anything is made
        with held(self.base, within=True):
            self.refuse_overwrite(files, force or interrupted(mark))  # another process may have ended meanwhile
            put_mark(mark)
            yield
            try:
                refuse_gone(files)
            except RunFailed:
                put_mark(mark)  # it may be gone with them
                raise
            mark.unlink(missing_ok=True)
            self.finish()

    def own(self, paths: Iterable[Path]) -> list[Path]:
        """Those of `paths` that are still what was written here."""
        record = self._read()
        return [path for path in paths if self._proved(path, record)]

    def names(self) -> frozenset[str]:
        """The names in the record: a claim."""
        return frozenset(self._read())

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove those of `paths` that are our own."""
        for path in self.own(paths):
            path.unlink()

    def clear(self, last: Path) -> None:
        """Remove what is our own, `last` after all other files, and then the folders that are empty."""
        if self.base.is_symlink() or not self.base.is_dir():
            return
        self.remove(self.base / name for name in self._read() if self.base / name != last)
        self.remove([last])
        folders = [folder for folder in below(self.base) if folder.is_dir() and not folder.is_symlink()]
        (self.base / RECORD).unlink(missing_ok=True)
        for folder in [*sorted(folders, reverse=True), self.base]:
            with suppress(OSError):  # one that holds what is not ours stays
                folder.rmdir()

    def finish(self) -> None:
        """Shorten the record to the last line of each name, also of files that another process is about to write.

        On a full disk it stays as long as it is: the work is done, and must not seem to have failed.
        """
        with suppress(OSError, RecycleError), self._locked() as handle:
            lines = {name: (name, size, digest) for name, size, digest in _lines(handle)}
            kept = (json.dumps(lines[name], ensure_ascii=False) + "\n" for name in sorted(lines))
            write_text(self.base / RECORD, "".join(kept))

    def _refuse_reserved(self, files: Sequence[Path], mark: Path) -> None:
        """Raise RecycleError where two files have one name, or a file that of the record, the lock or the mark."""
        taken = {self.base / name for name in (RECORD, WITHIN, f"{WITHIN}.json")} | {mark}
        for file in files:
            if file in taken:
                raise RecycleError(
                    f"{file} would be written twice: a photo has the name of a file that recycle writes there",
                    f"rename the photo {file.name!r}",
                )
            taken.add(file)

    def _refuse_links(self, paths: Iterable[Path]) -> None:
        """Raise RecycleError where a folder between this one and a file is a link."""
        for folder in {folder for path in paths for folder in path.relative_to(self.base).parents if folder.name}:
            refuse_link(self.base / folder, "choose another place, or remove it")

    def _note(self, path: Path, part: Path) -> None:
        line = [path.relative_to(self.base).as_posix(), part.stat().st_size, _digest(part)]
        try:
            with self._locked() as handle:
                handle.seek(0, os.SEEK_END)
                handle.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise unwritable(self.base / RECORD, error) from error

    @contextmanager
    def _locked(self) -> Iterator[Any]:
        """The record, which nobody else changes meanwhile."""
        while True:
            with open_state(self.base / RECORD, "ab+") as handle:
                if lock(handle.fileno()) and not _is_at(handle.fileno(), self.base / RECORD):
                    continue  # another process has shortened it
                self._refuse_other(handle)
                yield handle
                return

    def _read(self) -> dict[str, set[tuple[int, str]]]:
        found: dict[str, set[tuple[int, str]]] = {}
        try:
            with open_state(self.base / RECORD) as handle:
                self._refuse_other(handle)
                for name, size, digest in _lines(handle):
                    found.setdefault(name, set()).add((size, digest))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            raise unwritable(self.base / RECORD, error) from error
        return found

    def _refuse_other(self, handle: Any) -> None:
        """Raise RecycleError where the record begins with something else than a line of one, which would be lost."""
        handle.seek(0)
        if handle.read(len(BEGINS)) not in (b"", BEGINS):
            raise RecycleError(
                f"{self.base / RECORD} is not what recycle wrote there: it is yours, so it is kept",
                "move it away, or choose another place",
            )

    def _proved(self, path: Path, record: dict[str, set[tuple[int, str]]]) -> bool:
        """Whether a file lies in the folder without a link on the way, and is as a line says."""
        try:
            name = path.relative_to(self.base)
            claims = record.get(name.as_posix(), set())
            ways = [self.base.joinpath(*name.parts[:end]) for end in range(1, len(name.parts) + 1)]
            if not claims or ".." in name.parts or any(way.is_symlink() for way in ways):
                return False
            found = path.stat()
            return (
                stat.S_ISREG(found.st_mode)
                and any(size == found.st_size for size, _ in claims)
                and (found.st_size, _digest(path)) in claims
            )
        except (OSError, ValueError):
            return False


def interrupted(mark: Path) -> bool:
    """Whether the mark of work that was begun lies there.

    Raises:
        RecycleError: something else does.
    """
    try:
        with open_state(mark) as handle:
            found = handle.read(len(BEGUN_MARK) + 1)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unwritable(mark, error) from error
    if found not in (b"", BEGUN_MARK):
        raise RecycleError(
            f"{mark} is not what recycle wrote there: it is yours, so it is kept",
            "move it away, or choose another place",
        )
    return True


def refuse_link(folder: Path, remedy: str) -> None:
    """Raise RecycleError where a link, or a file, stands in the place of an output's own folder."""
    if folder.is_symlink():
        raise RecycleError(f"{folder} is a link, and no write follows one", remedy)
    if folder.is_file():
        raise RecycleError(f"{folder} is a file, and a folder is written", "name another folder, or move the file away")


def put_mark(mark: Path) -> None:
    """Mark work as begun.

    Raises:
        RecycleError: something else lies there, or nothing can be written. RunFailed: the disk is full.
    """
    try:
        if not interrupted(mark):
            mark.parent.mkdir(parents=True, exist_ok=True)
            with open_state(mark, "ab") as handle:
                handle.write(BEGUN_MARK)
    except OSError as error:
        raise unwritable(mark, error) from error


def _remove_lock(folder: Path) -> None:
    """Remove what a process that was killed left of a lock that lies in a folder; nothing while one holds it."""
    if (folder / f"{WITHIN}.json").is_file():
        with suppress(RecycleError), held(folder, within=True):
            pass  # its files go with it


def _lines(handle: Any) -> Iterator[tuple[str, int, str]]:
    """What of a record can be read: its last line may be cut, and a stranger may have written it."""
    handle.seek(0)
    while handle.tell() < MAX_RECORD_BYTES and (line := handle.readline(MAX_RECORD_LINE_BYTES)):
        if RECORD_LINE.fullmatch(line):  # what else there is would take far more memory than its text
            try:
                name, size, digest = json.loads(line)
            except (ValueError, TypeError, RecursionError):
                continue
            if isinstance(name, str):
                yield name, size, digest


def _digest(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat(follow_symlinks=False))
    except OSError:
        return False


def _texts(value: Any, indent: int | None) -> Iterator[str]:
    """`json.dumps` of a value, and the end of its line, never whole where it is long lists by key."""
    dumps = partial(json.dumps, ensure_ascii=False, allow_nan=False, indent=indent)
    if indent is not None or not isinstance(value, dict) or not value:
        yield dumps(value) + "\n"
        return
    for number, (key, one) in enumerate(value.items()):
        yield f"{', ' if number else '{'}{dumps(str(key))}: "
        if not isinstance(one, list) or len(one) <= BATCH:
            yield dumps(one)
            continue
        for start in range(0, len(one), BATCH):
            yield f"{', ' if start else '['}{dumps(one[start : start + BATCH])[1:-1]}"
        yield "]"
    yield "}\n"
