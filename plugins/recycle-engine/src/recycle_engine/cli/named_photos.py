"""Photos as `predict` and `ensemble` are told them: as places, or in a list."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recyclecli.errors import RecycleError
from recyclecli.reading import read_text

if TYPE_CHECKING:
    from recycle_engine.inference.predict import Predicted

NamesOption = Annotated[
    Path | None,
    typer.Option("--list", metavar="FILE", help="Text file with one path per line; - is stdin."),
]


def predicted(run: Any, images: Sequence[Path] | None, names: Path | None, options: Mapping[str, Any]) -> Predicted:
    """What `api.predict` gives for places, or `api.predict_listed` for the lines of a file.

    Args:
        run: see there.
        images: places of photos.
        names: the file; `-` is standard input.
        options: keywords of both functions.

    Raises:
        RecycleError: both are given, or none.
    """
    from recycle_engine import api

    if images and names is None:
        return api.predict(run, images, **options)
    if images or names is None:
        raise RecycleError(
            "photos are named twice: as places and with --list" if images else "no photos are named",
            "give one of them" if images else "recycle predict RUN photos --out predicted, or --list FILE",
        )
    return api.predict_listed(run, _lines(names), folder=names.parent, **options)


def _lines(names: Path) -> Iterator[str]:
    """The lines of a list, which is read when the first is asked for."""
    yield from (sys.stdin.read() if str(names) == "-" else read_text(names)).split("\n")
