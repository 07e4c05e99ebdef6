"""The `masks` dataset: photos and index masks side by side, as VOC and mmseg keep them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recycle_coco import copy_beside

from recycle_datasets import MasksOptions
from recycle_datasets.folders import lines_of, photos_in
from recycle_datasets.maskfile import COLOR_MODES, IndexMask, opened, read_numbers
from recycle_datasets.paired import PairedSource
from recycle_datasets.values import COLORS, LABELMAP, OPTION, Meaning, by_value, meaning_of
from recyclecli.types import DatasetContext, RecycleError, counted

VOC_LISTS = "ImageSets/Segmentation"  # where VOC keeps the lists of its splits


class MaskSource(PairedSource):
    """Photos of `images`, each with the mask of its name in `masks`; values are labels, 255 = ignore.

    An instance is a connected piece of one class, the background excepted.

    Args:
        options: folders, suffix and class names.
        context: `split` is a folder in both folders, or a text file of photo names without suffix.

    Attributes:
        splits: `train`, `val` and `test`, as far as text files name them, to indices of their photos.

    Raises:
        RecycleError: no photos, a mask is missing, or two photos share one.
    """

    def __init__(self, options: MasksOptions, context: DatasetContext) -> None:
        self._images, self._masks = context.root / options.images, context.root / options.masks
        self._suffix = options.suffix
        # as text, which is smaller than a path
        chosen = [file.relative_to(self._images).as_posix() for file in _chosen(context, options.images)]
        beside = self._images.absolute() == self._masks.absolute()
        self._names = [name for name in chosen if not (beside and name.endswith(options.suffix))]
        splits = self._listed_splits(context.root) if context.split is None else {}
        self._check_masks(context.root)
        photos = [(self._images / name).relative_to(context.root).as_posix() for name in self._names]
        pairs = [(photo, self._mask(name)) for photo, name in zip(photos, self._names, strict=True)]
        super().__init__(context.root, pairs, Numbers(self._meaning_of(context, options)), splits)

    def _listed_splits(self, root: Path) -> dict[str, tuple[int, ...]]:
        places = {name: index for index, name in enumerate(self._names)}
        found = {}
        for split in ("train", "val", "test"):
            files = [folder / f"{split}.txt" for folder in (root, root / VOC_LISTS)]
            for file in [file for file in files if file.is_file()][:1]:
                photos = _named(lines_of(file), self._images, file)
                found[split] = tuple(places[photo.relative_to(self._images).as_posix()] for photo in photos)
        return found

    def _mask(self, name: str) -> Path:
        """The mask of a photo."""
        return self._masks / (Path(name).with_suffix("").as_posix() + self._suffix)

    def _check_masks(self, root: Path) -> None:
        taken: dict[Path, str] = {}
        for name in self._names:
            mask = self._mask(name)
            if mask in taken:
                both = f"{self._images / taken[mask]} and {self._images / name}"
                raise RecycleError(f"{both} share one mask, {mask}", "rename one of them")
            taken[mask] = name
        missing = [mask for mask in taken if not mask.is_file()]
        if missing:
            raise RecycleError(
                f"no mask for {len(missing)} of {counted(len(self._names), 'photo')}, the first lacks {missing[0]}",
                "add the masks, say where they lie with -o data.dataset.masks=FOLDER -o data.dataset.suffix=.png, or "
                "name a split or list of those that have one with --json-path; or have the folders recognised: "
                f"recycle data import {quote(str(root))} {quote(str(copy_beside(root)))}",
            )

    def _meaning_of(self, context: DatasetContext, options: MasksOptions) -> Meaning:
        if options.values is not None:
            return by_value(options.values, OPTION)
        files = [self._mask(name) for name in self._names]
        palettes = _palettes(files) if options.palettes else {}
        whole = context.split is None
        return meaning_of(context.root, self._masks, options.classes, palettes, lambda: map(_read_mask, files), whole)


class Numbers:
    """Reads masks of numbers."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self.class_names = meaning.class_names

    def size(self, file: Path) -> tuple[int, int]:
        """See `ReadsMasks`."""
        with _opened(file) as image:
            return image.height, image.width

    def labels(self, file: Path) -> NDArray[np.uint8]:
        """See `ReadsMasks`."""
        return self._meaning.labels(_read_mask(file))


def _palettes(files: Iterable[Path]) -> dict[bytes, Path]:
    """Each palette of the masks, to a mask that has it; the pixels are not decoded."""
    found: dict[bytes, Path] = {}
    for file in files:
        with _opened(file) as image:
            if image.mode == "P":
                found.setdefault(bytes(image.getpalette() or ()), file)
    return found


def _chosen(context: DatasetContext, images: str) -> list[Path]:
    """The photos of the split."""
    folder = context.root / images
    if context.split is None:
        return photos_in(folder)
    if (folder / context.split).is_dir():
        return photos_in(folder / context.split)
    name = context.split if context.split.endswith(".txt") else context.split + ".txt"
    places = [place / name for place in (context.root, context.root / VOC_LISTS, folder)]
    for place in places:
        if place.is_file():
            return _named(lines_of(place), folder, place)
    raise RecycleError(
        f"{context.root} has no split {context.split!r}: no folder {folder / context.split}, no file {places[0]}",
        "name a folder of photos, or a text file of their names",
    )


def _named(names: Iterable[str], folder: Path, place: Path) -> list[Path]:
    known: dict[str, Path] = {}
    for file in photos_in(folder):
        inside = file.relative_to(folder)
        known[inside.as_posix()] = known[inside.with_suffix("").as_posix()] = file
    found = []
    for name in names:
        if name not in known:
            raise RecycleError(f"{place} names {name!r}, but {folder} holds no such photo", "correct the list")
        found.append(known[name])
    return list(dict.fromkeys(found))


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    with opened(file) as image:
        if image.mode in COLOR_MODES:
            tables = [
                name for name in (COLORS, LABELMAP) if any((place / name).is_file() for place in file.parents[:3])
            ]
            named = f"; {tables[0]} names these colours, but only those of palettes are read" if tables else ""
            raise RecycleError(
                f"mask {file} holds {image.mode} colours, no class numbers{named}",
                "read them with --dataset mask-tree, or save masks as PNG of one channel whose values are the class "
                "numbers",
            )
        yield image


def _read_mask(file: Path) -> IndexMask:
    """The mask as stored: its numbers, and the palette that it has for them."""
    with _opened(file) as image:
        return read_numbers(file, image)
