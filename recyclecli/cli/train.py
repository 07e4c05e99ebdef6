"""`recycle train`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from recyclecli.cli.groups import Trained, flat

EXAMPLE = "Example: `recycle train --plugin unetpp --loss ce --loss dice --epochs 40 -o model.encoder=resnet34`"


@flat
def train(
    *,
    plugin: Annotated[str | None, typer.Option("--plugin", "--model", help="Model component.")] = None,
    trained: Trained,
    loss: Annotated[list[str] | None, typer.Option("--loss", help="Loss component; several are added up.")] = None,
    aug: Annotated[list[str] | None, typer.Option("--aug", help="Augmentation component; applied in order.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Peak learning rate.")] = None,
    optimizer: Annotated[str | None, typer.Option("--optimizer")] = None,
    precision: Annotated[str | None, typer.Option("--precision")] = None,
    devices: Annotated[str | None, typer.Option("--devices")] = None,
    num_nodes: Annotated[int | None, typer.Option("--num-nodes")] = None,
    strategy: Annotated[str | None, typer.Option("--strategy")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same run.")] = None,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="YAML recipe.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("-o", metavar="KEY=VALUE", help="Any key of the recipe; repeatable.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the run.  [default: the model's and a number]")] = None,
    resume: Annotated[str | None, typer.Option("--resume", metavar="RUN", help="Go on with a run, or `last`.")] = None,
) -> None:
    """Train a model; everything about the run lies in runs/NAME afterwards."""
    from recyclecli.data.splits import make_split
    from recyclecli.engine.runs import find_run
    from recyclecli.errors import RecycleError
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    flags: dict[str, Any] = {
        "model": plugin,
        **trained.settings,
        "loss": loss or None,
        "aug": aug or None,
        "train.epochs": epochs,
        "train.batch_size": batch_size,
        "train.lr": lr,
        "train.optimizer": optimizer,
        "train.precision": precision,
        "train.devices": devices,
        "train.num_nodes": num_nodes,
        "train.strategy": strategy,
        "seed": seed,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    registry = discover()
    if resume is None:
        resolved = resolve(registry, recipe, given, option or [])
        split = make_split(registry, resolved.data, resolved.seed)
        from recyclecli.engine.train import train as start

        done = start(registry, resolved, split, name)
    else:
        if given or option or recipe or name:
            raise RecycleError("a resumed run keeps its own recipe", "leave out everything but --resume")
        run = find_run(resume)
        resolved = resolve(registry, run.recipe)
        split = make_split(registry, resolved.data, resolved.seed)
        from recyclecli.engine.train import resume as go_on

        done = go_on(registry, resolved, split, run)
    from recyclecli.report.page import write_report

    resolved = resolved.model_copy(update={"data": split.data})
    file, result = write_report(registry, done.run, resolved, split)
    print(f"best val mIoU {done.best_miou:.4f} after {done.epochs} epochs, at the training size")
    print(f"run       {done.run.folder}")
    print(f"weights   {done.run.best}")
    print(f"report    {file}: mIoU of the dataset {result.miou_dataset:.4f} at the photos' own size")
    print(f"next      recycle eval {done.run.folder}")
