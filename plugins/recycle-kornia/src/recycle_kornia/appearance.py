"""What changes colours alone; labels stay as they are."""

import torch
from kornia.augmentation import (
    ColorJiggle,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
)

from recycle_kornia import BlurOptions, ColorOptions, GammaOptions, GrayOptions, NoiseOptions
from recycle_kornia.limits import refuse_reversed
from recyclecli.types import AugmentationContext, Batch


class Appearance:
    """One of kornia's augmentations of the image, its values kept in 0..1."""

    reads_instances = False
    _change: torch.nn.Module

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos changed."""
        return batch._replace(image=self._change(batch.image).clamp(0, 1))


class Color(Appearance):
    """Brightness, contrast, saturation and hue: ColorJiggle."""

    def __init__(self, options: ColorOptions, context: AugmentationContext) -> None:
        self._change = ColorJiggle(options.brightness, options.contrast, options.saturation, options.hue, p=options.p)


class Gamma(Appearance):
    """The image to the power of gamma: RandomGamma."""

    def __init__(self, options: GammaOptions, context: AugmentationContext) -> None:
        refuse_reversed("gamma", options, "smallest", "largest")
        self._change = RandomGamma((options.smallest, options.largest), p=options.p)


class Gray(Appearance):
    """No colour: RandomGrayscale."""

    def __init__(self, options: GrayOptions, context: AugmentationContext) -> None:
        self._change = RandomGrayscale(p=options.p)


SEEN = 0.4  # pixels: a Gaussian this wide gives each neighbour 4 % of the weight; a narrower one does not show


class Blur(Appearance):
    """Out of focus: RandomGaussianBlur."""

    def __init__(self, options: BlurOptions, context: AugmentationContext) -> None:
        side = 2 * round(3 * options.sigma) + 1
        least = min(SEEN, options.sigma)
        self._change = RandomGaussianBlur((side, side), (least, options.sigma), p=options.p)


class Noise(Appearance):
    """Grain: RandomGaussianNoise."""

    def __init__(self, options: NoiseOptions, context: AugmentationContext) -> None:
        self._change = RandomGaussianNoise(std=options.sigma, p=options.p)
