"""No worker process outlives the process that it works for."""

from __future__ import annotations

import os
import time
from threading import Thread


def end_with(parent: int) -> None:
    """End this process when its parent has ended, however that was, and be it before this process had begun.

    A pool's processes do not notice it themselves: each holds both ends of the queue that it waits at.
    """
    Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
