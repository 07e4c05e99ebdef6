"""The terms of the sum of losses: a loss component, or the loss that the model brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from recycle_data.boundary import PluginPart, typed
from torch import nn

from recycle_engine.boundary import CheckedLoss, Trail
from recycle_engine.training.instance_readers import reads_instances
from recyclecli.errors import RecycleError
from recyclecli.types import Batch, LossContext, Options, Outputs


class LossTerm(Protocol):
    """One term, before its weight in the recipe.

    Attributes:
        reads_instances: whether it may read those of a batch.
    """

    reads_instances: bool

    def __call__(self, outputs: Outputs, batch: Batch, trail: Trail) -> torch.Tensor:
        """The loss of a batch, a scalar; what it is made of is noted in the trail."""


class ComponentLoss:
    """A loss component, of the logits and, by their weight, of the aux logits.

    Args:
        part: the component.
        loss: itself.
        aux_weight: factor of the loss of each of the aux logits; 0 leaves them out.
    """

    reads_instances = False

    def __init__(self, part: PluginPart, loss: nn.Module, aux_weight: float) -> None:
        self.module = loss  # so that its buffers move along
        self._checked, self._aux_weight = CheckedLoss(part), aux_weight

    def __call__(self, outputs: Outputs, batch: Batch, trail: Trail) -> torch.Tensor:
        """See `LossTerm`."""
        total = self._of(outputs.logits, batch.mask, "logits", trail)
        for aux in outputs.aux if self._aux_weight else ():
            total = total + self._aux_weight * self._of(aux, batch.mask, "aux logits", trail)
        return total

    def _of(self, logits: torch.Tensor, mask: torch.Tensor, what: str, trail: Trail) -> torch.Tensor:
        part = self._checked.part
        with part:
            given = self.module(logits, mask)
        value = self._checked(given, logits)
        trail.add(f"{part} of the {what}", value)
        return value


class OwnLoss:
    """The model's own: the sum of what its `training_loss(outputs, batch)` returns.

    Args:
        part: the model's component.
        model: itself.

    Raises:
        RecycleError: the model has no such method.
    """

    def __init__(self, part: PluginPart, model: nn.Module) -> None:
        self._part = part
        method = getattr(model, "training_loss", None)
        if not callable(method):
            raise RecycleError(
                f"the recipe's loss names `model`, and {part} has no training_loss of its own",
                "choose another loss, as with --loss ce",
            )
        self._training_loss: Callable[[Outputs, Batch], Any] = method
        self.reads_instances = reads_instances(model)
        self._checked: dict[str, CheckedLoss] = {}
        self._whole = CheckedLoss(part, "the sum of training_loss()")

    def __call__(self, outputs: Outputs, batch: Batch, trail: Trail) -> torch.Tensor:
        """See `LossTerm`."""
        part = self._part
        with part:
            told = self._training_loss(outputs, batch)
        named = isinstance(told, Mapping) and bool(told) and all(isinstance(name, str) for name in told)
        part.check(named, "training_loss() to return a dict of names to scalars", typed(told))
        for name, value in told.items():
            what = f"training_loss()[{name!r}]"
            checked = self._checked.setdefault(name, CheckedLoss(part, what, attached=False))
            trail.add(f"{what} of {part}", checked(value, outputs.logits))
        return self._whole(torch.stack([*told.values()]).sum(), outputs.logits)


class NamesOwnLoss(nn.Module):
    """What the loss component `model` builds: it stands in a recipe for the model's own loss, and is 0 by itself."""

    regulariser = True  # for conformance: no labels are preferred

    def __init__(self, options: Options, context: LossContext) -> None:
        super().__init__()

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """0, of logits of any shape."""
        return logits.float().sum() * 0
