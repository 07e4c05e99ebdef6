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
        "The whole line on the embedded sample set: sample, check, folds, copy-paste, train, eval, predict, report.",
        epilog="Example: `recycle demo --out demo`",
    ),
    Command(
        ("init",),
        "recycle_engine.cli.init:init",
        "Write a commented recipe for the data at hand.",
        epilog="Example: `recycle init --data DIR`, then `recycle train --recipe recipe.yaml`",
    ),
    Command(
        ("train",),
        "recycle_engine.cli.train:train",
        "Train a model; everything about the run lies in runs/NAME afterwards.",
        epilog="Example: `recycle train --plugin unetpp --loss ce --loss dice --epochs 40 -o model.encoder=resnet34`",
    ),
    Command(
        ("eval",),
        "recycle_engine.cli.evaluate:evaluate",
        "Score a run, a submission or stored masks: three mIoU side by side, each class, intervals over photos.",
        epilog="Example: `recycle eval last`, or a submission: `recycle eval --submission sub.csv --data data`",
    ),
    Command(
        ("compare",),
        "recycle_engine.cli.compare:compare",
        "Compare results on the same photos: difference, interval, each class, or 'not enough data'.",
        epilog="Example: `recycle compare unet-001 unetpp-001`, or `recycle compare last+plain last+hflip "
        "last+densecrf`",
    ),
    Command(
        ("ablate",),
        "recycle_engine.cli.ablate:ablate",
        "Keep or drop each trick by a paired test; `predict` uses the chosen pipeline from then on.",
        epilog="Example: `recycle ablate last`, or only some: `recycle ablate last --trick hflip --trick densecrf`",
    ),
    Command(
        ("predict",),
        "recycle_engine.cli.predict:predict",
        "Predict photos with the run's pipeline: masks with a palette, overlays, a submission file.",
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
        "Pick those models, each as often as it helps, whose mean scores best on labelled photos.",
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
        "Label photos with what a model is sure of; all else is ignored. `recycle train --train-json` takes the file.",
        epilog="Example: `recycle pseudo-label last photos --threshold 0.9 --out pseudo.json`",
    ),
    Command(
        ("runs",),
        "",
        "Trained runs: list, look at, delete, prune.",
    ),
    Command(
        ("runs", "list"),
        "recycle_engine.cli.runs:list_runs",
        "Every run, the newest first: when, model, data, score with interval, size on disk, state.",
        epilog="Example: `recycle runs list`",
    ),
    Command(
        ("runs", "show"),
        "recycle_engine.cli.runs:show_run",
        "All about a run: settings that differ from the default recipe, scores, versions, files, how it ended.",
        epilog="Example: `recycle runs show last`",
    ),
    Command(
        ("runs", "delete"),
        "recycle_engine.cli.runs:delete_runs",
        "Remove runs: their own files alone. Other files in their folders stay, and are named.",
        epilog="Example: `recycle runs delete unetpp-001`; in a script: `recycle runs delete --yes unetpp-001`",
    ),
    Command(
        ("runs", "prune"),
        "recycle_engine.cli.runs:prune_runs",
        "Remove the checkpoints of runs but the best; what resuming needs stays where a run is not finished.",
        epilog="Example: `recycle runs prune --all --dry-run`",
    ),
    Command(
        ("data", "oversample"),
        "recycle_engine.cli.oversample:oversample",
        "Paste objects of rare classes on photos of chosen classes: new photos and a COCO file.",
        epilog="Example: `recycle data oversample --patch Battery --background Metal --num 500`",
    ),
    Command(
        ("aug",),
        "recycle_engine.cli.aug:app",
        "Make new photos of the training photos.",
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
    summary = "What the model itself states as its loss; for models with a training_loss"
    yield LossComponent("model", "recycle_engine.training.loss_terms:NamesOwnLoss", Options, summary)


@hookimpl
def recycle_optimizers() -> Iterable[OptimizerComponent]:
    """What this distribution brings."""
    return OPTIMIZERS


@hookimpl
def recycle_schedules() -> Iterable[ScheduleComponent]:
    """What this distribution brings."""
    return SCHEDULE_COMPONENTS
