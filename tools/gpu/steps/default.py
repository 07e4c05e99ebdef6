"""A training with the default recipe; `predict` uses its weights."""

from __future__ import annotations

from gpu.figures import note
from gpu.settings import settings
from gpu.training import timed

EPOCHS = 4


def main() -> None:
    """Train it."""
    line = timed({} if settings().small else {"train.epochs": EPOCHS}, name="default")
    note("training: default recipe", line.told())


if __name__ == "__main__":
    main()
