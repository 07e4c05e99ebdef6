"""Colour."""

from kornia.augmentation import ColorJiggle

from recycle_kornia import ColorOptions
from recyclecli.types import AugmentationContext, Batch


class Color:
    """kornia's ColorJiggle on each photo of a batch; labels stay as they are."""

    def __init__(self, options: ColorOptions, context: AugmentationContext) -> None:
        self._jiggle = ColorJiggle(options.brightness, options.contrast, options.saturation, options.hue, p=options.p)

    def __call__(self, batch: Batch) -> Batch:
        """The batch with the colours of some of its photos changed, image values still in 0..1."""
        return batch._replace(image=self._jiggle(batch.image).clamp(0, 1))
