"""Large Scale Jittering: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation" (2021)."""

import torch

from recycle_kornia import LsjOptions
from recycle_kornia.limits import refuse_reversed
from recycle_kornia.place import (
    Pictures,
    Placement,
    View,
    colors_in,
    in_threads,
    labels_in,
    looked_up,
    marks_seen,
    painted,
    pictures_of,
    view,
    windows,
)
from recyclecli.types import IGNORE, AugmentationContext, Batch


def draw_scales(shape: tuple[int, ...], smallest: float, largest: float, device: torch.device) -> torch.Tensor:
    """Scales, uniform between the two, as the paper draws them."""
    return torch.rand(shape, device=device) * (largest - smallest) + smallest


def scaled(side: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Sides in pixels, scaled and rounded, at least 1."""
    return (side * scale).round().long().clamp(min=1)


def between(spare: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Offsets of something in a frame that leaves `spare` pixels, or lacks them where negative; `chance` in 0..1."""
    return ((spare.abs() + 1) * chance).floor().long().minimum(spare.abs()) * spare.sign()


class Lsj:
    """Scales each photo and its labels, then cuts the frame out of it or puts it somewhere into the frame.

    What lies outside of the photo is image 0, mask 255, instance 0. Labels are those of the nearest
    pixel; colours are bilinear, from averages where a photo becomes less than half as large.
    """

    reads_instances = False

    def __init__(self, options: LsjOptions, context: AugmentationContext) -> None:
        refuse_reversed("lsj", options, "smallest", "largest")
        self._options = options

    def __call__(self, batch: Batch) -> Batch:
        """The batch with some of its photos scaled."""
        count, device, options = len(batch.ids), batch.image.device, self._options
        if not count:
            return batch
        scale = draw_scales((count, 1), options.smallest, options.largest, device)
        scale = torch.where(torch.rand((count, 1), device=device) < options.p, scale, torch.ones_like(scale))
        chance = torch.rand((2, count, 1), device=device)
        return jittered(batch, scale, chance, options.smallest)


def jittered(batch: Batch, scale: torch.Tensor, chance: torch.Tensor, smallest: float) -> Batch:
    """The photos of a batch at other scales in frames of the same size.

    Args:
        batch: N photos.
        scale: (N, 1) each photo's.
        chance: (2, N, 1) in 0..1, where the photo, or the cut-out, begins between the first and the last place.
        smallest: no scale is below it.
    """
    image = batch.image
    count, _, height, width = image.shape
    zero = torch.zeros_like(scale, dtype=torch.int64)
    photo = torch.arange(count, device=zero.device)[:, None]
    rows, columns = scaled(zero + height, scale), scaled(zero + width, scale)
    y, x = between(torch.stack([height - rows, width - columns]), chance)
    same = zero.bool()
    place = Placement(photo, zero, zero, zero + height, zero + width, rows, columns, y, x, same, same, same)
    pictures = pictures_of(image, batch.instances, smallest, not image.is_cuda)
    seen = view(pictures, place, height, width)
    return (everywhere_at_once if image.is_cuda else window_by_window)(batch, pictures, place, seen)


def everywhere_at_once(batch: Batch, pictures: Pictures, place: Placement, seen: View) -> Batch:
    """What is seen of each photo's one rectangle, for devices that do many pixels at a time."""
    index, inside = marks_seen(pictures, seen, 0)
    mask = torch.where(inside, looked_up(batch.mask.reshape(-1), index), IGNORE)
    instances = torch.where(inside, looked_up(batch.instances.reshape(-1), index), 0)
    image = painted(torch.zeros_like(batch.image), pictures, seen, inside.int() - 1)
    return Batch(image.to(batch.image.dtype), mask, instances, batch.ids)


def window_by_window(batch: Batch, pictures: Pictures, place: Placement, seen: View) -> Batch:
    """As `everywhere_at_once`, for the CPU."""
    image, mask = torch.zeros_like(batch.image, dtype=torch.float32), torch.full_like(batch.mask, IGNORE)
    instances = torch.zeros_like(batch.instances)
    places = windows(place, *mask.shape[1:])

    def work(photo: int) -> None:
        (window,) = places[photo]
        for new, old in ((mask, batch.mask), (instances, batch.instances)):
            new[photo].numpy()[window] = labels_in(old[photo].numpy(), seen, photo, 0, window)
        image[photo].numpy()[:, *window] = colors_in(pictures, seen, photo, 0, window)

    in_threads(work, len(image))
    return Batch(image.to(batch.image.dtype), mask, instances, batch.ids)
