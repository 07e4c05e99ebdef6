import acme_torch  # noqa: F401 - what takes seconds

from recyclecli import hookimpl


@hookimpl
def recycle_losses():
    return []
