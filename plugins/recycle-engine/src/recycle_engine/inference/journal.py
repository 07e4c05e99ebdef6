"""What is done of a long job, so that one that was killed goes on where it was. No torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from recycle_coco.json import parse_json

from recyclecli.errors import RecycleError
from recyclecli.files import lock, open_state, unwritable

MAX_JOB_LINE_BYTES = 2**26  # bytes of a line that says what the job is


def begins_as(file: Path, job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a journal says of its job; None where a file is no journal of such a job as `job`.

    Of one whose first line was not written whole nothing is said.

    Raises:
        RecycleError: it is no regular file, another user's, or has further names; or it cannot be read.
    """
    try:
        with open_state(file) as handle:
            line = handle.readline(MAX_JOB_LINE_BYTES)
    except OSError as error:
        raise unwritable(file, error) from error
    if not line.endswith(b"\n"):
        start = json.dumps({min(job): None}).encode()[: -len(b" null}")]
        return {} if start.startswith(line[: len(start)]) else None
    try:
        told = parse_json(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and told.keys() == job.keys() else None


class Journal:
    """A file with the job in its first line, and one line for each item that is done; to be used as a context.

    It belongs to one process at a time. A last line that was not written whole is cut off.

    Args:
        file: where it is; made if it does not exist.
        job: what is done; a journal of another job is refused.

    Attributes:
        done: item name to what went wrong, or None, in order.
        end: bytes of another file that belong to what is done, see `add`.

    Raises:
        RecycleError: another process is at it, another job was begun there, or the file cannot be written.
    """

    def __init__(self, file: Path, job: Mapping[str, Any]) -> None:
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handle = open_state(file, "ab+")
        except OSError as error:
            raise unwritable(file, error) from error
        if lock(self._handle.fileno(), wait=False) is False:
            self._handle.close()
            raise RecycleError(f"another process is writing {file}", "wait for it, or end it")
        self._handle.seek(0)
        lines = self._handle.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            self._handle.truncate(sum(map(len, lines[:-1])))
            lines.pop()
        text = json.dumps(job, ensure_ascii=False, sort_keys=True)
        if not lines:
            self._line(text)
        elif lines[0].rstrip(b"\n") != text.encode():
            self._handle.close()
            raise RecycleError(
                f"{file.parent} holds the beginning of another job, with other or changed photos, or other settings",
                "choose another folder, or pass --force to begin anew",
            )
        self.done: dict[str, str | None] = {}
        self.end = 0
        for number, line in enumerate(lines[1:], start=2):
            name, fault, self.end = self._entry(number, line)
            self.done[name] = fault

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it, as the context does in the end."""
        self._handle.close()

    def add(self, entries: Sequence[tuple[str, str | None, int]]) -> None:
        """More items are done, or cannot be.

        Args:
            entries: name, fault, and how long a file that all items share has become with it.
        """
        self._line("\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries))
        self.done |= {name: fault for name, fault, _ in entries}

    def _entry(self, number: int, line: bytes) -> tuple[str, str | None, int]:
        try:
            name, fault, end = parse_json(line)
        except (ValueError, TypeError):
            name = fault = end = None
        if not (isinstance(name, str) and isinstance(fault, str | None) and isinstance(end, int) and end >= 0):
            self._handle.close()
            raise RecycleError(
                f"line {number} of {self._file} is damaged, so what is done of the job is not known",
                "pass --force to begin anew",
            )
        return name, fault, end

    def _line(self, text: str) -> None:
        try:
            self._handle.write(f"{text}\n".encode())
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise unwritable(self._file, error) from error
