"""Training, prediction and judging, on PyTorch Lightning. Notebooks use `recycle_engine.api`.

`training/` is from a recipe to weights, `inference/` from weights to labels, `evaluation/` scores runs with the
statistics of `judge/`, `offline_augment/` writes new photos; `cli/` parses and prints, `recipes/` are the named ones.
"""

from collections.abc import Iterable

from recycle_engine.cluster import forget_ranks
from recycle_engine.optimizer_options import OPTIMIZERS, SCHEDULE_COMPONENTS
from recycle_engine.threads import spin_briefly
from recyclecli import hookimpl
from recyclecli.types import (
    Check,
    Command,
    LossComponent,
    NamedRecipe,
    OptimizerComponent,
    Options,
    ScheduleComponent,
)

forget_ranks()
spin_briefly()

COMMANDS = (
    Command(
        ("demo",),
        "recycle_engine.cli.demo:demo",
        "Run the whole workflow on generated photos: check, folds, copy-paste, train, eval, predict, report.",
        epilog="Example: `recycle demo --out demo`",
    ),
    Command(
        ("init",),
        "recycle_engine.cli.init:init",
        "Write a commented recipe that fits your data.",
        epilog="Example: `recycle init --data DIR`, then `recycle train --recipe recipe.yaml`",
    ),
    Command(
        ("train",),
        "recycle_engine.cli.train:train",
        "Train a model; the folder runs/NAME holds everything about the run.",
        epilog="Example: `recycle train --plugin unetpp --loss ce --loss dice --epochs 40 -o model.encoder=resnet34`",
    ),
    Command(
        ("eval",),
        "recycle_engine.cli.evaluate:evaluate",
        "Score a run, a submission or stored masks: mIoU by three definitions, per class, with confidence intervals.",
        epilog="Example: `recycle eval last`, or a submission: `recycle eval --submission sub.csv --data data`",
    ),
    Command(
        ("compare",),
        "recycle_engine.cli.compare:compare",
        "Test the difference of results on the same photos, in all and per class; may answer 'not enough data'.",
        epilog="Example: `recycle compare unet-001 unetpp-001`, or `recycle compare last+plain last+hflip "
        "last+densecrf`",
    ),
    Command(
        ("ablate",),
        "recycle_engine.cli.ablate:ablate",
        "Keep or drop each test-time trick by a paired test; `predict` then uses the ones kept.",
        epilog="Example: `recycle ablate last`, or only some: `recycle ablate last --trick hflip --trick densecrf`",
    ),
    Command(
        ("predict",),
        "recycle_engine.cli.predict:predict",
        "Predict photos: masks with a palette, overlays, COCO, a submission file.",
        epilog="Example: `recycle predict last photos --out predicted --submission submission.csv`",
    ),
    Command(
        ("ensemble",),
        "recycle_engine.cli.ensemble:ensemble",
        "Predict with several models as one, by the mean of their probabilities or by votes; or vote with submissions.",
        epilog="Example: `recycle ensemble unet-001 fpn-001+hflip --images photos --out predicted --submission s.csv`",
    ),
    Command(
        ("select",),
        "recycle_engine.cli.select:select",
        "Choose models for an ensemble greedily, by the score of their mean on labelled photos.",
        epilog="Example: `recycle select unet-001 fpn-001 fpn-001+hflip`",
    ),
    Command(
        ("soup",),
        "recycle_engine.cli.soup:soup",
        "Average the weights of several models into a new run.",
        epilog="Example: `recycle soup unet-001 unet-002 --name mean`",
    ),
    Command(
        ("pseudo-label",),
        "recycle_engine.cli.pseudo:pseudo_label",
        "Label photos with a model's confident pixels; all others are ignored. For `recycle train --train-json`.",
        epilog="Example: `recycle pseudo-label last photos --threshold 0.9 --out pseudo.json`",
    ),
    Command(
        ("runs",),
        "",
        "List, show, delete and prune runs.",
    ),
    Command(
        ("runs", "list"),
        "recycle_engine.cli.runs:list_runs",
        "List runs, newest first: time, model, data, score with interval, size on disk, state.",
        epilog="Example: `recycle runs list`",
    ),
    Command(
        ("runs", "show"),
        "recycle_engine.cli.runs:show_run",
        "Show a run: settings that differ from the default recipe, scores, versions, files, how it ended.",
        epilog="Example: `recycle runs show last`",
    ),
    Command(
        ("runs", "delete"),
        "recycle_engine.cli.runs:delete_runs",
        "Remove runs. Files in their folders that recycle did not write are kept and named.",
        epilog="Example: `recycle runs delete unetpp-001`; in a script: `recycle runs delete --yes unetpp-001`",
    ),
    Command(
        ("runs", "prune"),
        "recycle_engine.cli.runs:prune_runs",
        "Remove all checkpoints but the best; an unfinished run keeps what resuming needs.",
        epilog="Example: `recycle runs prune --all --dry-run`",
    ),
    Command(
        ("data", "oversample"),
        "recycle_engine.cli.oversample:oversample",
        "Write new photos with objects of rare classes pasted on photos of chosen classes.",
        epilog="Example: `recycle data oversample --patch Battery --background Metal --num 500`",
    ),
    Command(
        ("aug",),
        "recycle_engine.cli.aug:app",
        "Write augmented copies of the training photos.",
    ),
)


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    return COMMANDS


@hookimpl
def recycle_recipes() -> Iterable[NamedRecipe]:
    """What this distribution brings."""
    yield NamedRecipe("default", "recycle_engine:recipes/default.yaml", "What a bare `recycle train` trains")
    yield NamedRecipe("contest", "recycle_engine:recipes/contest.yaml", "As a team trained in the recyclables contest")


@hookimpl
def recycle_checks() -> Iterable[Check]:
    """What this distribution brings."""
    yield Check("torch", "recycle_engine.doctor:examine", "torch, torchvision, GPUs, Lightning")


@hookimpl
def recycle_losses() -> Iterable[LossComponent]:
    """What this distribution brings."""
    summary = "The model's own loss, for models with a training_loss"
    yield LossComponent("model", "recycle_engine.training.loss_terms:NamesOwnLoss", Options, summary)


@hookimpl
def recycle_optimizers() -> Iterable[OptimizerComponent]:
    """What this distribution brings."""
    return OPTIMIZERS


@hookimpl
def recycle_schedules() -> Iterable[ScheduleComponent]:
    """What this distribution brings."""
    return SCHEDULE_COMPONENTS
