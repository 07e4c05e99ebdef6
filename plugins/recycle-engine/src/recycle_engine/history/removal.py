"""Removing runs, or the checkpoints that they no longer need: their own files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from recycle_data.owned import RECORD, Owned
from recycle_data.progress import track

from recycle_engine.choice_file import read_choice_file
from recycle_engine.history.dependents import dependents, references
from recycle_engine.history.metrics import read_metrics
from recycle_engine.history.outcome import keep_end, read_end
from recycle_engine.history.own_files import files_below, own_and_others, places_in_use
from recycle_engine.history.summary import is_over, read_recipe, section
from recycle_engine.runs import Run, kind_of
from recyclecli.errors import RecycleError
from recyclecli.locks import held
from recyclecli.reading import MissingFile


@dataclass(frozen=True, slots=True)
class Removal:
    """What is removed of a run.

    Attributes:
        folder: of the run.
        files: its own files that are removed, in this order.
        size: their bytes.
        kept: files and links that are not the run's own, which stay with the folder; of a run that is pruned, none.
        notes: what depends on what is removed, and what stays for a reason, a line each.
    """

    folder: Path
    files: tuple[Path, ...]
    size: int
    kept: tuple[Path, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json: only JSON's own types."""
        return {
            "run": str(self.folder),
            "files": [str(file) for file in self.files],
            "bytes": self.size,
            "kept": [str(file) for file in self.kept],
            "notes": list(self.notes),
        }


def delete(folders: Sequence[Path], dry_run: bool) -> list[Removal]:
    """Remove the files of runs, each run's recipe after all others, and the folders that are empty then.

    A call that was interrupted can be repeated.

    Raises:
        RecycleError: a folder is a link or no run, or a process works on it, and nothing is removed; or a file cannot
            be removed.
    """

    beside = {parent: [*references(parent)] for parent in {folder.parent for folder in folders}}

    def planned(run: Run) -> Removal:
        own, others = own_and_others(run)
        own.sort(key=lambda file: file == run.recipe)
        return _removal(run, own, others, dependents(run, beside[run.folder.parent], folders))

    def remove(run: Run, files: Sequence[Path]) -> None:
        _unlink(files)
        Owned(run.exported).clear(run.exported)
        Owned(run.folder).clear(run.recipe)

    return _each(folders, planned, None if dry_run else remove)


def prune(folders: Sequence[Path], dry_run: bool) -> list[Removal]:
    """Remove the checkpoints of runs but the best, and `last.ckpt` only of those that are finished.

    Raises:
        RecycleError: see `delete`.
    """

    def planned(run: Run) -> Removal:
        own, notes = own_and_others(run)[0], []
        if run.best not in own:
            return _removal(run, [], [], ["it has no best checkpoint as it was written, so its others stay"])
        files = [file for file in own if file.parent == run.checkpoints / "top"]
        if run.raw in own:
            if _uses_raw(run):
                notes.append(f"{run.raw.name} stays, since pipeline.json may use it")
            else:
                files.append(run.raw)
        if run.last in own:
            if reason := _unfinished(run):
                notes.append(f"{run.last.name} stays, since {reason}")
            else:
                files.append(run.last)
        return _removal(run, files, [], notes)

    def remove(run: Run, files: Sequence[Path]) -> None:
        if run.last in files and read_end(run) is None:
            keep_end(run, len(read_metrics(run)))  # without it the run would be trained again
        _unlink(files)
        with suppress(OSError):
            (run.checkpoints / "top").rmdir()

    return _each(folders, planned, None if dry_run else remove)


def _each(
    folders: Sequence[Path], planned: Callable[[Run], Removal], remove: Callable[[Run, Sequence[Path]], None] | None
) -> list[Removal]:
    """Plan the removal for each run while no other process works on it, then remove."""
    for folder in folders:
        with _alone(folder):
            pass  # all are free before the first is removed
    done = []
    for folder in track(folders, len(folders), "looking" if remove is None else "removing"):
        with _alone(folder) as run:
            done.append(planned(run))
            try:
                if remove is not None:
                    remove(run, done[-1].files)
            except OSError as error:
                raise RecycleError(
                    f"cannot remove {error.filename or folder}: {error.strerror or error}",
                    "check the folder's permissions and its disk, then type the command again: it goes on",
                ) from error
    return done


@contextmanager
def _alone(folder: Path) -> Iterator[Run]:
    """A run that no other process works on.

    Raises:
        RecycleError: one does; or it is a link, or no run.
    """
    if folder.is_symlink():
        raise RecycleError(
            f"{folder} is a link to {folder.resolve()}, and no link is followed",
            f"name the run itself, or remove the link: rm {quote(str(folder))}",
        )
    with held(folder):
        if not folder.is_dir():
            raise RecycleError(f"{folder} is gone: another process has removed it", "recycle runs list")
        run = Run(folder)
        found = {file for file, _ in files_below(folder)} - {folder / RECORD}  # that alone is what a kill leaves
        if found and kind_of(folder) not in ("run", "soup"):
            raise RecycleError(f"{folder} is no run", f"look what it is, then: rm -r {quote(str(folder))}")
        for place in places_in_use(folder):
            with held(place):  # tells who holds it
                pass
        yield run


def _removal(run: Run, files: Sequence[Path], kept: Sequence[Path], notes: Sequence[str]) -> Removal:
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.lstat().st_size
    return Removal(run.folder, tuple(files), size, tuple(kept), tuple(notes))


def _unlink(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _uses_raw(run: Run) -> bool:
    try:
        return read_choice_file(run.pipeline)[0].weights == "raw"
    except MissingFile:
        return False
    except RecycleError:  # it may
        return True


def _unfinished(run: Run) -> str:
    """Why the run's last checkpoint is needed; "" where its training is over."""
    try:
        if is_over(run, [*read_metrics(run)], section(read_recipe(run), "train"))[0]:
            return ""
    except RecycleError as error:
        return f"it is not known whether the training is finished: {error.args[0]}"
    return f"the training is not finished: recycle train --resume {quote(str(run.folder))}"
