"""Several models as one: the mean of their probabilities, or their votes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_data.votes import hard_vote

from recycle_engine.boundary_arrays import build_postprocessor
from recycle_engine.checkpoint import TrainedModel, load_trained
from recycle_engine.inference.engines import TORCH, digest_of, run_by
from recycle_engine.inference.infer import (
    Precision,
    Predictor,
    Scorer,
    Stage,
    at_once_on,
    meeting_size,
    torch_device,
)
from recycle_engine.inference.scores import TINY, Scores, all_scores, sized
from recycle_engine.pipeline import Pipeline
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.plugins import Registry
from recyclecli.types import PostprocessorContext

Vote = Literal["soft", "hard"]

DECIDES = 1e-4  # what the winner of a hard vote is given beside its share, so that it is the largest after a draw


@dataclass(frozen=True, slots=True)
class Member:
    """One model of several.

    Attributes:
        weights: a .safetensors checkpoint.
        pipeline: what it is used with; the checkpoint is chosen already.
        share: its weight in the mean or vote.
        engine: what runs it: `torch`, or an exporter that loads its export; see `recycle_engine.inference.engines`.
    """

    weights: Path
    pipeline: Pipeline
    share: float = 1.0
    engine: str = TORCH

    def as_dict(self) -> dict[str, Any]:
        """What distinguishes it, with the content of its file."""
        used = {**self.pipeline.as_dict(), "alone": self.pipeline.alone, "engine": self.engine}
        file = {"checkpoint": str(self.weights.absolute()), "sha256": digest_of(self.weights)}
        return {**file, "share": self.share, **used}


@dataclass(frozen=True, slots=True)
class EnsembleWeights:
    """How several models become one.

    Attributes:
        shares: a weight for each model, at least 0; models of none are left out.
        vote: `soft`, the weighted mean of the probabilities; `hard`, see `hard_vote`.
    """

    shares: tuple[float, ...]
    vote: Vote = "soft"

    @classmethod
    def of(cls, members: Sequence[Member], vote: Vote) -> EnsembleWeights:
        """The members by their own shares; RecycleError where there is no such vote."""
        refuse_other("vote", vote, get_args(Vote))
        return cls(tuple(member.share for member in members), vote)


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """What models run on.

    Attributes:
        device: torch device; the GPU when there is one.
        precision: `32`, or what torch's autocast shall use: `bf16` or `16`.
        batch_size: photos that are read, and post-processed, at a time.
        at_once: photos, or windows, that go through a model at once; see `recycle_engine.inference.infer.Predictor`.
    """

    device: str | None = None
    precision: Precision = "32"
    batch_size: int = 8
    at_once: int | None = None

    def __post_init__(self) -> None:
        refuse_other("precision", self.precision, get_args(Precision))
        if self.batch_size < 1:
            raise RecycleError(f"batch_size {self.batch_size}", "give a whole number above 0")

    def photos_at_once(self, device: str | None) -> int:
        """How many photos go through a model on this device at once."""
        return self.at_once or at_once_on(torch_device(device)) or self.batch_size


def refuse_other(what: str, value: str, valid: Sequence[str]) -> None:
    """Raise RecycleError where a setting has a value that it does not know."""
    if value not in valid:
        raise RecycleError(f"{what} {value!r} is unknown", suggest(str(value), valid))


def stage_of(registry: Registry, pipeline: Pipeline, class_names: tuple[str, ...], device: str | None = None) -> Stage:
    """A pipeline with its post-processors built, for a model on this torch device; see `InferenceConfig`."""
    context = PostprocessorContext(class_names, device or "auto")
    posts = [build_postprocessor(registry, part.name, part.options, context) for part in pipeline.post]
    return Stage(pipeline.views, tuple(posts), pipeline.sliding_window, pipeline.alone)


def scorer_of(
    registry: Registry,
    members: Sequence[Member],
    mixes: Sequence[EnsembleWeights],
    machine: InferenceConfig = InferenceConfig(),
    agreement: bool = False,
    weights: dict[tuple[Path, str], TrainedModel] | None = None,
) -> tuple[Scorer, TrainedModel]:
    """The members as one scorer of a stage for each mix, and what the first one's checkpoint says.

    With `agreement` each is followed by the share of the members that give its label, see `Ensemble`. What is read of
    checkpoints is added to `weights`, and what is there is not read.

    Raises:
        RecycleError: a checkpoint cannot be used, or the members know different classes.
    """
    sources = [(member.weights, member.engine) for member in members]
    built = {} if weights is None else weights
    for source in sources:
        if source not in built:
            built[source] = run_by(registry, load_trained(registry, source[0]), *source)
    loaded = [built[source] for source in sources]
    orders = class_orders(members, loaded)
    predictors = [
        Predictor(
            trained,
            [stage_of(registry, member.pipeline, trained.class_names, machine.device)],
            machine.device,
            machine.precision,
            machine.at_once,
        )
        for member, trained in zip(members, loaded, strict=True)
    ]
    if len(members) == len(mixes) == 1 and not agreement:
        return predictors[0], loaded[0]
    return Ensemble(predictors, orders, mixes, agreement), loaded[0]


def class_orders(members: Sequence[Member], loaded: Sequence[TrainedModel]) -> list[list[int]]:
    """For each member its label of each class of the first; RecycleError where it knows others."""
    names = loaded[0].class_names
    for member, trained in zip(members, loaded, strict=True):
        differing = set(names) ^ set(trained.class_names)
        if differing:
            raise RecycleError(
                f"{members[0].weights} and {member.weights} know different classes: only one of them has "
                f"{join_limited(sorted(differing), 5)}",
                "combine runs of one class list",
            )
    return [[trained.class_names.index(name) for name in names] for trained in loaded]


class Ensemble:
    """Several predictors as one, or as several that differ in how their members are mixed.

    Args:
        members: predictors of one stage each.
        orders: for each, its label of each label of the ensemble.
        mixes: at least one; each gives a stage of scores.
        agreement: after each mix's scores give (1, h, w) the share of its members with the same label, 0..1.
    """

    def __init__(
        self,
        members: Sequence[Predictor],
        orders: Sequence[list[int]],
        mixes: Sequence[EnsembleWeights],
        agreement: bool = False,
    ) -> None:
        self._members, self._orders, self._mixes, self._agreement = members, orders, mixes, agreement

    @torch.inference_mode()
    def scores(self, photos: Sequence[NDArray[np.uint8]]) -> Iterator[Iterator[Scores]]:
        """Scores (K, h, w) float32 of each mix for each photo (H, W, 3) uint8 RGB, one after the other.

        Votes are counted at the photo's own size, where members of different sizes meet, too; see
        `meeting_size`. The shares of the votes are a hard vote's probabilities.
        """
        each = zip(*(member.scores(photos) for member in self._members), strict=True)
        for photo, given in zip(photos, each, strict=True):
            scores = [all_scores(one) for (one,) in given]
            every = [one[order].to(scores[0].device) for one, order in zip(scores, self._orders, strict=True)]
            yield self._mixed(every, meeting_size(photo))

    @torch.inference_mode()
    def _mixed(self, every: Sequence[torch.Tensor], size: tuple[int, int]) -> Iterator[torch.Tensor]:
        for mix in self._mixes:
            total, used = sum(mix.shares), [one for one, share in zip(every, mix.shares, strict=True) if share]
            shares = [share / total for share in mix.shares if share]
            if mix.vote == "hard" or len({one.shape for one in used}) > 1:
                used = [sized(one, size) for one in used]
            if mix.vote == "soft":
                mean = torch.zeros_like(used[0])
                for share, one in zip(shares, used, strict=True):
                    mean.add_(one.softmax(0), alpha=share)
            else:
                labels = [one.argmax(0) for one in used]
                winner = hard_vote([one.to(torch.uint8).cpu().numpy() for one in labels], shares)
                mean = torch.zeros_like(used[0])
                for share, label in zip(shares, labels, strict=True):
                    mean.scatter_add_(0, label[None], mean.new_full((1, *label.shape), share))
                decided = torch.from_numpy(winner).to(mean.device).long()[None]
                mean.scatter_add_(0, decided, mean.new_full(decided.shape, DECIDES))
            scores = mean.clamp_(min=TINY).log_()
            yield scores
            if self._agreement:
                alike = [one.argmax(0) == scores.argmax(0) for one in used]
                yield torch.stack(alike).float().mean(0, keepdim=True)
