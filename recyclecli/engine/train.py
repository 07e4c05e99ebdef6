"""From a recipe to a trained run: build the parts, wire them to Lightning's Trainer, fit.

recycle train --data DIR --plugin unetpp
torchrun --nproc-per-node 8 -m recyclecli train --data DIR --devices 8
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from recyclecli import __version__
from recyclecli.data.palette import palette
from recyclecli.data.sources import pixel_counts
from recyclecli.data.splits import Split
from recyclecli.engine.batch import build
from recyclecli.engine.callbacks import MetricsFile, keep_checkpoints, weight_average
from recyclecli.engine.checkpoint import card
from recyclecli.engine.data import PhotoData
from recyclecli.engine.module import SegmentationModule
from recyclecli.engine.runs import Run, create_run
from recyclecli.engine.saving import WholeFiles
from recyclecli.errors import RecycleError, RunFailed, listed
from recyclecli.files import write_json, write_text
from recyclecli.plugins import ALLOW_LIST, Registry, allow_list
from recyclecli.recipe import Recipe
from recyclecli.types import LossContext, ModelContext

CALLBACK_GROUP = "lightning.pytorch.callbacks_factory"  # any installed package may add callbacks through it


@dataclass(frozen=True, slots=True)
class Finished:
    """How a training ended.

    Attributes:
        run: its folder.
        how: where the split came from.
        epochs: whole epochs done, earlier ones included.
        best_miou: the best validation mIoU at the training size.
    """

    run: Run
    how: str
    epochs: int
    best_miou: float


def train(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    name: str | None = None,
    runs: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> Finished:
    """Train what `recipe` says in a new run folder.

    All parts are built before the folder is made.

    Args:
        registry: the installed components.
        recipe: from `resolve`.
        split: from `make_split`.
        name: of the run; the model's name and a number when left out.
        runs: folder of the runs.
        callbacks: of Lightning's, beside our own.

    Raises:
        RecycleError: bad input. RunFailed: out of memory, a full disk.
    """
    _refuse_foreign_callbacks()
    _refuse_several(recipe)
    recipe = recipe.model_copy(update={"data": split.data})
    module = _module(registry, recipe, split)
    run = create_run(name, recipe.model.name, runs or Path("runs"))
    print(f"training on {len(split.train)} photos, validating on {len(split.val)}: {split.how}", file=sys.stderr)
    print(f"run folder: {run.folder}", file=sys.stderr)
    write_json(run.env, environment(registry), indent=1)
    write_text(run.recipe, recipe.to_yaml())
    try:
        return _fit(recipe, split, module, run, callbacks)
    except RecycleError:
        if not run.checkpoints.exists():  # nothing was trained, so nothing is left to resume
            shutil.rmtree(run.folder)
        raise


def resume(registry: Registry, recipe: Recipe, split: Split, run: Run) -> Finished:
    """Go on with an interrupted run from the end of its last whole epoch.

    `recipe` and `split` are the run's own.
    """
    _refuse_foreign_callbacks()
    run.clear_parts()
    run.pipeline.unlink(missing_ok=True)  # it was chosen for other weights
    print(f"going on with {run.folder}: {split.how}", file=sys.stderr)
    return _fit(recipe, split, _module(registry, recipe, split, pretrained=not run.last.is_file()), run)


def environment(registry: Registry) -> dict[str, object]:
    """Versions, machine and plugins, for env.json."""
    packages = ("torch", "torchvision", "lightning", "segmentation-models-pytorch", "timm", "kornia", "numpy")
    return {
        "recyclecli": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in packages if find_spec(name.replace("-", "_"))},
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] or ["cpu"],
        "threads": torch.get_num_threads(),
        "plugins": {plugin.distribution: f"{plugin.version} {plugin.state}" for plugin in registry.plugins},
        "lightning_callback_factories": _foreign_callbacks(),
        "command": sys.argv,
    }


def _module(registry: Registry, recipe: Recipe, split: Split, pretrained: bool = True) -> SegmentationModule:
    """All parts of the recipe, built from its seed; no weights are fetched unless `pretrained`."""
    L.seed_everything(recipe.seed, verbose=False)
    names = split.train.class_names
    context = ModelContext(len(names), pretrained=pretrained)
    model = registry.build("model", recipe.model.name, recipe.model.options, context)
    loss_context = LossContext(names, lambda: pixel_counts(split.train))
    losses = [(part.weight, registry.build("loss", part.name, part.options, loss_context)) for part in recipe.loss]
    augs = [build(registry, part, split.train) for part in recipe.aug]
    described = card(recipe, names, palette(names, recipe.data.root), split.how)
    return SegmentationModule(model, losses, augs, names, recipe, described)


def _fit(recipe: Recipe, split: Split, module: SegmentationModule, run: Run, more: Sequence[Callback] = ()) -> Finished:
    settings = recipe.train
    callbacks: list[Callback] = [weight_average(settings.ema)] if settings.ema else []
    callbacks += [MetricsFile(run, split.train.class_names), *keep_checkpoints(run), *more]
    if sys.stderr.isatty():
        callbacks.append(RichProgressBar(leave=True, console_kwargs={"stderr": True}))
    _quieten()
    try:
        trainer = _trainer(recipe, run, callbacks)
    except (MisconfigurationException, ValueError) as error:
        raise RecycleError(
            f"this machine cannot train so: {error}",
            f"check --devices {settings.devices}, --strategy {settings.strategy}, --precision {settings.precision}",
        ) from error
    try:
        trainer.fit(
            module,
            datamodule=PhotoData(split, recipe),
            ckpt_path=str(run.last) if run.last.is_file() else None,
            weights_only=True,
        )
    except SystemExit as end:  # what Lightning makes of Ctrl-C, deaf to further ones
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    except torch.OutOfMemoryError as error:
        raise RunFailed(
            f"out of memory in {run.folder}: {str(error).splitlines()[0]}",
            f"lower train.batch_size ({settings.batch_size}) or data.size ({recipe.data.size}), "
            "with train.accumulate for the same step",
        ) from error
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise RecycleError(
            f"{recipe.model.name} cannot learn from batches of one photo: {error}",
            "use --batch-size 2 or more, and at least two training photos",
        ) from error
    best = next((callback for callback in callbacks if getattr(callback, "monitor", None)), None)
    score = getattr(best, "best_model_score", None)
    return Finished(run, split.how, trainer.current_epoch, float("nan") if score is None else float(score))


def _trainer(recipe: Recipe, run: Run, callbacks: list[Callback]) -> L.Trainer:
    settings = recipe.train
    return L.Trainer(
        max_epochs=settings.epochs,
        precision=_precision(settings.precision),  # type: ignore[arg-type]
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip,
        deterministic="warn" if settings.deterministic else False,
        benchmark=not settings.deterministic,
        devices=1 if settings.devices == "auto" else int(settings.devices),
        num_nodes=settings.num_nodes,
        strategy=settings.strategy,
        callbacks=callbacks,
        plugins=[WholeFiles()],
        logger=_tensorboard(run),
        default_root_dir=str(run.folder),
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=sys.stderr.isatty(),
        log_every_n_steps=10,
    )


def _precision(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "bf16-mixed" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "32-true"


def _tensorboard(run: Run) -> TensorBoardLogger:
    """Events in the run's folder; when resumed, those after the checkpoint's step are marked void."""
    purge: dict[str, Any] = {}
    if run.last.is_file():
        purge["purge_step"] = int(WholeFiles().load_checkpoint(run.last)["global_step"]) + 1
    return TensorBoardLogger(str(run.folder), name="tensorboard", version="", **purge)


def _foreign_callbacks() -> list[str]:
    return sorted(f"{point.name} ({point.value})" for point in entry_points(group=CALLBACK_GROUP))


def _refuse_foreign_callbacks() -> None:
    """Under an allow-list of plugins nothing else may join the training either."""
    foreign = _foreign_callbacks()
    if foreign and allow_list() is not None:
        raise RecycleError(
            f"${ALLOW_LIST} is set, but Lightning would load callbacks of {listed(foreign)}",
            f"uninstall what brings them, or unset ${ALLOW_LIST}",
        )


def _refuse_several(recipe: Recipe) -> None:
    """Several processes would each make a run of their own: one trains, until that is solved."""
    settings = recipe.train
    world = os.environ.get("WORLD_SIZE", "1")
    if settings.devices not in ("auto", "1") or settings.num_nodes > 1 or world != "1":
        raise RecycleError(
            f"this version trains on one device, not on devices {settings.devices}, nodes {settings.num_nodes}, "
            f"processes {world}",
            "use --devices 1, or check what a newer version does",
        )


def _quieten() -> None:
    """Keep Lightning's advice that does not apply to our users out of their terminal."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*number of training batches.*",
        ".*isinstance.treespec.*",
        ".*overridden `on_after_batch_transfer`.*",
    ):
        warnings.filterwarnings("ignore", message)
    if not torch.cuda.is_available():  # several processes on few cores would spin against each other
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
