"""Conformance tests that plugin authors inherit.

    from recycle_kit.testing import LossConformance

    class TestPoly(LossConformance):
        name = "poly"

pytest finds the inherited tests; each builds the component through the registry, as the core
does, so the package must be installed. `options` sets its options, where the defaults are not
to be tested. Components are judged by the contracts in `recyclecli.types`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from recycle_coco import Tree

from recycle_kit.base import CLASSES as CLASSES
from recycle_kit.base import Conformance as Conformance
from recycle_kit.base import MemorySource as MemorySource
from recycle_kit.base import random_batch as random_batch
from recycle_kit.base import random_source as random_source
from recycle_kit.records import CheckConformance as CheckConformance
from recycle_kit.records import CommandConformance as CommandConformance
from recycle_kit.records import RecipeConformance as RecipeConformance
from recycle_kit.training import CallbackConformance as CallbackConformance
from recycle_kit.training import ExporterConformance as ExporterConformance
from recycle_kit.training import OptimizerConformance as OptimizerConformance
from recycle_kit.training import ScheduleConformance as ScheduleConformance
from recyclecli.plugins import Registry
from recyclecli.types import (
    IGNORE,
    AugmentationContext,
    Batch,
    DatasetComponent,
    DatasetContext,
    Kind,
    Layout,
    LossContext,
    ModelContext,
    PostprocessorContext,
    Sample,
    Source,
)


class LossConformance(Conformance):
    """A loss: a finite scalar with finite gradients, to which ignored pixels are nothing."""

    kind: ClassVar[Kind] = "loss"

    @pytest.fixture
    def loss(self, registry: Registry) -> Any:
        """The loss for `CLASSES`."""
        return self.build(
            registry, LossContext(CLASSES, lambda: (4000, 300, 200, 100, 50), lambda: (4650, 2000, 1500, 500, 400))
        )

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_finite_value_and_gradient(self, loss: Any, dtype: torch.dtype) -> None:
        """Also for logits in half precision, and for very sure ones."""
        batch = random_batch()
        for scale in (1, 40):
            logits = (torch.randn(2, len(CLASSES), 64, 64) * scale).to(dtype).requires_grad_()
            value = loss(logits, batch.mask)
            value.backward()
            assert value.shape == ()
            assert torch.isfinite(value)
            assert logits.grad is not None
            assert torch.isfinite(logits.grad).all()

    def test_ignored_pixels_count_nothing(self, loss: Any) -> None:
        """Logits under 255 change neither the value nor get a gradient."""
        batch = random_batch()
        logits = torch.randn(2, len(CLASSES), 64, 64)
        other = torch.where((batch.mask == IGNORE)[:, None], torch.randn_like(logits), logits).requires_grad_()
        value = loss(other, batch.mask)
        torch.testing.assert_close(value, loss(logits, batch.mask))
        value.backward()
        assert other.grad is not None
        assert (other.grad.abs().sum(1)[batch.mask == IGNORE] == 0).all()

    def test_all_ignored_is_zero(self, loss: Any) -> None:
        """A batch without a labelled pixel gives 0 and finite gradients."""
        logits = torch.randn(1, len(CLASSES), 32, 32, requires_grad=True)
        value = loss(logits, torch.full((1, 32, 32), IGNORE))
        value.backward()
        assert value == 0
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()

    def test_prefers_the_truth(self, loss: Any) -> None:
        """Right logits cost less than wrong ones."""
        mask = random_batch().mask
        target = torch.nn.functional.one_hot(mask.masked_fill(mask == IGNORE, 0), len(CLASSES)).movedim(-1, 1)
        assert loss(target * 8.0, mask) < loss((1 - target) * 8.0, mask)


class ModelConformance(Conformance):
    """A model: logits for any size, gradients for its weights, everything in its state dict."""

    kind: ClassVar[Kind] = "model"

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, registry: Registry) -> Any:
        """The model for `CLASSES`, with no weights fetched."""
        torch.manual_seed(0)
        return cls.build(registry, ModelContext(len(CLASSES), pretrained=False))

    @pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96), (50, 71)])
    def test_logits_of_any_size(self, model: Any, height: int, width: int) -> None:
        """(N, K, H, W) of the photo's own H and W, raw: no softmax inside."""
        with torch.inference_mode():
            output = model.eval()(torch.rand(2, 3, height, width))
        for logits in output if isinstance(output, tuple) else (output,):
            assert logits.shape == (2, len(CLASSES), height, width)
            assert torch.isfinite(logits).all()
            sums = logits.softmax(1).sum(1), logits.sum(1)
            assert not torch.allclose(sums[1], sums[0], atol=1e-3), "logits sum to 1: is there a softmax inside?"

    def test_trains(self, model: Any) -> None:
        """A step reaches the weights."""
        output = model.train()(torch.rand(2, 3, 64, 64))
        total = sum(part.square().mean() for part in (output if isinstance(output, tuple) else (output,)))
        model.zero_grad()
        total.backward()
        grads = [parameter.grad for parameter in model.parameters() if parameter.requires_grad]
        assert sum(grad is not None and bool(grad.abs().sum() > 0) for grad in grads) > len(grads) / 2

    def test_state_dict_holds_everything(self, registry: Registry, model: Any) -> None:
        """A second one with the first one's state gives the same logits."""
        torch.manual_seed(1)
        twin = self.build(registry, ModelContext(len(CLASSES), pretrained=False))
        twin.load_state_dict(model.state_dict())
        photo = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            first, second = model.eval()(photo), twin.eval()(photo)
        torch.testing.assert_close(first, second)


class AugmentationConformance(Conformance):
    """An augmentation: a batch of the same form, from torch's chance alone, inventing no label."""

    kind: ClassVar[Kind] = "augmentation"

    @pytest.fixture
    def augmentation(self, registry: Registry) -> Any:
        """The augmentation over `random_source`."""
        return self.build(registry, AugmentationContext(CLASSES, random_source()))

    def test_keeps_the_form(self, augmentation: Any) -> None:
        """Shapes, dtypes, ids and the range 0..1; the batch it was given is left alone."""
        batch = random_batch(4)
        before = Batch(*(part.clone() for part in batch))
        torch.manual_seed(0)
        for _ in range(5):
            after = augmentation(batch)
            assert isinstance(after, Batch)
            for name, old, new in zip(Batch._fields, before, after, strict=True):
                assert (new.shape, new.dtype) == (old.shape, old.dtype), name
            assert 0 <= float(after.image.min()) <= float(after.image.max()) <= 1
        for old, now in zip(before, batch, strict=True):
            assert torch.equal(old, now), "the augmentation changed its input"

    def test_invents_no_label(self, augmentation: Any) -> None:
        """Every label that comes out is ignore or was in the batch; every instance has one label."""
        batch = random_batch(4)
        torch.manual_seed(0)
        for _ in range(5):
            after = augmentation(batch)
            assert {*after.mask.flatten().tolist()} <= {*batch.mask.flatten().tolist(), IGNORE}
            for mask, instances in zip(after.mask, after.instances, strict=True):
                for instance in set(instances[instances > 0].tolist()):
                    assert len(set(mask[instances == instance].tolist())) == 1
                assert (mask[instances > 0] != IGNORE).all()

    def test_same_seed_same_batch(self, augmentation: Any) -> None:
        """torch's default generator is its only source of chance."""
        batch = random_batch(4)
        results = []
        for _ in range(2):
            torch.manual_seed(3)
            np.random.seed(None)
            results.append(augmentation(batch))
        for first, second in zip(*results, strict=True):
            assert torch.equal(first, second)

    def test_origins_tell_what_came_in(self, augmentation: Any) -> None:
        """Where it has `origins()`: each instance that a photo did not have, with its photo and number there."""
        if not hasattr(augmentation, "origins"):
            pytest.skip("it brings in no objects of other photos")
        batch, source = random_batch(4), random_source()  # the same photos
        torch.manual_seed(0)
        for _ in range(5):
            after = augmentation(batch)
            for photo, origins in enumerate(augmentation.origins()):
                had, has = (set(one.instances[photo].flatten().tolist()) for one in (batch, after))
                assert has - had == set(origins)
                for instance, (index, number) in origins.items():
                    sample = source.read(index)
                    label = after.mask[photo][after.instances[photo] == instance][0]
                    assert (sample.mask[sample.instances == number] == int(label)).all()

    def test_origins_name_all_photos_that_are_shown(self, registry: Registry) -> None:
        """Where it has `origins()`: what changes with the colours of a photo of the source names that photo."""
        source, batch = random_source(8), random_batch(4)

        def augmented(samples: list[Sample]) -> list[tuple[Batch, list[dict[int, tuple[int, int]]]]]:
            one = self.build(registry, AugmentationContext(CLASSES, MemorySource(samples)))
            if not hasattr(one, "origins"):
                pytest.skip("it brings in no objects of other photos")
            torch.manual_seed(0)
            return [(one(batch), list(one.origins())) for _ in range(5)]

        samples = [source.read(index) for index in range(len(source))]
        usual = augmented(samples)
        for index, sample in enumerate(samples):
            other = [*samples]
            other[index] = sample._replace(image=255 - sample.image)
            for (before, origins), (after, _) in zip(usual, augmented(other), strict=True):
                for photo, told in enumerate(origins):
                    if not torch.equal(before.image[photo], after.image[photo]):
                        assert index in {place for place, _ in told.values()}, (
                            f"a photo shows something of photo {index} of the source, which origins() does not name"
                        )


class PostprocessorConformance(Conformance):
    """A postprocessor: probabilities in, probabilities out."""

    kind: ClassVar[Kind] = "postprocessor"

    def test_probabilities(self, registry: Registry) -> None:
        """(K, H, W) float32, finite, not negative, summing to 1, also for a single pixel."""
        process = self.build(registry, PostprocessorContext(CLASSES))
        chance = np.random.default_rng(0)
        for height, width in ((48, 64), (1, 1)):
            photo = chance.integers(0, 256, (height, width, 3), np.uint8)
            given = chance.random((len(CLASSES), height, width), np.float32)
            result = process(photo, given / given.sum(0))
            assert result.shape == given.shape
            assert result.dtype == np.float32
            assert (result >= 0).all()
            np.testing.assert_allclose(result.sum(0), 1, atol=1e-3)

    def test_batch(self, registry: Registry) -> None:
        """A `batch`, where there is one, gives for photos of any sizes what calls give."""
        process = self.build(registry, PostprocessorContext(CLASSES))
        if not callable(getattr(process, "batch", None)):
            pytest.skip("it takes one photo at a time")
        chance = np.random.default_rng(0)
        sizes = ((48, 64), (20, 31), (48, 64), (1, 1))
        photos = [chance.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
        given = [chance.random((len(CLASSES), *size), np.float32) for size in sizes]
        given = [shares / shares.sum(0) for shares in given]
        several = process.batch([photo.copy() for photo in photos], [shares.copy() for shares in given])
        for photo, shares, result in zip(photos, given, several, strict=True):
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, process(photo, shares), atol=1e-3)


class DatasetConformance(Conformance):
    """A dataset: set `root` too, to a folder that holds some data."""

    kind: ClassVar[Kind] = "dataset"
    root: ClassVar[Path] = Path()

    def test_source(self, registry: Registry) -> None:
        """Names, records and samples agree with each other and with the contract."""
        source = self.build(registry, DatasetContext(self.root))
        assert isinstance(source, Source)
        assert len(source) > 0
        assert len(set(source.class_names)) == len(source.class_names) <= IGNORE
        for index in range(min(3, len(source))):
            record, sample = source.record(index), source.read(index)
            assert sample.image.shape == (record.height, record.width, 3)
            assert sample.image.dtype == sample.mask.dtype == np.uint8
            assert sample.instances.dtype == np.int32
            assert sample.mask.shape == sample.instances.shape == sample.image.shape[:2]
            labels = sample.mask[sample.mask != IGNORE]
            assert labels.max(initial=0) < len(source.class_names)
            again = source.read(index)
            for first, second in zip(sample, again, strict=True):
                np.testing.assert_array_equal(first, second)

    def test_recognises(self, registry: Registry, tmp_path: Path) -> None:
        """Its recogniser, where it has one, yields layouts that it names, and none where nothing of it lies."""
        component = registry.find("dataset", self.name).component
        assert isinstance(component, DatasetComponent)
        if not component.recognise:
            return
        module, _, attribute = component.recognise.partition(":")
        recognise = getattr(import_module(module), attribute)
        for layout in recognise(Tree(self.root)):
            assert isinstance(layout, Layout)
            assert layout.name in component.layouts, f"{component.recognise} yields {layout.name!r}, no layout of it"
            registry.options("dataset", self.name, layout.options)
        for name in ("a.json", "b.xml", "c.txt", "d.csv", "e.yaml", "f.png", "g.ndjson"):
            for number, content in enumerate((b"", b"\xff\x00\xfe", b"[[[[", b'{"a": [1, null, {}]}', b"<a><b/></a>")):
                (tmp_path / f"{number}-{name}").write_bytes(content)
        found = list(recognise(Tree(tmp_path)))
        assert not found, f"{component.recognise} recognises {found[0].name!r} in files of no tool"
