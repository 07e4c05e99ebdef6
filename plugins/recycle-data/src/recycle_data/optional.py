"""What parts may offer beside their contract: a source, an augmentation, a post-processor, a callback.

Whoever asks for it asks here: by attributes, which wrappers pass on, where `isinstance` of Python 3.12 does not look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from recyclecli.types import Source


class ReadsLabels(Protocol):
    """A source that reads labels without the photo."""

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask and instances of a photo, (H, W) each."""


class ReadsPhoto(Protocol):
    """A source that reads photos without their labels."""

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """The image, (H, W, 3) RGB."""


class TellsOrigins(Protocol):
    """An augmentation that puts objects of other photos in, and tells where they are from."""

    def origins(self) -> list[dict[int, tuple[int, int]]]:
        """For each photo of the last batch, {instance: (index in the source, instance there)}."""


class TakesBatches(Protocol):
    """A post-processor that is faster with several photos at once."""

    def batch(
        self, images: Sequence[NDArray[np.uint8]], probabilities: Sequence[NDArray[np.float32]]
    ) -> Sequence[NDArray[np.float32]]:
        """What a call for each would give."""


class HeedsRunEnd(Protocol):
    """A callback that is told when a run is complete."""

    def on_run_end(self, end: Any) -> Sequence[str]:
        """Lines for people; `end` is a `recycle_engine.run_end.RunEnd`."""


def reads_labels(source: object) -> TypeGuard[ReadsLabels]:
    """Whether a source can read labels alone."""
    return hasattr(source, "read_labels")


def reads_photo(source: object) -> TypeGuard[ReadsPhoto]:
    """Whether a source can read photos alone."""
    return hasattr(source, "read_photo")


def tells_origins(augmentation: object) -> TypeGuard[TellsOrigins]:
    """Whether an augmentation tells where objects are from."""
    return hasattr(augmentation, "origins")


def takes_batches(process: object) -> TypeGuard[TakesBatches]:
    """Whether a post-processor takes several photos at once."""
    return callable(getattr(process, "batch", None))


def heeds_run_end(callback: object) -> TypeGuard[HeedsRunEnd]:
    """Whether a callback wants to be told that a run is complete."""
    return hasattr(callback, "on_run_end")


def splits_of(source: Source) -> Mapping[str, Sequence[int]]:
    """The splits that the data itself names, by name; empty where it names none."""
    return getattr(source, "splits", {})


def left_out_of(source: Source) -> Mapping[str, int]:
    """What a source left out of its files, and how many; empty where nothing."""
    return getattr(source, "left_out", {})
