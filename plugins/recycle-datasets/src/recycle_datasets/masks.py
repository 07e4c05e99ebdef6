"""The `masks` dataset: photos and index masks side by side, as VOC and mmseg keep them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recycle_datasets import MasksOptions
from recycle_datasets.folders import lines_of, photos_in
from recycle_datasets.values import COLORS, LABELMAP, IndexMask, Meaning, by_value, meaning_of
from recyclecli.coco import connected_pieces, has_background, open_photo, photo_size, read_photo
from recyclecli.types import IGNORE, DatasetContext, Record, RecycleError, Sample

LISTS = "ImageSets/Segmentation"  # where VOC keeps the lists of its splits
INDEX_MODES = ("P", "L", "1", "I;16", "I")


class MaskSource:
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
        self._root = context.root
        self._images, self._masks = context.root / options.images, context.root / options.masks
        self._suffix = options.suffix
        # as text, which is smaller than a path
        chosen = [file.relative_to(self._images).as_posix() for file in _chosen(context, options.images)]
        beside = self._images.absolute() == self._masks.absolute()
        self._names = [name for name in chosen if not (beside and name.endswith(options.suffix))]
        self.splits = self._listed_splits() if context.split is None else {}
        self._check_masks()
        self._meaning = self._meaning_of(options)
        self.class_names = self._meaning.class_names
        self._first = int(has_background(self.class_names))

    def __len__(self) -> int:
        return len(self._names)

    def record(self, index: int) -> Record:
        """The size is the mask's; see `Source`."""
        file = self._images / self._names[index]
        height, width = _mask_size(self._mask(self._names[index]))
        if photo_size(file) != (height, width):
            read_photo(file, height, width)  # fits without the EXIF rotation, or raises
        return Record(file, file.relative_to(self._root).as_posix(), height, width)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        mask, instances = self.read_labels(index)
        return Sample(read_photo(self._images / self._names[index], *mask.shape), mask, instances)

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB, without the labels."""
        return read_photo(self._images / self._names[index], *_mask_size(self._mask(self._names[index])))

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask (H, W) uint8 and instances (H, W) int32, without the photo.

        Raises:
            RecycleError: no index mask, or values that are no class.
        """
        mask = self._meaning.labels(_read_mask(self._mask(self._names[index])))
        return mask, connected_pieces(mask, self._first)

    def _listed_splits(self) -> dict[str, tuple[int, ...]]:
        places = {name: index for index, name in enumerate(self._names)}
        found = {}
        for split in ("train", "val", "test"):
            files = [folder / f"{split}.txt" for folder in (self._root, self._root / LISTS)]
            for file in [file for file in files if file.is_file()][:1]:
                photos = _named(lines_of(file), self._images, file)
                found[split] = tuple(places[photo.relative_to(self._images).as_posix()] for photo in photos)
        return found

    def _mask(self, name: str) -> Path:
        """The mask of a photo."""
        return self._masks / (Path(name).with_suffix("").as_posix() + self._suffix)

    def _check_masks(self) -> None:
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
                f"{len(missing)} of {len(self._names)} photos have no mask, the first lacks {missing[0]}",
                "add the masks, say where they lie with -o data.dataset.masks=FOLDER -o data.dataset.suffix=.png, or "
                "name a split or list of those that have one with --json-path",
            )

    def _meaning_of(self, options: MasksOptions) -> Meaning:
        if options.values is not None:
            return by_value(options.values, "option values")
        files = [self._mask(name) for name in self._names]
        palettes = _palettes(files) if options.palettes else {}
        return meaning_of(self._root, self._masks, options.classes, palettes, lambda: map(_read_mask, files))


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
    places = [place / name for place in (context.root, context.root / LISTS, folder)]
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
    with open_photo(file, "mask") as (image, _):
        advice = "save masks as PNG of one channel whose values are the class numbers"
        if image.format == "JPEG":
            raise RecycleError(f"mask {file} is a JPEG, which changes the values", advice)
        if image.mode not in INDEX_MODES:
            tables = [
                name for name in (COLORS, LABELMAP) if any((place / name).is_file() for place in file.parents[:3])
            ]
            named = f"; {tables[0]} names these colours, but only those of palettes are read" if tables else ""
            raise RecycleError(f"mask {file} holds {image.mode} colours, no class numbers{named}", advice)
        yield image


def _mask_size(file: Path) -> tuple[int, int]:
    with _opened(file) as image:
        return image.height, image.width


def _read_mask(file: Path) -> IndexMask:
    """The mask as stored: its numbers, and the palette that it has for them."""
    with _opened(file) as image:
        values = np.asarray(image)
        colors = np.array(image.getpalette(), np.uint8).reshape(-1, 3) if image.mode == "P" else None
        scale = {2: 85, 4: 17}.get(_gray_bits(file), 1)  # PIL spreads the values of such files over 0..255
    if values.max(initial=0) > IGNORE or values.min(initial=0) < 0:
        raise RecycleError(f"mask {file} holds the value {values.max()}, no class", f"labels are 0 to {IGNORE}")
    return IndexMask(file, (values // scale if scale > 1 else values).astype(np.uint8), colors)


def _gray_bits(file: Path) -> int:
    """Bits of each pixel of a gray PNG, 0 for other files."""
    with file.open("rb") as handle:
        head = handle.read(26)
    return head[24] if head[:4] == b"\x89PNG" and head[25] == 0 else 0
