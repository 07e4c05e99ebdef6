from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands():
    yield Command(("acme",), "", "What Acme does")
    yield Command(("acme", "belt", "speed"), "acme_upload:dedupe", "Three words")
    yield Command(("data",), "", "Not what this group is for")
    yield Command(("acme", "upload"), "acme_upload:upload", "Upload photos", "Example: `recycle acme upload photos`")
    yield Command(("data", "dedupe"), "acme_upload:dedupe", "Drop photos that are there twice")
    yield Command(("aug", "weather"), "acme_upload:app", "Weather of several kinds")
    yield Command(("plugins", "audit"), "acme_upload:dedupe", "Audit the plugins")
    yield Command(("solo",), "", "A group that others have as a command")
