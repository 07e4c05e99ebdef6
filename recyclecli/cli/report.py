"""`recycle report`"""

from __future__ import annotations

from recyclecli.cli.options import RunName

EXAMPLE = "Example: `recycle report last`"


def report(run: RunName) -> None:
    """Judge a run on its validation photos and write report.html, one file that needs no network."""
    from recyclecli import api

    file, result = api.report(run)
    print(f"mIoU of the dataset {result.miou_dataset:.4f} on {result.photos} photos")
    print(f"report {file}")
