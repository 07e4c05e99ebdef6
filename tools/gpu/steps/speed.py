"""How fast a training is in one setting and another, the default recipe with one thing changed."""

from __future__ import annotations

import sys
from typing import Any

from gpu.settings import settings
from gpu.training import fitted, time_all

UNETPP = {"model": "unetpp", "model.encoder": "efficientnet-b5", "model.weights": "none", "train.batch_size": 16}
PASTE = ["lsj", {"name": "copy-paste", "source": "batch", "p": 1.0}]
LARGE = {"train.batch_size": 32}
CASES: dict[str, dict[str, Any]] = {  # the most telling first, as time may run out
    "deterministic": {"train.deterministic": True},
    "unetpp, EfficientNet-b5, batch 16": UNETPP,
    "unetpp, EfficientNet-b5, batch 16, deterministic": {**UNETPP, "train.deterministic": True},
    "unetpp, EfficientNet-b5, batch 16, lsj + copy-paste": {**UNETPP, "aug": PASTE},
    "batch 32": LARGE,
    "no weight average": {"train.ema": 0},
    "cuDNN searches for algorithms": {"train.deterministic": False},
    "in 32 bits": {"train.precision": "32"},
    "in TF32": {"train.precision": "tf32"},
    "in 16 bits": {"train.precision": "16-mixed"},
    "not channels_last": {"train.channels_last": False},
    "flip, affine, color, blur": {"aug": ["flip", "affine", "color", "blur"]},
    "batch 32, no loading process": {**LARGE, "data.workers": 0},
    "batch 32, 2 loading processes": {**LARGE, "data.workers": 2},
    "batch 32, 6 loading processes": {**LARGE, "data.workers": 6},
    "on_nan: skip": {"train.on_nan": "skip"},
    "4 batches a step": {"train.accumulate_grad_batches": 4},
    "unetpp, EfficientNet-b5, batch 16, in TF32": {**UNETPP, "train.precision": "tf32"},
}


def main() -> None:
    """Time all of them; a few in a rehearsal."""
    sys.exit(not time_all(fitted(list(CASES.items())[: 2 if settings().small else None])))


if __name__ == "__main__":
    main()
