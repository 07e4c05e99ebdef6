"""Objects of the training photos, cropped once and held as bytes."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from recycle_kornia import CopyPasteOptions
from recycle_kornia.place import LEVELS, Pictures, halved
from recyclecli.types import RecycleError, Sample, Source

AHEAD = 64  # photos that are read at a time


class Entry:
    """One object: where it comes from, its box there, its pixels."""

    def __init__(self, photo: int, number: int, label: int, box: tuple[slice, slice], sides: tuple[int, int]) -> None:
        self.photo, self.number, self.label, self.sides = photo, number, label, sides
        self.top, self.left = box[0].start, box[1].start
        self.levels: list[NDArray[np.uint8]] = []  # (3, h, w), each half as large
        self.marks: NDArray[np.uint8] = np.zeros((0, 0), np.uint8)  # (h, w) 0 or 1


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
        self.entries: list[Entry] = []
        self._seen = np.zeros(len(weights), np.int64)
        self._held = np.zeros(len(weights), np.int64)
        removed = {source.class_names.index(name) for name in options.remove_patch}
        order = np.random.default_rng(0).permutation(len(source)).tolist()
        wanted = np.asarray(weights) > 0
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(order), AHEAD):
                part = order[start : start + AHEAD]
                for photo, sample in zip(part, pool.map(partial(_read, source), part), strict=True):
                    if sample is not None and not removed & set(np.unique(sample.mask).tolist()):
                        self._add(photo, sample.image, sample.mask, sample.instances)
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
            print(f"note: copy-paste: no training photo shows an object of {', '.join(lacking)}", file=sys.stderr)
        labels = np.array([entry.label for entry in self.entries])
        # all that were seen stand for their class's share, however many are held
        share = np.asarray(weights)[labels] * self._seen[labels] ** (1 - options.rarity) / self._held[labels]
        self._share = torch.from_numpy(np.cumsum(share / share.sum())).float()
        self._pictures, self._table = self._flat()

    def _add(self, photo: int, image: NDArray[np.uint8], mask: NDArray[np.uint8], instances: NDArray[np.int32]) -> None:
        options = self._options
        for number, box in enumerate(ndimage.find_objects(instances), start=1):
            if box is None:
                continue
            inside = instances[box] == number
            label, area = int(mask[box][inside][0]), int(inside.sum())
            if label >= len(self._weights) or self._weights[label] <= 0 or area < options.min_area:
                continue
            if options.max_area is not None and area > options.max_area:
                continue
            self._seen[label] += 1
            if self._held[label] >= options.per_class:
                continue
            self._held[label] += 1
            entry = Entry(photo, number, label, box, mask.shape)
            entry.marks = inside.view(np.uint8).copy()
            entry.levels = [np.ascontiguousarray(image[box].transpose(2, 0, 1))]
            while len(entry.levels) < LEVELS and min(entry.levels[-1].shape[1:]) > 1:
                entry.levels.append(halved(entry.levels[-1]))
            self.entries.append(entry)

    def _flat(self) -> tuple[Pictures, torch.Tensor]:
        """The entries as `Pictures`; and (8, B) label, box height and width, area, photo sides, place in the photo."""
        starts = np.full((LEVELS, len(self.entries)), -1, np.int64)
        origins = np.zeros(len(self.entries), np.int64)
        table = np.zeros((8, len(self.entries)), np.int64)
        begin = origin = 0
        for place, entry in enumerate(self.entries):
            for level, part in enumerate(entry.levels):
                starts[level, place] = begin
                begin += part.size
            origins[place] = origin
            origin += entry.marks.size
            table[:, place] = (
                entry.label, *entry.marks.shape, entry.marks.sum(), *entry.sides, entry.top, entry.left
            )  # fmt: skip
        values = np.concatenate([part.reshape(-1) for entry in self.entries for part in entry.levels])
        marks = np.concatenate([entry.marks.reshape(-1) for entry in self.entries])
        for entry in self.entries:
            entry.levels, entry.marks = [], entry.marks[:0]
        parts = [torch.from_numpy(part) for part in (values, marks, starts, origins, table[1], table[2])]
        return Pictures(*parts, {}), torch.from_numpy(table)

    def pictures(self, device: torch.device) -> Pictures:
        """The pixels on a device; they move there once."""
        if self._share.device != device:
            self._pictures = self._pictures.moved(device)
            self._share, self._table = self._share.to(device), self._table.to(device)
        return self._pictures

    def draw(self, count: int, slots: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(count, slots) entries drawn with their weights, and (8, count, slots) what `_flat` says of them."""
        chance = torch.rand((count, slots), device=self._share.device)
        entry = torch.searchsorted(self._share, chance).clamp(max=len(self.entries) - 1)
        return entry, self._table[:, entry]


def _read(source: Source, photo: int) -> Sample | None:
    try:
        return source.read(photo)
    except RecycleError:  # where the photo itself is trained on, or changed, its reader tells
        return None
