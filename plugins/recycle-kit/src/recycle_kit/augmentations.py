"""Conformance tests of augmentations."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from recycle_kit.base import (
    CLASSES,
    ONE_CLASS,
    READS,
    Conformance,
    MemorySource,
    form,
    of_one_class,
    random_batch,
    random_source,
)
from recyclecli.plugins import Registry
from recyclecli.types import IGNORE, AugmentationContext, Batch, Kind, Sample

REPLACE = "return batch._replace(...) of what changes"
ORIGINS = "a list with a dict for each photo: instance to (index in the source, instance there)"


class AugmentationConformance(Conformance):
    """An augmentation: a batch of the same form, with torch's randomness only, inventing no label."""

    kind: ClassVar[Kind] = "augmentation"

    @pytest.fixture
    def augmentation(self, registry: Registry) -> Any:
        """The augmentation over `random_source`."""
        return self.build(registry, AugmentationContext(CLASSES, random_source()))

    @classmethod
    def augmented(cls, augmentation: Any, batch: Batch) -> Batch:
        """What it gives for a batch, once it has the batch's form and the batch was left alone."""
        before = Batch(*(part.clone() for part in batch))
        after = augmentation(batch)
        cls.rule(isinstance(after, Batch), "a Batch", form(after), REPLACE)
        for name, old, now, new in zip(Batch._fields, before, batch, after, strict=True):
            alone = torch.equal(old, now)
            cls.rule(alone, f"the {name} that it was given to stay as it was", "a changed one", "clone, then write")
            fits = isinstance(new, torch.Tensor) and (new.shape, new.dtype) == (old.shape, old.dtype)
            cls.rule(fits, f"the batch's {name} as {form(old)}", form(new), REPLACE)
        same = torch.equal(before.ids, after.ids)
        cls.rule(same, "the batch's photos in their order", f"ids {after.ids.tolist()}", "return the ids as they came")
        low, high = float(after.image.min()), float(after.image.max())
        cls.rule(0 <= low <= high <= 1, "colours in 0..1", f"{low:.4g} to {high:.4g}", "end with image.clamp(0, 1)")
        return after  # type: ignore[no-any-return]

    def test_keeps_the_form(self, augmentation: Any) -> None:
        """Shapes, dtypes, ids and the range 0..1; the batch it was given is left alone; also a batch of one photo."""
        for photos in (4, 4, 4, 4, 4, 1):
            self.augmented(augmentation, random_batch(photos))

    def test_invents_no_label(self, augmentation: Any) -> None:
        """Every label that comes out is ignore or was in the batch; every instance has one label."""
        batch = random_batch(4)
        for _ in range(5):
            after = self.augmented(augmentation, batch)
            new = sorted({*after.mask.flatten().tolist()} - {*batch.mask.flatten().tolist(), IGNORE})
            remedy = "resize masks by nearest neighbours; what comes from outside of a photo is 255"
            self.rule(not new, "labels of the batch, or 255", f"label {new[:1]}", remedy)
            for mask, instances in zip(after.mask, after.instances, strict=True):
                for instance in set(instances[instances > 0].tolist()):
                    labels = sorted(set(mask[instances == instance].tolist()))
                    moved = "move image, mask and instances by the same, and set instances to 0 where the mask is 255"
                    self.rule(len(labels) == 1, "one label in each instance", f"labels {labels}", moved)
                    self.rule(labels != [IGNORE], "no instance where the mask is 255", f"instance {instance}", moved)

    def test_reads_no_instances_where_it_says_so(self, augmentation: Any) -> None:
        """With `reads_instances = False` image and mask are the same where a batch comes without its instances."""
        if getattr(augmentation, "reads_instances", True):
            pytest.skip("it may read instances")
        batch = random_batch(4)
        bare = batch._replace(instances=torch.zeros_like(batch.instances))
        for seed in range(5):
            afters = []
            for given in (batch, bare):
                torch.manual_seed(seed)
                afters.append(self.augmented(augmentation, given))
            for name in ("image", "mask"):
                same = torch.equal(getattr(afters[0], name), getattr(afters[1], name))
                expected = f"the same {name} of a batch whose instances are all 0, as reads_instances = False says"
                self.rule(same, expected, "another", READS)

    def test_takes_one_class(self, registry: Registry) -> None:
        """Data may have a single class: masks of 0 and 255."""
        source = random_source(class_names=ONE_CLASS)
        one = self.build(registry, AugmentationContext(ONE_CLASS, source))
        for _ in range(3):
            after = self.augmented(one, of_one_class(random_batch(4)))
            labels = {*after.mask.flatten().tolist()} - {0, IGNORE}
            self.rule(not labels, "labels 0 and 255 where the data has one class", f"{sorted(labels)}", REPLACE)

    def test_same_seed_same_batch(self, augmentation: Any) -> None:
        """torch's default generator is its only source of randomness."""
        batch = random_batch(4)
        results = []
        for _ in range(2):
            torch.manual_seed(3)
            np.random.seed(None)
            results.append(self.augmented(augmentation, batch))
        same = all(torch.equal(first, second) for first, second in zip(*results, strict=True))
        remedy = "draw with torch.rand and torch.randint alone, without numpy, random or a generator of your own"
        self.rule(same, "the same batch from the same seed", "another", remedy)

    @classmethod
    def origins(cls, augmentation: Any, photos: int) -> list[dict[int, tuple[int, int]]]:
        """What its `origins()` says of the last batch, once it has that form; skips one that has none."""
        if not hasattr(augmentation, "origins"):
            pytest.skip("it brings in no objects of other photos")
        told = augmentation.origins()
        remedy = "keep a dict for each photo of the last batch, empty where nothing came in"
        listed = isinstance(told, list) and len(told) == photos and all(isinstance(one, dict) for one in told)
        cls.rule(listed, f"origins() to give {ORIGINS}", form(told), remedy)
        pairs = [pair for one in told for pair in one.values()]
        wrong = [pair for pair in pairs if not (isinstance(pair, tuple) and len(pair) == 2)]
        cls.rule(not wrong, f"origins() to give {ORIGINS}", f"{wrong[:1]}", remedy)
        return list(told)

    def test_origins_tell_what_came_in(self, augmentation: Any) -> None:
        """Where it has `origins()`: each instance that a photo did not have, with its photo and number there."""
        batch, source = random_batch(4), random_source()  # the same photos
        for _ in range(5):
            after = self.augmented(augmentation, batch)
            for photo, origins in enumerate(self.origins(augmentation, 4)):
                had, has = (set(one.instances[photo].flatten().tolist()) for one in (batch, after))
                expected = f"origins() to name the instances that came into photo {photo}, {sorted(has - had)}"
                self.rule(has - had == set(origins), expected, f"{sorted(origins)}", "number what comes in anew")
                for instance, (index, number) in origins.items():
                    sample = source.read(index)
                    label = int(after.mask[photo][after.instances[photo] == instance][0])
                    theirs = sorted(set(sample.mask[sample.instances == number].tolist()))
                    expected = f"origins() to name an object of label {label}"
                    self.rule(theirs == [label], expected, f"labels {theirs}", "name the number in the source's photo")

    def test_origins_name_all_photos_that_are_shown(self, registry: Registry) -> None:
        """Where it has `origins()`: what changes with the colours of a photo of the source names that photo."""
        source, batch = random_source(8), random_batch(4)

        def augmented(samples: list[Sample]) -> list[tuple[Batch, list[dict[int, tuple[int, int]]]]]:
            one = self.build(registry, AugmentationContext(CLASSES, MemorySource(samples)))
            torch.manual_seed(0)
            return [(self.augmented(one, batch), self.origins(one, 4)) for _ in range(5)]

        samples = [source.read(index) for index in range(len(source))]
        usual = augmented(samples)
        for index, sample in enumerate(samples):
            other = [*samples]
            other[index] = sample._replace(image=255 - sample.image)
            for (before, origins), (after, _) in zip(usual, augmented(other), strict=True):
                for photo, told in enumerate(origins):
                    shown = not torch.equal(before.image[photo], after.image[photo])
                    named = index in {place for place, _ in told.values()}
                    expected = f"origins() to name photo {index} of the source, of which a photo shows something"
                    self.rule(named or not shown, expected, f"{told}", "name every photo whose pixels come in")
