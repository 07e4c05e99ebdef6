"""Lightning's Trainer as a recipe asks for it: devices, precision, loggers, callbacks."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Literal

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.strategies import DDPStrategy, Strategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
from recycle_coco.once import warn_once
from recycle_data.splits import Split

from recycle_engine.cluster import by_srun, launched
from recycle_engine.gpu_driver import unused_gpu
from recycle_engine.history.metrics import monitored
from recycle_engine.runs import Run
from recycle_engine.training.background_checkpoints import BackgroundCheckpointIO
from recycle_engine.training.callbacks import MetricsFile, keep_checkpoints
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO
from recycle_engine.training.ema import weight_average
from recycle_engine.training.freeze import FreezeEncoder
from recycle_engine.training.image_logger import LogPredictions
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.nan_guard import NaNGuard
from recycle_engine.training.progress_bar import TrainingBar
from recyclecli.errors import RecycleError, join_limited
from recyclecli.files import FULL
from recyclecli.printable import short_repr
from recyclecli.recipe import Recipe
from recyclecli.settings import TrainSection

log = logging.getLogger("recycle.engine")

DETERMINISM: Any = torch.utils.deterministic

MOST_DEVICES = 4096  # of one machine
LIGHTNING_PREFIX = "PL_TRAINER_"  # how Lightning's variables begin that stand for arguments of its Trainer


def callbacks_of(recipe: Recipe, split: Split, module: SegmentationModule, run: Run) -> list[Callback]:
    """Everything that happens around the loop, in order; the checkpoints are written last.

    Raises:
        RecycleError: `train.monitor` is no score, see `monitored`, or the encoder cannot be frozen.
    """
    settings, names = recipe.train, split.train.class_names
    average = weight_average(settings)
    score, mode = monitored(settings.monitor, settings.monitor_mode, names)
    callbacks: list[Callback] = [
        *([average] if average else []),
        *([FreezeEncoder(settings, module.model)] if settings.freeze_epochs or settings.freeze_norm else []),
        NaNGuard(run, recipe, split.train),
        MetricsFile(run, names, score),
        LogPredictions(module.card["palette"]),
        *keep_checkpoints(run, settings.save_top_k, score, mode),
    ]
    if settings.patience:
        callbacks.append(EarlyStopping(score, patience=settings.patience, mode=mode, check_finite=False))
    return [*callbacks, TrainingBar()]


def make_trainer(recipe: Recipe, run: Run, callbacks: Sequence[Callback], **changes: Any) -> L.Trainer:
    """The Trainer, on the devices that the recipe names.

    Args:
        recipe: a resolved recipe.
        run: where checkpoints and logs go.
        callbacks: from `callbacks_of`, and further ones.
        changes: arguments of Trainer's that differ.

    Raises:
        RecycleError: this machine cannot train so.
    """
    settings = recipe.train
    quieten()
    if unused := unused_gpu():
        warn_once(log, f"warning: training on the CPU: {unused[0]}\n  {unused[1]}")
    devices, nodes = _devices(settings)
    # what a convolution or a product of float32 may be rounded to: for tf32, ten bits
    torch.set_float32_matmul_precision("high" if settings.precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = settings.precision == "tf32"
    deterministic = not torch.cuda.is_available() if settings.deterministic == "auto" else settings.deterministic
    # else each new tensor would be filled first, in case something reads what it has not written
    DETERMINISM.fill_uninitialized_memory = False
    several = nodes > 1 or not (devices == 1 or (isinstance(devices, list) and len(devices) == 1))
    arguments: dict[str, Any] = {
        "max_epochs": settings.epochs,
        "precision": precision_of(settings.precision),
        "accumulate_grad_batches": settings.accumulate_grad_batches,
        "gradient_clip_val": settings.grad_clip,
        "deterministic": "warn" if deterministic else False,
        "benchmark": settings.deterministic is False,  # cuDNN's search delays the first steps by 10 s or more
        "devices": devices,
        "num_nodes": nodes,
        "strategy": _strategy(settings, several),
        "sync_batchnorm": several and torch.cuda.is_available(),
        "callbacks": list(callbacks),
        "plugins": [BackgroundCheckpointIO(run.folder), *_alone()],
        "logger": [_logger(name, run) for name in settings.loggers],
        "default_root_dir": str(run.folder),
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
        "enable_model_summary": False,
        "enable_progress_bar": False,  # Lightning's takes several lines at 80 columns
        "log_every_n_steps": 10,
    }
    _forget_defaults()
    try:
        return L.Trainer(**arguments | changes)
    except (MisconfigurationException, ValueError, TypeError, RuntimeError) as error:
        changed = [
            f"{flag} {default}"
            for flag, value, default in (
                ("--devices", settings.devices, "auto"),
                ("--num-nodes", settings.num_nodes, 1),
                ("--strategy", settings.strategy, "auto"),
                ("--precision", settings.precision, "auto"),
            )
            if value != default
        ]
        remedy = f"try the default instead: {' '.join(changed)}" if changed else "`recycle doctor` tells what it sees"
        raise RecycleError(f"this machine cannot train so: {error}", remedy) from error


def _forget_defaults() -> None:
    """Drop the variables that Lightning takes arguments of its Trainer from: what trains is what the recipe says."""
    if found := sorted(name for name in os.environ if name.startswith(LIGHTNING_PREFIX)):
        for name in found:
            del os.environ[name]
        log.warning(
            f"note: {join_limited(found)} in the environment changes nothing: a run is trained as its recipe says"
        )


def _alone() -> list[LightningEnvironment]:
    """What tells Lightning that this process is none of srun's, whatever an allocation's variables say."""
    return [LightningEnvironment()] if "SLURM_NTASKS" in os.environ and launched() is None else []


def _devices(settings: TrainSection) -> tuple[int | list[int], int]:
    """Devices of each node, and nodes: as told, else as torchrun or srun started us, else one."""
    started = launched()
    if settings.devices == "auto":
        return started or (1, settings.num_nodes)
    try:
        numbers = [int(part) for part in settings.devices.split(",")]
    except ValueError as error:
        raise RecycleError(
            f"train.devices = {settings.devices!r} is no number of devices", "8, -1 for all, or 0,3 for these two"
        ) from error
    if max(map(abs, numbers)) > MOST_DEVICES:
        raise RecycleError(
            f"train.devices = {short_repr(settings.devices)}: one machine has at most {MOST_DEVICES}", "--devices auto"
        )
    if "," in settings.devices:
        return numbers, settings.num_nodes
    if started and (numbers[0], settings.num_nodes) != started:
        starter = "srun" if started == by_srun() else "torchrun"
        raise RecycleError(
            f"{starter} started {started[0]} processes on each of {started[1]} nodes, and the recipe asks for "
            f"{numbers[0]} devices on {settings.num_nodes}",
            f"leave out --devices and --num-nodes under {starter}",
        )
    return numbers[0], settings.num_nodes


def _strategy(settings: TrainSection, several: bool) -> str | Strategy:
    if settings.strategy == "ddp" or several:
        # weights that are frozen for a while get no gradient, which DDP must be told of
        return DDPStrategy(find_unused_parameters=settings.freeze_epochs > 0, gradient_as_bucket_view=True)
    return "auto"


def possible(settings: TrainSection) -> TrainSection:
    """The settings with a precision that this machine computes in: without a GPU neither 16-mixed nor tf32."""
    instead: dict[str, Literal["32", "bf16-mixed"]] = {"16-mixed": "bf16-mixed", "tf32": "32"}
    if torch.cuda.is_available() or settings.precision not in instead:
        return settings
    taken = instead[settings.precision]
    log.warning(f"note: train.precision = {settings.precision} needs a GPU; training and recording {taken}")
    return settings.model_copy(update={"precision": taken})


def precision_of(wanted: str) -> str:
    """What `train.precision` means on this machine, as Lightning calls it."""
    if wanted == "tf32":
        return "32-true"
    if wanted not in ("auto", "32"):
        return wanted
    if wanted == "32":
        return "32-true"
    if torch.cuda.is_available():
        has_bf16 = torch.cuda.is_bf16_supported()
    else:  # torch before 2.10 does not tell
        cpu: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        has_bf16 = bool(cpu.get("avx512_bf16") or cpu.get("amx_bf16"))
    return "bf16-mixed" if has_bf16 else "32-true"


def _logger(name: str, run: Run) -> Logger:
    """Where curves and photos go. TensorBoard's events after the checkpoint's step are void when resumed.

    Raises:
        RecycleError: its package is not installed.
    """
    if name == "tensorboard":
        purge: dict[str, Any] = {}
        if run.last.exists():
            purge["purge_step"] = int(AtomicCheckpointIO().load_checkpoint(run.last)["global_step"]) + 1
        return TensorBoardLogger(str(run.folder), name="tensorboard", version="", **purge)
    if find_spec(name) is None:
        raise RecycleError(f"train.loggers names {name}, which is not installed", f"pip install {name}")
    try:
        if name == "wandb":
            return WandbLogger(name=run.folder.name, project="recycle", save_dir=str(run.folder))
        place = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{run.folder.parent.absolute()}/mlflow.db")
        logger = MLFlowLogger("recycle", run_name=run.folder.name, tracking_uri=place)
        logger.run_id  # noqa: B018  # it is asked of the server now, not in the first epoch
        return logger
    except Exception as error:  # each raises its own types
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RecycleError(
            f"{name} cannot be used: {reason}", f"set it up, or leave {name} out of train.loggers"
        ) from error


@contextmanager
def switches_put_back() -> Iterator[None]:
    """What a training switches for the whole process is afterwards as it was: determinism, TF32, cuDNN's choice."""
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fills = DETERMINISM.fill_uninitialized_memory
    products = torch.get_float32_matmul_precision()
    cudnn: Any = torch.backends.cudnn
    convolutions = cudnn.allow_tf32, cudnn.benchmark
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        DETERMINISM.fill_uninitialized_memory = fills
        torch.set_float32_matmul_precision(products)
        cudnn.allow_tf32, cudnn.benchmark = convolutions


@contextmanager
def loggers_that_cannot_write() -> Iterator[None]:
    """One note, no traceback, where a logger's own thread finds the disk full, or its folder gone."""
    before = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        error = failed.exc_value
        if isinstance(error, OSError):
            other = f"a logger cannot write: {error.strerror}: {os.fsdecode(error.filename or '')}"
            cause = "the disk is full" if error.errno in FULL else other
            log.warning(f"note: {cause}; what the loggers write from here on is lost")
        else:
            before(failed)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before


def quieten() -> None:
    """Keep Lightning's advice that does not apply to our users out of their terminal."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*number of training batches.*",
        ".*isinstance.treespec.*",
        ".*overridden `on_after_batch_transfer`.*",
        ".*exists and is not empty.*",
        ".*sync_dist=True.*",  # what is computed over all ranks already
        r".*add the following callbacks: \['Clock'\].*",  # of a run by the clock that goes on for some epochs
    ):
        warnings.filterwarnings("ignore", message)
