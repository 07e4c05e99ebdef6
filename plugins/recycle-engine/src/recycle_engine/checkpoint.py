"""Using a checkpoint: the weights, and the card that says what they are. No Lightning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from recycle_coco.git_lfs import refuse_pointer
from recycle_coco.json import parse_json, tree_fault
from recycle_data.boundary import PluginPart
from recycle_data.named_parts import encoders, found
from recycle_data.progress import busy
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from recycle_engine.allocation import AllocationLimit
from recycle_engine.boundary import build
from recycle_engine.input_shape import LARGEST_MULTIPLE, InputShape, Sides, multiple_of
from recycle_engine.run_recipe import packages_of
from recycle_engine.runs import Run
from recyclecli import __version__
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry
from recyclecli.private import map_texts, without_passwords
from recyclecli.recipe import Recipe
from recyclecli.types import IGNORE, ModelContext

CHECKPOINT_FORMAT = 2
KNOWN_FORMATS = (1, CHECKPOINT_FORMAT)  # 1, of recyclecli 0.1, states no window
LARGEST_SIDE = 4096  # of data.size
MOST_EPOCHS = 10_000_000
MAX_VERSION_CHARACTERS = 40  # characters of a version that a message shows
OTHER_RUN = "train again, or use another run"


def card(
    recipe: Recipe, class_names: tuple[str, ...], palette: list[tuple[int, int, int]], how: str, window: Sides
) -> dict[str, Any]:
    """What travels with the weights: the label index, the colours, the model and the shape of its input.

    The normalisation travels among the weights, as buffers of the model.
    """
    return {
        "format": CHECKPOINT_FORMAT,
        "recyclecli": __version__,
        "class_names": list(class_names),
        "palette": [list(color) for color in palette],
        "model": map_texts(recipe.model.model_dump(mode="json"), without_passwords),
        "size": recipe.data.size,
        "window": list(window),
        "split": how,
    }


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with its weights, how it sees photos, what its card says, and the component that it comes from."""

    model: nn.Module
    class_names: tuple[str, ...]
    palette: list[tuple[int, int, int]]
    shape: InputShape
    card: Mapping[str, Any]
    part: PluginPart


_Channel = Annotated[int, Field(ge=0, le=255)]
_Side = Annotated[int, Field(gt=0, le=LARGEST_SIDE + LARGEST_MULTIPLE)]


class _Model(BaseModel):
    """The model of a card: its component's name, beside its options."""

    name: str


class _Card(BaseModel):
    """What a card must hold for its weights to be of use."""

    model_config = ConfigDict(strict=True)
    format: int
    class_names: Annotated[list[str], Field(min_length=1, max_length=IGNORE)]
    palette: list[tuple[_Channel, _Channel, _Channel]]
    model: _Model
    size: Annotated[int, Field(gt=0, le=LARGEST_SIDE)]
    window: Annotated[list[_Side], Field(min_length=2, max_length=2)] | None = None
    epoch: Annotated[int, Field(ge=0, le=MOST_EPOCHS)] | None = None
    step: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    split: str = ""

    @model_validator(mode="after")
    def _fits(self) -> _Card:
        if self.window is None and self.format == CHECKPOINT_FORMAT:
            raise ValueError("it lacks window")
        if self.window is not None and max(self.window) < self.size:
            raise ValueError(f"window {self.window} is smaller than size {self.size}")
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError("class_names holds a name twice")
        if len(self.palette) != len(self.class_names):
            raise ValueError(
                f"palette has {counted(len(self.palette), 'colour')} for {counted(len(self.class_names), 'class')}"
            )
        return self


def read_card(file: Path) -> dict[str, Any]:
    """What travels with the weights in a .safetensors checkpoint; see `card`.

    Raises:
        RecycleError: no such file, no checkpoint of recyclecli, one of another version's format, or one whose
            card is incomplete.
    """
    if not file.exists():
        run = Run(file.parent.parent)
        if file == run.raw and run.best.is_file():
            raise RecycleError(
                f"run {run.folder} kept no average, so it has no weights without", "leave out without-ema"
            )
        raise RecycleError(f"{file} does not exist: the run has no finished epoch yet", "train, or resume it")
    refuse_pointer(file)  # also opens it: safetensors says of a file that may not be read that there is none
    try:
        with safe_open(file, framework="pt") as handle:
            described = parse_json((handle.metadata() or {}).get("recycle", "null"))
        fault = tree_fault(described)
    except (SafetensorError, OSError, ValueError) as error:
        fault = str(error)
    if fault:
        raise RecycleError(f"checkpoint {file} cannot be read: {fault}", OTHER_RUN)
    if not isinstance(described, dict):
        raise RecycleError(
            f"{file} is no checkpoint of recyclecli",
            "name one that recycle train wrote; weights of an encoder alone: -o model.weights=FILE",
        )
    if described.get("format") not in KNOWN_FORMATS:
        stated = described.get("recyclecli")
        writer = stated[:MAX_VERSION_CHARACTERS] if isinstance(stated, str) else "of another version"
        raise RecycleError(
            f"{file} was written by recyclecli {writer}, in a format that recyclecli {__version__} does not know",
            f"use recyclecli {writer}, or train again",
        )
    try:
        _Card.model_validate_json(json.dumps(described))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        cause = f"it lacks {key}" if first["type"] == "missing" else f"{key or 'its card'}: {first['msg']}"
        raise RecycleError(f"checkpoint {file} cannot be read: {cause}", OTHER_RUN) from error
    described["palette"] = [tuple(color) for color in described["palette"]]
    return described


def load_weights(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors checkpoint whose card was read.

    Raises:
        RecycleError: it cannot be read.
    """
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise RecycleError(f"checkpoint {file} cannot be read: {error}", OTHER_RUN) from error


@busy("loading the model")
def load_trained(registry: Registry, file: Path) -> TrainedModel:
    """Build the model that a .safetensors checkpoint names and load its weights, in eval mode.

    Raises:
        RecycleError: see `read_card`; a model whose plugin is missing, or weights that do not
            fit it.
    """
    described = read_card(file)
    options = dict(described["model"])
    made_with = packages_of(file)
    known = encoders(registry, made_with)
    context = ModelContext(len(described["class_names"]), pretrained=False, encoders=known)
    name = found(registry, "model", options.pop("name"), made_with).qualified
    misfit = f"the weights in {file} do not fit model {name}"
    with AllocationLimit(file.stat().st_size, f"{misfit}: the model that its card names is far larger", OTHER_RUN):
        model, part = build(registry, "model", name, options, context)
        part.of_type(model, nn.Module, "what it builds")
    try:
        model.load_state_dict(load_weights(file))
    except RuntimeError as error:
        raise RecycleError(f"{misfit}: {error}", OTHER_RUN) from error
    shape = InputShape.of_card(described, multiple_of(part, model))
    return TrainedModel(model.eval(), tuple(described["class_names"]), described["palette"], shape, described, part)
