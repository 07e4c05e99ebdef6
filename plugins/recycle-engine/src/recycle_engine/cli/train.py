"""`recycle train`"""

from __future__ import annotations

import shlex
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal

import typer
from recycle_data.cli.candidates import components
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import recipe_keys, train_setting
from recycle_engine.cli.candidates import runs as run_names
from recycle_engine.cli.groups import DataArgs, expand_groups
from recyclecli.cli.candidates import recipes
from recyclecli.errors import counted

PICKLED = frozenset({".pt", ".pth", ".ckpt", ".bin", ".pkl", ".tar"})
RESUMED = {"data.root", "train.epochs"}  # what may be said of a run that is resumed


@expand_groups
@in_workspace
def train(
    *,
    plugin: Annotated[
        str | None, typer.Option("--plugin", "--model", help="Model component.", autocompletion=components("model"))
    ] = None,
    trained: DataArgs,
    loss: Annotated[
        list[str] | None,
        typer.Option("--loss", help="Loss component; several are added up.", autocompletion=components("loss")),
    ] = None,
    aug: Annotated[
        list[str] | None,
        typer.Option(
            "--aug", help="Augmentation component; applied in order.", autocompletion=components("augmentation")
        ),
    ] = None,
    folds: Annotated[
        Literal["all"] | None, typer.Option("--folds", help="Train every fold of folds.json and score them together.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Time that all may take; size and epochs are chosen for it.")
    ] = None,
    hours: Annotated[float | None, typer.Option("--hours", help="The same in hours.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the training photos.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Photos per device and step.")] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Peak learning rate.")] = None,
    find_lr: Annotated[bool, typer.Option("--find-lr", help="First find the learning rate by a range test.")] = False,
    optimizer: Annotated[
        str | None, typer.Option("--optimizer", help="Optimizer component.", autocompletion=components("optimizer"))
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision", help="auto, 32, tf32, 16-mixed, bf16-mixed.", autocompletion=train_setting("precision")
        ),
    ] = None,
    devices: Annotated[
        str | None, typer.Option("--devices", help="Number of devices, -1 for all, or a list: 0,3.")
    ] = None,
    num_nodes: Annotated[int | None, typer.Option("--num-nodes", help="Machines.")] = None,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="auto or ddp.", autocompletion=train_setting("strategy"))
    ] = None,
    overfit_batches: Annotated[
        int | None, typer.Option("--overfit-batches", help="Train and validate on this many batches, for debugging.")
    ] = None,
    init_from: Annotated[
        str | None,
        typer.Option(
            "--init-from",
            metavar="RUN",
            help="Start from a run's weights, or a checkpoint's.",
            autocompletion=run_names,
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same run.")] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe",
            metavar="NAME|FILE",
            help="Recipe, by name or a YAML file; see `recycle recipes list`.  [default: default]",
            autocompletion=recipes,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o", metavar="KEY=VALUE", help="Set any key of the recipe; repeatable.", autocompletion=recipe_keys
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the run.  [default: the model's and a number]")] = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder with the runs.")] = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Resume a run, or `last`; --epochs trains longer, --data says where its data is now.",
            autocompletion=run_names,
        ),
    ] = None,
) -> None:
    """Train a model; the folder runs/NAME holds everything about the run."""
    from recycle_engine import api
    from recycle_engine.runs import find_run
    from recyclecli.errors import RecycleError

    flags: dict[str, Any] = {
        "model": plugin,
        **trained.settings,
        "loss": loss or None,
        "aug": aug or None,
        "train.epochs": epochs,
        "train.batch_size": batch_size,
        "train.lr": lr,
        "train.find_lr": find_lr or None,
        "train.optimizer": optimizer,
        "train.precision": precision,
        "train.devices": devices,
        "train.num_nodes": num_nodes,
        "train.strategy": strategy,
        "train.overfit_batches": overfit_batches,
        "train.init_from": None if init_from is None else str(_weights(init_from, runs)),
        "seed": seed,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    if minutes is not None and hours is not None:
        raise RecycleError("both --minutes and --hours are given", "leave out one of the two")
    minutes = minutes if hours is None else hours * 60
    if resume is not None and (given.keys() - RESUMED or option or recipe or name or folds or minutes is not None):
        raise RecycleError(
            "a resumed run keeps its own recipe",
            "leave out everything but --resume, --epochs and --data, or begin a new run from its weights: "
            f"--init-from {quote(resume)}",
        )
    if folds is not None:
        _all_folds(given, option or [], recipe, name, runs, minutes)
        return
    if resume is None:
        done = api.train(given, recipe, name, runs, overrides=option or (), minutes=minutes)
    else:
        done = api.resume(find_run(resume, runs), epochs, given.get("data.root"))
    if not done.first:
        return
    print(f"best val {done.score} {done.best:.4f} after {counted(done.epochs, 'epoch')}, at the training size")
    print(f"run       {done.run.folder}")
    print(f"weights   {done.run.best}")
    for line in done.said:
        print(line)
    print(f"curves    {done.run.metrics}; tensorboard --logdir {shlex.quote(str(done.run.folder.parent))}")
    print(f"next      recycle eval {shlex.quote(str(done.run.folder))}")


def _weights(name: str, runs: Path) -> Path:
    """The checkpoint that `--init-from` means: a file's, or the best of a run."""
    from recycle_engine.runs import find_run
    from recyclecli.errors import RecycleError

    file = Path(name)
    if file.suffix.lower() in PICKLED and file.is_file():
        made = quote(str(file.with_suffix(".safetensors")))
        line = "import sys, torch, safetensors.torch as s; w = torch.load(sys.argv[1], weights_only=True); "
        line += "s.save_file({k: v.contiguous() for k, v in w.get('state_dict', w).items()}, sys.argv[2])"
        raise RecycleError(
            f"{file} is pickled, and of files the weights of safetensors are read",
            f'if it holds tensors by name: python -c "{line}" {quote(name)} {made}',
        )
    if "://" in name:
        raise RecycleError(f"{name} is an address", "download the file, and name it")
    return file.absolute() if name.endswith(".safetensors") else find_run(name, runs).best.absolute()


def _all_folds(
    given: dict[str, Any],
    option: list[str],
    recipe: str | None,
    name: str | None,
    runs: Path,
    minutes: float | None,
) -> None:
    from recycle_engine import api
    from recycle_engine.cli.evaluate import print_evaluation

    done = api.train_folds(given, recipe, name, runs, option, minutes)
    print(f"every photo predicted by the run that did not learn from it, {counted(len(done.runs), 'run')}:")
    print_evaluation(done.result)
    for run in done.runs:
        print(f"run       {run.folder}")
    print(f"scores    {done.file}")
