"""Results that are one result: copies of a run, and predictions that are alike on every photo."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from recycle_coco.once import warn_once

from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_engine.judge.per_image_counts import PerImageCounts
    from recycle_engine.runs import Run

log = logging.getLogger("recycle.engine")


def say_copies(runs: Iterable[Run | None]) -> set[Run]:
    """Log a note for each run that holds the weights of an earlier one in another folder; those runs."""
    from recycle_engine.inference.engines import digest_of

    first: dict[str, Run] = {}
    copies: set[Run] = set()
    for run in dict.fromkeys(runs):
        if run is None or not run.best.is_file():
            continue
        original = first.setdefault(digest_of(run.best), run)
        if original.folder.resolve() != run.folder.resolve():
            copies.add(run)
            warn_once(
                log,
                f"note: {run.folder} holds the weights of {original.folder}, byte by byte: one training, and no second",
            )
    return copies


def say_alike(counts: Mapping[str, PerImageCounts]) -> None:
    """Log a note for each result that counts the same as the first on every photo."""
    (base, first), *others = counts.items()
    for name, one in others:
        if len(first) and first.names == one.names and np.array_equal(first.counts, one.counts):
            warn_once(
                log,
                f"note: {name} counts the same pixels as {base} on each of {counted(len(first), 'photo')}: "
                "one prediction",
            )
