"""What the conformance tests of all kinds share: drawn photos, and the tests that every component passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from recyclecli.plugins import Registry, discover
from recyclecli.types import IGNORE, Batch, Kind, Record, Sample

CLASSES = ("Background", "Paper", "Metal", "Glass", "Plastic")


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


class MemorySource:
    """A source of given samples, for tests of what takes one."""

    class_names = CLASSES

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    def record(self, index: int) -> Record:
        """Name and size."""
        height, width = self._samples[index].mask.shape
        return Record(Path(f"{index}.png"), f"{index}.png", height, width)

    def read(self, index: int) -> Sample:
        """The sample itself."""
        return self._samples[index]


def random_source(photos: int = 4, size: int = 64) -> MemorySource:
    """A source of `random_batch` photos."""
    batch = random_batch(photos, size, size)
    return MemorySource(
        [
            Sample(
                (batch.image[photo].permute(1, 2, 0) * 255).to(torch.uint8).numpy(),
                batch.mask[photo].to(torch.uint8).numpy(),
                batch.instances[photo].numpy(),
            )
            for photo in range(photos)
        ]
    )


class Conformance:
    """What all kinds have in common: set `name`, and `options` if needed."""

    kind: ClassVar[Kind]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def registry(cls) -> Registry:
        """What is installed."""
        return discover()

    @classmethod
    def build(cls, registry: Registry, context: Any) -> Any:
        """The component, as the core builds it."""
        return registry.build(cls.kind, cls.name, cls.options, context)

    def test_is_listed_with_documented_options(self, registry: Registry) -> None:
        """It has a summary, and every option a description."""
        component = registry.find(self.kind, self.name).component
        assert component.summary
        assert [name for name, field in component.options.model_fields.items() if not field.description] == []

    def test_refuses_unknown_options(self, registry: Registry) -> None:
        """A mistyped option is an error, not silence."""
        from pydantic import ValidationError

        with pytest.raises(ValidationError, match="no-such-option"):
            registry.find(self.kind, self.name).options({"no-such-option": 1})
