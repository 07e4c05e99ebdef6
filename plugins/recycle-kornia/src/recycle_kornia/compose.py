"""Objects put in front of photos, of one another, and what is left of those behind."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_kornia import CopyPasteOptions
from recycle_kornia.exact import exact_sums
from recycle_kornia.objects import MAX_OBJECTS_PER_SAMPLE, numbers
from recycle_kornia.place import (
    Pictures,
    Placement,
    colors_in,
    in_threads,
    labels_in,
    looked_up,
    marks_seen,
    painted,
    view,
    windows,
)
from recyclecli.types import IGNORE, Batch


class ChosenObjects(NamedTuple):
    """Objects to be pasted, P for each of N photos, the first in front: (N, P), int64 but `active`.

    Attributes:
        active: bool, whether there is one.
        picture, number, label: where it is taken from, its instance number there, its class.
        top, left, height, width: its box there.
        area: its pixels there.
        sides: (2, N, P) height and width of the photo that it comes from.
        frame: (2, N, P) place of its box's upper left corner in that photo.
    """

    active: torch.Tensor
    picture: torch.Tensor
    number: torch.Tensor
    label: torch.Tensor
    top: torch.Tensor
    left: torch.Tensor
    height: torch.Tensor
    width: torch.Tensor
    area: torch.Tensor
    sides: torch.Tensor
    frame: torch.Tensor


def composed(
    batch: Batch,
    pictures: Pictures,
    chosen: ChosenObjects,
    place: Placement,
    landing: torch.Tensor,
    options: CopyPasteOptions,
) -> tuple[Batch, torch.Tensor]:
    """The batch with the objects pasted, and which are visible enough to be there: (N, P) bool.

    Slot s of a photo becomes instance m + 1 + s, m being the highest that the photo had.

    Args:
        batch: N photos.
        pictures: what the objects are cut out of.
        chosen: the objects.
        place: where they come to lie.
        landing: (256,) bool by label, whether objects may cover it.
        options: `min_visible` and `soft_edge`.
    """
    return (everywhere_at_once if everywhere(batch, options) else window_by_window)(
        batch, pictures, chosen, place, landing, options
    )


def everywhere(batch: Batch, options: CopyPasteOptions) -> bool:
    """Whether all pixels are looked at: on a device, since to find out where objects lie would wait for it."""
    return batch.image.is_cuda or options.soft_edge > 0


def everywhere_at_once(
    batch: Batch,
    pictures: Pictures,
    chosen: ChosenObjects,
    place: Placement,
    landing: torch.Tensor,
    options: CopyPasteOptions,
) -> tuple[Batch, torch.Tensor]:
    """`composed` for devices that do many pixels at a time."""
    image, mask, instances, ids = batch
    count, slots = chosen.active.shape
    seen = view(pictures, place, *mask.shape[1:])
    free = landing[mask]
    winner = torch.full_like(mask, -1, dtype=torch.int16)
    wanted = torch.where(chosen.active, chosen.number, -1)  # which no pixel has
    kept = []
    for slot in range(slots):
        index, inside = marks_seen(pictures, seen, slot)
        own = inside & (looked_up(pictures.marks, index) == wanted[:, slot, None, None])
        visible = own & free
        shown = visible.sum((1, 2))
        enough = (shown > 0) & (shown >= options.min_visible * own.sum((1, 2)))
        visible &= enough[:, None, None]
        winner = torch.where(visible, slot, winner)
        free &= ~visible
        kept.append(enough)
    winner = winner.int()
    pasted = winner >= 0
    new = painted(image, pictures, seen, winner)
    if options.soft_edge:
        new = _softened(image, new, pasted, options.soft_edge)
    number = instances.amax((1, 2))[:, None, None] + 1 + winner
    left_over = _left_over(instances, pasted, options.min_visible)
    first = slots * torch.arange(count, device=winner.device, dtype=torch.int32)[:, None, None]
    mask = torch.where(pasted, looked_up(chosen.label.reshape(-1), first + winner.clamp(min=0)), mask)
    mask = torch.where(left_over, IGNORE, mask)
    instances = torch.where(pasted, number.to(instances.dtype), instances)
    instances = torch.where(left_over, 0, instances)
    return Batch(new, mask, instances, ids), torch.stack(kept, 1)


def _softened(image: torch.Tensor, new: torch.Tensor, pasted: torch.Tensor, sigma: float) -> torch.Tensor:
    from kornia.filters import gaussian_blur2d

    size = 2 * round(3 * sigma) + 1
    share = gaussian_blur2d(pasted[:, None].float(), (size, size), (sigma, sigma))
    return torch.where(pasted[:, None], torch.lerp(image, new, share.to(image.dtype)), image)


def _left_over(instances: torch.Tensor, pasted: torch.Tensor, min_visible: float) -> torch.Tensor:
    """(N, H, W) bool: what is still seen of objects that are covered too much."""
    count = len(instances)
    place = numbers(instances).reshape(count, -1)
    empty = torch.zeros((count, MAX_OBJECTS_PER_SAMPLE + 1), dtype=torch.int32, device=instances.device)
    with exact_sums():
        before = empty.scatter_add(1, place, empty.new_ones(()).expand_as(place))
        after = empty.scatter_add(1, place, (~pasted).reshape(count, -1).int())
    lost = after < min_visible * before
    lost[:, 0] = False
    return lost.gather(1, place).view_as(pasted) & ~pasted


def window_by_window(
    batch: Batch,
    pictures: Pictures,
    chosen: ChosenObjects,
    place: Placement,
    landing: torch.Tensor,
    options: CopyPasteOptions,
) -> tuple[Batch, torch.Tensor]:
    """`composed` for the CPU: nothing is looked at but the rectangles that objects lie in."""
    precision = batch.image.dtype
    batch = Batch(batch.image.to(torch.float32, copy=True), *(part.clone() for part in batch[1:]))
    image = batch.image.numpy()
    count, slots = chosen.active.shape
    height, width = batch.mask.shape[1:]
    seen, places = view(pictures, place, height, width), windows(place, height, width)
    labels, wanted, active = chosen.label.numpy(), chosen.number.numpy(), chosen.active.numpy()
    pictured, table, kept = chosen.picture.tolist(), landing.numpy(), np.zeros((count, slots), bool)

    def work(photo: int) -> None:
        if not active[photo].any():
            return
        mask, instances = batch.mask[photo].numpy(), batch.instances[photo].numpy()
        pasted = np.zeros((height, width), bool)
        free = np.ones((height, width), bool) if table.all() else table[mask]
        old, first = instances.copy(), int(instances.max()) + 1
        for slot in np.flatnonzero(active[photo]).tolist():
            window = places[photo][slot]
            marks = pictures.marks_of(pictured[photo][slot])
            own = labels_in(marks, seen, photo, slot, window) == wanted[photo, slot]
            visible = own & free[window]
            shown = np.count_nonzero(visible)
            if not shown or shown < np.float32(options.min_visible) * np.float32(np.count_nonzero(own)):
                continue
            kept[photo, slot] = True
            free[window] &= ~visible
            pasted[window] |= visible
            np.copyto(mask[window], labels[photo, slot], where=visible)
            np.copyto(instances[window], first + slot, where=visible)
            np.copyto(image[photo][:, *window], colors_in(pictures, seen, photo, slot, window), where=visible)
        left_over = _remains(old, pasted, options.min_visible)
        if left_over is not None:
            mask[left_over], instances[left_over] = IGNORE, 0

    in_threads(work, count)
    return batch._replace(image=batch.image.to(precision)), torch.from_numpy(kept)


def _remains(instances: NDArray[np.int32], pasted: NDArray[np.bool_], min_visible: float) -> NDArray[np.bool_] | None:
    """(H, W) bool, what `_left_over` says of one photo; None for nothing."""
    covered = np.bincount(instances[pasted], minlength=MAX_OBJECTS_PER_SAMPLE + 1)[: MAX_OBJECTS_PER_SAMPLE + 1]
    lost = [
        number
        for number in np.flatnonzero(covered).tolist()
        if number and _covered(int(np.count_nonzero(instances == number)), int(covered[number]), min_visible)
    ]
    return np.isin(instances, lost) & ~pasted if lost else None


def _covered(before: int, covered: int, min_visible: float) -> bool:
    return bool(np.float32(before - covered) < np.float32(min_visible) * np.float32(before))
