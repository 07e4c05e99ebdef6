from recyclecli import hookimpl
from recyclecli.types import OptimizerComponent, Options, ScheduleComponent


class NoOptions(Options):
    """None."""


@hookimpl
def recycle_schedules():
    yield ScheduleComponent("steps", "acme_rates:steps", NoOptions, "A tenth after half of the steps")
    yield ScheduleComponent("number", "acme_rates:number", NoOptions, "No scheduler")


@hookimpl
def recycle_optimizers():
    yield OptimizerComponent("plain", "acme_rates:plain", NoOptions, "Gradient descent")
    yield OptimizerComponent("number", "acme_rates:number", NoOptions, "No optimizer")
