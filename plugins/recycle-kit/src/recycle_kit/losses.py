"""Conformance tests of losses."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

from recycle_kit.base import CLASSES, ONE_CLASS, Conformance, form, of_one_class, random_batch
from recyclecli.plugins import Registry
from recyclecli.types import IGNORE, Kind, LossContext

ZERO_REMEDY = "divide by the labelled pixels and clamp their number to 1: (mask != 255).sum().clamp(min=1)"


class LossConformance(Conformance):
    """A loss: a finite scalar with finite gradients; ignored pixels do not count.

    One that prefers no labels to others, a regulariser, says so: it has an attribute `regulariser` that is true.
    """

    kind: ClassVar[Kind] = "loss"

    @pytest.fixture
    def loss(self, registry: Registry) -> Any:
        """The loss for `CLASSES`."""
        return self.build(
            registry, LossContext(CLASSES, lambda: (4000, 300, 200, 100, 50), lambda: (4650, 2000, 1500, 500, 400))
        )

    @classmethod
    def value(cls, loss: Any, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What it gives for a batch, once it is a scalar that training can use, and left the batch alone."""
        before = logits.detach().clone(), mask.clone()
        value = loss(logits, mask)
        remedy = "return one scalar that is computed from the logits, as losses of torch with reduction='mean'"
        cls.rule(isinstance(value, torch.Tensor), "a tensor", form(value), remedy)
        cls.rule(value.shape == (), "a scalar, of shape ()", form(value), remedy)
        cls.rule(value.is_floating_point(), "a scalar of a floating dtype", form(value), remedy)
        attached = value.grad_fn is not None or not logits.requires_grad
        cls.rule(attached, "a scalar that is attached to the logits' graph", "a detached one", remedy)
        alone = torch.equal(before[0], logits.detach()) and torch.equal(before[1], mask)
        cls.rule(alone, "the logits and the mask as they were", "changed ones", "clone before you write to them")
        return value  # type: ignore[no-any-return]

    def _trained(self, loss: Any, logits: torch.Tensor, mask: torch.Tensor, what: str) -> torch.Tensor:
        """Its value, finite, with finite gradients."""
        value = self.value(loss, logits, mask)
        remedy = "compute in float32 (logits.float()), in logarithms: log_softmax, not softmax and log"
        self.rule(bool(torch.isfinite(value)), f"a finite loss {what}", f"{value.item()}", remedy)
        value.backward()  # type: ignore[no-untyped-call]
        gradient = logits.grad
        self.rule(gradient is not None, f"gradients of the logits {what}", "none", "compute from the logits alone")
        finite = gradient is not None and bool(torch.isfinite(gradient).all())
        self.rule(finite, f"finite gradients {what}", "NaN or an infinite number", remedy)
        return value

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_finite_value_and_gradient(self, loss: Any, dtype: torch.dtype) -> None:
        """Also for logits in half precision, in the order of memory that training has, and for very sure ones."""
        batch = random_batch()
        for scale in (1, 40):
            logits = (torch.randn(2, len(CLASSES), 64, 64) * scale).to(dtype)
            logits = logits.contiguous(memory_format=torch.channels_last).requires_grad_()
            self._trained(loss, logits, batch.mask, f"for {dtype} logits of about {scale}")

    def test_ignored_pixels_count_nothing(self, loss: Any) -> None:
        """Logits under 255 change neither the value nor get a gradient."""
        batch = random_batch()
        logits = torch.randn(2, len(CLASSES), 64, 64)
        other = torch.where((batch.mask == IGNORE)[:, None], 8 - logits, logits).requires_grad_()
        value, same = self.value(loss, other, batch.mask), self.value(loss, logits, batch.mask)
        remedy = "leave out pixels whose mask is 255: ignore_index=255, or multiply by mask != 255"
        close = torch.allclose(value, same, rtol=1e-4, atol=1e-5)
        self.rule(close, "ignored pixels to change nothing", f"{value.item():.4g} after {same.item():.4g}", remedy)
        value.backward()  # type: ignore[no-untyped-call]
        given = 0 if other.grad is None else int((other.grad.abs().sum(1)[batch.mask == IGNORE] != 0).sum())
        self.rule(not given, "no gradient of ignored pixels", f"one of {given} pixels", remedy)

    def test_all_ignored_is_zero(self, loss: Any) -> None:
        """A batch without a labelled pixel gives 0 and finite gradients."""
        logits = torch.randn(1, len(CLASSES), 32, 32, requires_grad=True)
        value = self.value(loss, logits, torch.full((1, 32, 32), IGNORE))
        self.rule(value.item() == 0, "0 for a batch without a labelled pixel", f"{value.item()}", ZERO_REMEDY)
        value.backward()  # type: ignore[no-untyped-call]
        finite = logits.grad is None or bool(torch.isfinite(logits.grad).all())
        self.rule(
            finite, "finite gradients of a batch without a labelled pixel", "NaN or an infinite number", ZERO_REMEDY
        )

    def test_takes_one_class(self, registry: Registry) -> None:
        """Data may have a single class: one channel of logits, masks of 0 and 255."""
        loss = self.build(registry, LossContext(ONE_CLASS, lambda: (4650,), lambda: (4650,)))
        mask = of_one_class(random_batch()).mask
        self._trained(loss, torch.randn(2, 1, 64, 64, requires_grad=True), mask, "where the data has one class")

    def test_prefers_the_truth(self, loss: Any) -> None:
        """Right logits cost less than wrong ones; where it is no regulariser."""
        if getattr(loss, "regulariser", False):
            pytest.skip("a regulariser prefers no labels to others")
        mask = random_batch().mask
        target = torch.nn.functional.one_hot(mask.masked_fill(mask == IGNORE, 0), len(CLASSES)).movedim(-1, 1)
        right, wrong = (self.value(loss, logits, mask).item() for logits in (target * 8.0, (1 - target) * 8.0))
        remedy = "check its sign, or say that it is a regulariser: an attribute `regulariser = True`"
        self.rule(right < wrong, "right logits to cost less than wrong ones", f"{right:.4g} and {wrong:.4g}", remedy)
