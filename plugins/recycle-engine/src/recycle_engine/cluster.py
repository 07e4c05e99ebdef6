"""Who started this process among others: torchrun, srun, or nobody. No torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

SHELL_STEP = 0xFFFFFFF0  # Slurm's numbers from here on are no tasks of srun's: batch script, interactive shell
RANKS = ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID")  # Lightning takes them for a place among several processes


def launched(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Processes on each node and nodes, where torchrun or srun started this one among several; None elsewhere.

    torchrun counts also where it started one alone.
    """
    world, local = (_number(environment, name) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if world and local:
        return local, world // local
    return by_srun(environment)


def by_srun(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Tasks on each node and nodes of the step that srun began with this process among several; None elsewhere.

    The shell of salloc and a batch script have the variables of the whole allocation, and are one process.
    """
    step = environment.get("SLURM_STEP_ID", "")
    tasks, nodes = (_number(environment, name) for name in ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES"))
    if not step.isdecimal() or int(step) >= SHELL_STEP or tasks < 2 or "SLURM_PROCID" not in environment:
        return None
    return tasks // max(1, nodes), max(1, nodes)


def forget_ranks(environment: MutableMapping[str, str] = os.environ) -> None:
    """Drop a place among several processes that is none: Lightning would write nothing from any but the first."""
    if by_srun(environment) is None:
        for name in RANKS:
            environment.pop(name, None)
    if launched(environment) is None:  # nobody else sets RANK for Lightning, and LOCAL_RANK only with WORLD_SIZE
        environment.pop("RANK", None)
        if _number(environment, "WORLD_SIZE") < 2:
            environment.pop("LOCAL_RANK", None)


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "")
    return int(text) if text.isdecimal() else 0
