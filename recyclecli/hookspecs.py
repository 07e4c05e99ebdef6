"""The hooks: one per kind of component and of record.

A plugin is a distribution with an entry point in the group `recyclecli` that names a module
(or object) holding `@hookimpl` functions of these names. Each returns an iterable of
components or records; the module itself imports nothing heavy, since listing plugins imports it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from recyclecli import types

hookspec = pluggy.HookspecMarker("recyclecli")


@hookspec
def recycle_datasets() -> Iterable[types.DatasetComponent]:
    """Datasets: `factory(options, DatasetContext) -> Source`.

    Example:
        @hookimpl
        def recycle_datasets():
            yield DatasetComponent("bins", "acme_bins.source:open_bins", BinsOptions, "Photos of bins")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def recycle_augmentations() -> Iterable[types.AugmentationComponent]:
    """Augmentations: `factory(options, AugmentationContext) -> Augmentation`.

    Example:
        @hookimpl
        def recycle_augmentations():
            yield AugmentationComponent("rain", "acme_rain.rain:Rain", RainOptions, "Drops on the lens")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def recycle_models() -> Iterable[types.ModelComponent]:
    """Models: `factory(options, ModelContext) -> torch.nn.Module`.

    Example:
        @hookimpl
        def recycle_models():
            yield ModelComponent("tiny", "acme_tiny.net:Tiny", TinyOptions, "Four convolutions")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def recycle_losses() -> Iterable[types.LossComponent]:
    """Losses: `factory(options, LossContext) -> torch.nn.Module`.

    Example:
        @hookimpl
        def recycle_losses():
            yield LossComponent("poly", "acme_poly.poly:PolyLoss", PolyOptions, "PolyLoss-1")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def recycle_postprocessors() -> Iterable[types.PostprocessorComponent]:
    """Post-processors: `factory(options, PostprocessorContext) -> Postprocessor`.

    Example:
        @hookimpl
        def recycle_postprocessors():
            yield PostprocessorComponent("calm", "acme_calm.calm:Calm", CalmOptions, "Median filter")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def recycle_optimizers() -> Iterable[types.OptimizerComponent]:
    """Optimizers: `factory(options, OptimizerContext) -> torch.optim.Optimizer`.

    Example:
        @hookimpl
        def recycle_optimizers():
            yield OptimizerComponent("sophia", "acme_sophia.optim:Sophia", SophiaOptions, "Clipped second-order steps")

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_schedules() -> Iterable[types.ScheduleComponent]:
    """Schedules of the learning rate: `factory(options, ScheduleContext) -> LRScheduler`, or a list of them.

    Example:
        @hookimpl
        def recycle_schedules():
            yield ScheduleComponent("steps", "acme_steps.rate:steps", StepsOptions, "A tenth at each milestone")

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_callbacks() -> Iterable[types.CallbackComponent]:
    """Callbacks of a training: `factory(options, CallbackContext) -> lightning.pytorch.callbacks.Callback`.

    Example:
        @hookimpl
        def recycle_callbacks():
            yield CallbackComponent("bell", "acme_bell.ring:Bell", BellOptions, "Rings at the end", observes=True)

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_exporters() -> Iterable[types.ExporterComponent]:
    """Exporters: `factory(options, ExporterContext) -> Exporter`.

    Example:
        @hookimpl
        def recycle_exporters():
            yield ExporterComponent("openvino", "acme_ov.export:OpenVino", OpenVinoOptions, "For Intel's processors")

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_commands() -> Iterable[types.Command]:
    """Commands: `recycle WORD ...`, in groups of their own or in those of others.

    Example:
        @hookimpl
        def recycle_commands():
            yield Command(("data", "dedupe"), "acme_dedupe.cli:dedupe", "Drop photos that are there twice")

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_recipes() -> Iterable[types.NamedRecipe]:
    """Recipes by name: `recycle train --recipe NAME`.

    Example:
        @hookimpl
        def recycle_recipes():
            yield NamedRecipe("belt", "acme_recipes:belt.yaml", "Small photos of a belt, trained for an hour")

    .. versionadded:: 0.2
    """
    return ()


@hookspec
def recycle_checks() -> Iterable[types.Check]:
    """Checks: lines of `recycle doctor`.

    Example:
        @hookimpl
        def recycle_checks():
            yield Check("camera", "acme_belt.checks:camera", "Whether the camera answers")

    .. versionadded:: 0.2
    """
    return ()
