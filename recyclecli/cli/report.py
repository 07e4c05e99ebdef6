"""`recycle report`"""

from __future__ import annotations

from recyclecli.cli.options import RunName

EXAMPLE = "Example: `recycle report last`"


def report(run: RunName) -> None:
    """Judge a run on its validation photos and write report.html, one file that needs no network."""
    from recyclecli.data.splits import make_split
    from recyclecli.engine.runs import find_run
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    registry = discover()
    found = find_run(run)
    recipe = resolve(registry, found.recipe)
    split = make_split(registry, recipe.data, recipe.seed)
    from recyclecli.report.page import write_report

    file, result = write_report(registry, found, recipe, split)
    print(f"mIoU {result.miou:.4f} on {result.photos} photos")
    print(f"report {file}")
