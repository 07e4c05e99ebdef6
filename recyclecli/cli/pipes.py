"""Ending quietly when whoever read the output has gone, as `| head` does."""

from __future__ import annotations

import os
import select
import sys

CLOSED = 141  # what a shell reports of a program that SIGPIPE ended: 128 + 13


def nobody_reads() -> bool:
    """Whether standard output or standard error is a pipe that nobody reads any more."""
    if not hasattr(select, "poll"):  # Windows has none; there a pipe that breaks is taken to be one of these
        return True
    poll = select.poll()
    for number in (1, 2):
        poll.register(number, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def leave_quietly() -> int:
    """Let what is still to be written go nowhere, and return the exit code to end with."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, number)
    return CLOSED
