"""Affine and perspective warps."""

import torch
from kornia.augmentation import RandomAffine, RandomPerspective
from kornia.geometry.transform import warp_perspective

from recycle_kornia import AffineOptions, PerspectiveOptions
from recycle_kornia.limits import refuse_reversed
from recyclecli.types import IGNORE, AugmentationContext, Batch


class Warp:
    """Moves each photo with its labels as one of kornia's augmentations says.

    The image is resampled bilinearly, labels by nearest pixel; pixels from outside the photo
    become image 0, mask 255, instance 0.
    """

    _draw: RandomAffine | RandomPerspective

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos warped."""
        image = self._draw(batch.image)
        matrix = self._draw.transform_matrix.to(torch.float32)
        # one more than each label, so that the zeros that come in from outside are told apart
        shifted = torch.stack([batch.mask.float() + 1, batch.instances.float() + 1], 1)
        warped = warp_perspective(
            shifted, matrix, batch.mask.shape[-2:], mode="nearest", padding_mode="zeros", align_corners=True
        )
        labels = warped.round().long() - 1
        mask = labels[:, 0].masked_fill(labels[:, 0] < 0, IGNORE)
        return Batch(image, mask, labels[:, 1].clamp(min=0).int(), batch.ids)


class Affine(Warp):
    """Turns, shifts and zooms."""

    def __init__(self, options: AffineOptions, context: AugmentationContext) -> None:
        refuse_reversed("affine", options, "scale_min", "scale_max")
        self._draw = RandomAffine(
            options.degrees,
            (options.translate, options.translate),
            (options.scale_min, options.scale_max),
            p=options.p,
            align_corners=True,
        )


class Perspective(Warp):
    """Seen from another side: each corner moves inwards."""

    def __init__(self, options: PerspectiveOptions, context: AugmentationContext) -> None:
        self._draw = RandomPerspective(options.distortion, p=options.p, align_corners=True)
