"""Memory of a training, epoch by epoch: flat within 5 %, and validation's peak not above training's.

    python benchmarks/memory.py ../shared/data/recycle-trash-pseudo [--epochs 20]

The process's resident memory at the end of each epoch and its peak within training and within
validation (VmHWM, cleared before each), as the kernel counts them.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from lightning.pytorch.callbacks import Callback
from recycle_engine import api


def status(field):
    """MiB of a line of /proc/self/status."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) / 1024


def clear():
    """Let the peak begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


class Memory(Callback):
    """Peaks of both parts, and what is left at an epoch's end."""

    def __init__(self):
        self.trained, self.judged, self.left = [], [], []

    def on_train_epoch_start(self, trainer, pl_module):
        clear()

    def on_validation_start(self, trainer, pl_module):
        self.trained.append(status("VmHWM"))
        clear()

    def on_validation_end(self, trainer, pl_module):
        self.judged.append(status("VmHWM"))

    def on_train_epoch_end(self, trainer, pl_module):
        self.left.append(status("VmRSS"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=128)
    arguments = parser.parse_args()
    memory = Memory()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"data.root": arguments.data.absolute(), "data.size": arguments.size, "model": "fpn"}
        api.train(settings | {"train.epochs": arguments.epochs}, runs=folder, callbacks=[memory])
    print("after each epoch (MiB):", ", ".join(f"{value:.0f}" for value in memory.left))
    steady = memory.left[len(memory.left) // 4 :]
    print(f"last against first: {memory.left[-1] / memory.left[0]:.3f}; after a quarter: {steady[-1] / steady[0]:.3f}")
    peaks = [statistics.median(values) for values in (memory.trained, memory.judged)]
    print(f"peak of training {peaks[0]:.0f} MiB, of validation {peaks[1]:.0f} MiB: {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
