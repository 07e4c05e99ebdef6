"""What a source holds: photos, objects and pixels of each class, sizes, co-occurrence, and its splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco.paths import SPLIT_FILES

from recycle_data.folds import FOLDS_FILE, read_fold, read_listing
from recycle_data.label_suspicions import SUSPECTED_PHOTOS
from recycle_data.named_splits import named_splits
from recycle_data.poor_photos import poor_photos
from recycle_data.progress import track
from recycle_data.sources import open_source, relabelled
from recycle_data.tallies import tallies
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.types import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

QUANTILES = (5, 25, 50, 75, 95)  # percent
SMALL_AREA, LARGE_AREA = 32**2, 96**2  # COCO's limits: an object below the first is small, from the second on large


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One part of a split.

    Attributes:
        name: what it is called, `train`, `val`, `fold 0` ...
        photos: how many it has.
        images: (K,) photos that show each class.
        objects: (K,) objects of each class.
    """

    name: str
    photos: int
    images: NDArray[np.int64]
    objects: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of a source; K classes.

    Attributes:
        class_names: K names by label.
        images: (K,) photos with at least one visible pixel of each class.
        objects: (K,) objects of each class.
        crowds: (K,) regions of each class that are no single object (`iscrowd`).
        hidden: (K,) those of the objects that others cover wholly.
        pixels: (K,) visible pixels of each class.
        ignored: ignored pixels.
        areas: per class the own areas of its objects in pixels, ascending.
        together: (K, K) photos that show both classes; the diagonal is `images`.
        per_photo: (photos,) objects in each photo.
        sizes: (width, height) to the number of photos of that size, the most frequent first.
        splits: groups of parts: train.json with val.json, the folds' validation photos.
        notes: what could not be counted, as sentences.
    """

    class_names: tuple[str, ...]
    images: NDArray[np.int64]
    objects: NDArray[np.int64]
    crowds: NDArray[np.int64]
    hidden: NDArray[np.int64]
    pixels: NDArray[np.int64]
    ignored: int
    areas: tuple[NDArray[np.int64], ...]
    together: NDArray[np.int64]
    per_photo: NDArray[np.int64]
    sizes: Mapping[tuple[int, int], int]
    splits: tuple[tuple[SplitPart, ...], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def photos(self) -> int:
        """How many photos there are."""
        return len(self.per_photo)

    def shares(self) -> list[float]:
        """Each class's part of the pixels that are not ignored; zeros where there are none."""
        total = int(self.pixels.sum())
        return [int(count) / total if total else 0.0 for count in self.pixels]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values for JSON."""
        return {
            "photos": self.photos,
            "objects": int(self.objects.sum()),
            "pixels": int(self.pixels.sum()) + self.ignored,
            "ignored_pixels": self.ignored,
            "objects_per_photo": _spread(self.per_photo),
            "photo_sizes": [{"width": w, "height": h, "photos": count} for (w, h), count in self.sizes.items()],
            "classes": [self._class_dict(label) for label in range(len(self.class_names))],
            "together": self.together.tolist(),
            "splits": [[self._part_dict(part) for part in group] for group in self.splits],
            "notes": list(self.notes),
        }

    def _class_dict(self, label: int) -> dict[str, Any]:
        areas = self.areas[label]
        return {
            "name": self.class_names[label],
            "images": int(self.images[label]),
            "objects": int(self.objects[label]),
            "crowds": int(self.crowds[label]),
            "hidden": int(self.hidden[label]),
            "pixels": int(self.pixels[label]),
            "share": self.shares()[label],
            "area": {str(percent): value for percent, value in zip(QUANTILES, quantiles(areas), strict=False)} or None,
            **dict(zip(("small", "medium", "large"), size_groups(areas), strict=True)),
        }

    def _part_dict(self, part: SplitPart) -> dict[str, Any]:
        pairs = list(zip(part.images.tolist(), part.objects.tolist(), strict=True))
        counts = {
            name: {"images": pair[0], "objects": pair[1]} for name, pair in zip(self.class_names, pairs, strict=True)
        }
        return {"name": part.name, "photos": part.photos, "classes": counts}


def quantiles(areas: NDArray[np.int64]) -> list[float]:
    """The `QUANTILES` of areas; empty where there are none."""
    import numpy as np

    return [float(value) for value in np.quantile(areas, np.array(QUANTILES) / 100)] if len(areas) else []


def size_groups(areas: NDArray[np.int64]) -> tuple[int, int, int]:
    """How many areas are small (below 32x32 pixels), medium, and large (96x96 and more), as COCO groups them."""
    small, large = int((areas < SMALL_AREA).sum()), int((areas >= LARGE_AREA).sum())
    return small, len(areas) - small - large, large


def source_stats(source: Source, splits: Sequence[Sequence[tuple[str, Source, Sequence[int]]]] = ()) -> Stats:
    """Count everything in `source`, photo by photo; memory does not grow with the photos' pixels.

    Args:
        source: the photos.
        splits: groups of parts, each a name, a source of the same class list and its photos'
            indices; photos that `source` holds alike are counted once.

    Raises:
        RecycleError: a photo without annotations cannot be read.
    """
    import numpy as np

    classes = len(source.class_names)
    pixels = np.zeros((len(source), classes + 1), np.int64)
    objects = np.zeros((len(source), classes), np.int64)
    hidden, crowds = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    areas: list[list[int]] = [[] for _ in range(classes)]
    sizes: Counter[tuple[int, int]] = Counter()
    for index, (record, tally) in enumerate(track(tallies(source), len(source), "counting")):
        pixels[index], objects[index] = tally.pixels, tally.objects
        hidden += tally.hidden
        crowds += tally.crowds
        sizes[record.width, record.height] += 1
        for label, area in tally.areas:
            areas[label].append(area)
    shown = pixels[:, :classes] > 0
    rows = {source.record(index).file_name: index for index in range(len(source))}

    def part(name: str, other: Source, photos: Sequence[int]) -> SplitPart:
        images, counts = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
        strange = []
        for index in photos:
            row = rows.get(other.record(index).file_name, -1)
            if row >= 0 and (other is source or other.record(index).annotations == source.record(row).annotations):
                images += shown[row]
                counts += objects[row]
            else:
                strange.append(index)
        for _, tally in tallies(other, strange):
            images += tally.pixels[:classes] > 0
            counts += tally.objects
        return SplitPart(name, len(photos), images, counts)

    presence = shown.astype(np.float64)
    return Stats(
        class_names=tuple(source.class_names),
        images=shown.sum(0),
        objects=objects.sum(0),
        crowds=crowds,
        hidden=hidden,
        pixels=pixels[:, :classes].sum(0),
        ignored=int(pixels[:, classes].sum()),
        areas=tuple(np.sort(np.array(of_class, np.int64)) for of_class in areas),
        together=np.rint(presence.T @ presence).astype(np.int64),
        per_photo=objects.sum(1),
        sizes=dict(sizes.most_common()),
        splits=tuple(tuple(part(*described) for described in group) for group in splits),
    )


def folder_stats(
    registry: Registry,
    root: Path,
    json_path: str | None = None,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
) -> Stats:
    """Count a data folder, and the splits that lie in it.

    The splits are train.json with val.json, the validation photos of each fold of folds.json, and those that the
    data names itself.
    One that does not fit the data is left out, and a note says so.

    Raises:
        RecycleError: the data cannot be read.
    """
    source = open_source(registry, root, json_path, dataset, options)
    groups: list[list[tuple[str, Source, Sequence[int]]]] = []
    notes: list[str] = []
    finders: list[Callable[[], list[tuple[str, Source, Sequence[int]]]]]
    finders = [lambda: _files(registry, root, source, dataset), lambda: _folds(root, source), lambda: _named(source)]
    for find in finders:
        try:
            group = find()
        except RecycleError as error:
            notes.append(f"a split is left out: {error.args[0]}")
        else:
            groups += [group] if group else []
    notes += poor_photos(source.record(index).file for index in range(min(SUSPECTED_PHOTOS, len(source))))
    stats = source_stats(source, groups)
    return replace(stats, notes=tuple(notes))


def _files(registry: Registry, root: Path, source: Source, dataset: str) -> list[tuple[str, Source, Sequence[int]]]:
    files = [root / name for name in SPLIT_FILES]
    if dataset != "coco" or not all(file.is_file() for file in files):
        return []
    parts = [open_source(registry, root, str(file.absolute()), dataset) for file in files]
    parts = [relabelled(part, source.class_names) for part in parts]
    return [(name, part, range(len(part))) for name, part in zip(("train", "val"), parts, strict=True)]


def _folds(root: Path, source: Source) -> list[tuple[str, Source, Sequence[int]]]:
    file = root / FOLDS_FILE
    if not file.is_file():
        return []
    count = len(read_listing(file)[0])
    return [(f"fold {k}", source, read_fold(source, file, k)[1]) for k in range(count)]


def _named(source: Source) -> list[tuple[str, Source, Sequence[int]]]:
    named = named_splits(source)
    return [(name, source, photos) for name, photos in named.photos().items()] if named.train else []


def _spread(values: NDArray[np.int64]) -> dict[str, float]:
    import numpy as np

    low, median, high = np.quantile(values, (0, 0.5, 1))
    return {"min": int(low), "mean": round(float(values.mean()), 3), "median": float(median), "max": int(high)}
