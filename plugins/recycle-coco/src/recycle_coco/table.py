"""Tables of comma-separated values: rows as dictionaries, in time and memory of what stands in them, and cells."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco.encodings import loose_text
from recycle_coco.large import WORTH_OF_TABLE, read_large

if TYPE_CHECKING:
    Reader = csv.DictReader[str]
else:
    Reader = csv.DictReader


class Row(dict[str, str]):
    """A row by its headings; None for what it ends before."""

    def __init__(self, headings: Sequence[str], known: Set[str], cells: list[str]) -> None:
        super().__init__(zip(headings, cells, strict=False))
        self._known = known

    def __missing__(self, heading: str) -> None:
        if heading not in self._known:
            raise KeyError(heading)


class CsvRows(Reader):
    """`csv.DictReader` whose short rows are not filled up: a heading of 100,000 cells costs nothing in each row."""

    _known: Set[str] | None = None

    def __next__(self) -> Any:
        headings = self.fieldnames or ()
        if self._known is None:
            self._known = frozenset(headings)
        cells = next(self.reader)
        while not cells:  # an empty line
            cells = next(self.reader)
        return Row(headings, self._known, cells)


def read_table(file: Path) -> str:
    """The text of a table of labels, of as many rows as `read_large` gives memory for.

    Raises:
        RecycleError: see there; or the file is no text.
    """
    return loose_text(read_large(file, WORTH_OF_TABLE), file)


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text with their ends, one after the other: `StringIO` makes a copy of four times its size."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def csv_cell(text: str) -> str:
    """A text as a cell of CSV: in quotes where it holds a comma, a quote or a line break of any kind."""
    if text.strip() == text and not set(text) & set(',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
