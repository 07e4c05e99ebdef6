"""`recycle report`"""

from __future__ import annotations

from recycle_engine.cli.options import MovedData, RunName

from recyclecli.errors import counted


def report(run: RunName, data: MovedData = None) -> None:
    """Score a run on its validation photos and write report.html, one file that needs no network."""
    from recycle_report import api

    file, result = api.report(run, data=data)
    print(f"mIoU of the dataset {result.miou_dataset:.4f} on {counted(result.photos, 'photo')}")
    print(f"report {file}")
