"""`recycle runs delete` and `prune`: a run's own files alone, and never what somebody still needs."""

import json
import re
import shutil
from pathlib import Path

import pytest
import typer
from recycle_data.owned import RECORD, Owned
from recycle_data.splits import make_split
from recycle_engine import api
from recycle_engine.history import removal
from recycle_engine.history.outcome import read_end
from recycle_engine.runs import Run
from support import recycle_here, small_run

from recyclecli.errors import RecycleError
from recyclecli.locks import held


@pytest.fixture
def run(made_runs, tmp_path):
    return small_run(made_runs, tmp_path / "runs/one")


def names(files, run):
    return {file.relative_to(run.folder).as_posix() for file in files}


def listed_files(run):
    return {file: file.stat().st_mtime_ns for file in run.folder.rglob("*")}


def unfinish(run):
    run.end.unlink()
    run.recipe.write_text(run.recipe.read_text().replace("  epochs: 4\n", "  epochs: 9\n"))


def test_a_training_notes_what_it_writes(made_runs):
    run = Run(made_runs / "runs/seed-0")
    named = Owned(run.folder).names()
    assert {"checkpoints/best.safetensors", "checkpoints/best-raw.safetensors", "checkpoints/last.ckpt"} <= named
    assert Owned(run.folder).own([run.best, run.raw, run.last, *run.top()]) == [run.best, run.raw, run.last, *run.top()]
    assert read_end(run).epochs == 4


class TestDelete:
    def test_nothing_is_left(self, run):
        files = {file for file in run.folder.rglob("*") if file.is_file() and file.name != RECORD}
        (seen,) = api.delete_runs([run], dry_run=True)
        assert (
            {*seen.files} == files == {file for file in run.folder.rglob("*") if file.is_file()} - {run.folder / RECORD}
        )
        assert seen.size == sum(file.stat().st_size for file in files)
        assert (api.delete_runs([run]), run.folder.exists()) == ([seen], False)
        assert list(run.folder.parent.iterdir()) == []

    def test_what_is_yours_stays(self, run, tmp_path):
        precious = tmp_path / "precious"
        precious.mkdir()
        (precious / "a.txt").write_text("a")
        (run.folder / "notes.txt").write_text("mine")
        (run.checkpoints / "mine.safetensors").write_bytes(run.best.read_bytes())
        run.env.write_text("changed")
        run.last.write_bytes(run.last.read_bytes() + b"changed")
        (run.checkpoints / "linked").symlink_to(precious)
        (run.folder / ".report.html.lock").touch()  # of a process that was killed
        told = {"pid": 1, "command": "recycle report one", "began": "2026-01-01"}
        (run.folder / ".report.html.lock.json").write_text(json.dumps(told))
        run.metrics.unlink()
        run.metrics.symlink_to(precious / "a.txt")
        (done,) = api.delete_runs([run])
        stays = {"notes.txt", "env.json", "metrics.csv", "checkpoints/mine.safetensors", "checkpoints/last.ckpt"}
        assert names(done.kept, run) == stays | {"checkpoints/linked"}
        left = {file for file in run.folder.rglob("*") if file.is_symlink() or file.is_file()}
        assert names(left, run) == stays | {"checkpoints/linked"}
        assert (precious / "a.txt").read_text() == "a"

    @pytest.mark.parametrize("after", [0, 1, 5, 12])
    def test_typed_again_it_goes_on(self, run, monkeypatch, after):
        unlink, count = Path.unlink, iter(range(100))

        def killed(self, missing_ok=False):
            if run.folder in self.parents and next(count) == after:
                raise KeyboardInterrupt
            unlink(self, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", killed)
            with pytest.raises(KeyboardInterrupt):
                api.delete_runs([run])
        assert run.recipe.is_file() or not [file for file in run.folder.rglob("*") if file.name != RECORD]
        monkeypatch.chdir(run.folder.parents[1])
        api.delete_runs(["one"])
        assert not run.folder.exists()

    def test_what_a_kill_at_the_end_leaves_is_removed(self, run, monkeypatch):
        monkeypatch.chdir(run.folder.parents[1])
        for file in run.folder.rglob("*"):
            if file.is_file() and file.name != RECORD:
                file.unlink()
        api.delete_runs(["one"])
        assert not run.folder.exists()

    def test_a_run_of_0_1_keeps_no_record(self, run):
        for file in (run.folder / RECORD, run.photos, run.end, run.scores):
            file.unlink()
        (run.folder / "notes.txt").write_text("mine")
        (done,) = api.delete_runs([run])
        assert names(done.kept, run) == {"notes.txt"}
        assert [file.name for file in run.folder.iterdir()] == ["notes.txt"]

    def test_none_is_removed_where_one_cannot_be(self, made_runs, run):
        two = small_run(made_runs, run.folder.with_name("two"))
        link = run.folder.with_name("link")
        link.symlink_to(run.folder)
        for other, cause in ((two.folder, "is in use by process"), (link, "is a link to")):
            with held(two.folder), pytest.raises(RecycleError, match=cause):
                api.delete_runs([run, other])
        assert run.recipe.exists()

    def test_nor_where_a_part_of_it_is_in_use(self, run):
        for place in (run.folder / "report.html", run.exported / "recycle"):  # as of `export`, which locks the folder
            with held(place), pytest.raises(RecycleError, match="is in use by process"):
                api.delete_runs([run])
        assert run.recipe.exists()

    def test_what_is_no_run_is_refused(self, run):
        place = run.folder.with_name("predicted")
        Owned(place).write_text(place / "classes.json", "{}")
        with pytest.raises(RecycleError, match="no run"):
            api.delete_runs([place])
        with pytest.raises(RecycleError, match="no run"):
            api.delete_runs([place.with_name("nothing")])
        assert (place / "classes.json").exists()

    def test_what_holds_paths_to_it_is_named(self, made_runs, run):
        two = small_run(made_runs, run.folder.with_name("two"))
        two.recipe.write_text(two.recipe.read_text().replace("  init_from:\n", f"  init_from: {run.best}\n"))
        runs = run.folder.parent
        (runs / "all-folds.json").write_text(json.dumps({"runs": [str(run.folder)]}))
        (runs / "odd-folds.json").write_text("[")
        notes = api.delete_runs([run], dry_run=True)[0].notes
        assert [note.split(" ")[0] for note in notes] == [str(two.folder), str(runs / "all-folds.json")]
        assert len(api.delete_runs([run, two], dry_run=True)[0].notes) == 1  # both go

    def test_another_process_was_faster(self, run, monkeypatch):
        monkeypatch.setattr(removal, "track", lambda folders, *_: shutil.rmtree(run.folder) or folders)
        with pytest.raises(RecycleError, match="is gone"):
            api.delete_runs([run])
        assert list(run.folder.parent.iterdir()) == []

    def test_a_disk_that_refuses(self, run, monkeypatch):
        unlink = Path.unlink

        def refuse(self, missing_ok=False):
            if run.folder in self.parents:
                raise PermissionError(13, "Permission denied", str(self))
            unlink(self, missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refuse)
            with pytest.raises(RecycleError, match=r"cannot remove .*checkpoints/.*: Permission denied"):
                api.delete_runs([run])


class TestPrune:
    def test_the_best_stays(self, run):
        (done,) = api.prune_runs([run])
        assert [file.name for file in run.checkpoints.rglob("*")] == ["best.safetensors"]
        assert {file.name for file in done.files} >= {"last.ckpt", "best-raw.safetensors"}
        assert api.prune_runs([run])[0].files == ()
        assert api.list_runs(run.folder.parent)[0].state == "finished"

    def test_what_resuming_needs_stays(self, run):
        unfinish(run)
        (done,) = api.prune_runs([run])
        assert {file.name for file in run.checkpoints.iterdir()} == {"best.safetensors", "last.ckpt"}
        assert done.notes == (
            f"last.ckpt stays, since the training is not finished: recycle train --resume {run.folder}",
        )

    @pytest.mark.parametrize("weights", ["raw", "unknown"])
    def test_what_the_pipeline_uses_stays(self, run, weights):
        choice = {"format": 1, "pipeline": {"weights": weights, "views": [], "post": [], "window": 0}}
        Owned(run.folder).write_json(run.pipeline, choice)
        api.prune_runs([run])
        assert {file.name for file in run.checkpoints.iterdir()} == {"best.safetensors", "best-raw.safetensors"}

    def test_without_a_best_the_others_stay(self, run):
        run.best.write_bytes(run.best.read_bytes() + b"changed")
        (done,) = api.prune_runs([run])
        assert done.files == ()
        assert "no best checkpoint as it was written" in done.notes[0]
        assert run.last.exists()

    def test_what_may_be_needed_stays(self, run):
        run.metrics.write_text("epoch")
        (done,) = api.prune_runs([run])
        assert "not known whether the training is finished" in done.notes[0]
        assert run.last.exists()

    def test_a_pruned_run_is_not_trained_again(self, made_runs, run, registry, monkeypatch, logged):
        from recycle_engine.training.train import ended, resume

        run.end.unlink()  # as of an earlier version
        api.prune_runs([run])
        recipe = api.recipe_of(run)
        assert ended(run, recipe) == 4
        split = make_split(registry, recipe.data, recipe.seed)
        with pytest.raises(RecycleError, match="is finished, after 4 of 4 epochs, and keeps no state") as refused:
            resume(registry, recipe, split, run, 20)
        assert refused.value.remedy.endswith(f"recycle train --init-from {run.folder}")
        monkeypatch.setattr("recycle_engine.training.train.tell", lambda *_: ["the callbacks are told"])
        before = listed_files(run)
        done = resume(registry, recipe, split, run)  # as one that keeps its state
        assert (done.epochs, done.said, listed_files(run)) == (4, ("the callbacks are told",), before)
        assert "is finished, after 4 of 4 epochs; it keeps no state" in logged()
        assert "going on" not in logged()


class TestCommands:
    @pytest.mark.parametrize("verb", ["delete", "prune"])
    def test_nobody_is_asked_where_nobody_is(self, run, verb):
        place = run.folder.parents[1]
        done = recycle_here("runs", verb, "one", cwd=place)
        assert (done.returncode, f"remedy: recycle runs {verb} --yes -- one" in done.stderr) == (2, True)
        *_, total = recycle_here("runs", verb, "one", "--dry-run", cwd=place).stdout.splitlines()
        assert re.fullmatch(r"would be removed: \d+ files of 1 run, \d+ kB", total)
        assert run.last.exists()
        done = recycle_here("runs", verb, "--yes", "--json", "--", "one", cwd=place)
        assert (done.returncode, json.loads(done.stdout)[0]["kept"]) == (0, [])
        assert not run.last.exists()

    def test_it_asks(self, run, monkeypatch):
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        asked = []
        for answer in (False, True):
            monkeypatch.setattr("typer.confirm", lambda text, answer=answer, **_: asked.append(text) or answer)
            done = recycle_here("runs", "delete", "one", cwd=run.folder.parents[1])
            assert (done.returncode, run.folder.exists()) == (0, not answer)
        assert asked == ["delete 1 run?"] * 2

    def test_ctrl_c_is_no_answer(self, run, monkeypatch):
        def interrupt(*_, **__):
            raise typer.Abort

        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("typer.confirm", interrupt)
        assert recycle_here("runs", "delete", "one", cwd=run.folder.parents[1]).returncode == 130
        assert run.recipe.exists()

    def test_all_are_pruned_but_those_in_use(self, made_runs, run):
        two = small_run(made_runs, run.folder.with_name("two"))
        with held(two.folder):
            done = recycle_here("runs", "prune", "--all", "--yes", cwd=run.folder.parents[1])
        assert (done.returncode, "two" in done.stderr, two.last.exists(), run.last.exists()) == (0, True, True, False)

    def test_names_that_look_like_something_else(self, made_runs, tmp_path):
        for name in ("--yes", "a b", "new\nline", "日本"):
            small_run(made_runs, tmp_path / "runs" / name, "fold-1")
            done = recycle_here("runs", "delete", "--yes", "--", name, cwd=tmp_path)
            assert (done.returncode, list((tmp_path / "runs").iterdir())) == (0, []), done.stderr
