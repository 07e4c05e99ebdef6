"""The optimizers and schedules of this distribution, with their options; nothing here imports torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recyclecli.types import OptimizerComponent, Options, ScheduleComponent

Share = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[float, Field(gt=0)]


class Moments(Options):
    """Settings of an optimizer that keeps means of the gradient and of its square."""

    betas: tuple[Share, Share] | None = Field(
        None, description="decay rates of the moments; null: the optimizer's default"
    )
    eps: Epsilon | None = Field(None, description="term added to the denominator; null: the optimizer's default")


class FusedMoments(Moments):
    """The same of an optimizer of torch's, which has one kernel for the whole step."""

    fused: bool = Field(False, description="fused kernel for all weights; results may differ in the last bit")


class ThreeMoments(Options):
    """Settings of Adan, which keeps a mean of the gradient's change, too."""

    betas: tuple[Share, Share, Share] | None = Field(
        None, description="decay rates of the moments; null: the optimizer's default"
    )
    eps: Epsilon | None = Field(None, description="term added to the denominator; null: the optimizer's default")


class Signs(Options):
    """Settings of Lion, which steps by the sign of a mean."""

    betas: tuple[Share, Share] | None = Field(
        None, description="decay rates of the moments; null: the optimizer's default"
    )


class Momentum(Options):
    """Settings of an optimizer with momentum."""

    momentum: float = Field(0.9, ge=0, lt=1, description="momentum")


class Rising(Options):
    """Settings of a schedule that begins with a warm-up."""

    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps for warm-up")


class Falling(Options):
    """Settings of a schedule that ends low."""

    final_lr_scale: float = Field(0.0, ge=0, le=1, description="final rate, relative to lr")


class Cosine(Falling, Rising):
    """Settings of half a cosine."""


class Poly(Falling, Rising):
    """Settings of a power of the share that is left."""

    power: float = Field(0.9, gt=0, description="exponent")


class Restarts(Falling, Rising):
    """Settings of a cosine that begins again."""

    cycle_epochs: float = Field(10.0, gt=0, description="epochs of the first cycle")
    t_mult: float = Field(1.0, ge=1, description="factor from each cycle's length to the next")


class Plateau(Rising):
    """Settings of a rate that falls where the score no longer rises."""

    patience: int = Field(5, ge=1, le=1_000_000, description="epochs without a better mIoU before the rate falls")
    factor: float = Field(0.5, gt=0, lt=1, description="factor of the rate")


OPTIMIZERS = tuple(
    OptimizerComponent(name, f"recycle_engine.training.optim:{name}", options, summary)
    for name, options, summary in (
        ("adamw", FusedMoments, "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)"),
        ("adam", FusedMoments, "Adaptive moments (Kingma and Ba, 2015)"),
        ("radam", Moments, "Rectified Adam (Liu et al., 2020)"),
        ("nadam", Moments, "Adam with Nesterov's momentum (Dozat, 2016)"),
        ("nadamw", Moments, "NAdam with decoupled weight decay"),
        ("sgd", Momentum, "Gradient descent with Nesterov's momentum"),
        ("momentum", Momentum, "Gradient descent with plain momentum"),
        ("rmsprop", Momentum, "RMSprop (Tieleman and Hinton, 2012)"),
        ("lion", Signs, "Sign of a momentum; use a tenth of AdamW's rate (Chen et al., 2023)"),
        ("lamb", Moments, "Layer-wise Adam for large batches (You et al., 2020)"),
        ("adan", ThreeMoments, "Adaptive Nesterov momentum (Xie et al., 2022)"),
        ("adopt", Moments, "Adam that converges with any beta2 (Taniguchi et al., 2024)"),
    )
)

SCHEDULE_COMPONENTS = tuple(
    ScheduleComponent(name, f"recycle_engine.training.schedule:{name.replace('-', '_')}", options, summary)
    for name, options, summary in (
        ("cosine", Cosine, "Half a cosine after warm-up (Loshchilov and Hutter, 2017)"),
        ("cosine-restarts", Restarts, "Cosine with warm restarts (SGDR, 2017)"),
        ("poly", Poly, "Polynomial decay (DeepLab)"),
        ("one-cycle", Falling, "Up by a cosine for 0.3 of the steps, then down (Smith and Topin, 2019)"),
        ("plateau", Plateau, "Lower the rate when the validation mIoU stops rising"),
        ("constant", Rising, "Constant after warm-up"),
    )
)
