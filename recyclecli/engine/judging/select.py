"""Greedy selection of an ensemble on labelled photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recyclecli.data.fit import fitted_size, resize_labels
from recyclecli.data.sources import relabelled
from recyclecli.engine.predicting.members import Machine, Member, class_orders, scorer_of
from recyclecli.engine.predicting.scores import sized
from recyclecli.judge.gate import Score, cross_fit, estimate
from recyclecli.judge.ledger import Ledger
from recyclecli.judge.scores import Estimate, Metric
from recyclecli.plugins import Registry
from recyclecli.progress import track
from recyclecli.types import Source

SIDE = 128  # longest side in pixels at which the choice is made: about 0.4 MB for each photo and member of 11 classes
MOST = 12  # picks, the same member counting each time

Picks = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """An ensemble that was chosen.

    Attributes:
        members: the chosen ones; `share` says how often each was picked.
        score: on the photos it was chosen on, at `SIDE` pixels, which flatters it.
        cross_fitted: each fifth of the photos scored with what the others chose.
        best_single: the best member alone, likewise cross-fitted.
    """

    members: tuple[Member, ...]
    score: Estimate
    cross_fitted: Estimate
    best_single: Estimate


def select(
    registry: Registry,
    members: Sequence[Member],
    source: Source,
    metric: Metric,
    machine: Machine,
    classes: Mapping[str, Sequence[str]] = {},
) -> Selection:
    """Pick members one by one, each as often as it helps, while the score of their mean grows.

    Caruana et al., "Ensemble selection from libraries of models" (2004).

    Args:
        registry: the installed components.
        members: at least one; their shares are not looked at.
        source: labelled photos that none has trained on.
        metric: the score that decides.
        machine: what the models run on.
        classes: the recipe's merged classes.
    """
    shares, truths, names, class_names = _predicted(registry, members, source, machine, classes)
    known: dict[Picks, Ledger] = {}

    def counted(picks: Picks) -> Ledger:
        key = tuple(sorted(picks))
        if key not in known:
            known[key] = Ledger(class_names)
            for name, truth, own in zip(names, truths, zip(*(shares[pick] for pick in key), strict=True), strict=True):
                mean = np.stack(own).astype(np.float32).sum(0)
                known[key].add(name, mean.argmax(0).astype(np.uint8), truth)
        return known[key]

    def greedy(score: Score) -> Picks:
        picks: Picks = ()
        last = -1.0
        while len(picks) < MOST:
            better = {number: score(counted((*picks, number))) for number in range(len(members))}
            number = max(better, key=better.__getitem__)
            if better[number] <= last:
                break
            picks, last = (*picks, number), better[number]
        return picks

    def single(score: Score) -> Picks:
        return (max(range(len(members)), key=lambda number: score(counted((number,)))),)

    chosen, fair = cross_fit(greedy, counted, len(source), metric)
    _, alone = cross_fit(single, counted, len(source), metric)
    kept = [replace(members[pick], share=float(chosen.count(pick))) for pick in sorted(set(chosen))]
    return Selection(tuple(kept), *(estimate(one, metric) for one in (counted(chosen), fair, alone)))


def _predicted(
    registry: Registry,
    members: Sequence[Member],
    source: Source,
    machine: Machine,
    classes: Mapping[str, Sequence[str]],
) -> tuple[list[list[NDArray[np.float16]]], list[NDArray[np.uint8]], list[str], tuple[str, ...]]:
    """Each member's probabilities (K, h, w) of each photo, the labels (h, w), the photos' names, the classes."""
    scorers = [scorer_of(registry, [member], machine=machine) for member in members]
    class_names = scorers[0][1].class_names
    orders = class_orders(members, [trained for _, trained in scorers])
    photos = relabelled(source, class_names, classes)
    shares: list[list[NDArray[np.float16]]] = [[] for _ in members]
    truths, names = [], []
    for index in track(range(len(photos)), len(photos), "predicting"):
        image, mask, _ = photos.read(index)
        size = fitted_size(mask.shape[0], mask.shape[1], SIDE)
        truths.append(resize_labels(mask, *size))
        names.append(photos.record(index).file_name)
        for own, (scorer, _), order in zip(shares, scorers, orders, strict=True):
            ((scores,),) = scorer.scores([image])
            own.append(sized(scores, size)[order].softmax(0).half().cpu().numpy())
    return shares, truths, names, class_names
