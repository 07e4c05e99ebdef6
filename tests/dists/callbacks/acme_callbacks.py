from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import CallbackComponent, Check, Options


class BellOptions(Options):
    times: int = Field(1, description="how often")


@hookimpl
def recycle_callbacks():
    yield CallbackComponent("bell", "acme_bell:Bell", BellOptions, "Rings when a run is complete", observes=True)
    yield CallbackComponent("report", "acme_bell:Bell", BellOptions, "Another report")


@hookimpl
def recycle_checks():
    yield Check("camera", "acme_bell:camera", "Whether the camera answers")
    yield Check("lamp", "acme_bell:lamp", "Whether the lamp burns")
