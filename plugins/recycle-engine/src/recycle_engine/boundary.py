"""Tensors at the boundary to plugins: what models, losses and augmentations give is held to their contracts.

What costs time (range, finite) is looked at once for each form of what comes; a form is type, shape, dtype and device.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from pickle import UnpicklingError
from typing import Any

import torch
from recycle_data.boundary import OWNER, PluginPart, typed
from torch import nn

from recyclecli.errors import RunFailed
from recyclecli.plugins import Registry
from recyclecli.printable import short_repr
from recyclecli.types import IGNORE, Augmentation, Batch, Outputs

ROUNDING = 1e-3  # by which colours and sums of probabilities may be off


def form(value: Any) -> str:
    """A value as a message describes it: a tensor by its dtype, shape and device."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)} on {value.device}"
    return typed(value)


class CheckedModel:
    """Holds what a model gives to its contract: logits (N, K, H, W) of its photos, with aux logits or as `Outputs`.

    Args:
        part: the model's component.
        model: itself.
        classes: K.
    """

    def __init__(self, part: PluginPart, model: nn.Module, classes: int) -> None:
        self.part = part
        self._model, self._classes = model, classes
        self._known: set[Any] = set()

    def __call__(self, given: Any, image: torch.Tensor) -> Outputs:
        """The output, checked; PluginFault where it is not what the contract says."""
        outputs = self._outputs(given)
        self._check(outputs.logits, "logits", image)
        for aux in outputs.aux:
            self._check(aux, "aux logits", image)
        return outputs

    def _outputs(self, given: Any) -> Outputs:
        if isinstance(given, Outputs):
            self.part.of_type(given.aux, tuple, "Outputs.aux")
            self.part.of_type(given.extras, Mapping, "Outputs.extras")
            return given
        if not isinstance(given, tuple):
            return Outputs(given)
        self.part.check(len(given) == 2, "logits, (logits, aux logits) or Outputs", typed(given))
        return Outputs(given[0], (given[1],))

    def _check(self, value: Any, what: str, image: torch.Tensor) -> None:
        graph = torch.is_grad_enabled() and self._model.training
        known = (
            what,
            isinstance(value, torch.Tensor),
            getattr(value, "shape", None),
            getattr(value, "dtype", None),
            image.shape,
            graph,
        )
        if known in self._known and value.device == image.device and value.requires_grad >= graph:
            return
        part, shape = self.part, (len(image), self._classes, *image.shape[2:])
        part.check(isinstance(value, torch.Tensor), f"{what} as a tensor of shape {shape}", form(value))
        part.check(
            value.shape == shape, f"{what} of shape {shape}: images, classes, and the images' own sides", form(value)
        )
        part.check(value.is_floating_point(), f"{what} of a floating dtype", form(value))
        part.check(value.device == image.device, f"{what} on {image.device}, as the images", form(value))
        if graph and any(weight.requires_grad for weight in self._model.parameters()):
            part.check(value.requires_grad, f"{what} attached to the graph in training", "detached ones")
        self._check_values(value.detach().float(), what)
        self._known.add(known)

    def _check_values(self, value: torch.Tensor, what: str) -> None:
        if value.isfinite().all():
            shares = self._classes > 1 and bool((value >= 0).all() and ((value.sum(1) - 1).abs() < 10 * ROUNDING).all())
            self.part.check(
                not shares, f"{what} as raw scores", "probabilities, which sum to 1: a softmax in the model"
            )


def not_finite(model: nn.Module) -> str:
    """The first weight or buffer that holds NaN or an infinite number; "" where none does."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return next((name for name, value in tensors if value.is_floating_point() and not value.isfinite().all()), "")


def no_scores(part: PluginPart, model: nn.Module, precision: str) -> RunFailed:
    """The error where a model gives NaN or infinite scores in evaluation."""
    weight = not_finite(model)
    cause = f": its {weight} holds NaN or an infinite number" if weight else ", from finite photos and weights"
    remedy = f"use --precision 32; if it is the same there, report it to the authors of {part.distribution}"
    if precision == "16":
        remedy = "use --precision bf16 or 32"
    elif weight:
        remedy = "its weights are of no use: train again, with a lower train.lr"
    elif precision == "32":
        remedy = f"report it to the authors of {part.distribution}, with this text; other runs' models may do"
    return RunFailed(f"{part} gives scores that are no finite numbers, at precision {precision}{cause}", remedy)


class CheckedLoss:
    """Holds what a loss gives to its contract: one scalar on the logits' device, attached to their graph.

    Args:
        part: the component whose it is.
        what: which of several values of the part it is, for messages.
        attached: whether it has to depend on weights.
    """

    def __init__(self, part: PluginPart, what: str = "", attached: bool = True) -> None:
        self.part = part
        self._as, self._attached = f"{what} to be " if what else "", attached
        self._known: set[Any] = set()

    def __call__(self, value: Any, logits: torch.Tensor) -> torch.Tensor:
        """The loss, checked; PluginFault where it is not what the contract says, or is not finite at first."""
        known = (getattr(value, "shape", None), getattr(value, "requires_grad", None), logits.shape, logits.dtype)
        if (*known, logits.requires_grad) in self._known:
            return value  # type: ignore[no-any-return]
        self._check(isinstance(value, torch.Tensor), "one scalar tensor", form(value))
        self._check(value.ndim == 0, "one scalar: a tensor of shape (), as by reduction='mean'", form(value))
        self._check(value.is_floating_point(), "a scalar of a floating dtype", form(value))
        self._check(value.device == logits.device, f"a scalar on {logits.device}, as the logits", form(value))
        attached = value.grad_fn is not None or not (self._attached and logits.requires_grad)
        self._check(attached, "a scalar attached to the graph of the logits", "a detached one")
        if logits.detach().isfinite().all():
            finite = bool(value.detach().isfinite())
            self._check(finite, "a finite number, as the logits are", str(value.item()))
            self._known.add((*known, logits.requires_grad))
        return value  # type: ignore[no-any-return]

    def _check(self, holds: bool, expected: str, found: str) -> None:
        self.part.check(holds, f"{self._as}{expected}", found)


class CheckedAugmentation:
    """An augmentation whose batches are held to its contract; it has all attributes of the one that it holds."""

    def __init__(self, part: PluginPart, augmentation: Augmentation, classes: int) -> None:
        self.part = part
        self._augmentation, self._classes = augmentation, classes
        self._known: set[Any] = set()
        self._photos = 0  # of the last batch
        with part:
            part.check(callable(augmentation), "what it builds to be called with a batch", typed(augmentation))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_augmentation":  # of a copy that is being made
            raise AttributeError(name)
        value = getattr(self._augmentation, name)
        return self._origins if name == "origins" else value

    def __call__(self, batch: Batch) -> Batch:
        """The batch after it."""
        before, ids = [(value.shape, value.dtype, value.device) for value in batch], batch.ids.clone()
        self._photos = len(ids)
        with self.part:
            after = self._augmentation(batch)
        part = self.part
        part.of_type(after, Batch, "what it returns")
        for name, value, wanted in zip(Batch._fields, after, before, strict=True):
            if not isinstance(value, torch.Tensor) or (value.shape, value.dtype, value.device) != wanted:
                shape, dtype, device = wanted
                as_it_was = f"{str(dtype).removeprefix('torch.')} of shape {tuple(shape)} on {device}"
                raise part.fault(f"the batch's {name} as it was, {as_it_was}", form(value))
        if (known := after.image.shape) not in self._known:
            self._check_values(ids, after)
            self._known.add(known)
        return after

    def _check_values(self, ids: torch.Tensor, after: Batch) -> None:
        part, classes = self.part, self._classes
        part.check(bool(after.image.isfinite().all()), "the batch's image to be finite", "NaN or an infinite number")
        low, high = (round(float(value), 4) for value in after.image.aminmax())
        part.check(-ROUNDING <= low <= high <= 1 + ROUNDING, "the batch's image in 0..1", f"{low} to {high}")
        wrong = after.mask[((after.mask < 0) | (after.mask >= classes)) & (after.mask != IGNORE)]
        labels = f"the batch's mask to hold 0 to {classes - 1}, or {IGNORE}"
        part.check(not len(wrong), labels, f"label {int(wrong[0]) if len(wrong) else ''}")
        lowest = int(after.instances.min())
        part.check(lowest >= 0, "the batch's instances to be 0 or more", str(lowest))
        same = bool((after.ids == ids).all())
        part.check(same, "the batch's photos in their order", "other ids")

    def _origins(self) -> list[dict[int, tuple[int, int]]]:
        with self.part:
            told: Any = self._augmentation.origins()  # type: ignore[attr-defined]
        expected = f"origins() to be a list of {self._photos} dicts, instance to (index in the source, instance there)"
        listed = isinstance(told, list) and len(told) == self._photos and all(isinstance(one, dict) for one in told)
        self.part.check(listed, expected, typed(told))
        pairs = [origin for one in told for origin in one.values()]
        wrong = [pair for pair in pairs if not (isinstance(pair, tuple) and len(pair) == 2)]
        self.part.check(not wrong, expected, f"{wrong[:1]}")
        return told  # type: ignore[no-any-return]


class Trail:
    """What parts gave, in order, each as one number that is finite where all that it gave is."""

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}

    def add(self, what: str, value: torch.Tensor) -> None:
        """Note what a part gave, beside what it gave before."""
        total = value.detach().sum(dtype=torch.float32)
        self._sums[what] = self._sums[what] + total if what in self._sums else total

    def first(self) -> str:
        """The first part that gave NaN or an infinite number; "" where none did."""
        return next((what for what, total in self._sums.items() if not bool(total.isfinite())), "")


def build(registry: Registry, kind: Any, name: str, options: Mapping[str, Any], context: Any) -> tuple[Any, PluginPart]:
    """A component that is built, and how messages name it."""
    part = PluginPart.of(registry, kind, name)
    with part:
        return registry.build(kind, name, options, context), part


def check_states(callbacks: Iterable[Any], states: Mapping[str, Any]) -> None:
    """Hold what callbacks of plugins store to what a checkpoint is read with: nothing that needs code.

    Args:
        callbacks: of a trainer.
        states: what they store, by their `state_key`.
    """
    for callback in callbacks:
        part, state = getattr(callback, OWNER, None), states.get(callback.state_key)
        if part is None or not state:
            continue
        with part, BytesIO() as file:
            torch.save(state, file)
            file.seek(0)
            try:
                torch.load(file, weights_only=True)
            except UnpicklingError as error:
                wanted = "state_dict() of numbers, texts, lists, dicts and tensors, which a resumed run can read"
                raise part.fault(wanted, short_repr(state)) from error
