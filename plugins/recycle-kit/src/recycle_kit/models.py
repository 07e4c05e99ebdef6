"""Conformance tests of models."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
import torch

from recycle_kit.base import CLASSES, READS, Conformance, form, random_batch
from recyclecli.plugins import Registry
from recyclecli.types import IGNORE, Kind, ModelContext, Outputs


class ModelConformance(Conformance):
    """A model: logits for any size, gradients for its weights, everything in its state dict."""

    kind: ClassVar[Kind] = "model"

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, registry: Registry) -> Any:
        """The model for `CLASSES`, with no weights fetched."""
        torch.manual_seed(0)
        model = cls.build(registry, ModelContext(len(CLASSES), pretrained=False, encoders=registry.encoders()))
        remedy = "let the factory return a torch.nn.Module"
        cls.rule(isinstance(model, torch.nn.Module), "a torch.nn.Module", form(model), remedy)
        return model

    @classmethod
    def logits(cls, output: Any, image: torch.Tensor, classes: int = len(CLASSES)) -> list[torch.Tensor]:
        """The logits and all aux logits of an output, once each is as the contract says."""
        remedy = "return logits, (logits, aux logits) or recyclecli.types.Outputs(logits, aux, extras)"
        if isinstance(output, Outputs):
            cls.rule(isinstance(output.aux, tuple), "aux to be a tuple of tensors", form(output.aux), remedy)
            found = [output.logits, *output.aux]
        elif isinstance(output, tuple):
            cls.rule(len(output) == 2, "logits, or (logits, aux logits)", f"a tuple of {len(output)}", remedy)
            found = [*output]
        else:
            found = [output]
        for value, what in zip(found, ["logits", *["aux logits"] * len(found)], strict=False):
            wanted = (len(image), classes, *image.shape[2:])
            cls.rule(isinstance(value, torch.Tensor), f"{what} as a tensor of shape {wanted}", form(value), remedy)
            upscale = "resize them to the photo's sides: F.interpolate(logits, image.shape[2:], mode='bilinear')"
            expected = f"{what} of shape {wanted}: photos, classes, and the photos' own sides"
            cls.rule(value.shape == wanted, expected, form(value), upscale)
            cls.rule(value.is_floating_point(), f"{what} of a floating dtype", form(value), "return raw scores")
            finite = bool(torch.isfinite(value).all())
            cls.rule(finite, f"finite {what}", "NaN or an infinite number", "look for a division or a logarithm of 0")
            shares = classes > 1 and torch.allclose(value.float().sum(1), torch.ones(()), atol=1e-3)
            cls.rule(not shares, f"raw {what}", "scores that sum to 1", "leave out the softmax")
        return found

    @pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96), (50, 71)])
    def test_logits_of_any_size(self, model: Any, height: int, width: int) -> None:
        """(N, K, H, W) of the photo's own H and W, raw: no softmax inside; aux logits likewise."""
        image = torch.rand(2, 3, height, width)
        with torch.inference_mode():
            self.logits(model.eval()(image), image)

    def test_trains(self, model: Any) -> None:
        """A step reaches the weights, through logits and aux logits of the photos' own sides."""
        image = torch.rand(2, 3, 64, 64)
        found = self.logits(model.train()(image), image)
        attached = all(part.requires_grad for part in found)
        self.rule(attached, "outputs that are attached to the graph", "detached ones", "leave out detach and no_grad")
        total = sum(part.square().mean() for part in found)
        model.zero_grad()
        total.backward()  # type: ignore[union-attr]
        grads = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
        reached = sum(grad is not None and bool(grad.abs().sum() > 0) for grad in grads)
        remedy = "freeze what shall not learn: requires_grad_(False)"
        self.rule(reached > len(grads) / 2, "a step to reach its weights", f"{reached} of {len(grads)}", remedy)

    @pytest.mark.parametrize("labelled", [True, False])
    @pytest.mark.parametrize("mode", ["training", "evaluation"])
    def test_its_own_loss(self, model: Any, mode: str, labelled: bool) -> None:
        """Where it has a `training_loss`: named scalars, finite, also of photos without a label, and trainable."""
        if not hasattr(model, "training_loss"):
            pytest.skip("it has no loss of its own")
        batch = random_batch()
        if not labelled:
            batch = batch._replace(mask=torch.full_like(batch.mask, IGNORE))
        given = model.train(mode == "training")(batch.image)
        found = self.logits(given, batch.image)
        outputs = given if isinstance(given, Outputs) else Outputs(found[0], tuple(found[1:]))
        told = model.training_loss(outputs, batch)
        remedy = "return a dict of scalar tensors by name, in training and in evaluation"
        named = isinstance(told, Mapping) and bool(told) and all(isinstance(name, str) for name in told)
        self.rule(named, "training_loss() to return a dict of names to scalars", form(told), remedy)
        for name, value in told.items():
            what = f"training_loss()[{name!r}]"
            scalar = isinstance(value, torch.Tensor) and value.ndim == 0 and value.is_floating_point()
            self.rule(scalar, f"{what} to be a scalar tensor of a floating dtype", form(value), remedy)
            finite = bool(torch.isfinite(value))
            self.rule(
                finite, f"{what} to be finite", str(value.item()), "divide by at least 1 where nothing is labelled"
            )
        if mode == "training":
            attached = sum(told.values()).requires_grad
            self.rule(attached, "the sum of training_loss() to be attached to the graph", "a detached one", remedy)

    def test_reads_no_instances_where_it_says_so(self, model: Any) -> None:
        """With `reads_instances = False` its `training_loss` is the same where a batch comes without instances."""
        if not hasattr(model, "training_loss") or getattr(model, "reads_instances", True):
            pytest.skip("it has no loss of its own, or may read instances")
        batch = random_batch()
        given = model.eval()(batch.image)
        found = self.logits(given, batch.image)
        outputs = given if isinstance(given, Outputs) else Outputs(found[0], tuple(found[1:]))
        bare = batch._replace(instances=torch.zeros_like(batch.instances))
        totals = []
        for one in (batch, bare):
            torch.manual_seed(0)
            totals.append(float(sum(model.training_loss(outputs, one).values())))
        expected = "the same loss of a batch whose instances are all 0, as reads_instances = False says"
        self.rule(totals[0] == totals[1], expected, f"{totals[1]:.6g} after {totals[0]:.6g}", READS)

    def test_half_precision(self, model: Any) -> None:
        """Finite in the mixed precision that training has where the hardware has it."""
        image = torch.rand(2, 3, 64, 64)
        with torch.autocast("cpu", torch.bfloat16):
            self.logits(model.train()(image), image)

    def test_takes_one_class(self, registry: Registry) -> None:
        """Data may have a single class: one channel of logits."""
        image = torch.rand(2, 3, 64, 64)
        one = self.build(registry, ModelContext(1, pretrained=False, encoders=registry.encoders()))
        with torch.inference_mode():
            self.logits(one.eval()(image), image, 1)

    def test_state_dict_holds_everything(self, registry: Registry, model: Any) -> None:
        """A second one with the first one's state gives the same logits."""
        torch.manual_seed(1)
        twin = self.build(registry, ModelContext(len(CLASSES), pretrained=False, encoders=registry.encoders()))
        twin.load_state_dict(model.state_dict())
        self._same(model, twin, "a second one with its state", "keep what it learns in parameters and buffers")

    def test_a_copy_is_the_same(self, model: Any) -> None:
        """The average of the weights is a copy: one that gives the same, in which tied weights are tied."""
        copied = copy.deepcopy(model)
        remedy = "tie weights by one Parameter under two names, set in __init__, and not by a hook or a property"
        for names in _tied(model):
            tied = len({id(copied.get_parameter(name)) for name in names}) == 1
            self.rule(tied, f"{' and '.join(names)} to be one weight in a copy, too", "several", remedy)
        with torch.no_grad():
            for weight in model.parameters():  # shared ones once, as an optimizer's step
                weight.mul_(0.9)
            for own, weight in zip(copied.parameters(), model.parameters(), strict=True):
                own.copy_(weight)
        self._same(model, copied, "a copy with its weights after a step", remedy)

    def _same(self, model: Any, other: Any, what: str, remedy: str) -> None:
        photo = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            first, second = (self.logits(one.eval()(photo), photo)[0] for one in (model, other))
        off = float((first - second).abs().max())
        self.rule(torch.allclose(first, second, 1e-3, 1e-4), f"{what} to give the same", f"{off:.3g} of it off", remedy)


def _tied(model: torch.nn.Module) -> Iterator[list[str]]:
    """The names of each weight that has several."""
    names: dict[int, list[str]] = {}
    for name, weight in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(weight), []).append(name)
    return (several for several in names.values() if len(several) > 1)
