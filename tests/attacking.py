"""Running `recycle` on what a stranger wrote: it ends by itself, in bounded memory, without a traceback."""

import os
import re
import resource
import subprocess

import pytest
from support import forks, recycle_here

HANGS = 300  # seconds after which a command counts as hanging: all end in a tenth of it on a slow machine
GIB = 2**30


def few(cases, quick):
    """Parameters of a test: the first `quick` of the cases are tried in every run, the others in the slow tier."""
    repeats = pytest.mark.slow("repeats what the first cases show of this kind")
    return [
        case if number < quick else pytest.param(*(case if isinstance(case, tuple) else [case]), marks=repeats)
        for number, case in enumerate(cases)
    ]


def attack(*arguments, cwd, codes, memory=2 * GIB, seconds=HANGS):
    """Run a command that must end by itself, within memory, with one of `codes` and no traceback."""
    texts = list(map(str, arguments))
    try:
        done, peak = forks().run(texts, cwd, {**os.environ, "OMP_NUM_THREADS": "1"}, seconds)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{arguments} hangs")
    assert peak * 1024 < memory, f"{peak * 1024 / GIB:.2f} of {memory / GIB:.2f} GiB"
    return withstood(done, codes)


def attack_here(*arguments, cwd, codes):
    """The same in this process, of a command that is refused before it does much."""
    return withstood(recycle_here(*arguments, cwd=cwd), codes)


def withstood(done, codes):
    """What a command printed, which ended with one of `codes` and no traceback."""
    text = done.stderr
    assert done.returncode in codes, f"exit {done.returncode}\n{text}"
    assert "Traceback" not in text, text
    if done.returncode > 1:
        assert re.search(r"^(error|Error|╭─ Error|Usage)", text, re.MULTILINE), text
    return done.stdout + text


def peak_memory():
    """The most bytes that this process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
