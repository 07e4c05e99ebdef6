"""Runs the steps one after the other, each in a process of its own with a limit of time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Literal

LEAST = 15  # seconds without which a step is not begun
RESERVE = 3  # seconds of the budget that a step leaves, so that it ends before the budget does
GRACE = 5  # seconds that a step has to end once it was asked to

State = Literal["done", "failed", "out of time", "left out"]


@dataclass(frozen=True)
class Step:
    """A step of the check: its name, and the most seconds that it gets."""

    name: str
    limit: float


@dataclass(frozen=True)
class Result:
    """How a step ended: its name, what became of it, its exit code where it ran to its end, and the seconds it took."""

    name: str
    state: State
    code: int | None
    seconds: float


def allowed(limit: float, left: float) -> float | None:
    """The seconds that a step gets of those that are left; None where they are too few to begin."""
    seconds = min(limit, left - RESERVE)
    return seconds if seconds >= LEAST else None


def run(command: Sequence[str], environment: Mapping[str, str], limit: float, log: IO[str]) -> int | None:
    """Run a command to its end or its limit, with all processes that it starts; what it prints goes to `log`, too.

    Args:
        command: program and arguments.
        environment: all variables.
        limit: seconds.
        log: a text file.

    Returns:
        The exit code; None where the limit ended it.
    """
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    copier = threading.Thread(target=_copy, args=(process.stdout, log), daemon=True)
    copier.start()
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
        copier.join(GRACE)


def _copy(lines: Iterable[str], log: IO[str]) -> None:
    for line in lines:
        for target in (sys.stdout, log):
            target.write(line)
            target.flush()


def _end(process: subprocess.Popen[str]) -> None:
    """End what is left of a process and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_all(
    steps: Sequence[Step],
    budget: float,
    start: Callable[[Step, float], int | None],
    say: Callable[[str], None],
) -> list[Result]:
    """Run steps in order; one that fails or runs out of time ends none of the others.

    Args:
        steps: in order.
        budget: seconds for all.
        start: runs a step within so many seconds; its exit code, None where its time ended it.
        say: takes lines for people.

    Returns:
        A result for each step.
    """
    began, results = time.monotonic(), []
    for step in steps:
        left = budget - (time.monotonic() - began)
        seconds = allowed(step.limit, left)
        if seconds is None:
            say(f"=== {step.name}: left out, {max(0, left):.0f} s are left")
            results.append(Result(step.name, "left out", None, 0))
            continue
        say(f"=== {step.name} (at most {seconds:.0f} s, {left:.0f} s are left)")
        start_of_step = time.monotonic()
        code = start(step, seconds)
        took = time.monotonic() - start_of_step
        state: State = "out of time" if code is None else "failed" if code else "done"
        say(f"=== {step.name}: {state} after {took:.0f} s" + (f", exit code {code}" if code else ""))
        results.append(Result(step.name, state, code, took))
    return results
