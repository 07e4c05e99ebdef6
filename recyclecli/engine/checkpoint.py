"""Checkpoints: local files, written whole, holding everything that using the weights needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from recyclecli import __version__
from recyclecli.errors import RecycleError
from recyclecli.files import whole
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import ModelContext

FORMAT = 1
PREFIX = "model."  # of the model's tensors in a LightningModule's state


def card(recipe: Recipe, class_names: tuple[str, ...], palette: list[tuple[int, int, int]], how: str) -> dict[str, Any]:
    """What travels with the weights: the label index, the colours, the model and its input size.

    The normalisation travels among the weights, as buffers of the model.
    """
    return {
        "format": FORMAT,
        "recyclecli": __version__,
        "class_names": list(class_names),
        "palette": [list(color) for color in palette],
        "model": recipe.model.model_dump(mode="json"),
        "size": recipe.data.size,
        "split": how,
    }


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it; reads plain tensors only.

    A path that ends in .safetensors gets the model's weights and the card alone.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write `checkpoint` whole."""
        with whole(Path(path)) as part:
            if Path(path).suffix != ".safetensors":
                torch.save(checkpoint, part)
                return
            weights = {
                name.removeprefix(PREFIX): tensor.detach().contiguous().cpu()
                for name, tensor in checkpoint["state_dict"].items()
                if name.startswith(PREFIX)
            }
            carried = {**checkpoint["recycle"], "epoch": checkpoint["epoch"], "step": checkpoint["global_step"]}
            save_file(weights, part, metadata={"recycle": json.dumps(carried)})

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read a checkpoint without unpickling code, whatever the caller asks for."""
        try:
            loaded: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except Exception as error:  # torch raises a different type for each kind of damage
            raise RecycleError(
                f"checkpoint {path} cannot be read: {error}", "train again, or resume another run"
            ) from error
        return loaded


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its weights, and what its card says."""

    model: nn.Module
    class_names: tuple[str, ...]
    palette: list[tuple[int, int, int]]
    size: int
    card: Mapping[str, Any]


def read_card(file: Path) -> dict[str, Any]:
    """What travels with the weights in a .safetensors checkpoint; see `card`.

    Raises:
        RecycleError: no such file, or no checkpoint of recyclecli.
    """
    if not file.is_file():
        raise RecycleError(f"{file} does not exist: the run has no finished epoch yet", "train, or resume it")
    try:
        with safe_open(file, framework="pt") as handle:
            described = json.loads((handle.metadata() or {}).get("recycle", "null"))
    except (SafetensorError, OSError, ValueError) as error:
        raise RecycleError(f"checkpoint {file} cannot be read: {error}", "train again, or use another run") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise RecycleError(f"{file} is no checkpoint that recyclecli {__version__} knows", "use its own version")
    described["palette"] = [tuple(color) for color in described["palette"]]
    return described


def load_trained(registry: Registry, file: Path) -> Trained:
    """Build the model that a .safetensors checkpoint names and load its weights, in eval mode.

    Raises:
        RecycleError: see `read_card`; a model whose plugin is missing, or weights that do not
            fit it.
    """
    described = read_card(file)
    options = dict(described["model"])
    context = ModelContext(num_classes=len(described["class_names"]), pretrained=False)
    model: nn.Module = registry.build("model", options.pop("name"), options, context)
    try:
        model.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError) as error:
        raise RecycleError(f"the weights in {file} do not fit model {described['model']['name']}: {error}") from error
    return Trained(model.eval(), tuple(described["class_names"]), described["palette"], described["size"], described)
