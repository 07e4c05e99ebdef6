"""Writing checkpoints whole and reading them as plain tensors, also when Lightning does it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from recycle_data.owned import Owned
from safetensors.torch import save
from torch import nn

from recyclecli.errors import RecycleError, RunFailed
from recyclecli.files import atomic_path
from recyclecli.reading import open_regular
from recyclecli.recipe import Recipe

MODEL_PREFIX = "model."  # of the model's tensors in a LightningModule's state


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it; reads plain tensors only.

    A path that ends in .safetensors gets the model's weights and the card alone; where the
    weights are an average, NAME-raw.safetensors beside it gets those of the optimizer.

    Args:
        folder: the run's, whose record of its files names what is written; it may be left out for reading.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__()
        self._folder = folder

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write `checkpoint` whole."""
        self._write(contents_of(checkpoint, Path(path)))

    def _write(self, contents: Mapping[Path, bytes | memoryview]) -> None:
        base = self._folder.resolve() if self._folder else None
        for path, content in contents.items():
            inside = base is not None and path.is_relative_to(base)
            with Owned(base).atomic_path(path) if base and inside else atomic_path(path) as part:
                part.write_bytes(content)

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a checkpoint, and what lies beside it."""
        super().remove_checkpoint(path)
        _raw(path).unlink(missing_ok=True)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint without unpickling code, whatever the caller asks for."""
        try:
            with open_regular(Path(path)) as handle:
                loaded: dict[str, Any] = torch.load(handle, map_location=map_location or "cpu", weights_only=True)
            _State.model_validate(loaded)
        except RecycleError:
            raise
        except ValidationError as error:
            first = error.errors()[0]
            raise damaged(path, f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}") from error
        except Exception as error:  # torch raises a different type for each kind of damage
            raise damaged(path, str(error)) from error
        return loaded


def damaged(path: str | Path, cause: str) -> RecycleError:
    """The error to raise where a checkpoint cannot be resumed."""
    return RecycleError(f"checkpoint {path} cannot be read: {cause}", "train again, or resume another run")


class _Progress(BaseModel):
    processed: int


class _EpochProgress(BaseModel):
    current: _Progress


class _FitLoop(BaseModel):
    epoch_progress: _EpochProgress


class _Loops(BaseModel):
    fit_loop: _FitLoop


class _State(BaseModel):
    """What a checkpoint must hold to be resumed."""

    epoch: int
    global_step: int
    loops: _Loops
    callbacks: dict[str, dict[str, Any]]
    state_dict: dict[str, Any]
    optimizer_states: list[dict[str, Any]] = Field(min_length=1)
    lr_schedulers: list[Any]

    model_config = ConfigDict(strict=True)


def contents_of(checkpoint: dict[str, Any], path: Path) -> dict[Path, bytes | memoryview]:
    """What is written, in this order; in memory, since both libraries hide a full disk behind errors of their own."""
    if path.suffix != ".safetensors":
        stream = io.BytesIO()
        torch.save(checkpoint, stream)
        return {path: stream.getbuffer()}
    raw = checkpoint.get("current_model_state")  # beside an average, which is the state_dict then
    beside = {} if raw is None else {_raw(path): _weights(raw, checkpoint)}
    return {**beside, path: _weights(checkpoint["state_dict"], checkpoint)}


def _weights(state: dict[str, torch.Tensor], checkpoint: dict[str, Any]) -> bytes:
    tensors: dict[str, torch.Tensor] = {}
    storages: set[int] = set()
    for name, tensor in state.items():
        if name.startswith(MODEL_PREFIX):
            own = tensor.detach().contiguous().cpu()
            storage = own.untyped_storage().data_ptr()
            # tied weights lie in one storage, which the format refuses: each name gets its own
            tensors[name.removeprefix(MODEL_PREFIX)] = own.clone() if storage in storages else own
            storages.add(storage)
    carried = {**checkpoint["recycle"], "epoch": checkpoint["epoch"], "step": checkpoint["global_step"]}
    return save(tensors, metadata={"recycle": json.dumps(carried)})


def _raw(path: str | Path) -> Path:
    """Where the optimizer's weights lie beside an average."""
    return Path(path).with_stem(f"{Path(path).stem}-raw")


def refuse_small_disk(folder: Path, model: nn.Module, recipe: Recipe) -> None:
    """Find now, not after the first epoch, that the checkpoints will not fit.

    Weights are written as they are, averaged, and among the best; an optimizer keeps up to two numbers
    for each; while a file is replaced, both lie there.

    Raises:
        RunFailed: less is free than they take.
    """
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    copies = 2 if recipe.train.ema or recipe.train.swa else 1
    kept = 1 + (recipe.train.save_top_k if recipe.train.save_top_k > 1 else 0)
    needed = weights * (2 * (copies + 2) + copies * (kept + 1))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RunFailed(
            f"checkpoints take up to {needed / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB are free in {folder}",
            "free some space, run from a folder on another disk, or lower train.save_top_k",
        )
