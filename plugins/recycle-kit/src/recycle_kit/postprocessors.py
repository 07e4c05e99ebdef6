"""Conformance tests of post-processors."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from recycle_kit.base import CLASSES, ONE_CLASS, Conformance, form
from recyclecli.plugins import Registry
from recyclecli.types import Kind, PostprocessorContext

PhotoArray = NDArray[np.uint8]
ShareArray = NDArray[np.float32]


def random_shares(height: int, width: int, classes: int = len(CLASSES)) -> tuple[PhotoArray, ShareArray]:
    """A photo and probabilities of noise, which cannot be written to, as some that are handed out."""
    chance = np.random.default_rng(0)
    photo = chance.integers(0, 256, (height, width, 3), np.uint8)
    given = chance.random((classes, height, width), np.float32)
    given = given / given.sum(0)
    photo.flags.writeable = given.flags.writeable = False
    return photo, given


class PostprocessorConformance(Conformance):
    """A postprocessor: probabilities in, probabilities out."""

    kind: ClassVar[Kind] = "postprocessor"

    @classmethod
    def checked(cls, result: Any, given: ShareArray) -> ShareArray:
        """What it gives, once these are probabilities of the same form."""
        remedy = "return float32 of the shape that came: classes, rows, columns"
        fits = isinstance(result, np.ndarray) and (result.shape, result.dtype) == (given.shape, np.float32)
        cls.rule(fits, f"probabilities as {form(given)}", form(result), remedy)
        low, sums = float(result.min()), result.sum(0)
        off = float(sums.flat[np.abs(sums - 1).argmax()])
        divide = "divide by their sum: probabilities / probabilities.sum(0)"
        cls.rule(bool(np.isfinite(result).all()), "finite probabilities", "NaN or an infinite number", divide)
        cls.rule(low >= 0, "probabilities of 0 or more", f"{low:.4g}", "end with a softmax, or clip them at 0")
        cls.rule(abs(off - 1) < 1e-3, "probabilities that sum to 1 in each pixel", f"{off:.4g}", divide)
        return result  # type: ignore[no-any-return]

    def _called(self, process: Any, photo: PhotoArray, given: ShareArray) -> ShareArray:
        try:
            return self.checked(process(photo, given), given)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            remedy = "copy before you write: probabilities.copy()"
            self.rule(False, "arrays that may be read-only to be read", str(error), remedy)
            raise

    def test_probabilities(self, registry: Registry) -> None:
        """(K, H, W) float32, finite, not negative, summing to 1, of arrays that are read-only; also a single pixel."""
        process = self.build(registry, PostprocessorContext(CLASSES))
        self.rule(callable(process), "what it builds to be called", form(process), "give it a method __call__")
        for height, width in ((48, 64), (1, 1)):
            self._called(process, *random_shares(height, width))

    def test_takes_one_class(self, registry: Registry) -> None:
        """Data may have a single class, of probability 1 everywhere."""
        self._called(self.build(registry, PostprocessorContext(ONE_CLASS)), *random_shares(48, 64, 1))

    def test_batch(self, registry: Registry) -> None:
        """A `batch`, where there is one, gives for photos of any sizes what calls give."""
        process = self.build(registry, PostprocessorContext(CLASSES))
        if not callable(getattr(process, "batch", None)):
            pytest.skip("it takes one photo at a time")
        pairs = [random_shares(*size) for size in ((48, 64), (20, 31), (48, 64), (1, 1))]
        several = process.batch([photo for photo, _ in pairs], [given for _, given in pairs])
        whole = isinstance(several, list | tuple) and len(several) == len(pairs)
        remedy = "return one result for each photo, in order"
        self.rule(whole, f"batch() to give a list of {len(pairs)}", form(several), remedy)
        for (photo, given), result in zip(pairs, several, strict=True):
            off = float(np.abs(self.checked(result, given) - process(photo, given)).max())
            self.rule(
                off < 1e-3, "batch() to give what calls give", f"{off:.3g} of it off", "let both share their code"
            )
