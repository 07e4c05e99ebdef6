"""Runs the audit; see `gpu.audit`."""

from __future__ import annotations

import sys
import traceback
import warnings

from gpu.audit.cases import GROUPS, Case
from gpu.audit.watch import watched
from gpu.figures import note
from gpu.settings import settings


def audit(case: Case) -> bool:
    """Note what a case does and print where it waits; whether it could be run."""
    title, make = case
    try:
        call = make()
        with watched() as watch:
            call(watch)
    except Exception:
        print(f"audit: {title}: failed", flush=True)
        traceback.print_exc()
        return False
    counts = f"operations: {watch.operations.total()}, touched: {watch.touched / 1e9:.2f} GB"
    note(f"audit: {title}", f"waits: {watch.waits.total()}, unrepeatable: {watch.unrepeatable.total()}, {counts}")
    for kind, counter in (("waits", watch.waits), ("unrepeatable", watch.unrepeatable)):
        for what, count in counter.most_common():
            print(f"  {kind} {count} x {what}")
    return True


def main(names: list[str]) -> int:
    """Audit the groups of these names, all when empty; the exit code."""
    if unknown := [name for name in names if name not in GROUPS]:
        print(f"error: nothing is called {unknown[0]!r}; there are {' '.join(GROUPS)}", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")
    settings().out.mkdir(parents=True, exist_ok=True)
    failed = [case[0] for name in names or GROUPS for case in GROUPS[name](settings().size) if not audit(case)]
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
