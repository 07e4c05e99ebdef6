"""Options of commands that read labelled photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recycle_data.cli.candidates import dataset_options, datasets
from recyclecli.home import data_folder


def folder_of(context: typer.Context, data: Path | None) -> Path | None:
    """`--data`, or the folder of its photos where it names an annotation file, which is kept for `--json-path`."""
    if data is None or not data.is_file() or all(one.name != "json_path" for one in context.command.params):
        return data
    from recycle_coco.layouts import photo_root

    context.meta[FILE_KEY] = str(data)
    return photo_root(data)


def _annotation_file(context: typer.Context, json_path: str | None) -> str | None:
    """`--json-path`, or the file that `--data` names."""
    from recyclecli.errors import RecycleError

    named = context.meta.get(FILE_KEY)
    if json_path is not None and named is not None:
        raise RecycleError(f"--data {named} is a file, and --json-path {json_path} another", "leave out one of the two")
    return json_path or named


def root_and_file(place: Path, named: str | None = None) -> tuple[Path, str | None]:
    """The root that an argument means, and the annotation file: the argument where it is one, else `named`.

    Raises:
        RecycleError: it is a file, and `named` another.
    """
    if not place.is_file():
        return place, named
    from recycle_coco.layouts import photo_root

    from recyclecli.errors import RecycleError

    if named is not None:
        raise RecycleError(f"{place} is a file, and {named} another", "leave out one of the two")
    return photo_root(place), str(place)


FILE_KEY = "recyclecli.file"  # in a call's context: the annotation file that --data names
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The dataset's root, or its annotation file.  [default: $RECYCLE_DATA, else ./data]",
        callback=folder_of,
        is_eager=True,
    ),
]
Dataset = Annotated[
    str, typer.Option("--dataset", help="Dataset component or layout that reads it.", autocompletion=datasets)
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
CrowdsOption = Annotated[
    Literal["objects", "regions"] | None,
    typer.Option(
        "--crowds",
        help="Whether iscrowd 1 marks objects or regions.  [default: objects where a file has no other kind]",
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by", help="Resample related photos together: near-duplicates, folder, FIELD, or FIELD:REGEX."
    ),
]


def data_root(data: Path | None) -> Path:
    """The folder that `--data` means."""
    from recycle_coco.variables import say_unknown_variables

    say_unknown_variables()
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
    from recycle_coco.yaml import parse_yaml

    from recyclecli.errors import RecycleError

    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or key in settings:
            raise RecycleError(f"{flag} {text}: {'set twice' if key in settings else 'not of the form key=value'}")
        try:
            settings[key] = parse_yaml(value)
        except ValueError as error:
            raise RecycleError(
                f"{flag} {text[:80]}: the value is not YAML: {error}", f"write it as {flag} {key}=VALUE"
            ) from error
    return settings
