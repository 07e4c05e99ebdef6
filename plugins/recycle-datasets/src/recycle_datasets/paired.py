"""Photos that have a mask each, as a source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from recycle_coco import connected_pieces, has_background, photo_size, read_photo

from recyclecli.types import Record, Sample


class ReadsMasks(Protocol):
    """What a kind of masks knows of them."""

    class_names: tuple[str, ...]

    def size(self, file: Path) -> tuple[int, int]:
        """Height and width of a mask, from its head."""

    def labels(self, file: Path) -> NDArray[np.uint8]:
        """(H, W) labels of a mask, 255 = ignore."""


class PairedSource:
    """Photos with a mask each; the mask's size decides whether it is of the photo as EXIF turns it, or as it is stored.

    An instance is a connected piece of one class, the background excepted.

    Args:
        root: the folder that names are relative to.
        pairs: the name of each photo, relative to the root, and the file of its mask.
        reads: reads masks.
        splits: `train`, `val` and `test`, as far as they are named, to indices of their photos.
        sizes: height and width of each mask, where they are known and fit the photos.
    """

    def __init__(
        self,
        root: Path,
        pairs: Sequence[tuple[str, Path]],
        reads: ReadsMasks,
        splits: Mapping[str, Sequence[int]],
        sizes: Sequence[tuple[int, int]] = (),
    ) -> None:
        self._root, self._pairs, self._reads, self._sizes = root, pairs, reads, sizes
        self.splits = {split: tuple(indices) for split, indices in splits.items()}
        self.class_names = reads.class_names
        self._first = int(has_background(self.class_names))

    def __len__(self) -> int:
        return len(self._pairs)

    def record(self, index: int) -> Record:
        """The size is the mask's; see `Source`."""
        name, mask = self._pairs[index]
        file = self._root / name
        height, width = self._sizes[index] if self._sizes else self._reads.size(mask)
        if not self._sizes and photo_size(file) != (height, width):
            read_photo(file, height, width)  # fits without the EXIF rotation, or raises
        return Record(file, name, height, width)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return Sample(self.read_photo(index), *self.read_labels(index))  # the photo is largest while it is decoded

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB, without the labels."""
        name, mask = self._pairs[index]
        return read_photo(self._root / name, *(self._sizes[index] if self._sizes else self._reads.size(mask)))

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask (H, W) uint8 and instances (H, W) int32, without the photo.

        Raises:
            RecycleError: the mask cannot be read, or holds what is no class.
        """
        mask = self._reads.labels(self._pairs[index][1])
        return mask, connected_pieces(mask, self._first)
