"""What the conformance tests of all kinds share: drawn photos, and the tests that every component passes.

A rule that does not hold is told in one sentence: the component, what was expected, what was found, what to do.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from recyclecli.discovery import discover
from recyclecli.plugins import Registry
from recyclecli.types import IGNORE, Batch, Kind, Record, Sample

CLASSES = ("Background", "Paper", "Metal", "Glass", "Plastic")
ONE_CLASS = ("Waste",)


def form(value: Any) -> str:
    """A value as a sentence describes it: a tensor or an array by its dtype and shape."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list | dict):
        return f"{type(value).__name__} of {len(value)}"
    plain = isinstance(value, bool | int | float | str)
    return "None" if value is None else f"{type(value).__name__} {value!r}"[:100] if plain else type(value).__name__


def random_batch(photos: int = 2, height: int = 64, width: int = 64, seed: int = 0) -> Batch:
    """A batch of noise with two square instances per photo and a strip to ignore at the left."""
    chance = torch.Generator().manual_seed(seed)
    mask = torch.zeros(photos, height, width, dtype=torch.int64)
    instances = torch.zeros(photos, height, width, dtype=torch.int32)
    for photo in range(photos):
        for instance in (1, 2):
            top, left = (int(torch.randint(4, side // 2, (), generator=chance)) for side in (height, width))
            mask[photo, top : top + height // 3, left : left + width // 3] = instance + photo % 2
            instances[photo, top : top + height // 3, left : left + width // 3] = instance
    mask[:, :, :3], instances[:, :, :3] = IGNORE, 0
    image = torch.rand(photos, 3, height, width, generator=chance)
    return Batch(image, mask, instances, torch.arange(photos))


def of_one_class(batch: Batch) -> Batch:
    """The same photos, in which all that is labelled is of one class."""
    return batch._replace(mask=batch.mask.where(batch.mask == IGNORE, 0))


READS = "leave out reads_instances = False, or read the mask alone"


class MemorySource:
    """A source of given samples, for tests of what takes one; its arrays cannot be written to, as in a training."""

    class_names: tuple[str, ...] = CLASSES

    def __init__(self, samples: list[Sample], class_names: tuple[str, ...] | None = None) -> None:
        self._samples, self.class_names = samples, class_names or self.class_names
        for array in (array for sample in samples for array in sample):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self._samples)

    def record(self, index: int) -> Record:
        """Name and size."""
        height, width = self._samples[index].mask.shape
        return Record(Path(f"{index}.png"), f"{index}.png", height, width)

    def read(self, index: int) -> Sample:
        """The sample itself."""
        return self._samples[index]


def random_source(photos: int = 4, size: int = 64, class_names: tuple[str, ...] = CLASSES) -> MemorySource:
    """A source of `random_batch` photos; those of one class are `of_one_class`."""
    batch = random_batch(photos, size, size)
    batch = of_one_class(batch) if len(class_names) == 1 else batch
    return MemorySource(
        [
            Sample(
                (batch.image[photo].permute(1, 2, 0) * 255).to(torch.uint8).numpy(),
                batch.mask[photo].to(torch.uint8).numpy(),
                batch.instances[photo].numpy(),
            )
            for photo in range(photos)
        ],
        class_names,
    )


class Rules:
    """What is held to rules: a part of a kind, by its name."""

    kind: ClassVar[str]
    name: ClassVar[str]

    @pytest.fixture(autouse=True)
    @classmethod
    def same_chance(cls) -> None:
        """Each test draws the same numbers, whichever tests ran before it: a verdict may be repeated."""
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)

    @pytest.fixture(scope="class")
    @classmethod
    def registry(cls) -> Registry:
        """What is installed."""
        return discover()

    @classmethod
    def rule(cls, holds: bool, expected: str, found: str, remedy: str) -> None:
        """Fail, in a sentence, where something does not hold."""
        if not holds:
            sentence = f"{cls.kind} {cls.name}: expected {expected}; found {found}\n  remedy: {remedy}"
            raise pytest.fail.Exception(sentence, pytrace=False) from None


class Conformance(Rules):
    """What all kinds of component have in common: set `name`, and `options` if needed."""

    kind: ClassVar[Kind]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def build(cls, registry: Registry, context: Any) -> Any:
        """The component, as the core builds it."""
        return registry.build(cls.kind, cls.name, cls.options, context)

    def test_is_listed_with_documented_options(self, registry: Registry) -> None:
        """It has a summary, and every option a description."""
        component = registry.find(self.kind, self.name).component
        self.rule(bool(component.summary.strip()), "a summary", "an empty text", "say in a line what it does")
        bare = [name for name, field in component.options.model_fields.items() if not field.description]
        remedy = "Field(..., description=...) for each: `recycle plugins show` prints it"
        self.rule(not bare, "a description of every option", f"none of {', '.join(bare)}", remedy)

    def test_refuses_unknown_options(self, registry: Registry) -> None:
        """A mistyped option is an error, not silence."""
        from pydantic import ValidationError

        try:
            registry.find(self.kind, self.name).options({"no-such-option": 1})
        except ValidationError as error:
            refused = "no-such-option" in str(error)
        else:
            refused = False
        remedy = "leave model_config of recyclecli.types.Options as it is"
        self.rule(refused, "unknown options to be refused", "one that is taken", remedy)

    def test_values_of_options_that_it_states_fit(self, registry: Registry) -> None:
        """What `search` tries and what `offline` sets are values of its options, of their own types."""
        component = registry.find(self.kind, self.name).component
        offline: Mapping[str, Any] = getattr(component, "offline", None) or {}
        search: Mapping[str, Any] = getattr(component, "search", {})
        stated = [("offline", name, value) for name, value in offline.items()]
        for name, values in search.items():
            listed = isinstance(values, tuple | list) and len(values) > 0
            self.rule(listed, f"search[{name!r}] to be a tuple of values", form(values), "list the values to be tried")
            stated += [("search", name, value) for value in values]
        for where, name, value in stated:
            expected = f"{where}[{name!r}] to hold values of the option's own type"
            remedy = "state them as the option has them: 3 for a whole number, 3.0 for a float, 'a' for a text"
            try:
                taken = getattr(registry.find(self.kind, self.name).options({name: value}), name)
            except ValueError as error:
                self.rule(False, expected, f"{form(value)}, which it refuses: {str(error).splitlines()[2:3]}", remedy)
            self.rule(taken == value and type(taken) is type(value), expected, form(value), remedy)
