"""Photos per second of `recycle predict` and `recycle eval` with the run of the step `default`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from recycle_engine import api

from gpu.figures import note
from gpu.photos import files
from gpu.settings import settings
from gpu.timing import seconds_of

Precision = Literal["32", "bf16", "16"]
CASES: tuple[tuple[Precision, int], ...] = (("32", 8), ("32", 32), ("bf16", 8), ("bf16", 32), ("16", 32))
FEW = 16  # photos that the CPU predicts too


def main() -> None:
    """Predict the photos in each precision; evaluate; compare with the CPU."""
    check = settings()
    run = check.runs / "default"
    photos = files(check.photos)

    def masks(name: str, number: int, precision: Precision, batch: int, devices: str | None = None) -> Path:
        out = check.work / name
        shutil.rmtree(out, ignore_errors=True)
        api.predict(
            run, photos[:number], out, outputs=("masks",), precision=precision, batch_size=batch, devices=devices
        )
        return out / "masks"

    judged: dict[str, Any] = {}
    exact = masks("exact", len(photos), "32", 8)  # warms, too
    for precision, batch in CASES[: 2 if check.small else None]:
        took = seconds_of(lambda: masks("predicted", len(photos), precision, batch))  # noqa: B023
        same = agreement(exact, check.work / "predicted" / "masks")
        figure = f"{len(photos) / took:.0f} photos/s with masks written, {same:.4%} of pixels as in 32 bits at batch 8"
        note(f"predict, {precision} bits, batch {batch}", figure)
    took = seconds_of(lambda: judged.update(miou=api.evaluate(run).miou_dataset))
    note("eval of the validation photos", f"{took:.1f} s, mIoU {judged['miou']:.3f}")
    if check.cuda:
        same = agreement(masks("on-gpu", FEW, "32", 8), masks("on-cpu", FEW, "32", 8, "cpu"))
        note(f"predict in 32 bits on the GPU against the CPU, {FEW} photos", f"{same:.4%} of pixels have one label")


def agreement(one: Path, other: Path) -> float:
    """The share of pixels with the same label in the masks of two folders.

    Raises:
        ValueError: they hold none, or not the same.
    """
    names = [[file.relative_to(place) for file in sorted(place.rglob("*.png"))] for place in (one, other)]
    if not names[0] or names[0] != names[1]:
        raise ValueError(f"{one} and {other} hold different masks: {len(names[0])} and {len(names[1])}")
    equal = [np.asarray(Image.open(one / name)) == np.asarray(Image.open(other / name)) for name in names[0]]
    return float(np.mean([pixels.mean() for pixels in equal]))


if __name__ == "__main__":
    main()
