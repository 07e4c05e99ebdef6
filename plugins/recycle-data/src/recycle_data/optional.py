"""What parts may offer beside their contract: a source, an augmentation, a post-processor, a callback.

Whoever asks for it asks here, by type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recyclecli.types import Source


@runtime_checkable
class ReadsLabels(Protocol):
    """A source that reads labels without the photo."""

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask and instances of a photo, (H, W) each."""


@runtime_checkable
class ReadsPhoto(Protocol):
    """A source that reads photos without their labels."""

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """The image, (H, W, 3) RGB."""


@runtime_checkable
class NamesSplits(Protocol):
    """A source whose data names its own splits."""

    splits: Mapping[str, Sequence[int]]


@runtime_checkable
class LeavesOut(Protocol):
    """A source that leaves out a part of its files."""

    left_out: Mapping[str, int]


@runtime_checkable
class TellsOrigins(Protocol):
    """An augmentation that puts objects of other photos in, and tells where they are from."""

    def origins(self) -> list[dict[int, tuple[int, int]]]:
        """For each photo of the last batch, {instance: (index in the source, instance there)}."""


@runtime_checkable
class TakesBatches(Protocol):
    """A post-processor that is faster with several photos at once."""

    def batch(
        self, images: Sequence[NDArray[np.uint8]], probabilities: Sequence[NDArray[np.float32]]
    ) -> Sequence[NDArray[np.float32]]:
        """What a call for each would give."""


@runtime_checkable
class HeedsRunEnd(Protocol):
    """A callback that is told when a run is complete."""

    def on_run_end(self, end: Any) -> Sequence[str]:
        """Lines for people; `end` is a `recycle_engine.run_end.RunEnd`."""


def splits_of(source: Source) -> Mapping[str, Sequence[int]]:
    """The splits that the data itself names, by name; empty where it names none."""
    return source.splits if isinstance(source, NamesSplits) else {}


def left_out_of(source: Source) -> Mapping[str, int]:
    """What a source left out of its files, and how many; empty where nothing."""
    return source.left_out if isinstance(source, LeavesOut) else {}
