"""Numpy arrays at the boundary to plugins: what post-processors and exporters give is held to their contracts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_data.boundary import PluginPart, typed
from torch import nn

from recycle_engine.boundary import ROUNDING, build
from recyclecli.plugins import Registry
from recyclecli.types import Exporter, PostprocessorContext

Probabilities = NDArray[np.float32]
Images = Sequence[NDArray[np.uint8]]


def _check_array(part: PluginPart, what: str, array: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray):
        raise part.fault(f"{what} as a numpy array", typed(array))
    if array.shape != shape or array.dtype != np.float32:
        raise part.fault(f"{what} as float32 of shape {shape}", f"{array.dtype} of shape {array.shape}")
    if not np.isfinite(array).all():
        raise part.fault(f"{what} that are finite numbers, as they were", "NaN or an infinite number")


class CheckedPostprocessor:
    """A post-processor whose probabilities are held to its contract; it has a `batch` where the one that it holds has.

    Each call is checked, as it is made once for a photo.
    """

    def __init__(self, part: PluginPart, post: Any) -> None:
        self._part, self._post = part, post
        part.check(callable(post), "what it builds to be called with an image and probabilities", typed(post))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_post":  # of a copy that is being made
            raise AttributeError(name)
        value = getattr(self._post, name)
        return self._several if name == "batch" and callable(value) else value

    def __call__(self, image: NDArray[np.uint8], probabilities: Probabilities) -> Probabilities:
        """See `Postprocessor`."""
        with self._part:
            given = self._post(image, probabilities)
        return self._checked(given, probabilities)

    def _several(self, images: Images, probabilities: Sequence[Probabilities]) -> list[Probabilities]:
        with self._part:
            given = self._post.batch(images, probabilities)
        whole = isinstance(given, (list, tuple)) and len(given) == len(images)
        self._part.check(whole, f"batch() to return a list of {len(images)}", typed(given))
        return [self._checked(*pair) for pair in zip(given, probabilities, strict=True)]

    def _checked(self, given: Any, before: Probabilities) -> Probabilities:
        _check_array(self._part, "probabilities", given, before.shape)
        low = float(given.min())
        self._part.check(low >= -ROUNDING, "probabilities of 0 or more", f"{low:.4g}")
        sums = given.sum(0)
        off = float(sums.flat[np.abs(sums - 1).argmax()])
        self._part.check(abs(off - 1) <= 10 * ROUNDING, "probabilities that sum to 1 in each pixel", f"{off:.4g}")
        return given  # type: ignore[no-any-return]


def build_postprocessor(
    registry: Registry, name: str, options: Mapping[str, Any], context: PostprocessorContext
) -> CheckedPostprocessor:
    """The post-processor of this name."""
    post, part = build(registry, "postprocessor", name, options, context)
    return CheckedPostprocessor(part, post)


class CheckedExporter:
    """An exporter whose files, card and loaded function are held to its contract."""

    def __init__(self, part: PluginPart, exporter: Exporter, classes: int) -> None:
        self._part, self._exporter, self._classes = part, exporter, classes
        with part:
            files: Any = getattr(exporter, "files", None)
        texts = isinstance(files, Mapping) and all(isinstance(one, str) for pair in files.items() for one in pair)
        part.check(texts and bool(files), "files: what each is, in a word, to its name", typed(files))
        outside = [name for name in files.values() if Path(name).name != name]
        part.check(not outside, "files by their names alone, without folders", f"{outside[:1]}")
        self.files: Mapping[str, str] = files

    def write(self, model: nn.Module, folder: Path) -> Mapping[str, Any]:
        """See `Exporter`."""
        with self._part:
            facts: Any = self._exporter.write(model, folder)
        part = self._part
        part.of_type(facts, Mapping, "what write() returns")
        shape = facts.get("shape")
        sides = isinstance(shape, (list, tuple)) and len(shape) == 4
        fits = sides and isinstance(shape[0], str) and shape[1] == 3 and all(type(one) in (int, str) for one in shape)
        expected = "the input's shape: a text for the photos, of which there may be any number, 3, height and width"
        part.check(fits, f"{expected}, a text where they may be any, too", f"{shape!r}")
        try:
            json.dumps(dict(facts), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise part.fault("what write() returns to hold values of JSON, as card.json does", f"{error}") from error
        written = [file.name for file in folder.iterdir()]
        further = sorted(set(written) - {*self.files.values()})
        part.check(not further, "the files that it names alone", ", ".join(further[:5]))
        part.check(bool(written), "a file of the model", "an empty folder")
        return facts  # type: ignore[no-any-return]

    def load(self, folder: Path) -> Callable[[Probabilities], Probabilities]:
        """See `Exporter`."""
        with self._part:
            loaded: Any = self._exporter.load(folder)
        self._part.check(callable(loaded), "load() to return a function of images", typed(loaded))

        def run(image: Probabilities) -> Probabilities:
            with self._part:
                logits = loaded(image)
            _check_array(self._part, "logits", logits, (len(image), self._classes, *image.shape[2:]))
            return logits  # type: ignore[no-any-return]

        return run
