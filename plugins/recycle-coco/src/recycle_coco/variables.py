"""Variables of the environment that are ours, and those that are only called so."""

from __future__ import annotations

import logging
import os
from functools import cache

from recycle_coco.once import warn_once
from recycle_coco.unreadable import MAX_PIXELS
from recyclecli.backends import ALLOW_LIST
from recyclecli.errors import suggest

log = logging.getLogger("recycle.coco")

OUR_PREFIX = "RECYCLE_"
MAX_JSON = "RECYCLE_MAX_JSON"
VARIABLES = (ALLOW_LIST, MAX_JSON, MAX_PIXELS, "RECYCLE_CACHE", "RECYCLE_DATA")


@cache
def say_unknown_variables() -> None:
    """Print a note for each variable called as ours are that nothing reads; once, and by no process of a command's."""
    unknown = sorted(name for name in os.environ if name.startswith(OUR_PREFIX) and name not in VARIABLES)
    if unknown:
        from multiprocessing import parent_process

        if parent_process() is None:
            warn_once(
                log,
                *(
                    f"note: nothing reads the environment variable {name}; {suggest(name, VARIABLES)}"
                    for name in unknown
                ),
            )
