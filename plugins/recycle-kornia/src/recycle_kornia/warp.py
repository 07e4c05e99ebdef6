"""Affine, perspective and elastic warps."""

import math

import torch
from kornia.augmentation import RandomAffine, RandomPerspective
from kornia.filters import gaussian_blur2d
from kornia.geometry.transform import remap, warp_perspective

from recycle_kornia import AffineOptions, ElasticOptions, PerspectiveOptions
from recycle_kornia.limits import refuse_reversed
from recyclecli.types import IGNORE, AugmentationContext, Batch, RecycleError


class Warp:
    """Moves each photo with its labels as one of kornia's augmentations says.

    The image is resampled bilinearly, labels by nearest pixel; pixels from outside the photo
    become image 0, mask 255, instance 0.
    """

    reads_instances = False
    _draw: RandomAffine | RandomPerspective

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos warped."""
        image = self._draw(batch.image)
        matrix = self._draw.transform_matrix.to(torch.float32)
        height, width = batch.mask.shape[-2:]
        size = (height, width)
        return relabelled(
            batch, image, warp_perspective(planes(batch), matrix, size, "nearest", "zeros", align_corners=True)
        )


def planes(batch: Batch) -> torch.Tensor:
    """(N, 2, H, W) float: one more than mask and instances, so that zeros that come in are told apart."""
    return torch.stack([batch.mask.float() + 1, batch.instances.float() + 1], 1)


def relabelled(batch: Batch, image: torch.Tensor, warped: torch.Tensor) -> Batch:
    """The batch with another image, and with the labels of warped `planes`."""
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


class Elastic:
    """Shifts each pixel by smooth noise: Simard et al., "Best Practices for Convolutional Neural Networks" (2003).

    The image is resampled bilinearly, labels by nearest pixel; pixels from outside the photo
    become image 0, mask 255, instance 0.

    Raises:
        RecycleError: `shift` is more than half of `sigma`, which would fold photos.
    """

    reads_instances = False

    def __init__(self, options: ElasticOptions, context: AugmentationContext) -> None:
        if options.shift > options.sigma / 2:
            raise RecycleError(
                f"elastic: shift = {options.shift} above half of sigma = {options.sigma} folds photos",
                "lower shift, or raise sigma",
            )
        self._options = options

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos bent."""
        options, image = self._options, batch.image
        count, _, height, width = image.shape
        device = image.device
        size = 2 * min(round(3 * options.sigma), min(height, width) - 1) + 1
        noise = gaussian_blur2d(
            torch.randn((count, 2, height, width), device=device), (size, size), (options.sigma, options.sigma)
        )
        # white noise of deviation 1 is left with 1 / (2 sigma sqrt(pi)) by a Gaussian in two dimensions
        shift = noise * (options.shift * 2 * options.sigma * math.sqrt(math.pi))
        shift = torch.where(torch.rand((count, 1, 1, 1), device=device) < options.p, shift, torch.zeros_like(shift))
        y = torch.arange(height, device=device, dtype=torch.float32)[:, None] + shift[:, 0]
        x = torch.arange(width, device=device, dtype=torch.float32) + shift[:, 1]
        bent = _seen_at(x, y, image.float(), "bilinear")
        labels = _seen_at(x, y, planes(batch), "nearest")
        moved = (shift != 0).any(1, keepdim=True)
        return relabelled(batch, torch.where(moved, bent.to(image.dtype).clamp(0, 1), image), labels)


def _seen_at(x: torch.Tensor, y: torch.Tensor, image: torch.Tensor, mode: str) -> torch.Tensor:
    """An image (N, C, H, W) resampled at pixels (N, H, W).

    They are turned to -1..1 here: kornia would copy two numbers to the device for that, and wait for it.
    """
    height, width = image.shape[-2:]
    x, y = (at * (2 / (side - 1)) - 1 if side > 1 else at for at, side in ((x, width), (y, height)))
    return remap(image, x, y, mode, "zeros", align_corners=True, normalized_coordinates=True)
