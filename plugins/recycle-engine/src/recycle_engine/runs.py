"""Run folders: what is one, their names, and what lies where. No torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from recycle_coco import PHOTO_SUFFIXES
from recycle_coco.json import parse_json
from recycle_coco.paths import below
from recycle_data.owned import RECORD, Owned
from recycle_data.palette import CLASS_COLORS_FILE

from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.files import sweep, sweep_below, unwritable
from recyclecli.locks import held
from recyclecli.reading import open_regular, read_bytes

RUNS = Path("runs")
RECIPE_FILE = "recipe.yaml"
EXPORT_CARD = "card.json"  # in an export's folder
SOUP = "soup"  # stands for the model of a run that was not trained but averaged
LARGEST_ENV = 2**20  # bytes of an env.json that are read
LARGEST_HEADER = 2**24  # bytes of a checkpoint's header that are read

OutputKind = Literal["run", "soup", "export", "predictions", "output"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run's folder: a folder that holds recipe.yaml is a run, for every command."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.folder / RECIPE_FILE

    @property
    def env(self) -> Path:
        """Versions, machine and plugins."""
        return self.folder / "env.json"

    @property
    def photos(self) -> Path:
        """Identities of the photos that it learned from and was chosen on."""
        return self.folder / "photos.npz"

    @property
    def metrics(self) -> Path:
        """One row per epoch."""
        return self.folder / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        """Folder of the weights."""
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        """Weights of the best epoch, with all that is needed to use them."""
        return self.checkpoints / "best.safetensors"

    def top(self) -> list[Path]:
        """Weights of the best epochs, by epoch, where `train.save_top_k` asked for more than one."""
        return [file for file in sorted((self.checkpoints / "top").glob("*.safetensors")) if "-raw" not in file.name]

    @property
    def raw(self) -> Path:
        """Weights of the same epoch without the average, where `best` holds an average."""
        return self.checkpoints / "best-raw.safetensors"

    @property
    def pipeline(self) -> Path:
        """What `recycle ablate` chose to use the weights with."""
        return self.folder / "pipeline.json"

    @property
    def scores(self) -> Path:
        """What `recycle eval` said of it on its validation photos."""
        return self.folder / "scores.json"

    @property
    def report(self) -> Path:
        """Page of the callback `report`, which is told last."""
        return self.folder / "report.html"

    @property
    def end(self) -> Path:
        """That its training is over, and after how many epochs."""
        return self.folder / "end.json"

    @property
    def exported(self) -> Path:
        """Folder that `recycle export` writes."""
        return self.folder / "export"

    @property
    def nan(self) -> Path:
        """Where the loss was NaN or infinite: epoch, step, photos."""
        return self.folder / "nan.json"

    @property
    def last(self) -> Path:
        """Everything that resuming needs, as of the last whole epoch."""
        return self.checkpoints / "last.ckpt"

    def clear_parts(self) -> None:
        """Remove files whose writing was interrupted."""
        for folder in (self.folder, self.checkpoints, self.checkpoints / "top"):
            sweep(folder)

    def discard(self) -> None:
        """Remove what a run writes before its first checkpoint, and its folder if that is all."""
        self.metrics.unlink(missing_ok=True)
        for file in (self.folder / "tensorboard").rglob("*"):
            if file.name.startswith("events.out.tfevents.") or file.name == "hparams.yaml":
                file.unlink()
        Owned(self.folder).remove([self.photos])
        Owned(self.folder).clear(self.env)


def create_run(name: str | None, model: str, runs: Path = RUNS) -> Run:
    """A new, empty run folder: `name`, else the model's name and the next free number.

    Raises:
        RecycleError: the name exists, is no plain folder name or holds a `+`, or the folder cannot be written.
    """
    if name is not None and (name in ("", ".", "..", "last") or "/" in name or "\0" in name):
        raise RecycleError(f"{name!r} cannot be a run's name", "choose a plain name without slashes")
    if name is not None and "+" in name:
        raise RecycleError(
            f"{name!r} cannot be a run's name: RUN+TRICK is a run with a trick",
            f"choose another name, as {name.replace('+', '-')}",
        )
    try:
        runs.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            folder = runs / (name or f"{model.partition('@')[0]}-{number:03d}")
            try:
                folder.mkdir()
                return Run(folder)
            except FileExistsError as error:
                if name is not None and is_unborn(folder):
                    return Run(folder)
                if name is not None:
                    raise _taken(folder, model) from error
                number += 1
    except OSError as error:
        raise unwritable(runs, error) from error


@contextmanager
def new_run(name: str | None, model: str, runs: Path = RUNS) -> Iterator[Run]:
    """A new run folder, see `create_run`, that no other process writes into while the block runs.

    Raises:
        RecycleError: see there; or another process holds it, or has made a run of it meanwhile.
    """
    run = create_run(name, model, runs)
    with held(run.folder):
        if run.recipe.exists():
            raise _taken(run.folder, model)
        yield run


def _taken(folder: Path, model: str) -> RecycleError:
    resume = f"choose another --name, or go on with it: --resume {folder.name}"
    return RecycleError(
        f"run {folder} exists", "choose another name" if model == SOUP or not folder.is_dir() else resume
    )


def is_unborn(folder: Path) -> bool:
    """Whether a folder is what a run leaves that was killed before its recipe was written."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    sweep_below(folder)
    found = [file for file in below(folder) if file.is_symlink() or not file.is_dir()]
    held = [file for file in found if file != folder / RECORD]
    return len(Owned(folder).own(held)) == len(held)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run: it holds recipe.yaml."""
    return (folder / RECIPE_FILE).is_file()


def runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, by name."""
    return sorted(file.parent for file in folder.glob(f"*/{RECIPE_FILE}"))


def run_around(file: Path) -> Run | None:
    """The run that a file lies in."""
    return next((Run(folder) for folder in file.absolute().parents if is_run(folder)), None)


def find_run(name: str, runs: Path = RUNS) -> Run:
    """A run by its folder, its name in `runs`, or `last` for the one that was begun last, whatever changed since.

    Raises:
        RecycleError: there is none.
    """
    known = runs_in(runs)
    if name == "last" and known:
        return Run(max(known, key=lambda folder: (begun(Run(folder)), folder.name)))
    for folder in (Path(name), runs / name):
        if is_run(folder):
            return Run(folder)
    place = next((folder for folder in (Path(name), runs / name) if folder.is_dir()), None)
    cause = not_a_run(place) if place else f"no run {name!r} in {runs.absolute()}"
    if place is None and Path(name).is_file():
        cause = f"{name} is a file, and a run is a folder"
    raise RecycleError(cause, _other_run(Path(name), known))


def not_a_run(folder: Path) -> str:
    """What lies in a folder that is no run, in words."""
    kind = kind_of(folder)
    if kind in ("run", "soup"):
        return f"{folder} is no run: what a training wrote there lacks {RECIPE_FILE}"
    if kind is not None:
        return f"{folder} is no run: it holds {kind if kind == 'predictions' else f'an {kind}'} of recycle"
    return f"{folder} is no run: it has no {RECIPE_FILE}" if any(folder.iterdir()) else f"{folder} is empty, and no run"


def _other_run(place: Path, known: Sequence[Path]) -> str:
    """What to do where no run has a name: where the place is within a run, or holds some, which are meant."""
    if place.suffix.lower() in PHOTO_SUFFIXES and place.is_file():
        return f"{place.name} is a photo: put a pattern in quotes, and name runs before photos"
    holder = run_around(place)
    if holder is not None and place.exists():
        return f"name the run's own folder: {quote(str(holder.folder))}"
    if "export" in (kind_of(place), kind_of(place.parent)):
        return "name the run that it was exported from, or use the script that lies with the export"
    if inside := sorted([*runs_in(place), *runs_in(place / "runs")]):
        return f"name one of the runs in it: {join_limited([quote(str(folder)) for folder in inside], 5)}"
    if kind_of(place) in ("run", "soup"):
        return f"what is left of it: recycle runs show {quote(str(place))}"
    if known:
        return suggest(place.name, [folder.name for folder in known])
    return "change to the folder that holds runs/, or name a run by its path, or train one: recycle train"


def begun(run: Run) -> float:
    """When a run was begun, in seconds, as env.json says; where it does not, when its first file was last written."""
    try:
        return datetime.fromisoformat(parse_json(read_bytes(run.env, LARGEST_ENV))["started"]).timestamp()
    except (RecycleError, ValueError, TypeError, KeyError, OverflowError, OSError):
        file = run.env if run.env.is_file() else run.recipe
        return file.stat().st_mtime


def kind_of(folder: Path) -> OutputKind | None:
    """What lies in a folder by its files; None where no command made it. A run's may lack its recipe by now."""
    run = Run(folder)
    recorded = (folder / RECORD).is_file()
    if "soup" in card_of(run.best):
        return "soup"
    written = (run.recipe, run.best, run.last, run.metrics)
    if any(file.is_file() for file in written) or (run.env.is_file() and recorded):
        return "run"
    if not recorded:
        return None
    if (folder / EXPORT_CARD).is_file():
        return "export"
    if (folder / CLASS_COLORS_FILE).is_file():
        return "predictions"
    return "output"


def card_of(file: Path) -> Mapping[str, Any]:
    """What a checkpoint's header says of its weights, see `recycle_engine.checkpoint.card`; empty where it is none."""
    try:
        with open_regular(file) as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            header = json.loads(handle.read(length)) if length <= LARGEST_HEADER else {}
        card = parse_json(header["__metadata__"]["recycle"])
    except (OSError, RecycleError, struct.error, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return card if isinstance(card, dict) else {}
