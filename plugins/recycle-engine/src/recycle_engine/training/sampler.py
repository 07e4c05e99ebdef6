"""Which photo comes when: a function of the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """One photo of an epoch.

    Attributes:
        photo: its index in the source.
        chance: seeds whatever is random about its reading; empty where nothing is.
        counted: False where it only fills up a rank's last batch: all of it is ignored.
    """

    photo: int
    chance: tuple[int, ...] = ()
    counted: bool = True


class EpochSampler(Sampler[Draw]):
    """Draws an epoch's photos from (seed, epoch), the same in a resumed run.

    Each photo is drawn floor(w) or ceil(w) times for its weight w, by systematic resampling
    (Kitagawa, 1996), and with all weights 1 exactly once. Several ranks take every n-th photo
    of one common order; the remainder is dropped, so that all take the same number of steps.

    Args:
        weights: per photo, its expected count in an epoch.
        seed: of the run.
        epoch: the first to draw; Lightning sets the later ones through `set_epoch`.
        rank, ranks: this process among how many.
    """

    def __init__(
        self, weights: Sequence[float] | NDArray[np.float64], seed: int, epoch: int = 0, rank: int = 0, ranks: int = 1
    ) -> None:
        self._ends = np.cumsum(np.asarray(weights, np.float64))
        self._seed = seed
        self._epoch = epoch
        self._rank, self._ranks = rank, ranks

    def set_epoch(self, epoch: int) -> None:
        """Draw `epoch` from the next iteration on."""
        self._epoch = epoch

    def __len__(self) -> int:
        return max(1, round(float(self._ends[-1]))) // self._ranks

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng((self._seed, self._epoch))
        count = max(1, round(self._ends[-1]))
        ticks = (np.arange(count) + rng.random()) * (self._ends[-1] / count)
        order = rng.permutation(np.searchsorted(self._ends, ticks, side="right").clip(max=len(self._ends) - 1))
        places = range(self._rank, len(self) * self._ranks, self._ranks)
        return (Draw(int(order[place]), (self._seed, self._epoch, place)) for place in places)
