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
    patience: int | None = Field(None, ge=1, le=1_000_000, description="epochs without a better score until it stops")
    monitor: str = Field(
        "miou", description="what best means: miou, loss, a class, by its IoU, or what a callback logs"
    )
    monitor_mode: Literal["min", "max"] | None = Field(None, description="of what a callback logs: which way is better")
    save_top_k: int = Field(1, ge=1, le=100, description="checkpoints kept, the best ones")
    batch_size: int = Field(8, ge=1, le=65_536, description="photos per device and step")
    find_batch_size: bool = Field(False, description="on a GPU, find the largest batch that fits, first")
    repeat_threshold: float = Field(0.0, ge=0, le=1, description="photos of classes in a smaller share come more often")
    overfit_batches: int = Field(0, ge=0, le=1_000_000, description="use so many batches alone, to find bugs")
    aux_weight: float = Field(0.4, ge=0, description="share of a model's aux logits in the loss, as PSPNet trains them")
    lr: float = Field(1e-3, gt=0, description="peak learning rate; 1e-4 suits encoders that are transformers")
    find_lr: bool = Field(False, description="find lr by a range test, first")
    weight_decay: float = Field(0.01, ge=0, description="pull of the weights towards 0")
    optimizer: ComponentSpec = Field(description="the rule of a step")
    encoder_lr_scale: float = Field(1.0, gt=0, description="the encoder's rate as a share of lr")
    layer_decay: float = Field(1.0, gt=0, le=1, description="factor of the rate, encoder block by block backwards")
    freeze_epochs: int = Field(0, ge=0, le=1_000_000, description="epochs before the encoder learns")
    freeze_norm: bool = Field(False, description="batch normalisation keeps its statistics; for very small batches")
    schedule: ComponentSpec = Field(description="how the rate changes over the training")
    precision: Literal["auto", "32", "tf32", "16-mixed", "bf16-mixed"] = Field(
        "auto", description="of the arithmetic; auto: bf16-mixed where the GPU or the CPU has it, else 32"
    )
    accumulate_grad_batches: int = Field(1, ge=1, le=1_000_000, description="batches per optimizer step")
    grad_clip: float | None = Field(1.0, gt=0, description="largest gradient norm")
    on_nan: Literal["stop", "skip"] = Field("stop", description="what a loss that is no number does to its step")
    ema: float = Field(0.99, ge=0, lt=1, description="decay of the weight average, 0 for none")
    swa: float = Field(
        0.0, ge=0, lt=1, description="share of the epochs, the last, whose weights are averaged evenly; with ema: 0"
    )
    deterministic: bool | Literal["auto"] = Field(
        "auto",
        description="same seed, same weights on one machine; auto: unless a GPU trains, which it slows down; "
        "false: also let cuDNN search for its fastest algorithms, which delays the first steps",
    )
    channels_last: bool = Field(True, description="memory order; on CPUs and with half precision the faster one")
    compile: bool = Field(False, description="torch.compile the model, where that works")
    init_from: Path | None = Field(None, description="weights of another run that training starts from")
    loggers: tuple[Logger, ...] = Field(("tensorboard",), description="where curves and photos go")
    callbacks: tuple[ComponentSpec, ...] = Field((), max_length=32, description="what watches or steers the training")
    devices: str = Field("auto", coerce_numbers_to_str=True, description="how many, -1 for all, or which: 0,3")
    num_nodes: int = Field(1, ge=1, le=10_000, description="machines")
    strategy: Literal["auto", "ddp"] = Field("auto", description="how several devices share the work")

    @model_validator(mode="after")
    def _of_one_kind(self) -> TrainSection:
        if self.ema and self.swa:
            raise ValueError("ema and swa both average the weights: set one of them to 0")
        return self
