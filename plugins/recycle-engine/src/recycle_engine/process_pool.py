"""What the processes of a pool need beyond the standard library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Any


def submit_all(
    pool: ProcessPoolExecutor, work: Callable[..., None], tasks: Iterable[tuple[Any, ...]]
) -> list[Future[None]]:
    """`work(*task)` for each task; a process that ends while others start raises BrokenProcessPool.

    `submit` starts a process. One that ends at once has not read its task: a broken pipe. Where one has ended
    meanwhile, the pool's thread (of Python 3.11.4 and later) closes the pipes that the new one is to inherit: an
    OSError or ValueError of a pool that takes nothing more.
    """
    try:
        return [pool.submit(work, *task) for task in tasks]
    except BrokenPipeError as error:
        raise BrokenProcessPool("a process ended before it had read its task") from error
    except (OSError, ValueError):
        pool.submit(int)  # raises BrokenProcessPool where that is the cause
        raise


def end_with(parent: int) -> None:
    """End this process when its parent has ended, however that was, and be it before this process had begun.

    A pool's processes do not notice it themselves: each holds both ends of the queue that it waits at.
    """
    Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
