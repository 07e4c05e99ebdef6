"""A source that is held to its contract: what a dataset component gives is checked as it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.boundary import PluginPart, typed
from recyclecli.types import IGNORE, Record, Sample, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CheckedSource:
    """A source whose class names are checked now, each record once, and photos and labels whenever they are read.

    It has all attributes of the source that it holds, and is one of its class.

    Raises:
        PluginFault: the source is not as its contract says.
    """

    def __init__(self, source: Source, part: PluginPart) -> None:
        self._source, self._part = source, part
        with part:
            part.of_type(source, Source, "what it builds")
            names, count = source.class_names, len(source)
        part.of_type(names, tuple, "class_names")
        texts = all(isinstance(name, str) for name in names)
        part.check(texts, "class_names of texts", f"{names!r}"[:200])
        doubled = [name for name in names if names.count(name) > 1]
        part.check(not doubled, "class_names without a name twice", f"{doubled[:1]} twice")
        part.check(len(names) <= IGNORE and (bool(names) or not count), f"1 to {IGNORE} class_names", str(len(names)))
        self.class_names = names
        self._known = bytearray(count)

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """That of the source: what is known of COCO's is asked for by its class."""
        return type(self._source)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return CheckedSource, (self._source, self._part)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._source, name)
        return self._labels if name == "read_labels" else self._photo if name == "read_photo" else value

    def __len__(self) -> int:
        return len(self._known)

    def record(self, index: int) -> Record:
        """See `Source`."""
        with self._part:
            record = self._source.record(index)
        if not self._known[index]:
            self._check_record(record, index)
            self._known[index] = 1
        return record

    def read(self, index: int) -> Sample:
        """See `Source`."""
        with self._part:
            sample = self._source.read(index)
        self._part.of_type(sample, Sample, f"read({index})")
        self._check_photo(sample.image, index)
        self._check_labels(sample.mask, sample.instances, index)
        return sample

    def _photo(self, index: int) -> NDArray[np.uint8]:
        with self._part:
            image: NDArray[np.uint8] = self._source.read_photo(index)  # type: ignore[attr-defined]
        self._check_photo(image, index)
        return image

    def _labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        with self._part:
            labels = self._source.read_labels(index)  # type: ignore[attr-defined]
        pair = isinstance(labels, tuple) and len(labels) == 2
        self._part.check(pair, f"read_labels({index}) to be a tuple of mask and instances", typed(labels))
        mask, instances = labels
        self._check_labels(mask, instances, index)
        return mask, instances

    def _check_record(self, record: Any, index: int) -> None:
        part, classes = self._part, len(self.class_names)
        part.of_type(record, Record, f"record({index})")
        part.of_type(record.file, Path, f"record({index}).file")
        part.of_type(record.file_name, str, f"record({index}).file_name")
        part.of_type(record.annotations, tuple, f"record({index}).annotations")
        sides = record.height, record.width
        fits = all(isinstance(side, int) and side > 0 for side in sides)
        part.check(fits, f"record({index}) to state height and width, in pixels", f"{sides[0]!r} and {sides[1]!r}")
        wrong = [one.label for one in record.annotations if not 0 <= one.label < classes and one.label != IGNORE]
        labels = f"annotations of record({index}) with labels 0 to {classes - 1}, or {IGNORE}"
        part.check(not wrong, labels, f"{wrong[:1]} in {record.file_name}")

    def _check_photo(self, image: Any, index: int) -> None:
        record = self.record(index)
        self._check_array(image, f"the image of {record.file_name}", "uint8", (record.height, record.width, 3))

    def _check_labels(self, mask: Any, instances: Any, index: int) -> None:
        record, classes = self.record(index), len(self.class_names)
        shape = record.height, record.width
        self._check_array(mask, f"the mask of {record.file_name}", "uint8", shape)
        self._check_array(instances, f"the instances of {record.file_name}", "int32", shape)
        if (mask + 1).max() > classes:  # 255 becomes 0
            wrong = int(mask[(mask >= classes) & (mask != IGNORE)].max())
            raise self._part.fault(
                f"the mask of {record.file_name} to hold 0 to {classes - 1}, or {IGNORE}", f"label {wrong}"
            )
        lowest = int(instances.min())
        self._part.check(lowest >= 0, f"the instances of {record.file_name} to be 0 or more", str(lowest))

    def _check_array(self, array: Any, what: str, dtype: str, shape: tuple[int, ...]) -> None:
        import numpy as np

        if not isinstance(array, np.ndarray):
            raise self._part.fault(f"{what} to be a numpy array", typed(array))
        if array.dtype != dtype or array.shape != shape:
            raise self._part.fault(f"{what} to be {dtype} of shape {shape}", f"{array.dtype} of shape {array.shape}")
