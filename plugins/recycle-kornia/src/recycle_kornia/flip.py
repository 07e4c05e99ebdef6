"""Mirroring."""

import torch

from recycle_kornia import FlipOptions
from recyclecli.types import AugmentationContext, Batch


class Flip:
    """Mirrors each photo of a batch with its labels, with the stated probabilities; exact."""

    reads_instances = False

    def __init__(self, options: FlipOptions, context: AugmentationContext) -> None:
        self._chances = ((-1, options.horizontal), (-2, options.vertical))

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos mirrored."""
        image, mask, instances, ids = batch
        for axis, chance in self._chances:
            if not chance:
                continue
            chosen = (torch.rand(len(ids), device=image.device) < chance)[:, None, None]
            image = torch.where(chosen[..., None], image.flip(axis), image)
            mask = torch.where(chosen, mask.flip(axis), mask)
            instances = torch.where(chosen, instances.flip(axis), instances)
        return Batch(image, mask, instances, ids)
