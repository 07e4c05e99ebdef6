"""Objects of the training photos, cropped once and held as bytes."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco.pixels import alone
from scipy import ndimage

from recycle_kornia import CopyPasteOptions
from recycle_kornia.place import HALF_SIZE_LEVELS, LEVEL_LATER, NO_LEVEL, Pictures
from recyclecli.types import RecycleError, Source

log = logging.getLogger("recycle.kornia")

PHOTOS_AHEAD = 64  # photos that are read at a time


class BankObject:
    """One object: where it comes from, its box there, its pixels."""

    def __init__(
        self,
        photo: int,
        number: int,
        label: int,
        box: tuple[slice, slice],
        sides: tuple[int, int],
        colors: NDArray[np.uint8],
        marks: NDArray[np.uint8],
    ) -> None:
        self.photo, self.number, self.label, self.sides = photo, number, label, sides
        self.top, self.left = box[0].start, box[1].start
        self.colors, self.marks = colors, marks  # (3, h, w), and (h, w) 0 or 1


class Bank:
    """Up to `per_class` objects of each class, drawn by class weight.

    Photos are read in an order of chance until every class that is wanted has its number. A photo
    that shows a class of `remove_patch`, or that cannot be read, gives none.

    Args:
        source: the training photos; nothing else can come in.
        weights: K by label, 0 for what is not wanted.
        options: `per_class`, `rarity`, the areas, `remove_patch`.

    Attributes:
        entries: the objects.

    Raises:
        RecycleError: no object fits.
    """

    def __init__(self, source: Source, weights: Sequence[float], options: CopyPasteOptions) -> None:
        self._weights = weights
        self._options = options
        self.entries: list[BankObject] = []
        self._seen = np.zeros(len(weights), np.int64)
        self._held = np.zeros(len(weights), np.int64)
        removed = [source.class_names.index(name) for name in options.remove_patch]
        order = np.random.default_rng(0).permutation(len(source)).tolist()
        wanted = np.asarray(weights) > 0
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(order), PHOTOS_AHEAD):
                for entries in pool.map(partial(self._objects, source, removed), order[start : start + PHOTOS_AHEAD]):
                    self._take(entries)
                if (self._held[wanted] >= options.per_class).all():
                    break
        if not self.entries:
            names = [name for name, weight in zip(source.class_names, weights, strict=True) if weight > 0]
            raise RecycleError(
                f"copy-paste: none of {len(source)} training photos shows an object of {', '.join(names)} that fits",
                "check `recycle data stats`, and min_area, max_area, patch and remove_patch",
            )
        held = dict(zip(source.class_names, self._held.tolist(), strict=True))
        lacking = [name for name in options.patch if not held[name]]
        if lacking:
            log.warning(f"note: copy-paste: no training photo shows an object of {', '.join(lacking)}")
        labels = np.array([entry.label for entry in self.entries])
        # all that were seen stand for their class's share, however many are held
        share = np.asarray(weights)[labels] * self._seen[labels] ** (1 - options.rarity) / self._held[labels]
        self._share = torch.from_numpy(np.cumsum(share / share.sum())).float()
        self._pictures, self._table = self._flat()
        self._complete = False  # asked of the device, it would have to be waited for

    def _objects(self, source: Source, removed: Sequence[int], photo: int) -> list[BankObject]:
        """The objects of a photo that fit."""
        record = source.record(photo)
        with alone(record.height * record.width):
            return self._fitting(source, removed, photo)

    def _fitting(self, source: Source, removed: Sequence[int], photo: int) -> list[BankObject]:
        options = self._options
        try:
            image, mask, instances = source.read(photo)
        except RecycleError:  # where the photo itself is trained on, or changed, its reader tells
            return []
        if removed and np.isin(mask, removed).any():
            return []
        entries = []
        for number, box in enumerate(ndimage.find_objects(instances), start=1):
            if box is None:
                continue
            inside = instances[box] == number
            label, area = int(mask[box][inside][0]), int(np.count_nonzero(inside))
            if label >= len(self._weights) or self._weights[label] <= 0 or area < options.min_area:
                continue
            if options.max_area is not None and area > options.max_area:
                continue
            colors = np.ascontiguousarray(image[box].transpose(2, 0, 1))
            entries.append(BankObject(photo, number, label, box, mask.shape, colors, inside.view(np.uint8)))
        return entries

    def _take(self, entries: Sequence[BankObject]) -> None:
        """Count them all, and hold those whose class has not its number yet."""
        for entry in entries:
            self._seen[entry.label] += 1
            if self._held[entry.label] < self._options.per_class:
                self._held[entry.label] += 1
                self.entries.append(entry)

    def _flat(self) -> tuple[Pictures, torch.Tensor]:
        """The entries as `Pictures`; and (8, B) label, box height and width, area, photo sides, place in the photo."""
        rows = [
            (entry.label, *entry.marks.shape, np.count_nonzero(entry.marks), *entry.sides, entry.top, entry.left)
            for entry in self.entries
        ]
        table = np.ascontiguousarray(np.array(rows).T)
        sizes = table[1] * table[2]
        origins = np.cumsum(sizes) - sizes
        later = np.minimum(table[1], table[2]) >> np.arange(1, HALF_SIZE_LEVELS)[:, None] > 0
        starts = np.concatenate([origins[None], np.where(later, LEVEL_LATER, NO_LEVEL)])
        values = np.concatenate([entry.colors.reshape(-1) for entry in self.entries])
        marks = np.concatenate([entry.marks.reshape(-1) for entry in self.entries])
        for entry in self.entries:
            entry.colors, entry.marks = entry.colors[:0], entry.marks[:0]
        parts = [torch.from_numpy(part) for part in (values, marks, starts, *table[1:3])]
        return Pictures._make([*parts, {}]), torch.from_numpy(table)

    def pictures(self, device: torch.device, complete: bool) -> Pictures:
        """The pixels on a device; they move there once, and with `complete` no level is left for later."""
        if complete and (self._share.device != device or not self._complete):
            self._pictures, self._complete = self._pictures.complete(device), True
            self._share, self._table = self._share.to(device), self._table.to(device)
        return self._pictures

    def draw(self, count: int, slots: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(count, slots) entries drawn with their weights, and (8, count, slots) what `_flat` says of them."""
        chance = torch.rand((count, slots), device=self._share.device)
        entry = torch.searchsorted(self._share, chance).clamp(max=len(self.entries) - 1)
        return entry, self._table[:, entry]
