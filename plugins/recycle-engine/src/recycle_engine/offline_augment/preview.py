"""What augmentations do to photos: before and after, side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from recycle_data.owned import Owned
from recycle_data.pages.choice import choose
from recycle_data.pages.contact_sheet import contact_sheet
from recycle_data.palette import palette
from recycle_data.splits import Split

from recycle_engine.batch import augmented, build_augmentation, in_one_frame, scaled, seed_chance
from recycle_engine.offline_augment.offline import checked_device
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import Record, Sample


class Pairs:
    """Samples as a source: each photo as it was, then as it became."""

    def __init__(self, class_names: tuple[str, ...], records: list[Record], samples: list[Sample]) -> None:
        self.class_names = class_names
        self._records, self._samples = records, samples

    def __len__(self) -> int:
        return len(self._samples)

    def record(self, index: int) -> Record:
        """See `Source`."""
        return self._records[index]

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return self._samples[index]


def write_preview(registry: Registry, split: Split, recipe: Recipe, file: Path, count: int, device: str) -> Path:
    """Write `count` training photos before and after the recipe's augmentations, one batch, to `file`; its path.

    Their longer side is `data.size` as in training, and they are chosen so that every class is seen.

    Raises:
        RecycleError: a photo cannot be read, or an augmentation cannot be built.
    """
    checked_device(device)
    source = split.train
    chosen = choose(source, count, recipe.seed)
    before = in_one_frame([scaled(source.read(index), recipe.data.size) for index in chosen])
    augmentations = [build_augmentation(registry, part, source) for part in recipe.aug]
    seed_chance(recipe.seed, 0)
    after = augmented(before, chosen, augmentations, torch.device(device))
    name = " + ".join(part.bare for part in recipe.aug)
    records, samples = [], []
    for record, first, second in zip((source.record(index) for index in chosen), before, after, strict=True):
        plain = replace(record, height=len(first.mask), width=len(first.mask[0]), annotations=())
        records += [plain, replace(plain, file_name=f"{record.file_name}, {name}")]
        samples += [first, second]
    pairs = Pairs(source.class_names, records, samples)
    colors = palette(source.class_names, recipe.data.root)
    sheet = contact_sheet(
        pairs, range(len(pairs)), colors, 4, f"{name}: {len(chosen)} training photos, before and after"
    )
    with Owned(file.parent).atomic_path(file) as part:
        sheet.save(part, "PNG")
    return file
