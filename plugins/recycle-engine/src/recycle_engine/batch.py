"""Samples to batches, through augmentations, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
import torch
from recycle_data.letterbox import fit_sample, fitted_size, framed

from recycle_engine.boundary import CheckedAugmentation, build
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.recipe import ListedPart
from recyclecli.types import Augmentation, AugmentationContext, Batch, Sample, Source

Item = tuple[Sample | RecycleError, int]


def collate(items: list[Item], instances: bool = True) -> Batch | RecycleError:
    """Samples as a Batch that is still uint8, framed where their sizes differ; `to_float` finishes it on the device.

    The first error among the items takes the place of the batch. Without `instances` they stay here, which halves what
    is copied; there are none then in the finished batch.
    """
    samples = []
    for sample, _ in items:
        if isinstance(sample, RecycleError):
            return sample
        samples.append(sample)
    samples = in_one_frame(samples)
    image = torch.from_numpy(np.stack([sample.image.transpose(2, 0, 1) for sample in samples]))
    mask = torch.from_numpy(np.stack([sample.mask for sample in samples]))
    numbers = np.stack([sample.instances for sample in samples]) if instances else np.empty((0,), np.int32)
    return Batch(image, mask, torch.from_numpy(numbers), torch.tensor([index for _, index in items]))


def in_one_frame(samples: Sequence[Sample]) -> list[Sample]:
    """Samples in frames of one size, the least that holds each of them."""
    heights, widths = zip(*(sample.mask.shape for sample in samples), strict=True)
    return [framed(sample, (max(heights), max(widths))) for sample in samples]


def scaled(sample: Sample, size: int) -> Sample:
    """A sample whose longer side has `size` pixels."""
    height, width = sample.mask.shape
    inner = fitted_size(height, width, size)
    return fit_sample(sample, inner, inner)


def to_float(batch: Batch) -> Batch:
    """The batch as the contract has it: image float32 in 0..1, mask int64, instances of the mask's shape."""
    mask, instances = batch.mask.long(), batch.instances
    if instances.shape != mask.shape:
        instances = torch.zeros_like(mask, dtype=instances.dtype)
    return batch._replace(image=batch.image.float().div_(255), mask=mask, instances=instances)


def read(source: Source, photos: Sequence[int], size: int, device: str) -> Batch:
    """Photos of a source, scaled to a longer side of `size`, in one frame, on a device.

    Raises:
        RecycleError: a photo cannot be read.
    """
    batch = collate([(scaled(source.read(index), size), index) for index in photos])
    assert isinstance(batch, Batch)
    return to_float(Batch(*(part.to(device) for part in batch)))


def build_augmentation(registry: Registry, part: ListedPart, training: Source) -> CheckedAugmentation:
    """The augmentation of a recipe's entry, over these training photos."""
    context = AugmentationContext(training.class_names, training)
    augmentation, of = build(registry, "augmentation", part.name, part.options, context)
    return CheckedAugmentation(of, augmentation, len(training.class_names))


def chained(augmentations: Sequence[Augmentation]) -> Callable[[Batch], Batch]:
    """Augmentations, one after another."""
    return lambda batch: reduce(lambda done, augmentation: augmentation(done), augmentations, batch)


def seed_chance(*numbers: int) -> None:
    """Seed torch's default generator, all chance that augmentations draw, from several numbers."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def augmented(
    samples: Sequence[Sample], ids: Sequence[int], augmentations: Sequence[Augmentation], device: torch.device
) -> list[Sample]:
    """Samples of one size after augmentations; colours that these leave alone come back as they were."""
    batch = collate(list(zip(samples, ids, strict=True)))
    assert isinstance(batch, Batch)
    batch = to_float(Batch(*(part.to(device) for part in batch)))
    with torch.no_grad():
        batch = chained(augmentations)(batch)
    image, mask, instances = (part.cpu() for part in (batch.image.float(), batch.mask.byte(), batch.instances))
    # one by one: each fits into the processor's cache
    half = torch.tensor(0.5)
    images = (half.add(photo, alpha=255).clamp_(0, 255).byte().permute(1, 2, 0).contiguous() for photo in image)
    photos = zip(images, mask, instances, strict=True)
    return [Sample(*(part.numpy() for part in photo)) for photo in photos]
