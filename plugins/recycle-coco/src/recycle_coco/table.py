"""Tables of comma-separated values: rows as dictionaries, in time and memory of what stands in them, and cells."""

from __future__ import annotations

import csv
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

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


def csv_cell(text: str) -> str:
    """A text as a cell of CSV: in quotes where it holds a comma, a quote or a line break of any kind."""
    if text.strip() == text and not set(text) & set(',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'
