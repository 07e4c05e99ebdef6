"""Where a step's time goes: what waits for the GPU, the GPU's pauses, the operations that take most."""

from __future__ import annotations

import sys
import traceback
from collections import Counter

from gpu.figures import note
from gpu.settings import settings
from gpu.steps.speed import UNETPP
from gpu.trace import Trace, pauses
from gpu.training import Values, data, fitted, train
from gpu.waits import Waits

CASES: dict[str, Values] = {
    "default": {},
    "unetpp": UNETPP,
    "default deterministic": {"train.deterministic": True},
    "unetpp deterministic": {**UNETPP, "train.deterministic": True},
}
ROWS, LONGEST = 28, 8


def listed(counter: Counter[str], steps: int) -> str:
    """A line for each place that waits, with how often in a step."""
    return "".join(f"  {count / steps:5.1f} x {place}\n" for place, count in counter.most_common())


def profiled(name: str, values: Values) -> None:
    """Train two epochs, note what was seen, and write it down in full."""
    check = settings()
    waits, trace = (Waits(0, 1), Trace(0, 2)) if check.small else (Waits(2, 3), Trace(5, 3))
    train({**data(1 if check.small else 2), "train.epochs": 2, **values}, [waits, trace])
    key = name.replace(" ", "-")
    text = f"waits of a training step:\n{listed(waits.training, waits.steps)}"
    text += f"waits of a validation batch:\n{listed(waits.validation, 1)}"
    work = trace.write(check.out / f"trace-{key}.json.gz")
    if check.cuda:
        busy, found = pauses(work)
        longest = "".join(f"  {one.length / 1e3:7.2f} ms after {one.before[:60]}, before {one.after[:60]}\n"
                          for one in found[:LONGEST])  # fmt: skip
        text += f"the longest of {len(found)} pauses:\n{longest}"
        counts = (
            f"{waits.training.total() / waits.steps:.1f} waits a step, {waits.validation.total()} a validation batch"
        )
        note(f"profile: {name}, {trace.steps} steps", f"GPU busy {busy:.0%} of the time, {counts}")
    else:
        events = trace.profile.key_averages()
        note(f"profile: {name}, {trace.steps} steps", f"{sum(one.count for one in events)} operations on the CPU")
    text += trace.table(ROWS)
    (check.out / f"profile-{key}.txt").write_text(text)
    print(text, flush=True)


def main() -> None:
    """Profile each case; one in a rehearsal."""
    failed = False
    for name, values in fitted(list(CASES.items())[: 1 if settings().small else None]).items():
        try:
            profiled(name, values)
        except Exception:
            failed = True
            traceback.print_exc()
    sys.exit(failed)


if __name__ == "__main__":
    main()
