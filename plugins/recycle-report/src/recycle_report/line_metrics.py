"""A confusion matrix as a sorting line sees it: purity and recovery of each fraction, and what mistakes cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from recycle_data.pages.contact_sheet import first_label
from recycle_engine.judge.scores import Estimate, Evaluation

from recycle_report.summary import percent

MAX_COST_MATERIALS = 16  # materials in the cost matrix; the rest are one row
REST = "all others"


@dataclass(frozen=True, slots=True)
class Fraction:
    """One material as an output of a sorting line, by area.

    Attributes:
        name: of the material.
        purity: of what goes into this fraction, the share that belongs there.
        recovery: of this material, the share that arrives in its fraction.
        polluted_by, lost_to: the largest other share of each, in words; empty where there is none.
    """

    name: str
    purity: Estimate | None
    recovery: Estimate | None
    polluted_by: str
    lost_to: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What the editable cost matrix is made of.

    Attributes:
        names: of its rows (true) and columns (said).
        pixels: of each pair.
        material: pixels that are material, in truth; what costs are divided by.
    """

    names: tuple[str, ...]
    pixels: tuple[tuple[int, ...], ...]
    material: int

    @property
    def wrong(self) -> float:
        """Cost for each 100 units of material where every mistake costs 1: the matrix as it is shown first."""
        matrix = np.array(self.pixels)
        return 100 * float(matrix.sum() - matrix.trace()) / self.material if self.material else 0.0


def fractions(result: Evaluation) -> list[Fraction]:
    """Each material that is in truth or prediction; the background is no fraction."""
    matrix = np.array(result.confusion)
    names = [entry.name for entry in result.classes]
    return [
        Fraction(
            entry.name,
            entry.precision,
            entry.recall,
            _largest(matrix[:, label], label, names),
            _largest(matrix[label], label, names),
        )
        for label, entry in enumerate(result.classes)
        if label >= first_label(names) and (matrix[label].any() or matrix[:, label].any())
    ]


def _largest(counts: NDArray[np.int64], own: int, names: Sequence[str]) -> str:
    others = counts.copy()
    others[own] = 0
    if not others.any():
        return ""
    place = int(others.argmax())
    return f"{names[place]} {percent(others[place] / counts.sum())}"


def costs(result: Evaluation) -> Costs:
    """The pairs of the `MAX_COST_MATERIALS` materials, the background first where there is one, the rest in one row."""
    matrix = np.array(result.confusion)
    names = [entry.name for entry in result.classes]
    first = first_label(names)
    material = int(matrix[first:].sum())
    seen = [label for label in range(first, len(names)) if matrix[label].any() or matrix[:, label].any()]
    size = matrix.sum(0) + matrix.sum(1)
    kept = sorted(sorted(seen, key=lambda label: -size[label])[:MAX_COST_MATERIALS])
    groups = [*([[0]] if first else []), *([label] for label in kept)]
    titles = [names[label] for (label,) in groups]
    rest = [label for label in seen if label not in kept]
    if rest:
        groups, titles = [*groups, rest], [*titles, REST]
    pixels = tuple(tuple(int(matrix[np.ix_(true, said)].sum()) for said in groups) for true in groups)
    return Costs(tuple(titles), pixels, material)
