"""Checkpoints that a thread writes, so that no epoch ends with waiting for the disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from recycle_engine.training.checkpoint_io import AtomicCheckpointIO, contents_of


class BackgroundCheckpointIO(AtomicCheckpointIO):
    """Writes and removes files in the order in which it is asked to, in a thread.

    What a file is to hold is put into bytes at once, so that training may go on. The files of a step wait for all of
    the step before, so that memory holds those of one step. After an error nothing more is written; it is raised by
    `raise_failure`, by the next step's first file, or at the end.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None  # whose error is the first of all that were asked for
        self._step = -1

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Have `checkpoint` written whole."""
        if checkpoint["global_step"] != self._step:
            self._join()
            self._step = checkpoint["global_step"]
        self._later(self._write, contents_of(checkpoint, Path(path)))

    def remove_checkpoint(self, path: str | Path) -> None:
        """Have a checkpoint removed, and what lies beside it; at once where nothing is being written."""
        if self._last is None:
            super().remove_checkpoint(path)
        else:
            self._later(super().remove_checkpoint, path)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint, once all are written."""
        self._join()
        return super().load_checkpoint(path, map_location, weights_only)

    def raise_failure(self) -> None:
        """Raise the error of a write that has failed; wait for none."""
        if self._last is not None and self._last.done():
            self._join()

    def teardown(self) -> None:
        """Wait until all is written, and raise what went wrong."""
        try:
            self._join()
        finally:
            if self._thread is not None:
                self._thread.shutdown()
            self._thread = None

    def _later(self, work: Callable[..., None], *arguments: Any) -> None:
        before = self._last

        def after() -> None:
            if before is not None:
                before.result()
            work(*arguments)

        self._thread = self._thread or ThreadPoolExecutor(1, "checkpoints")
        self._last = self._thread.submit(after)

    def _join(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()
