from recyclecli import hookimpl
from recyclecli.types import Callback, Check


@hookimpl
def recycle_callbacks():
    yield Callback("bell", "acme_bell:Bell", "Rings when a run is complete", observes=True)
    yield Callback("report", "acme_bell:Bell", "Another report")


@hookimpl
def recycle_checks():
    yield Check("camera", "acme_bell:camera", "Whether the camera answers")
    yield Check("lamp", "acme_bell:lamp", "Whether the lamp burns")
