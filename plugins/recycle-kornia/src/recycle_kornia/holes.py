"""Parts of the photo taken away: Cutout and GridMask."""

import torch

from recycle_kornia import CutoutOptions, GridMaskOptions
from recycle_kornia.limits import refuse_reversed
from recycle_kornia.lsj import draw_scales
from recyclecli.types import IGNORE, AugmentationContext, Batch


def without(batch: Batch, gone: torch.Tensor, ignored: bool) -> Batch:
    """The batch with image 0 where `gone`, (N, H, W) bool, and there mask 255, instance 0 if `ignored`."""
    image, mask, instances, ids = batch
    image = torch.where(gone[:, None], 0, image)
    if ignored:
        mask, instances = torch.where(gone, IGNORE, mask), torch.where(gone, 0, instances)
    return Batch(image, mask, instances, ids)


class Cutout:
    """Squares taken away: DeVries and Taylor, "Improved Regularization with Cutout" (2017)."""

    reads_instances = False

    def __init__(self, options: CutoutOptions, context: AugmentationContext) -> None:
        self._options = options

    def __call__(self, batch: Batch) -> Batch:
        """The batch with holes in some of its photos."""
        options, device = self._options, batch.image.device
        count, height, width = batch.mask.shape
        chosen = torch.rand((count, 1, 1, 1), device=device) < options.p
        side = options.size * max(height, width) / 2
        middle = torch.rand((2, count, options.holes, 1), device=device)
        rows = (torch.arange(height, device=device) + 0.5 - middle[0] * height).abs() < side
        columns = (torch.arange(width, device=device) + 0.5 - middle[1] * width).abs() < side
        gone = (rows[..., :, None] & columns[..., None, :] & chosen).any(1)
        return without(batch, gone, options.ignored)


class GridMask:
    """Erase a grid of squares: Chen et al., "GridMask Data Augmentation" (2020), without its rotation."""

    reads_instances = False

    def __init__(self, options: GridMaskOptions, context: AugmentationContext) -> None:
        refuse_reversed("grid-mask", options, "smallest", "largest")
        self._options = options

    def __call__(self, batch: Batch) -> Batch:
        """The batch with a grid over some of its photos."""
        options, device = self._options, batch.image.device
        count, height, width = batch.mask.shape
        chosen = torch.rand((count, 1, 1), device=device) < options.p
        share = draw_scales((count, 1), options.smallest, options.largest, device)
        unit = share * min(height, width)
        start = torch.rand((2, count, 1), device=device) * unit
        rows, columns = (
            torch.remainder(torch.arange(side, device=device) + begin, unit) < unit * (1 - options.keep)
            for side, begin in zip((height, width), start, strict=True)
        )
        return without(batch, rows[:, :, None] & columns[:, None, :] & chosen, options.ignored)
