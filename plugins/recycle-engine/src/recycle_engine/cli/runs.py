"""`recycle runs list`, `show`, `delete` and `prune`"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recycle_engine.cli.candidates import runs as run_names
from recycle_engine.cli.options import RunName
from recyclecli.cli.options import AsJson
from recyclecli.errors import counted, join_limited
from recyclecli.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from recycle_engine.history.removal import Removal

Runs = Annotated[Path, typer.Option("--runs", help="Folder with the runs.")]
RunNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN...", help="Runs: folders, names in runs/, or `last`.", autocompletion=run_names, show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")]


def list_runs(runs: Runs = Path("runs"), as_json: AsJson = False) -> None:
    """List runs, newest first: time, model, data, score with interval, size on disk, state."""
    from recycle_engine import api

    found = api.list_runs(runs)
    if as_json:
        print(json.dumps([one.as_dict() for one in found], ensure_ascii=False))
        return
    if not found:
        print(f"no runs in {runs.absolute()}", file=sys.stderr)
        return
    from recycle_engine.cli.runs_table import print_lines, print_table

    (print_table if sys.stdout.isatty() else print_lines)(found)


def show_run(run: RunName, as_json: AsJson = False) -> None:
    """Show a run: settings that differ from the default recipe, scores, versions, files, how it ended."""
    from recycle_engine import api

    found = api.show_run(run)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    from recycle_engine.cli.runs_table import print_details

    print_details(found)


def delete_runs(names: RunNames = None, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Remove runs. Files in their folders that recycle did not write are kept and named."""
    from recycle_engine import api
    from recyclecli.errors import RecycleError

    if not names:
        raise RecycleError("no run is named", "recycle runs list")
    _remove(api.delete_runs, names, "delete", yes, dry_run, as_json)


def prune_runs(
    names: RunNames = None,
    everything: Annotated[bool, typer.Option("--all", help="All runs in the runs folder.")] = False,
    runs: Runs = Path("runs"),
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove all checkpoints but the best; an unfinished run keeps what resuming needs."""
    from recycle_engine import api
    from recyclecli.errors import RecycleError

    if bool(names) == everything:
        raise RecycleError("either runs are named, or --all", "recycle runs prune --all, or name runs")
    if everything:
        found = [one for one in api.list_runs(runs) if one.kind == "run"]
        names = [str(one.folder) for one in found if one.state in ("finished", "killed") and not one.faults]
        if passed := [one.folder.name for one in found if str(one.folder) not in names]:
            print(
                f"note: in use, or with faults that `recycle runs list` tells: {join_limited(passed, 20)}",
                file=sys.stderr,
            )
    _remove(api.prune_runs, names or [], "prune", yes, dry_run, as_json)


def _remove(
    act: Callable[..., list[Removal]], names: list[str], verb: str, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Say what is removed, ask, and remove it."""
    from recyclecli.errors import RecycleError

    asks = not yes and not dry_run
    if asks and not sys.stdin.isatty():
        words = shlex.join(["recycle", "runs", verb, "--yes", "--", *names])
        raise RecycleError("nothing is removed unasked, and no terminal is there to ask", words)
    done = act(names, dry_run=dry_run or asks)
    if asks:
        _tell(done, "would be removed")
        if not sum(len(one.files) for one in done):
            return
        try:
            agreed = typer.confirm(f"{verb} {counted(len(done), 'run')}?", err=True)
        except typer.Abort:  # what Typer makes of Ctrl-C
            raise KeyboardInterrupt from None
        if not agreed:
            print("nothing was removed", file=sys.stderr)
            return
        done = act(names)
    if as_json:
        print(json.dumps([one.as_dict() for one in done], ensure_ascii=False))
    elif asks:
        print(_total(done, "removed"))
    else:
        _tell(done, "would be removed" if dry_run else "removed")


def _tell(done: list[Removal], what: str) -> None:
    """Say of each run what is removed and what stays."""
    from recycle_engine.cli.runs_table import size_text

    for one in done:
        places = [str(file.relative_to(one.folder)) for file in one.files]
        files = f"{counted(len(places), 'file')}, {size_text(one.size)}: {join_limited(places, 8)}"
        print(f"{one_line(str(one.folder))}: {files if places else 'nothing'}")
        for note in one.notes:
            print(f"  {one_line(note)}")
        if one.kept:
            kept = [str(file.relative_to(one.folder)) for file in one.kept]
            print(f"  stays, since recycle did not write it so: {join_limited(kept, 8)}")
    print(_total(done, what))


def _total(done: list[Removal], what: str) -> str:
    from recycle_engine.cli.runs_table import size_text

    files = sum(len(one.files) for one in done)
    return (
        f"{what}: {counted(files, 'file')} of {counted(len(done), 'run')}, {size_text(sum(one.size for one in done))}"
    )
