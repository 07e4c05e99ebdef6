from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands():
    yield Command(("data", "dedupe"), "acme_clashing:dedupe", "Another way to drop photos")
    yield Command(("acme",), "acme_clashing:dedupe", "A command where acme-commands has a group")
    yield Command(("aug", "flip"), "acme_clashing:dedupe", "A command where kornia has an augmentation")
    yield Command(("doctor",), "acme_clashing:dedupe", "Another doctor")
    yield Command(("train",), "acme_clashing:dedupe", "Another train")
