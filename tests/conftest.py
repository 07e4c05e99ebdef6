"""What all tests share: fixtures; plain helpers are in `support`."""

import os

import pytest
from support import SHARED, coco, write_coco

from recyclecli.plugins import discover

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers have a core each; torch in all of them would want every core
    os.environ.setdefault("OMP_NUM_THREADS", "1")


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
def plain_environment(monkeypatch):
    """No setting of the developer's own reaches a test."""
    for name in ("RECYCLE_PLUGINS", "RECYCLE_DATA"):
        monkeypatch.delenv(name, raising=False)


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
