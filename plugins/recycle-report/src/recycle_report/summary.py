"""A run in sentences: what was done, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from recycle_data.pages.contact_sheet import first_label
from recycle_data.splits import Split
from recycle_engine.judge.scores import ClassScores, Evaluation

from recyclecli.errors import counted, join_limited
from recyclecli.recipe import Recipe

FEW_PHOTOS = 4  # photos below which a class's score says little
CALIBRATED = 0.03  # by which confidence and accuracy may differ
LATE = 0.9  # of the epochs: a best one after that was still getting better


def percent(share: float) -> str:
    """A share in words: whole percents, and what is less is said to be so."""
    return "below 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def what_was_done(recipe: Recipe, split: Split) -> list[str]:
    """Model, photos, augmentations, loss, optimizer, post-processing."""
    train = recipe.train
    encoder = recipe.model.options.get("encoder")
    losses = " + ".join(f"{part.weight:g} x {part.bare}" if len(recipe.loss) > 1 else part.bare for part in recipe.loss)
    augs = ", then ".join(part.bare for part in recipe.aug) or "none"
    posts = ", then ".join(part.bare for part in recipe.post) or "none"
    return [
        f"The model {recipe.model.bare}" + (f" with encoder {encoder}" if encoder else "") + " learned to tell "
        f"{counted(len(split.train.class_names), 'class')} apart "
        f"from {counted(len(split.train), 'photo')} of {recipe.data.root}.",
        f"It is judged on {counted(len(split.val), 'photo')} that it has not seen: {split.how}.",
        f"Photos were scaled to a longer side of {recipe.data.size} pixels"
        + (" and zoomed by {:g} to {:g}".format(*recipe.data.scale) if recipe.data.scale else "")
        + f"; augmentations: {augs}.",
        f"Loss {losses}; {train.optimizer.bare} with a peak rate of {train.lr:g}, {train.schedule.bare} schedule, "
        f"{counted(train.epochs, 'epoch')} of batches of {train.batch_size}, seed {recipe.seed}.",
        f"Post-processing: {posts}."
        + (f" The weights are a moving average with decay {train.ema:g}." if train.ema else "")
        + (f" The weights are the mean of the last {percent(train.swa)} of the epochs." if train.swa else ""),
    ]


def what_came_of_it(
    result: Evaluation, best: int, rows: Sequence[Mapping[str, str]], pipeline: str, choice: Mapping[str, Any] | None
) -> list[str]:
    """The score, the strongest and weakest classes, the largest mistake, confidence, training's end, the tricks.

    Args:
        result: the scores.
        best: the epoch whose weights are used, from 1.
        rows: of metrics.csv.
        pipeline: what the weights were used with, in words.
        choice: what `recycle ablate` wrote; None where it did not run.
    """
    return [
        *_score(result),
        *_classes(result.classes[first_label([one.name for one in result.classes]) :]),
        *_mistake(np.array(result.confusion), [one.name for one in result.classes]),
        *_confidence(result),
        _end(best, rows),
        _tricks(pipeline, choice),
    ]


def _score(result: Evaluation) -> list[str]:
    score = result.miou_dataset
    if score is None:
        return ["There is no score: every pixel of the validation photos is ignored."]
    bounds = ""
    if score.low is not None:
        bounds = f"; other photos of the same kind would give {score.low:.3f} to {score.high:.3f} in 95 of 100 cases"
    return [f"The mean IoU of its classes is {score.value:.3f}{bounds}."]


def _classes(classes: Sequence[ClassScores]) -> list[str]:
    found = [one for one in classes if one.photos and one.iou is not None and one.iou.value > 0]
    order = sorted(found, key=lambda one: one.iou.value if one.iou else 0, reverse=True)
    never = [one.name for one in classes if one.photos and one not in found]
    few = [f"{one.name} ({one.photos})" for one in classes if 0 < one.photos < FEW_PHOTOS]
    said = []
    if len(order) > 1:
        strong, weak = (f"{one.name} ({one.iou:.2f})" for one in (order[0], order[-1]))
        said = [f"It knows {strong} best and {weak} least."]
    if never:
        said.append(f"It finds nothing of: {join_limited(never, 6)}.")
    if few:
        said.append(f"In too few photos to rely on their scores: {join_limited(few, 6)}.")
    return said


def _mistake(confusion: np.ndarray[Any, Any], names: Sequence[str]) -> list[str]:
    wrong = confusion - np.diag(np.diag(confusion))
    if not wrong.any():
        return []
    true, said = np.unravel_index(wrong.argmax(), wrong.shape)
    share, of_class = wrong[true, said] / wrong.sum(), wrong[true, said] / confusion[true].sum()
    return [
        f"The largest mistake is {names[true]} taken for {names[said]}: {percent(share)} of all wrong pixels, "
        f"{percent(of_class)} of {names[true]}."
    ]


def _confidence(result: Evaluation) -> list[str]:
    pixels = sum(count for _, _, count in result.reliability)
    if not pixels:
        return []
    sure = sum(confidence * count for confidence, _, count in result.reliability) / pixels
    right = sum(accuracy * count for _, accuracy, count in result.reliability) / pixels
    how = "over-confident" if sure - right > CALIBRATED else "too modest" if right - sure > CALIBRATED else "honest"
    return [f"Its confidence is {how}: {percent(sure)} on average, where {percent(right)} of the pixels are right."]


def _end(best: int, rows: Sequence[Mapping[str, str]]) -> str:
    took = timedelta(seconds=round(sum(float(row["seconds"]) for row in rows)))
    late = len(rows) > 1 and best > LATE * len(rows)
    more = ": it was still getting better, more epochs may help" if late else ""
    of = f"The best of {len(rows)} epochs is number {best}" if len(rows) > 1 else "It had one epoch"
    return f"Training took {took} (h:m:s). {of}{more}."


def _tricks(pipeline: str, choice: Mapping[str, Any] | None) -> str:
    if choice is None:
        return f"It is judged with this pipeline: {pipeline}. No trick has been tried on it: recycle ablate does."
    fair, photos = choice.get("cross_fitted"), choice.get("chosen_on", "photos that are not recorded")
    score = (
        f"; cross-fitted, which does not flatter, it scores {fair['value']:.3f}" if isinstance(fair, Mapping) else ""
    )
    return f"It is judged with the pipeline that recycle ablate chose on {photos}: {pipeline}{score}."
