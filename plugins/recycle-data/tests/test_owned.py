"""What is written replaces own files alone, and no link leads a write elsewhere."""

import fcntl
import hashlib
import json
import multiprocessing
import os
import threading
import tracemalloc
from contextlib import contextmanager

import pytest
from recycle_data.owned import BATCH, RECORD, Owned
from support import coco, recycle_here, write_coco

from recyclecli.errors import RecycleError, RunFailed
from recyclecli.files import atomic_path, open_state, sweep, write_bytes

CONTEXT = multiprocessing.get_context("fork")


@pytest.fixture
def victim(tmp_path):
    """A file elsewhere that no write may reach."""
    (tmp_path / "elsewhere").mkdir()
    file = tmp_path / "elsewhere/precious"
    file.write_text("precious")
    yield file
    assert file.read_text() == "precious"


class TestLinks:
    def test_a_target_that_is_a_link_is_refused(self, tmp_path, victim):
        (tmp_path / "a").symlink_to(victim)
        with pytest.raises(RecycleError, match="is a link, and no write follows one"):
            write_bytes(tmp_path / "a", b"new")

    @pytest.mark.parametrize("odd", ["folder", "pipe"])
    def test_a_target_that_is_no_file_is_refused(self, tmp_path, odd):
        {"folder": os.mkdir, "pipe": os.mkfifo}[odd](tmp_path / "a")
        with pytest.raises(RecycleError, match="exists and is no file"):
            write_bytes(tmp_path / "a", b"new")

    def test_planted_names_of_unfinished_files_are_not_used(self, tmp_path, victim):
        for name in ("a.part", ".a.part", "a.unfinished"):
            (tmp_path / name).symlink_to(victim)
        write_bytes(tmp_path / "a", b"new")
        assert (tmp_path / "a").read_bytes() == b"new"

    @pytest.mark.parametrize("how", ["link", "second name", "pipe"])
    def test_state_that_is_not_ours_is_refused(self, tmp_path, victim, how):
        {"link": os.symlink, "second name": os.link, "pipe": lambda _, place: os.mkfifo(place)}[how](
            victim, tmp_path / "state"
        )
        with pytest.raises(RecycleError, match="which recycle did not make") as refused:
            open_state(tmp_path / "state", "ab+")
        assert f"rm {tmp_path / 'state'}" in refused.value.remedy

    def test_a_record_that_is_a_link_is_refused(self, tmp_path, victim):
        (tmp_path / RECORD).symlink_to(victim)
        with pytest.raises(RecycleError, match="is a link"):
            Owned(tmp_path).write_bytes(tmp_path / "a", b"new")
        assert not (tmp_path / "a").exists()


class TestLeftovers:
    def test_what_a_killed_writer_left_is_removed_by_the_next(self, tmp_path):
        def die():
            with atomic_path(tmp_path / "a") as part:
                part.write_text("half")
                os._exit(1)

        process = CONTEXT.Process(target=die)
        process.start()
        process.join()
        (left,) = tmp_path.iterdir()
        assert left.suffix == ".part"
        write_bytes(tmp_path / "b", b"new")
        assert [file.name for file in tmp_path.iterdir()] == ["b"]

    def test_what_another_process_is_writing_stays(self, tmp_path):
        with atomic_path(tmp_path / "a") as part:
            process = CONTEXT.Process(target=sweep, args=(tmp_path,))
            process.start()
            process.join()
            part.write_text("all")
        assert (tmp_path / "a").read_text() == "all"

    def test_files_of_like_names_stay(self, tmp_path, victim):
        names = ["movie.part", ".recycle-0123.part", ".recycle-0123456789abcdeg.part"]
        for name in names:
            (tmp_path / name).write_text("mine")
        (tmp_path / ".recycle-0123456789abcdef.part").symlink_to(victim)
        sweep(tmp_path)
        assert {file.name for file in tmp_path.iterdir()} >= {*names, ".recycle-0123456789abcdef.part"}


class TestMarks:
    def test_a_file_of_a_marks_name_is_kept_and_named(self, tmp_path):
        (tmp_path / "last.part").write_text("half a download")
        for force in (False, True):
            with pytest.raises(RecycleError, match=r"last\.part is not what recycle wrote there"):
                Owned(tmp_path).begun(tmp_path / "last", [], force).__enter__()
        assert (tmp_path / "last.part").read_text() == "half a download"

    def test_no_write_goes_through_a_folder_that_is_a_link(self, tmp_path, victim):
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder/link").symlink_to(victim.parent)
        with pytest.raises(RecycleError, match="folder/link is a link"):
            Owned(tmp_path / "folder").write_text(tmp_path / "folder/link/new", "new")
        assert [file.name for file in victim.parent.iterdir()] == ["precious"]


class TestOwned:
    def test_own_files_are_known_until_they_are_changed(self, tmp_path):
        owned = Owned(tmp_path)
        owned.write_text(tmp_path / "deep/a", "new")
        owned.refuse_overwrite([tmp_path / "deep/a", tmp_path / "none"], force=True)
        (tmp_path / "deep/a").write_text("neW")
        for force in (False, True):
            with pytest.raises(RecycleError, match="deep/a is not what recycle wrote there"):
                owned.refuse_overwrite([tmp_path / "deep/a"], force)
        owned.remove([tmp_path / "deep/a"])
        assert (tmp_path / "deep/a").read_text() == "neW"

    def test_own_files_are_offered_to_force(self, tmp_path):
        Owned(tmp_path).write_text(tmp_path / "a", "new")
        with pytest.raises(RecycleError, match="a exists") as refused:
            Owned(tmp_path).refuse_overwrite([tmp_path / "a"], force=False)
        assert "--force" in refused.value.remedy

    @pytest.mark.parametrize("name", ["../elsewhere/precious", "link/precious", "direct", "ABSOLUTE"])
    def test_a_record_reaches_nothing_outside_of_its_folder(self, tmp_path, victim, name):
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "link").symlink_to(victim.parent)
        (folder / "direct").symlink_to(victim)
        name = name.replace("ABSOLUTE", str(victim))
        line = [name, victim.stat().st_size, hashlib.sha256(victim.read_bytes()).hexdigest()]
        (folder / RECORD).write_text(json.dumps(line) + "\n")
        assert Owned(folder).own([folder / name]) == []
        Owned(folder).clear(folder / "last")
        assert victim.exists()

    @pytest.mark.parametrize(
        "line",
        [
            '["a", 3]',
            '["x"]\n[[], 3, 4]',
            '["x"]\n{}',
            '["x"]\nnonsense',
            '["a", true, "x"]',
            '["' + "[" * 100_000,
            '["a", 1e400, "x"]',
        ],
    )
    def test_a_strangers_record_claims_nothing(self, tmp_path, line):
        (tmp_path / RECORD).write_text(line + "\n")
        (tmp_path / "a").write_text("new")
        with pytest.raises(RecycleError, match="is not what recycle wrote"):
            Owned(tmp_path).refuse_foreign([tmp_path / "a"])

    def test_a_file_of_the_records_name_is_kept_and_named(self, tmp_path):
        (tmp_path / RECORD).write_text("precious\n")
        with pytest.raises(RecycleError, match="it is yours, so it is kept"):
            Owned(tmp_path).write_text(tmp_path / "a", "new")
        with (
            pytest.raises(RecycleError, match="it is yours, so it is kept"),
            Owned(tmp_path).begun(tmp_path / "a", [], True),
        ):
            pass
        assert (tmp_path / RECORD).read_text() == "precious\n"

    @pytest.mark.parametrize("name", [RECORD, ".recycle.lock", ".recycle.lock.json", "last.json.part", "last.json"])
    def test_no_photo_takes_a_name_that_is_ours(self, tmp_path, name):
        last, names = tmp_path / "last.json", [tmp_path / "1.jpg", tmp_path / name]
        with pytest.raises(RecycleError, match="would be written twice"), Owned(tmp_path).begun(last, names, True):
            pass
        assert not [*tmp_path.iterdir()]

    def test_a_lock_that_a_killed_process_left_goes_where_its_work_is_done(self, tmp_path):
        owned, last = Owned(tmp_path), tmp_path / "last"
        with owned.begun(last, [], False):
            owned.write_text(last, "done")
        (tmp_path / ".recycle.lock").touch()
        (tmp_path / ".recycle.lock.json").write_text('{"pid": 1, "command": "x", "began": "2026-01-01"}')
        with pytest.raises(RecycleError, match="last exists"), owned.begun(last, [], False):
            pass
        assert {file.name for file in tmp_path.iterdir()} == {"last", RECORD}

    def test_a_kill_between_the_line_and_the_name_leaves_the_old_file_ours(self, tmp_path):
        owned = Owned(tmp_path)
        owned.write_text(tmp_path / "a", "old")
        (tmp_path / "part").write_text("new")
        owned._note(tmp_path / "a", tmp_path / "part")
        assert owned.own([tmp_path / "a"]) == [tmp_path / "a"]

    def test_a_finished_record_has_a_line_for_each_file(self, tmp_path):
        owned = Owned(tmp_path)
        for name, text in (("b", "1"), ("a", "2"), ("b", "4")):
            owned.write_text(tmp_path / name, text)
        owned.finish()
        lines = [json.loads(line) for line in (tmp_path / RECORD).read_text().splitlines()]
        assert [line[0] for line in lines] == ["a", "b"]
        assert owned.own([tmp_path / "a", tmp_path / "b"]) == [tmp_path / "a", tmp_path / "b"]

    def test_lines_of_many_writers_are_all_there(self, tmp_path):
        def write(first):
            for number in range(first, first + 40):
                Owned(tmp_path).write_text(tmp_path / str(number), str(number))
                if number % 10 == 0:
                    Owned(tmp_path).finish()

        threads = [threading.Thread(target=write, args=(first,)) for first in (0, 100, 200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        files = [file for file in tmp_path.iterdir() if file.name != RECORD]
        assert len(Owned(tmp_path).own(files)) == len(files) == 120

    def test_an_interrupted_call_goes_on_and_a_planted_mark_opens_nothing(self, tmp_path):
        owned, last, other = Owned(tmp_path), tmp_path / "last", tmp_path / "other"
        killed = owned.begun(last, [other], force=False)
        killed.__enter__()
        owned.write_text(other, "1")
        del killed
        with owned.begun(last, [other], force=False):
            owned.write_text(other, "1")
            owned.write_text(last, "2")
        assert {file.name for file in tmp_path.iterdir()} == {"last", "other", RECORD}
        other.write_text("mine")
        (tmp_path / "last.part").touch()
        with pytest.raises(RecycleError, match="other is not what recycle wrote"), owned.begun(last, [other], True):
            pass

    def test_a_record_without_locks_is_written_all_the_same(self, tmp_path, monkeypatch):
        def none(*_):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(fcntl, "flock", none)
        Owned(tmp_path).write_text(tmp_path / "a", "new")
        assert Owned(tmp_path).own([tmp_path / "a"])


def test_lines_of_a_strangers_record_take_no_memory(tmp_path):
    (tmp_path / RECORD).write_text("".join(f'["{number}", 1, "x"]\n' for number in range(20_000)))
    tracemalloc.start()
    try:
        assert Owned(tmp_path).own([tmp_path / "1"]) == []
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_what_another_process_has_written_meanwhile_is_not_replaced(tmp_path, monkeypatch):
    """It had begun when this call looked, and ended before this call held the folder."""
    owned, last = Owned(tmp_path / "out"), tmp_path / "out/last.txt"
    with owned.begun(last, [], False):

        @contextmanager
        def ends_first(place, within=False):
            owned.write_text(last, "theirs")
            (tmp_path / "out/last.txt.part").unlink(missing_ok=True)
            yield

        monkeypatch.setattr("recycle_data.owned._remove_lock", lambda folder: None)
        monkeypatch.setattr("recycle_data.owned.held", ends_first)
        with pytest.raises(RecycleError, match=r"last\.txt exists"), owned.begun(last, [], False):
            owned.write_text(last, "ours")
    assert last.read_text() == "theirs"


@pytest.mark.parametrize("write", ["write_text", "write_json"])
def test_a_name_that_is_no_utf_8_is_refused_where_it_would_be_written(tmp_path, write):
    with pytest.raises(RecycleError, match=r"a\.txt cannot hold a name that is no UTF-8: .*x\\udcff"):
        getattr(Owned(tmp_path), write)(tmp_path / "a.txt", "/data/x\udcff/y")
    assert list(tmp_path.glob("*.txt")) == []


def test_work_that_is_done_does_not_fail_for_its_record(tmp_path, monkeypatch):
    """A disk on which the record cannot be shortened; typed again, the command would find its own file in the way."""

    def full(path, text):
        raise RunFailed(f"cannot write {path}: the disk is full")

    owned = Owned(tmp_path)
    with owned.begun(tmp_path / "last", [], force=False):
        owned.write_text(tmp_path / "last", "once")
        owned.write_text(tmp_path / "last", "twice")
        monkeypatch.setattr("recycle_data.owned.write_text", full)
    assert owned.own([tmp_path / "last"]) == [tmp_path / "last"]
    assert not (tmp_path / "last.part").exists()


def test_long_lists_are_written_as_json_writes_them(tmp_path):
    long = [{"사진": number, "x": [0.5, None]} for number in range(2 * BATCH + 1)]
    for value in ({}, [], {"a": long, "b": long[:BATCH], "c": [], "d": {"e": 1}}, {"a": "x"}, long):
        Owned(tmp_path).write_json(tmp_path / "a.json", value)
        text = (tmp_path / "a.json").read_bytes().decode()
        assert text == json.dumps(value, ensure_ascii=False) + "\n"
    with pytest.raises(ValueError, match="Out of range"):
        Owned(tmp_path).write_json(tmp_path / "b.json", {"a": [*long, float("nan")]})
    assert not (tmp_path / "b.json").exists()


def test_files_that_somebody_removes_meanwhile_are_told_and_written_by_the_next_call(tmp_path):
    """A moved folder takes the mark of what was begun with it."""
    owned, files = Owned(tmp_path / "o"), [tmp_path / "o" / name for name in ("last.json", "a.jpg", "b.jpg")]

    def write():
        with owned.begun(files[0], files[1:], False):
            for number, file in enumerate(reversed(files)):
                owned.write_text(file, "x")
                if number == 0 and not (tmp_path / "elsewhere").exists():
                    owned.base.rename(tmp_path / "elsewhere")

    with pytest.raises(RunFailed, match="removed or moved while the command ran: 1 of 3 files"):
        write()
    write()
    assert all(file.exists() for file in files)


@pytest.mark.parametrize(
    "line",
    [
        "data import data set.json",
        "data convert data set.zip --from coco --to yolo",
        "data merge data data --out set.JSON",
        "data export data labels.xml --to cvat",
        "demo --out demo.png",
    ],
)
def test_a_folder_that_is_called_as_a_file_is_refused(tmp_path, line):
    write_coco(tmp_path / "data", coco(2))
    done = recycle_here(*line.split(), cwd=tmp_path)
    assert (done.returncode, [*tmp_path.iterdir()]) == (2, [tmp_path / "data"])
    assert "is called as a file, and a folder of several files is written\n  remedy: name the folder: " in done.stderr
