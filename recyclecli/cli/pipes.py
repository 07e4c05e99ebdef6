"""Output that nobody reads: streams that were closed at the start, and readers that leave, as `| head` does."""

from __future__ import annotations

import os
import select
import sys

CLOSED_PIPE_EXIT = 141  # what a shell reports of a program that SIGPIPE ended: 128 + 13


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
    return CLOSED_PIPE_EXIT


def open_closed_streams() -> bool:
    """Let standard streams that are closed, as of a service or after `>&-`, lead nowhere; whether output alone is.

    Python has None in their place then, and the next file that is opened gets their number and what C code prints.
    """
    lost = sys.stdout is None and sys.stderr is not None
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - the process's own
    return lost
