"""`recycle data convert`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Force

EXAMPLE = "Example: `recycle data convert voc data --from masks --to coco`"


def convert(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="The data's root.")],
    dst: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write to.")],
    origin: Annotated[str, typer.Option("--from", metavar="F", help="Dataset component that reads SRC.")],
    form: Annotated[str, typer.Option("--to", metavar="F", help="coco, masks or yolo.")],
    split: Annotated[
        str | None, typer.Option("--split", help="Annotation file or split of SRC.  [default: all of it]")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="KEY=VALUE", help="Option of the dataset component; repeatable."),
    ] = None,
    polygons: Annotated[
        bool, typer.Option("--polygons", help="COCO polygons with holes instead of RLE, for tools that need them.")
    ] = False,
    force: Force = False,
) -> None:
    """Write photos and labels in another format: COCO, index masks (VOC, mmseg) or YOLO."""
    from recyclecli.data.convert import convert as convert_data
    from recyclecli.plugins import discover

    settings = _settings(option or [])
    print(
        convert_data(discover(), src, dst, origin, form, split=split, options=settings, polygons=polygons, force=force)
    )


def _settings(texts: list[str]) -> dict[str, object]:
    """`key=value` texts as settings; values are read as YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from recyclecli.errors import RecycleError

    settings: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or key in settings:
            raise RecycleError(f"-o {text}: {'set twice' if equals else 'not of the form key=value'}")
        try:
            settings[key] = YAML(typ="safe", pure=True).load(value)
        except (YAMLError, RecursionError) as error:
            raise RecycleError(f"-o {text[:80]}: the value is not YAML") from error
    return settings
