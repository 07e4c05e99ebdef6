"""Conformance tests of what a training is made of beside its parts: optimizers, schedules, callbacks, exporters."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from recycle_kit.base import CLASSES, Conformance, form
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.types import CallbackContext, ExporterContext, Kind, OptimizerContext, ScheduleContext


class OptimizerConformance(Conformance):
    """An optimizer: it descends, at each group's own rate, and resumes from its state.

    `lr` is the rate that it is tried at.
    """

    kind: ClassVar[Kind] = "optimizer"
    lr: ClassVar[float] = 0.01

    def _begun(self, registry: Registry, still: bool = False) -> tuple[nn.Linear, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        groups: list[dict[str, Any]] = [
            {"params": [model.weight], "lr": self.lr, "weight_decay": 0.01},
            {"params": [model.bias], "lr": 0.0 if still else self.lr, "weight_decay": 0.0},
        ]
        return model, self.build(registry, OptimizerContext(groups, self.lr, 0.01))

    def _train(self, model: nn.Linear, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
        chance = torch.Generator().manual_seed(1)
        inputs, losses = torch.rand(16, 4, generator=chance), []
        for _ in range(steps):
            loss = F.mse_loss(model(inputs), inputs[:, :3] * 2)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
        return losses

    def test_is_one_of_torchs(self, registry: Registry) -> None:
        """Lightning and torch's schedulers take no other."""
        model, built = self._begun(registry)
        remedy = "let the factory return a torch.optim.Optimizer"
        self.rule(isinstance(built, torch.optim.Optimizer), "a torch.optim.Optimizer", form(built), remedy)
        held = {id(weight) for group in built.param_groups for weight in group["params"]}
        whole = all(id(weight) in held for weight in model.parameters())
        self.rule(whole, "all parameters of all groups", "some left out", "hand context.groups on as they are")

    def test_goes_downhill(self, registry: Registry) -> None:
        """Within 60 steps of a small regression."""
        losses = self._train(*self._begun(registry), 60)
        found = f"a loss of {losses[-1]:.4g} after {losses[0]:.4g}"
        self.rule(
            losses[-1] < losses[0], "a lower loss after 60 steps", found, "check the sign and the rate of its step"
        )

    def test_heeds_the_rate_of_each_group(self, registry: Registry) -> None:
        """A group whose rate is 0 stays as it is."""
        model, optimizer = self._begun(registry, still=True)
        before = copy.deepcopy(model)
        self._train(model, optimizer, 2)
        remedy = "take each group's own lr: for group in self.param_groups: group['lr']"
        still, moved = torch.equal(model.bias, before.bias), not torch.equal(model.weight, before.weight)
        self.rule(still, "a group whose rate is 0 to stay as it is", "one that moves", remedy)
        self.rule(moved, "a group whose rate is not 0 to move", "one that stays", remedy)

    def test_goes_on_from_its_state(self, registry: Registry) -> None:
        """A resumed training takes the steps that it would have taken."""
        model, optimizer = self._begun(registry)
        self._train(model, optimizer, 3)
        other, resumed = self._begun(registry)
        other.load_state_dict(copy.deepcopy(model.state_dict()))
        resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        self._train(model, optimizer, 2)
        self._train(other, resumed, 2)
        same = torch.equal(model.weight, other.weight)
        remedy = "keep what it remembers in self.state and self.param_groups"
        self.rule(same, "the same steps from a stored state", "other steps", remedy)


class ScheduleConformance(Conformance):
    """A schedule: schedulers of torch's whose rates are sound, however long the training, and that can be resumed."""

    kind: ClassVar[Kind] = "schedule"

    def _begun(self, registry: Registry, steps: int) -> tuple[torch.optim.Optimizer, list[LRScheduler]]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        built = self.build(registry, ScheduleContext(optimizer, steps, min(10, steps)))
        return optimizer, built if isinstance(built, list) else [built]

    def _rates(self, optimizer: torch.optim.Optimizer, schedulers: list[LRScheduler], steps: int) -> list[float]:
        rates = []
        for step in range(steps):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            for one in schedulers:
                if not isinstance(one, ReduceLROnPlateau):
                    one.step()
                elif step % 10 == 9:
                    one.step(0.5)
        return rates

    def test_gives_schedulers_of_torchs(self, registry: Registry) -> None:
        """One, or a list of them."""
        _, schedulers = self._begun(registry, 100)
        sound = bool(schedulers) and all(isinstance(one, LRScheduler) for one in schedulers)
        remedy = "let the factory return a torch.optim.lr_scheduler.LRScheduler"
        self.rule(sound, "a scheduler of torch's, or a list of them", form(schedulers), remedy)

    @pytest.mark.parametrize("steps", [1, 2, 7, 100])
    def test_rates_are_finite_and_not_negative(self, registry: Registry, steps: int) -> None:
        """At every step of trainings of several lengths."""
        rates = self._rates(*self._begun(registry, steps), steps)
        wrong = [rate for rate in rates if not 0 <= rate < float("inf")]
        remedy = "mind trainings of one step: divide by max(1, steps)"
        self.rule(not wrong, f"rates of 0 or more in {steps} steps", f"{wrong[:1]}", remedy)
        self.rule(any(rates), f"a rate above 0 in {steps} steps", "0 throughout", remedy)

    def test_goes_on_from_its_state(self, registry: Registry) -> None:
        """A resumed training has the rates that it would have had."""
        optimizer, schedulers = self._begun(registry, 100)
        self._rates(optimizer, schedulers, 40)
        other, resumed = self._begun(registry, 100)
        other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        for one, stored in zip(resumed, schedulers, strict=True):
            one.load_state_dict(copy.deepcopy(stored.state_dict()))
        same = self._rates(other, resumed, 60) == self._rates(optimizer, schedulers, 60)
        remedy = "derive the rate from last_epoch, and keep nothing that state_dict leaves out"
        self.rule(same, "the same rates from a stored state", "other rates", remedy)


class CallbackConformance(Conformance):
    """A callback: one of Lightning's, with a state that a checkpoint can hold."""

    kind: ClassVar[Kind] = "callback"

    def test_is_one_of_lightnings(self, registry: Registry) -> None:
        """And `on_run_end`, where it has one, can be called."""
        from lightning.pytorch.callbacks import Callback

        built = self.build(registry, CallbackContext(CLASSES))
        remedy = "derive it from lightning.pytorch.callbacks.Callback"
        self.rule(isinstance(built, Callback), "a callback of Lightning's", form(built), remedy)
        told = getattr(built, "on_run_end", callable)
        self.rule(callable(told), "on_run_end to be a method", form(told), "def on_run_end(self, end): ...")

    def test_its_state_can_be_stored(self, registry: Registry, tmp_path: Path) -> None:
        """Checkpoints are read with `weights_only`."""
        built = self.build(registry, CallbackContext(CLASSES))
        torch.save(built.state_dict(), tmp_path / "state.pt")
        built.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))


class _Net(nn.Module):
    """A small model that takes photos of any size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 8, 3, padding=1)
        self.head = nn.Conv2d(8, len(CLASSES), 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(F.relu(self.body(image)))
        return logits


class ExporterConformance(Conformance):
    """An exporter: what it writes is what it names, and gives what torch gives once it is loaded."""

    kind: ClassVar[Kind] = "exporter"
    window: ClassVar[tuple[int, int]] = (64, 96)

    @pytest.fixture(scope="class")
    def model(self) -> nn.Module:
        """What is exported."""
        torch.manual_seed(0)
        return _Net().eval()

    @classmethod
    def exporter(cls, registry: Registry) -> Any:
        """The exporter, for `CLASSES` and `window`."""
        texts = {"name": "", "dtype": "float32", "content": ""}
        card = {
            "recyclecli": "0",
            "class_names": list(CLASSES),
            "palette": [[0, 0, 0]] * len(CLASSES),
            "size": max(cls.window),
            "window": list(cls.window),
            "input": texts,
            "output": texts,
            "normalisation": {},
        }
        return cls.build(registry, ExporterContext(CLASSES, cls.window, card))

    @torch.no_grad()
    def test_gives_what_torch_gives(self, registry: Registry, model: nn.Module, tmp_path: Path) -> None:
        """The files that it names, a shape of four sides, and torch's labels for one and for three photos."""
        exporter = self.exporter(registry)
        shape = exporter.write(model, tmp_path)["shape"]
        further = sorted({file.name for file in tmp_path.iterdir()} - set(exporter.files.values()))
        self.rule(not further, "the files that `files` names alone", ", ".join(further), "name each in `files`")
        four = isinstance(shape, list | tuple) and len(shape) == 4
        self.rule(four, "a shape of four sides", form(shape), "photos, channels, height, width; a text for any number")
        free = isinstance(shape[0], str) and shape[1] == 3
        remedy = (
            f"('batch', 3, height, width), and load what takes any number of photos; height and width {self.window}"
        )
        self.rule(free, "any number of photos, of 3 channels", f"{tuple(shape)}", remedy)
        own = all(side in (one, str(side)) for side, one in zip(shape[2:], self.window, strict=True))
        self.rule(own, "height and width of the window, or a text each", f"{tuple(shape)}", remedy)
        loaded = self.exporter(registry).load(tmp_path)
        for photos in (1, 3):
            image = torch.rand(photos, 3, *self.window)
            wanted, given = model(image).numpy(), loaded(image.numpy())
            remedy = "load what was written, without further steps: raw scores of all classes"
            self.rule(given.shape == wanted.shape, f"logits of shape {wanted.shape}", form(given), remedy)
            share = float((given.argmax(1) == wanted.argmax(1)).mean())
            self.rule(share >= 0.999, "torch's labels in 99.9 % of the pixels", f"{share:.2%}", remedy)

    def test_an_export_that_is_not_there_is_refused(self, registry: Registry, tmp_path: Path) -> None:
        """With a RecycleError that says so."""
        remedy = 'raise recyclecli.types.RecycleError(f"{file} does not exist", "export it again")'
        try:
            self.exporter(registry).load(tmp_path)
        except RecycleError:
            return
        except Exception as error:
            self.rule(False, "a RecycleError where no export lies", f"{type(error).__name__}: {error}", remedy)
        self.rule(False, "a RecycleError where no export lies", "none", remedy)
