"""Runs the audit; see `gpu.audit`."""

from __future__ import annotations

import sys
import traceback
import warnings

from gpu.audit.case import Case
from gpu.audit.cases import GROUPS
from gpu.audit.watch import watched
from gpu.figures import note
from gpu.settings import settings


def audit(case: Case) -> bool:
    """Note what a case does and print where it waits; whether it ran and waits no more often than it must."""
    try:
        call = case.make()
        with watched() as watch:
            call(watch)
    except Exception:
        print(f"audit: {case.title}: failed", flush=True)
        traceback.print_exc()
        return False
    needed, why = case.needed
    waits = f"waits: {watch.waits.total()}{f' ({needed} needed: {why})' if needed else ''}"
    counts = f"operations: {watch.operations.total()}, touched: {watch.touched / 1e9:.2f} GB"
    note(f"audit: {case.title}", f"{waits}, unrepeatable: {watch.unrepeatable.total()}, {counts}")
    for kind, counter in (("waits", watch.waits), ("unrepeatable", watch.unrepeatable)):
        for what, count in counter.most_common():
            print(f"  {kind} {count} x {what}")
    return watch.waits.total() <= needed


def main(names: list[str]) -> int:
    """Audit the groups of these names, all when empty; the exit code is 1 where one failed or waits without need."""
    if unknown := [name for name in names if name not in GROUPS]:
        print(f"error: nothing is called {unknown[0]!r}; there are {' '.join(GROUPS)}", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")
    settings().out.mkdir(parents=True, exist_ok=True)
    cases = [case for name in names or GROUPS for case in GROUPS[name](settings().size)]
    wrong = [case.title for case in cases if not audit(case)]
    print("\n  ".join([f"audit: {len(cases)} cases, {len(wrong)} failed or wait without need", *wrong]))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
