"""The report as a callback: written when a run is complete."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch.callbacks import Callback
from recycle_engine.run_end import RunEnd

from recycle_report.page import write_report


class Report(Callback):
    """Writes report.html.

    Args:
        file: to write; report.html in the run's folder when left out.
    """

    def __init__(self, file: str | None = None) -> None:
        self.file = Path(file) if file else None

    def on_run_end(self, end: RunEnd) -> list[str]:
        """Judge the run on its validation photos, and write the page."""
        file, result = write_report(end.registry, end.run, end.recipe, end.split, self.file)
        return [f"report    {file}: mIoU of the dataset {result.miou_dataset:.4f} at the photos' own size"]
