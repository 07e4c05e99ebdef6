"""Flags that several commands share, as groups: a parameter of a group's type stands for all of its flags."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer
from recycle_data.cli.candidates import datasets, fixed
from recycle_data.cli.options import CrowdsOption, Data, DatasetOption, JsonPath, data_root, dataset_settings

from recycle_engine.cli.candidates import engines
from recyclecli.cli.options import AsJson, Force, Seed
from recyclecli.errors import RecycleError, counted
from recyclecli.home import expanded
from recyclecli.printable import one_line

if TYPE_CHECKING:
    from recycle_engine.inference.predict import Predicted


@dataclass(frozen=True, slots=True)
class DataArgs:
    """What is trained on, as `recycle train` finds it."""

    data: Data = None
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", help="Dataset component or layout that reads it.  [default: coco]", autocompletion=datasets
        ),
    ] = None
    json_path: JsonPath = None
    train_json: Annotated[
        list[str] | None,
        typer.Option(
            "--train-json", metavar="JSON[@ROOT][:WEIGHT]", help="Training file, and its sampling weight; repeatable."
        ),
    ] = None
    val_json: Annotated[
        list[str] | None, typer.Option("--val-json", metavar="JSON[@ROOT]", help="Validation file; repeatable.")
    ] = None
    fold: Annotated[int | None, typer.Option("--fold", min=0, help="Fold of folds.json to validate on.")] = None
    crowds: CrowdsOption = None

    @property
    def settings(self) -> dict[str, Any]:
        """The recipe keys that the flags mean; those that were not given are left out."""
        flags = {
            "data.root": self.data,
            "data.dataset": self.dataset,
            "data.json_path": self.json_path,
            "data.train": _files(self.train_json, data_root(self.data)),
            "data.val": _files(self.val_json, data_root(self.data)),
            "data.fold": self.fold,
            "data.dataset.crowds": self.crowds,
        }
        return {key: value for key, value in flags.items() if value is not None}

    @property
    def files(self) -> tuple[list[str], list[str]]:
        """Training and validation files as they would be typed; none where the split is in no files."""
        usual = [f"kfold_{self.fold or 0}_{part}.json" for part in ("train", "val")]
        if self.val_json or not all((data_root(self.data) / name).is_file() for name in usual):
            return self.train_json or [], self.val_json or []
        return usual[:1], usual[1:]


@dataclass(frozen=True, slots=True)
class DatasetArgs(DataArgs):
    """What is trained on, with the options of the dataset, for commands that take no recipe."""

    option: DatasetOption = None

    @property
    def settings(self) -> dict[str, Any]:
        """See `Trained`."""
        own = {f"data.dataset.{key}": value for key, value in dataset_settings(self.option).items()}
        return {**DataArgs.settings.fget(self), **own}  # type: ignore[attr-defined]


def _files(places: list[str] | None, data: Path) -> list[dict[str, Any]] | None:
    """`JSON[@ROOT][:WEIGHT]` texts as the recipe's entries."""
    if not places:
        return None
    return [_file(place, data) for place in places]


def _file(text: str, data: Path) -> dict[str, Any]:
    """One entry. Paths may hold `@` and `:`, too: of several readings the first counts whose file exists."""
    place, colon, weight = text.rpartition(":")
    weighted = bool(colon) and re.fullmatch(r"\d+(\.\d+)?", weight) is not None
    readings: list[dict[str, Any]] = []
    for whole, more in [(text, {}), *([(place, {"weight": float(weight)})] if weighted else [])]:
        readings.append({"json": whole, **more})
        for at in reversed([found.start() for found in re.finditer("@", whole)]):
            root = expanded(whole[at + 1 :])
            readings.append({"json": whole[:at], "root": root, **more})
    usual = [one for one in readings if ("weight" in one) == weighted]
    usual = [one for one in usual if "root" in one][:1] or usual[:1]
    for one in readings:
        bases = (Path(), Path(one.get("root") or data))
        named = all(one.values()) and ("root" not in one or bases[1].is_dir())
        if named and any((base / str(one["json"])).is_file() for base in bases):
            return one
    return usual[0]


@dataclass(frozen=True, slots=True)
class OfflineArgs:
    """How new photos are made, and where they go; the names are those of `recycle_engine.api.augment`."""

    mode: Annotated[
        Literal["add", "self"],
        typer.Option("--mode", help="add: the file also lists the training photos; self: only new ones."),
    ] = "add"
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to.  [default: the data's]")] = None
    name: Annotated[
        str | None, typer.Option("--name", help="Write NAME.json and NAME/.  [default: what makes them]")
    ] = None
    size: Annotated[
        int | None,
        typer.Option("--size", min=32, max=4096, help="Scale photos to this longer side.  [default: as they are]"),
    ] = None
    device: Annotated[str, typer.Option("--device", help="Torch device.")] = "cpu"
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes.  [default: one a core]")] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first photo that cannot be read instead of skipping it.")
    ] = False
    seed: Seed = 0
    force: Force = False

    @property
    def keywords(self) -> dict[str, Any]:
        """As keywords of `recycle_engine.api.augment`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class RuntimeArgs:
    """What models run on; the names are those of `recycle_engine.api.predict`."""

    devices: Annotated[
        str | None, typer.Option("--devices", help="Number of devices, or names (cuda:0,cuda:1); one process each.")
    ] = None
    precision: Annotated[
        Literal["32", "bf16", "16", "auto"],
        typer.Option(
            "--precision", help="auto: bf16 on a GPU that supports it, if 99.9 % of the labels stay the same."
        ),
    ] = "32"
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", min=1, help="Photos per batch.  [default: 1 on a CPU, the run's on a GPU]"),
    ] = None

    @property
    def keywords(self) -> dict[str, Any]:
        """As keywords of `recycle_engine.api.predict`."""
        return {"devices": self.devices, "precision": self.precision, "batch_size": self.batch_size}


@dataclass(frozen=True, slots=True)
class InferenceArgs(RuntimeArgs):
    """What models run on, and what runs them."""

    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            help="torch, the run's export (onnx), or auto: the export if it fits.",
            autocompletion=engines,
        ),
    ] = "torch"

    @property
    def keywords(self) -> dict[str, Any]:
        """As keywords of `recycle_engine.api.predict`."""
        return {**RuntimeArgs.keywords.fget(self), "engine": self.engine}  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class OutputArgs:
    """Where predictions go; the names are those of `recycle_engine.api.predict`."""

    out: Annotated[Path | None, typer.Option("--out", help="Folder of the masks and overlays.")] = None
    save: Annotated[
        list[str] | None,
        typer.Option(
            "--save",
            help="masks, overlays, gray, coco, probabilities, confidence; repeatable.  [default: the first two]",
            autocompletion=fixed(("masks", "overlays", "gray", "coco", "probabilities", "confidence")),
        ),
    ] = None
    submission: Annotated[
        Path | None, typer.Option("--submission", help="Also write the contest's CSV: 256x256 labels.")
    ] = None
    unreadable: Annotated[
        Literal["skip", "background"] | None,
        typer.Option(
            "--unreadable",
            help="Give unreadable photos no row in the submission, or a row of background, and exit with 0.",
        ),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="Folder that names in a COCO file or list are relative to.  [default: its own folder]"
        ),
    ] = None
    force: Force = False
    as_json: AsJson = False

    @property
    def keywords(self) -> dict[str, Any]:
        """As keywords of `recycle_engine.api.predict`."""
        if self.save and self.out is None:
            raise RecycleError("--save without --out", "name the folder to write to with --out")
        return {
            "out": self.out,
            "data": self.data,
            "submission": self.submission,
            "force": self.force,
            "outputs": self.save or ["masks", "overlays"],
            "unreadable": self.unreadable or "skip",
        }

    def tell(self, found: Predicted, more: Mapping[str, Any] = {}) -> None:
        """Say what was written, in JSON after `more`; exit code 1 where photos could not be read or written."""
        from recycle_coco.paths import ANNOTATIONS_FILE

        names = [ANNOTATIONS_FILE if part == "coco" else part for part in self.keywords["outputs"]]
        places = [str(self.out / name) for name in names] if self.out else []
        places += [str(self.submission)] if self.submission else []
        if self.as_json:
            files = [str(file) for file in found.masks]
            values = {**more, "photos": found.photos, "masks": files, "failed": found.failed}
            print(json.dumps(values, ensure_ascii=False))
        else:
            print(f"{counted(found.photos, 'photo')}: {', '.join(places)}")
        tell_unreadable(found.failed, found.record, self.unreadable)


def tell_unreadable(
    failed: Mapping[str, str], record: Path | None = None, foreseen: Literal["skip", "background"] | None = None
) -> None:
    """Name photos that could not be read or written; exit code 1 where nobody said what becomes of them.

    Args:
        failed: name to what is wrong; a folder's name ends in a slash.
        record: the file that names all.
        foreseen: what `--unreadable` says, of photos: folders that may not be entered are never foreseen.
    """
    for name, fault in list(failed.items())[:10]:
        print(f"{one_line(name)}: {fault}", file=sys.stderr)
    if failed:
        named = f"; all are named in {record}" if record else ""
        rows = "; their rows are background" if foreseen == "background" else ""
        folders = sum(name.endswith("/") for name in failed)
        counts = [counted(len(failed) - folders, "photo")] if len(failed) > folders else []
        counts += [counted(folders, "folder")] if folders else []
        print(f"{' and '.join(counts)} could not be read or written{rows}{named}", file=sys.stderr)
        if folders or not foreseen:
            raise typer.Exit(1)


def flags_given(ctx: typer.Context, names: Collection[str]) -> list[str]:
    """Those flags of the parameters `names` that are on the command line."""
    flags = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    return [
        flags[name] for name in names if (source := ctx.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]


def expand_groups(run: Callable[..., None]) -> Callable[..., None]:
    """`run` with each parameter whose type is a group replaced by the group's flags."""
    groups: dict[str, Any] = {}
    parameters = []
    for parameter in inspect.signature(run, eval_str=True).parameters.values():
        if not is_dataclass(parameter.annotation):
            parameters.append(parameter.replace(kind=_keyword(parameter)))
            continue
        groups[parameter.name] = parameter.annotation
        hints = get_type_hints(parameter.annotation, include_extras=True)
        for field in fields(parameter.annotation):
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(
                inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
            )

    @wraps(run)
    def command(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        run(**values)

    parameters.sort(key=lambda parameter: parameter.kind)
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _keyword(parameter: inspect.Parameter) -> Any:
    variable = parameter.kind is inspect.Parameter.VAR_KEYWORD
    return parameter.kind if variable else inspect.Parameter.KEYWORD_ONLY
