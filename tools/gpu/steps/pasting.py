"""Images per second of copy-paste with Large Scale Jittering."""

from __future__ import annotations

from typing import Any

from recycle_engine import api

from gpu.figures import note
from gpu.settings import settings
from gpu.timing import calls_per_second
from gpu.training import data

WAYS: dict[str, list[Any]] = {
    "lsj + copy-paste from the bank": ["lsj", {"name": "copy-paste", "p": 1.0}],
    "lsj + copy-paste within the batch": ["lsj", {"name": "copy-paste", "p": 1.0, "source": "batch"}],
    "copy-paste alone, from the bank": [{"name": "copy-paste", "p": 1.0}],
    "lsj alone": ["lsj"],
}


def main() -> None:
    """Time each way on a batch that lies on the device."""
    check, values = settings(), data()
    source = api.split(values).train
    count = min(16, len(source))
    batch = api.read_batch(source, range(count), check.size, check.device)
    for name, parts in WAYS.items():
        augment = api.build_augmentation(parts, values)
        calls = calls_per_second(lambda: augment(batch), 0.1 if check.small else 2.0, 20 if check.cuda else 1)  # noqa: B023
        note(f"{name}, batches of {count} photos of {check.size}x{check.size}", f"{count * calls:.0f} images/s")


if __name__ == "__main__":
    main()
