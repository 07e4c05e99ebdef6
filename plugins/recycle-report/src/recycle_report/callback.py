"""The report as a callback: written when a run is complete."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch.callbacks import Callback
from recycle_engine.run_end import RunEnd

from recycle_report.options import ReportOptions
from recycle_report.page import write_report
from recyclecli.locks import held
from recyclecli.types import CallbackContext


class Report(Callback):
    """Writes report.html."""

    def __init__(self, options: ReportOptions, context: CallbackContext) -> None:
        self.file = Path(options.file) if options.file else None

    def on_run_end(self, end: RunEnd) -> list[str]:
        """Judge the run on its validation photos, and write the page."""
        with held(self.file or end.run.report):
            file, result = write_report(end.registry, end.run, end.recipe, end.split, self.file)
        return [f"report    {file}: mIoU of the dataset {result.miou_dataset:.4f} at the photos' own size"]
