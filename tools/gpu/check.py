"""Run the GPU check: each step in a process of its own, then the figures as a table.

    bash .gpu/check.sh                                          all steps
    STEPS="machine speed profile" BUDGET=200 bash .gpu/check.sh         some of them
    STEPS="setup loops quality" BUDGET=300 bash .gpu/check.sh           against other loops, and how well ours learns
    DEVICE=cpu SMALL=1 PYTHON=.venv/bin/python STEPS="..." bash tools/gpu/check.sh      a rehearsal

A step that fails or runs out of its time ends none of the others. What no time is left for is left out and named.
The exit code is 1 where a step failed or ran out of its time, 2 for a wrong setting, else 0.

  STEPS      which, in order; all but loops and quality when left out; setup: those that others need
  BUDGET     seconds in all, 470 when left out
  PATIENCE   factor of each step's own limit, 1 when left out
  DEVICE     cuda or cpu
  SMALL      1 makes everything tiny
  PHOTOS     folder with train.json and val.json; .photos when left out, drawn where it does not exist
  OUT        folder of log.txt, figures.jsonl, figures.md and profiles
  WORK       folder of all else, the installed wheels among it
  PYTHON     which runs everything; python3 when left out
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import IO

from gpu import figures, runner
from gpu.install import import_paths
from gpu.runner import Result, Step
from gpu.settings import ROOT, Settings, settings

STEPS = (
    Step("install", 180),
    Step("machine", 120),
    Step("photos", 240),
    Step("tests", 100),
    Step("default", 120),
    Step("densecrf", 60),
    Step("pasting", 50),
    Step("speed", 150),
    Step("profile", 60),
    Step("compile", 150),
    Step("determinism", 90),
    Step("predict", 60),
    Step("loading", 60),
    Step("audit", 60),
)
SECOND = (Step("loops", 70), Step("quality", 240))  # a call of their own: each takes most of one
SETUP = ("install", "machine", "photos")  # what a call needs before others, together called `setup`


def chosen(names: str) -> list[Step]:
    """The steps that a text names, in its order; all of `STEPS` for an empty one.

    Raises:
        ValueError: an unknown name.
    """
    known = {step.name: step for step in (*STEPS, *SECOND)}
    asked = [name for one in names.split() for name in (SETUP if one == "setup" else (one,))]
    if unknown := [name for name in asked if name not in known]:
        raise ValueError(f"STEPS: no step is called {unknown[0]!r}; there are setup {' '.join(known)}")
    return [known[name] for name in asked] or list(STEPS)


def environment(check: Settings) -> dict[str, str]:
    """The variables of a step: the checkout and the wheels on the path, every cache in the check's own folder."""
    paths = [ROOT / "tools", *import_paths(ROOT, check.site)]
    before = os.environ.get("PYTHONPATH")
    own = {
        "PYTHONPATH": os.pathsep.join([*map(str, paths), *([before] if before else [])]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        "HF_HUB_OFFLINE": "1",
        "RECYCLE_CACHE": str(check.work / "cache"),
        "NUMBA_CACHE_DIR": str(check.work / "numba"),
        "TORCHINDUCTOR_CACHE_DIR": str(check.work / "inductor"),
        "OUT": str(check.out),
        "WORK": str(check.work),
        "PHOTOS": str(check.photos),
    }
    hidden = {} if check.cuda else {"CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **own, **hidden}


def command(step: Step) -> list[str]:
    """What runs a step."""
    module = {"install": "gpu.install", "audit": "gpu.audit"}.get(step.name, f"gpu.steps.{step.name}")
    return [sys.executable, "-m", module]


def summary(results: list[Result], check: Settings) -> str:
    """The figures, and what became of the steps."""
    machine = check.out / "machine.txt"
    about = machine.read_text().strip() if machine.is_file() else "a machine that the step `machine` has not described"
    text = figures.table(figures.read(check.out), about)
    for state in ("failed", "out of time", "left out"):
        if names := [result.name for result in results if result.state == state]:
            text += f"\n{state}: {', '.join(names)}\n"
    return text


def check_all(steps: list[Step], budget: float, check: Settings, log: IO[str]) -> list[Result]:
    """Run the steps and print the summary."""

    def say(line: str) -> None:
        for target in (sys.stdout, log):
            print(line, file=target, flush=True)

    began = time.monotonic()
    start = lambda step, seconds: runner.run(command(step), environment(check), seconds, log)  # noqa: E731
    results = runner.run_all(steps, budget, start, say)
    text = summary(results, check)
    (check.out / "figures.md").write_text(text)
    say(f"\n{text}\n=== all: {time.monotonic() - began:.0f} s; results in {check.out}")
    return results


def main() -> int:
    """Run the check that the environment describes; its exit code."""
    if sys.argv[1:]:
        print(__doc__)
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    check = settings()
    try:
        patience = float(os.environ.get("PATIENCE") or 1)
        steps = [Step(step.name, patience * step.limit) for step in chosen(os.environ.get("STEPS", ""))]
        budget = float(os.environ.get("BUDGET") or 470)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the step at hand ends, too
    for folder in (check.out, check.work):
        folder.mkdir(parents=True, exist_ok=True)
    for file in (figures.noted(check.out), check.out / "machine.txt"):  # of an earlier check
        file.unlink(missing_ok=True)
    with (check.out / "log.txt").open("w") as log:
        results = check_all(steps, budget, check, log)
    return int(any(result.state in ("failed", "out of time") for result in results))


if __name__ == "__main__":
    sys.exit(main())
