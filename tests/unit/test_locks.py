"""Two at once: who comes second touches nothing."""

import multiprocessing
import os
import signal
from pathlib import Path

import filelock
import pytest
from recycle_engine.history.holder import holder

from recyclecli import files
from recyclecli.errors import RecycleError
from recyclecli.locks import held

CONTEXT = multiprocessing.get_context("fork")


@pytest.fixture
def other(tmp_path):
    """Another process that holds `place`; it ends when it is killed."""

    def hold(told):
        with held(tmp_path / "place"):
            told.send("held")
            signal.pause()

    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=hold, args=(theirs,))
    process.start()
    assert ours.recv() == "held"
    yield process
    process.kill()
    process.join()


def test_who_comes_second_is_told_who_holds_it(tmp_path, other):
    with pytest.raises(RecycleError, match=rf"place is in use by process {other.pid} since 20") as refused:
        held(tmp_path / "place").__enter__()
    assert refused.value.remedy == f"wait for it, or end it: kill {other.pid}"


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path, other):
    other.kill()
    other.join()
    assert (tmp_path / ".place.lock").exists()
    with held(tmp_path / "place"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".place.lock", ".place.lock.json"])
def test_planted_links_are_refused(tmp_path, name):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / name).symlink_to(tmp_path / "precious")
    with pytest.raises(RecycleError):
        held(tmp_path / "place").__enter__()
    assert (tmp_path / "precious").read_text() == "precious"


def test_what_a_stranger_wrote_of_the_holder_is_not_believed(tmp_path, other):
    (tmp_path / ".place.lock.json").write_text('{"pid": "1; rm -rf ~", "began": 1, "command": 2}')
    with pytest.raises(RecycleError) as refused:
        held(tmp_path / "place").__enter__()
    assert "rm -rf" not in str(refused.value)


@pytest.mark.parametrize("name", [".place.lock", ".place.lock.json"])
def test_files_of_the_names_of_a_lock_are_kept(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RecycleError, match="is not what recycle wrote there"):
        held(tmp_path / "place").__enter__()
    assert (tmp_path / name).read_text() == "mine"


def test_a_disk_without_locks_is_told_of_and_used(tmp_path, monkeypatch, logged):
    def none(*_):
        raise OSError(38, os.strerror(38))

    monkeypatch.setattr(filelock.FileLock, "_acquire", none)
    with held(tmp_path / "place"):
        pass
    assert logged().startswith("note: no lock can be had for")


def test_a_command_with_a_name_that_is_no_utf_8_holds_a_place(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["recycle", "check", "\udcff"])
    with held(tmp_path / "place"):
        assert "udcff" in (tmp_path / ".place.lock.json").read_text()


def test_who_holds_a_place_is_seen_without_taking_it(tmp_path, other):
    assert holder(tmp_path / "place")["pid"] == other.pid
    (tmp_path / ".place.lock.json").unlink()
    assert holder(tmp_path / "place") == {}
    other.kill()
    other.join()
    assert holder(tmp_path / "place") is None
    assert holder(tmp_path / "nothing") is None
    (tmp_path / ".link.lock").symlink_to(tmp_path / ".place.lock")
    assert holder(tmp_path / "link") is None


@pytest.mark.parametrize("within", [".", "inner/.."])
def test_the_place_may_be_the_working_folder(tmp_path, monkeypatch, within, other):
    (tmp_path / "place/inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "place")
    assert holder(Path(within))["pid"] == other.pid
    with pytest.raises(RecycleError, match=f"in use by process {other.pid}"):
        held(Path(within)).__enter__()


def test_a_system_without_flock_writes_and_holds_places_all_the_same(tmp_path, monkeypatch):
    """As Windows, see docs/platforms.md: what a killed writer left stays there."""
    monkeypatch.setattr(files, "fcntl", None)
    left = tmp_path / f".recycle-{'0' * 16}{files.PART}"
    left.touch()
    with held(tmp_path / "place"):
        files.write_text(tmp_path / "place", "text")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"place": "text", left.name: ""}
