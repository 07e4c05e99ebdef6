"""Parts that break their contracts, each called as what it does; their code lies in packages of other names."""

import bad_arrays
import bad_others
import bad_tensors

from recyclecli import hookimpl, types


class NoOptions(types.Options):
    """None."""


def components(form, module, parts):
    for name in parts:
        yield form(name, f"{module.__name__}:{name.replace('-', '_')}", NoOptions, "Breaks its contract")


@hookimpl
def recycle_losses():
    yield from components(types.LossComponent, bad_tensors, bad_tensors.LOSSES)


@hookimpl
def recycle_models():
    yield from components(types.ModelComponent, bad_tensors, bad_tensors.MODELS)


@hookimpl
def recycle_augmentations():
    for name in bad_tensors.AUGMENTATIONS:
        factory = f"bad_tensors:{name.replace('-', '_')}"
        yield types.AugmentationComponent(name, factory, NoOptions, "Breaks its contract", offline={})


@hookimpl
def recycle_postprocessors():
    yield from components(types.PostprocessorComponent, bad_arrays, bad_arrays.POSTPROCESSORS)


@hookimpl
def recycle_datasets():
    yield from components(types.DatasetComponent, bad_arrays, bad_arrays.DATASETS)


@hookimpl
def recycle_optimizers():
    yield from components(types.OptimizerComponent, bad_others, bad_others.OPTIMIZERS)


@hookimpl
def recycle_schedules():
    yield from components(types.ScheduleComponent, bad_others, bad_others.SCHEDULES)


@hookimpl
def recycle_callbacks():
    yield from components(types.CallbackComponent, bad_others, bad_others.CALLBACKS)


@hookimpl
def recycle_exporters():
    yield from components(types.ExporterComponent, bad_others, bad_others.EXPORTERS)
