"""What several models say of labelled photos, kept small, so that any mix of them is scored at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from recycle_data.letterbox import fitted_size, resize_labels
from recycle_data.progress import track
from recycle_data.sources import relabelled

from recycle_engine.inference.members import EnsembleWeights, InferenceConfig, Member, class_orders, scorer_of
from recycle_engine.inference.scores import all_scores, sized
from recycle_engine.judge.gate import Score
from recycle_engine.judge.per_image_counts import PerImageCounts
from recyclecli.plugins import Registry
from recyclecli.types import Source

CACHED_SIDE = 128  # pixels of the longer side at which mixes are scored: 0.4 MB for each photo and member of 11 classes
MAX_CACHED_BYTES = 2**30  # bytes for all probabilities; where they would take more, the side is shorter
MAX_PICKS = 12  # picks, the same member counting each time

Shares = tuple[float, ...]


class ProbabilityCache:
    """The probabilities of several models for each photo, at `CACHED_SIDE` pixels or less, and ways to mix them.

    Caruana et al., "Ensemble selection from libraries of models" (2004).

    Args:
        registry: the installed components.
        members: at least one; their shares are not looked at.
        source: labelled photos that none has trained on.
        machine: what the models run on.
        classes: the recipe's merged classes.

    Attributes:
        photos, members: how many there are.

    Raises:
        RecycleError: a checkpoint or photo cannot be used, or the members know different classes.
    """

    def __init__(
        self,
        registry: Registry,
        members: Sequence[Member],
        source: Source,
        machine: InferenceConfig,
        classes: Mapping[str, Sequence[str]],
    ) -> None:
        scorers = [scorer_of(registry, [member], [EnsembleWeights((1.0,))], machine) for member in members]
        self._class_names = scorers[0][1].class_names
        orders = class_orders(members, [trained for _, trained in scorers])
        photos = relabelled(source, self._class_names, classes)
        self._said: list[list[NDArray[np.float16]]] = []  # (K, h, w) of each photo, of each member
        self._truths: list[NDArray[np.uint8]] = []
        self._names: list[str] = []
        self._known: dict[Shares, PerImageCounts] = {}
        side = min(
            CACHED_SIDE,
            max(1, int((MAX_CACHED_BYTES / (2 * len(members) * len(photos) * len(self._class_names))) ** 0.5)),
        )
        for index in track(range(len(photos)), len(photos), "predicting"):
            image, mask, _ = photos.read(index)
            size = fitted_size(mask.shape[0], mask.shape[1], side)
            self._truths.append(resize_labels(mask, *size))
            self._names.append(photos.record(index).file_name)
            said = []
            for (scorer, _), order in zip(scorers, orders, strict=True):
                ((scores,),) = scorer.scores([image])
                said.append(sized(all_scores(scores), size)[order].softmax(0).half().cpu().numpy())
            self._said.append(said)
        self.photos, self.members = len(photos), len(members)
        self._alone = [tuple(map(float, row)) for row in np.eye(len(members))]

    def counted(self, shares: Shares) -> PerImageCounts:
        """The counts of the weighted mean of the members' probabilities, a weight for each."""
        if shares not in self._known:
            ledger = self._known[shares] = PerImageCounts(self._class_names)
            for name, truth, said in zip(self._names, self._truths, self._said, strict=True):
                used = [share * one.astype(np.float32) for share, one in zip(shares, said, strict=True) if share]
                ledger.add(name, sum(used[1:], used[0]).argmax(0).astype(np.uint8), truth)
        return self._known[shares]

    def _scored(self, shares: Shares, score: Score) -> float:
        value = score(self.counted(shares))
        return value if value == value else 0.0  # nothing to score by

    def best(self, score: Score) -> Shares:
        """The best member alone."""
        return max(self._alone, key=lambda shares: self._scored(shares, score))

    def greedy(self, score: Score) -> Shares:
        """Members picked one by one, each as often as it helps, while the score of their mean grows; how often each."""
        picks, last = (0.0,) * len(self._alone), -1.0
        while sum(picks) < MAX_PICKS:
            more = [tuple(np.add(picks, one).tolist()) for one in self._alone]
            scores = [self._scored(shares, score) for shares in more]
            if max(scores) <= last:
                break
            last = max(scores)
            picks = more[scores.index(last)]
        return picks

    def weighted(self, count: int, score: Score) -> Shares:
        """The first `count` members, each with its own score as its weight, to three decimals."""
        scores = [round(self._scored(shares, score), 3) for shares in self._alone[:count]]
        return (*(scores if any(scores) else [1.0] * count), *[0.0] * (len(self._alone) - count))
