"""The recipe's section on training: what the loop is told, which no plugin needs to know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Logger = Literal["tensorboard", "wandb", "mlflow"]


class Section(BaseModel):
    """A part of the recipe that the core itself understands: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)


class ComponentSpec(BaseModel):
    """A component by name; every further key is one of its own options."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = Field(description="what `recycle plugins list` calls it")

    @property
    def bare(self) -> str:
        """The name without its distribution: `fpn` of `fpn@recycle-smp`."""
        return self.name.partition("@")[0]

    @property
    def options(self) -> dict[str, Any]:
        """The component's own options as written."""
        return dict(self.model_extra or {})


class TrainSection(Section):
    """How the weights are found."""

    epochs: int = Field(30, ge=1, le=1_000_000, description="passes over the training photos")
    steps: tuple[tuple[int, int], ...] = Field(
        (), max_length=1000, description="steps after which it ends, as planned from a step on; written by --minutes"
    )
    patience: int | None = Field(None, ge=1, le=1_000_000, description="epochs without a better score before stopping")
    monitor: str = Field(
        "miou", description="score of the best epoch: miou, loss, a class (IoU), or what a callback logs"
    )
    monitor_mode: Literal["min", "max"] | None = Field(None, description="better direction of what a callback logs")
    save_top_k: int = Field(1, ge=1, le=100, description="number of best checkpoints to keep")
    batch_size: int = Field(8, ge=1, le=65_536, description="photos per device and step")
    find_batch_size: bool = Field(False, description="on a GPU, first find the largest batch that fits")
    repeat_threshold: float = Field(0.0, ge=0, le=1, description="oversample photos of classes in a smaller share")
    overfit_batches: int = Field(0, ge=0, le=1_000_000, description="use only this many batches, for debugging")
    aux_weight: float = Field(0.4, ge=0, description="weight of a model's auxiliary loss")
    lr: float = Field(1e-3, gt=0, description="peak learning rate; try 1e-4 for transformer encoders")
    find_lr: bool = Field(False, description="first find lr by a range test")
    weight_decay: float = Field(0.01, ge=0, description="weight decay")
    optimizer: ComponentSpec = Field(description="how steps are computed")
    encoder_lr_scale: float = Field(1.0, gt=0, description="learning rate of the encoder, relative to lr")
    layer_decay: float = Field(1.0, gt=0, le=1, description="layer-wise decay of the encoder's learning rate")
    freeze_epochs: int = Field(0, ge=0, le=1_000_000, description="epochs with a frozen encoder")
    freeze_norm: bool = Field(False, description="freeze the statistics of batch normalisation, for very small batches")
    schedule: ComponentSpec = Field(description="learning rate schedule")
    precision: Literal["auto", "32", "tf32", "16-mixed", "bf16-mixed"] = Field(
        "auto", description="numeric precision; auto: bf16-mixed if the GPU or CPU supports it, else 32"
    )
    accumulate_grad_batches: int = Field(1, ge=1, le=1_000_000, description="batches per optimizer step")
    grad_clip: float | None = Field(1.0, gt=0, description="largest gradient norm")
    on_nan: Literal["stop", "skip"] = Field("stop", description="what to do when the loss is NaN or infinite")
    ema: float = Field(0.99, ge=0, lt=1, description="decay of the exponential moving average of the weights; 0: none")
    swa: float = Field(
        0.0, ge=0, lt=1, description="last share of the epochs whose weights are averaged evenly; requires ema: 0"
    )
    deterministic: bool | Literal["auto"] = Field(
        "auto",
        description="same seed, same weights; auto: on a CPU only, since it slows down a GPU; "
        "false: also let cuDNN search for fast algorithms, which delays the first steps",
    )
    channels_last: bool = Field(True, description="channels-last memory format, faster on CPUs and with half precision")
    compile: bool = Field(False, description="compile the model with torch.compile, if possible")
    init_from: Path | None = Field(None, description="run or checkpoint whose weights training starts from")
    loggers: tuple[Logger, ...] = Field(("tensorboard",), description="loggers of curves and photos")
    callbacks: tuple[ComponentSpec, ...] = Field((), max_length=32, description="callbacks of the training")
    devices: str = Field("auto", coerce_numbers_to_str=True, description="number, -1 for all, or a list: 0,3")
    num_nodes: int = Field(1, ge=1, le=10_000, description="machines")
    strategy: Literal["auto", "ddp"] = Field("auto", description="strategy for several devices")

    @model_validator(mode="after")
    def _of_one_kind(self) -> TrainSection:
        if self.ema and self.swa:
            raise ValueError("ema and swa both average the weights: set one of them to 0")
        return self
