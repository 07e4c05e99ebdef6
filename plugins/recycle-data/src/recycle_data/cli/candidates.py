"""What completion offers of datasets: their layouts and options."""

from __future__ import annotations

import typer

from recyclecli.cli.candidates import Named, assignments, installed


def layouts(ctx: typer.Context) -> Named:
    """Offers the layouts of labels that the installed datasets recognise."""
    return [(name, text) for one in installed(ctx).components for name, text in one.layouts.items()]


def datasets(ctx: typer.Context) -> Named:
    """Offers the installed dataset components, then the layouts that they recognise."""
    known = {one.name: one.summary for one in installed(ctx).of("dataset").values()}
    return [*{**dict(layouts(ctx)), **known}.items()]


def dataset_keys(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the options of the dataset that `--from` names."""
    dataset = installed(ctx).of("dataset").get(str(ctx.params.get("origin")))
    return assignments(((one.name, one) for one in dataset.settings) if dataset else (), incomplete)


def dataset_options(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the options of the dataset that `--dataset` names, as keys of the recipe."""
    dataset = installed(ctx).of("dataset").get(str(ctx.params.get("dataset") or "coco"))
    settings = dataset.settings if dataset else ()
    return assignments(((f"data.dataset.{one.name}", one) for one in settings), incomplete)
