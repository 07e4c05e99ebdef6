"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from recyclecli.cli.candidates import components, dataset_options, metrics, runs, views
from recyclecli.home import data_folder

if TYPE_CHECKING:
    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.judge.scores import Metric


def _folder(context: typer.Context, data: Path | None) -> Path | None:
    """`--data`, or the folder of its photos where it names an annotation file, which is kept for `--json-path`."""
    if data is None or not data.is_file() or all(one.name != "json_path" for one in context.command.params):
        return data
    from recyclecli.coco.layouts import photo_root

    context.meta[FILE] = str(data)
    return photo_root(data)


def _annotation_file(context: typer.Context, json_path: str | None) -> str | None:
    """`--json-path`, or the file that `--data` names."""
    from recyclecli.errors import RecycleError

    named = context.meta.get(FILE)
    if json_path is not None and named is not None:
        raise RecycleError(f"--data {named} is a file, and --json-path {json_path} another", "leave out one of the two")
    return json_path or named


FILE = "recyclecli.file"  # in a call's context: the annotation file that --data names
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The dataset's root, or its annotation file.  [default: $RECYCLE_DATA, else ./data]",
        callback=_folder,
        is_eager=True,
    ),
]
Dataset = Annotated[
    str, typer.Option("--dataset", help="Dataset component that reads it.", autocompletion=components("dataset"))
]
JsonPath = Annotated[
    str | None,
    typer.Option(
        "--json-path",
        help="Annotation file.  [default: train_all.json, train.json or annotations.json]",
        callback=_annotation_file,
    ),
]
DatasetOption = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        metavar="KEY=VALUE",
        help="data.dataset.KEY=VALUE, an option of the dataset component; repeatable.",
        autocompletion=dataset_options,
    ),
]
Crowds = Annotated[
    Literal["objects", "regions"] | None,
    typer.Option("--crowds", help="What iscrowd 1 means.  [default: objects where a file has no other kind]"),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, its name in runs/, or `last`.", autocompletion=runs)
]

MovedData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Where the run's data lies now.  [default: as its recipe says, else $RECYCLE_DATA]",
        callback=_folder,
        is_eager=True,
    ),
]

GroupBy = Annotated[
    str | None,
    typer.Option("--group-by", help="Photos that belong together: near-duplicates, folder, FIELD, or FIELD:REGEX."),
]
Tta = Annotated[
    list[str] | None,
    typer.Option("--tta", metavar="VIEW", help="Test-time view; repeatable.", autocompletion=views),
]
Post = Annotated[
    list[str] | None,
    typer.Option("--post", help="Post-processor; repeatable.", autocompletion=components("postprocessor")),
]
Plain = Annotated[bool, typer.Option("--plain", help="The bare model, whatever the run's pipeline is.")]
Window = Annotated[
    float, typer.Option("--window", metavar="ZOOM", help="Enlarge photos to ZOOM times the training size, see windows.")
]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="miou_dataset, miou_image, miou_256 or boundary_iou.  [default: miou_dataset]",
        autocompletion=metrics,
    ),
]
Worth = Annotated[float, typer.Option("--worth", min=0.0001, max=1, help="The smallest difference worth having.")]


def data_root(data: Path | None) -> Path:
    """The folder that `--data` means."""
    return data or data_folder()


def dataset_settings(option: list[str] | None, crowds: str | None = None) -> dict[str, object]:
    """The options of the dataset that `-o data.dataset.KEY=VALUE` and `--crowds` set; KEY=VALUE alone is the same.

    Raises:
        RecycleError: another key of the recipe.
    """
    from recyclecli.errors import RecycleError

    settings = {}
    for key, value in key_values("-o", option or []).items():
        name = key.removeprefix("data.dataset.")
        if "." in name or key == "data":
            raise RecycleError(f"-o {key}: only options of the dataset can be set here", "-o data.dataset.KEY=VALUE")
        settings[name] = value
    return settings | ({"crowds": crowds} if crowds else {})


def key_values(flag: str, texts: list[str]) -> dict[str, object]:
    """`key=value` texts of a repeatable flag as settings; values are read as YAML."""
    from recyclecli.errors import RecycleError
    from recyclecli.reading import parse_yaml

    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or key in settings:
            raise RecycleError(f"{flag} {text}: {'set twice' if key in settings else 'not of the form key=value'}")
        try:
            settings[key] = parse_yaml(value)
        except ValueError as error:
            raise RecycleError(
                f"{flag} {text[:80]}: the value is not YAML: {error}", f"write it as {flag} {key}=VALUE"
            ) from error
    return settings


def metric_option(name: str | None) -> Metric | None:
    """The score that `--metric` means."""
    from recyclecli.errors import RecycleError, nearest
    from recyclecli.judge.scores import METRICS

    for metric in METRICS:
        if name in (None, metric):
            return metric if name else None
    raise RecycleError(f"--metric {name}: no such score", nearest(str(name), METRICS))


def pipeline_option(tta: list[str] | None, post: list[str] | None, plain: bool, window: float = 0) -> Pipeline | None:
    """The pipeline that `--tta`, `--post`, `--plain` and `--window` mean; None for the run's own."""
    from recyclecli import api
    from recyclecli.errors import RecycleError

    if plain and (tta or post or window):
        raise RecycleError("--plain together with --tta, --post or --window", "leave out --plain")
    return api.pipeline(tta or (), post or (), window=window) if plain or tta or post or window else None
