"""Recipes of recyclecli 0.1: other names in the section `train`, and the settings of every schedule side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WARMUP = {"warmup": "warmup"}
FALLING = {"final_lr_scale": "final_lr_scale"}
OLD_SCHEDULES: dict[str, dict[str, str]] = {
    "cosine": WARMUP | FALLING,
    "cosine-restarts": WARMUP | FALLING | {"cycle_epochs": "restart_epochs", "t_mult": "restart_growth"},
    "poly": WARMUP | FALLING | {"power": "poly_power"},
    "one-cycle": FALLING,
    "plateau": WARMUP | {"patience": "plateau_epochs", "factor": "plateau_factor"},
    "constant": WARMUP,
}
"""Each schedule's options, with the keys of `train` that they were."""

RENAMED = {"keep": "save_top_k", "clip": "grad_clip", "accumulate": "accumulate_grad_batches"}
INTO_SCHEDULE = {old: new for options in OLD_SCHEDULES.values() for new, old in options.items()}
MOVED = {f"train.{old}": f"train.{new}" for old, new in RENAMED.items()} | {
    f"train.{old}": f"train.schedule.{new}" for old, new in INTO_SCHEDULE.items()
}
"""Keys of a recipe of 0.1, with what they are called now."""


def rewritten(train: Mapping[str, Any]) -> dict[str, Any]:
    """A section `train` with the keys of 0.1 renamed or moved into its schedule, those of other schedules left out."""
    train = {key if RENAMED.get(key, key) in train else RENAMED[key]: value for key, value in train.items()}
    old = {key: value for key, value in train.items() if key in INTO_SCHEDULE}
    rest = {key: value for key, value in train.items() if key not in old}
    schedule = rest.get("schedule")
    if not old or not isinstance(schedule, Mapping):
        return rest | old
    own = OLD_SCHEDULES.get(str(schedule.get("name")), {})
    moved = {new: old[before] for new, before in own.items() if before in old}
    return {**rest, "schedule": {**moved, **schedule}}
