"""What completion offers of components, of datasets' layouts and options, and of `KEY=VALUE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import typer

from recyclecli.cli.candidates import Named, installed

if TYPE_CHECKING:
    from recyclecli.manifest import Setting
    from recyclecli.types import Kind


def fixed(choices: Sequence[str]) -> Callable[[], list[str]]:
    """Offers these values."""
    return lambda: list(choices)


def components(kind: Kind) -> Callable[[typer.Context], Named]:
    """Offers the installed components of a kind."""

    def offer(ctx: typer.Context) -> Named:
        return [(name, one.summary) for name, one in installed(ctx).of(kind).items()]

    return offer


def layouts(ctx: typer.Context) -> Named:
    """Offers the layouts of labels that the installed datasets recognise."""
    return [(name, text) for one in installed(ctx).components for name, text in one.layouts.items()]


def datasets(ctx: typer.Context) -> Named:
    """Offers the installed dataset components, then the layouts that they recognise."""
    known = {one.name: one.summary for one in installed(ctx).of("dataset").values()}
    return [*{**dict(layouts(ctx)), **known}.items()]


def options_of(kind: Kind, parameter: str) -> Callable[[typer.Context, str], Named]:
    """Offers the options of the component of a kind that another parameter of the command names."""

    def offer(ctx: typer.Context, incomplete: str) -> Named:
        part = installed(ctx).of(kind).get(str(ctx.params.get(parameter)))
        return assignments(((one.name, one) for one in part.settings) if part else (), incomplete)

    return offer


def dataset_options(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the options of the dataset that `--dataset` names, as keys of the recipe."""
    dataset = installed(ctx).of("dataset").get(str(ctx.params.get("dataset") or "coco"))
    settings = dataset.settings if dataset else ()
    return assignments(((f"data.dataset.{one.name}", one) for one in settings), incomplete)


def assignments(keys: Iterable[tuple[str, Setting]], incomplete: str) -> Named:
    """Offers `KEY=`, and after the `=` the values that are known."""
    wanted, equals, _ = incomplete.partition("=")
    if not equals:
        return [(f"{key}=", setting.help) for key, setting in keys]
    return [
        (f"{key}={value}", "")
        for key, setting in keys
        if key == wanted
        for value in (("true", "false") if setting.form == "flag" else setting.choices)
    ]
