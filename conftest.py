"""What all tests share, those of the plugins too: their environment, and fixtures that are made once a run."""

import gc
import os
import random
import sys

import numpy as np
import pytest
from hypothesis import settings
from installed import read_once
from support import SHARED, coco, first_photos, make_runs, write_coco
from together import Together

from recyclecli.plugins import discover

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")  # the same examples in every run; `--hypothesis-profile default` draws others

pytest_plugins = ["durations", "leftovers"]

read_once()
os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the workers, which have a core each: small models gain by no more
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as training sets it: else `recycle` could not be forked after one


def pytest_make_parametrize_id(val, argname):
    """Name a test by no long value: its name is a variable of its child processes, of at most 128 KiB."""
    return f"{argname} of {len(val)} characters" if isinstance(val, str | bytes) and len(val) > 1000 else None


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Import the tests without collecting garbage, a fifth of the time: what they import stays."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


def pytest_terminal_summary(terminalreporter):
    """Say how many hostile cases ran."""
    stats = {kind: terminalreporter.stats.get(kind, []) for kind in ("passed", "failed", "skipped")}
    counts = {kind: sum("tests/hostile/" in report.nodeid for report in reports) for kind, reports in stats.items()}
    if any(counts.values()):
        terminalreporter.write_line("hostile corpus: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """No test reaches the developer's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECYCLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def same_chance():
    """Each test draws the same numbers, whichever tests ran before it in its worker."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):  # not every test needs it
        torch.default_generator.manual_seed(0)  # `torch.manual_seed` keeps a traceback for a GPU that is not there
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(0)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """No setting of the developer's own reaches a test."""
    for name in ("RECYCLE_PLUGINS", "RECYCLE_DATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def logged(caplog):
    """What functions have logged since it was called last, as the command line shows it: `logged()`."""

    def read():
        said = "".join(f"{message}\n" for message in caplog.messages)
        caplog.clear()
        return said

    return read


@pytest.fixture(scope="session")
def registry():
    return discover()


@pytest.fixture(scope="session")
def recycle_trash():
    """The 41 human-labelled photos; tests that take it skip where they are not."""
    root = SHARED / "recycle-trash"
    if not root.is_dir():
        pytest.skip(f"no real photos at {root}")
    return root


@pytest.fixture
def small(tmp_path):
    """A folder of 12 photos of 32x32 in two classes."""
    write_coco(tmp_path / "data", coco(12))
    return tmp_path / "data"


@pytest.fixture(scope="session")
def together(tmp_path_factory):
    """Makes a folder once for all workers of this run: `together(name, make)`; see `Together`."""
    own = tmp_path_factory.getbasetemp()
    return Together((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "together")


@pytest.fixture(scope="session")
def drawn(together):
    """Writes photos of the sample set, of 96x96 unless told, drawn once a run: `drawn(folder, images, seed=0)`."""
    from recycle_data.coco_folder import write_photos
    from recycle_engine import api

    def write(folder, images, seed=0, size=96):
        options = {"images": max(images, 24), "seed": seed, "size": size}

        def draw(place):
            write_photos(api.open_data(place, None, "sample", options), place, "annotations.json", force=False)

        return first_photos(together("-".join(map(str, ("drawn", *options.values()))), draw), folder, images)

    return write


@pytest.fixture(scope="session")
def made_runs(together, drawn):
    """The folder of `make_runs`, for all to read and nobody to change: `runs_in` makes a copy to work in."""
    return together("runs", lambda place: make_runs(place, drawn))
