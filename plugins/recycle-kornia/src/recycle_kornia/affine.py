"""Affine warps."""

import torch
from kornia.augmentation import RandomAffine
from kornia.geometry.transform import warp_affine

from recycle_kornia import AffineOptions
from recyclecli.types import IGNORE, AugmentationContext, Batch, RecycleError


class Affine:
    """Turns, shifts and zooms each photo with its labels.

    The image is resampled bilinearly, labels by nearest pixel; pixels from outside the photo
    become image 0, mask 255, instance 0.
    """

    def __init__(self, options: AffineOptions, context: AugmentationContext) -> None:
        if options.scale_min > options.scale_max:
            raise RecycleError(
                f"affine: scale_min {options.scale_min} is above scale_max {options.scale_max}", "swap them"
            )
        self._draw = RandomAffine(
            options.degrees,
            (options.translate, options.translate),
            (options.scale_min, options.scale_max),
            p=options.p,
        )

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos warped."""
        image = self._draw(batch.image)
        matrix = self._draw.transform_matrix[:, :2].to(torch.float32)
        # one more than each label, so that the zeros that come in from outside are told apart
        shifted = torch.stack([batch.mask.float() + 1, batch.instances.float() + 1], 1)
        warped = warp_affine(shifted, matrix, batch.mask.shape[-2:], mode="nearest", padding_mode="zeros")
        labels = warped.round().long() - 1
        mask = labels[:, 0].masked_fill(labels[:, 0] < 0, IGNORE)
        return Batch(image, mask, labels[:, 1].clamp(min=0).int(), batch.ids)
