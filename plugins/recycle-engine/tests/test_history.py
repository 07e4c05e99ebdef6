"""`recycle runs list` and `show`, `recycle compare --settings`: what a folder of runs holds, whatever lies there."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from recycle_data.owned import Owned
from recycle_data.resolve import resolve
from recycle_engine import api
from recycle_engine.history.outcome import keep_end, keep_scores, read_scores, weights_now
from recycle_engine.pipeline import Pipeline, write_choice
from recycle_engine.runs import Run
from rich.cells import cell_len
from support import recycle_here, small_run

from recyclecli.errors import RecycleError
from recyclecli.locks import held


@pytest.fixture
def run(made_runs, tmp_path):
    return small_run(made_runs, tmp_path / "runs/one")


def listed(run):
    """What the list says of a run."""
    return {one.folder.name: one for one in api.list_runs(run.folder.parent)}[run.folder.name]


class TestList:
    def test_trained_runs_newest_first(self, made_runs):
        found = api.list_runs(made_runs / "runs")
        assert [one.folder.name for one in found] == ["fold-1", "seed-1", "seed-0"]
        for one, epochs in zip(found, (1, 4, 4), strict=True):
            assert (one.kind, one.state, one.model, one.encoder) == ("run", "finished", "fcn8s", "tu-test_efficientnet")
            assert (one.data, one.epochs, one.of, one.resume, one.faults) == (
                str(made_runs / "data"), epochs, epochs, "", ()
            )  # fmt: skip
            assert one.size == sum(file.stat().st_size for file in one.folder.rglob("*") if file.is_file())
            assert one.score.metric == "miou_dataset"  # `eval` has judged it
            assert one.score.low <= one.score.value <= one.score.high

    def test_it_takes_no_torch(self, made_runs):
        code = (
            "import sys; from recycle_engine import api; api.list_runs('runs'); "
            "api.show_run('last'); api.compare_settings(['seed-0', 'fold-1']); assert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], cwd=made_runs, check=True)

    def test_without_a_stored_score_it_is_the_best_epoch(self, run):
        run.scores.unlink()
        rows = ["epoch,step,seconds,lr,train_loss,val_loss,val_miou,iou/Metal"]
        rows += [
            "0,1,1,0,1,0.9,0.1,nan",
            "1,2,1,0,1,0.5,0.4,0.3",
            "2,3,1,0,1,0.7,0.4,0.2",
            "3,4,1,0,1,-inf,inf,inf",
            "4,5,1",
        ]
        run.metrics.write_text("\n".join(rows))
        for monitor, best in (("miou", 0.4), ("loss", 0.5), ("Metal", 0.3)):
            run.recipe.write_text(re.sub("  monitor: .*", f"  monitor: {monitor}", run.recipe.read_text()))
            score = listed(run).score
            assert (score.value, score.low, score.high, score.metric) == (best, None, None, monitor)

    @pytest.mark.parametrize(
        ("epochs", "patience", "end", "state"),
        [
            (4, "", None, "finished"),
            (9, "", None, "killed"),
            (9, 1, None, "killed"),
            (9, 2, None, "finished"),
            (9, "", 4, "finished"),
            (9, "", 3, "killed"),
            (4, "", 9, "finished"),
        ],
    )
    def test_a_run_is_over_by_its_end_or_else_by_its_metrics(self, run, epochs, patience, end, state):
        text = run.recipe.read_text().replace("  epochs: 4\n", f"  epochs: {epochs}\n")
        run.recipe.write_text(text.replace("  patience:\n", f"  patience: {patience}\n"))
        scores = ["0.2", "0.5", "0.5", "0.4"] if patience == 2 else ["0.2", "0.3", "0.4", "0.5"]
        head, *rows = run.metrics.read_text().splitlines()
        cut = r"^((?:[^,]*,){6})[^,]*"  # to the score
        rows = [re.sub(cut, rf"\g<1>{score}", row) for row, score in zip(rows, scores, strict=True)]
        run.metrics.write_text("\n".join([head, *rows]))
        run.end.unlink()
        if end:
            keep_end(run, end)
        one = listed(run)
        assert one.state == state
        assert one.resume == ("" if state == "finished" else f"recycle train --resume {run.folder}")

    def test_who_holds_it_trains_it(self, run):
        with held(run.folder):
            assert listed(run).state == "in use"
            run.recipe.write_text(run.recipe.read_text().replace("  epochs: 4\n", "  epochs: 9\n"))
            run.end.unlink()
            assert (listed(run).state, listed(run).resume) == ("training", "")
        with held(run.folder.parent / "new"):
            (run.folder.parent / "new").mkdir()
            assert [one.state for one in api.list_runs(run.folder.parent) if one.folder.name == "new"] == ["training"]

    @pytest.mark.parametrize("place", ["recipe.yaml", "env.json", "metrics.csv", "end.json", "scores.json"])
    @pytest.mark.parametrize("what", ["gone", "empty", "folder", "noise", "deep", "list", "huge"])
    def test_a_damaged_run_is_listed_with_what_is_wrong(self, run, place, what):
        file = run.folder / place
        file.unlink()
        if what == "folder":
            file.mkdir()
        elif what == "huge":
            with file.open("wb") as handle:
                handle.truncate(2**29)
        elif what != "gone":
            file.write_bytes({"empty": b"", "noise": b"\xff\x00: {", "deep": b"[" * 500, "list": b"[1]"}[what])
        one = listed(run)
        named = place in " ".join(one.faults)
        assert named or place == "env.json" or (what == "gone" and place == "scores.json")
        details = api.show_run(run)
        assert details.summary == one
        json.dumps(details.as_dict())

    @pytest.mark.parametrize(
        ("old", "new", "fault"),
        [
            ("train:\n", "training:\n", "no section train"),
            ("epochs: 4\n", "epochs: many\n", "train.epochs = 'many'"),
            ("model:\n  name: fcn8s@", "model:\n  called: fcn8s@", "names no model"),
        ],
    )
    def test_no_line_is_offered_that_would_fail(self, run, old, new, fault):
        run.end.unlink()
        run.metrics.unlink()
        run.recipe.write_text(run.recipe.read_text().replace(old, new))
        one = listed(run)
        assert fault in " ".join(one.faults)
        assert one.resume == ""
        with pytest.raises(RecycleError, match=r"recipe.yaml"):
            api.compare_settings([run, run])

    def test_what_is_no_run_is_named_or_passed_over(self, made_runs, run):
        runs = run.folder.parent
        (runs / "mine").mkdir()
        (runs / "mine/photo.jpg").write_bytes(b"")
        (runs / "file").write_text("")
        for name, file in (("exported", "card.json"), ("predicted", "classes.json"), ("other", "x.json")):
            Owned(runs / name).write_text(runs / name / file, "{}")
        (runs / "link").symlink_to(run.folder)
        Owned(runs / "unborn").write_text(runs / "unborn/env.json", "{}")
        found = {one.folder.name: one for one in api.list_runs(runs)}
        assert {name: one.kind for name, one in found.items()} == {
            "one": "run", "link": "run", "unborn": "run", "exported": "export", "predicted": "predictions",
            "other": "output",
        }  # fmt: skip
        assert "is a link to" in found["link"].faults[0]
        assert found["unborn"].faults == ("it ended before its first step",)
        assert api.show_run(runs / "unborn").summary == found["unborn"]
        assert (found["unborn"].state, found["unborn"].resume) == ("killed", "")

    def test_a_folder_that_is_no_run_is_none_for_every_command(self, run, monkeypatch):
        monkeypatch.chdir(run.folder.parent.parent)
        runs = run.folder.parent
        for name, file in (("exported", "card.json"), ("predicted", "classes.json"), ("other", "x.json")):
            Owned(runs / name).write_text(runs / name / file, "{}")
        (runs / "empty").mkdir()
        holds = {"exported": "holds an export", "predicted": "holds predictions", "other": "holds an output"}
        for name, what in {**holds, "empty": "is empty, and no run"}.items():
            for ask in (api.find_run, api.show_run, api.recipe_of):
                with pytest.raises(RecycleError, match=what):
                    ask(name)
        run.recipe.unlink()
        with pytest.raises(RecycleError, match=r"runs/one is no run: .* lacks recipe.yaml") as refused:
            api.find_run("runs/one")
        assert refused.value.remedy == "what is left of it: recycle runs show runs/one"
        assert "recipe.yaml is missing" in api.show_run("runs/one").summary.faults

    def test_there_is_no_such_folder(self, tmp_path):
        with pytest.raises(RecycleError, match=r"no runs in .*: No such file or directory") as refused:
            api.list_runs(tmp_path / "runs")
        assert "--runs" in refused.value.remedy

    def test_80_columns_and_a_line_each(self, run, monkeypatch):
        for name in ("a long name with spaces " * 4, "[red]\x1b[31m\n<b>", "日本語の名前" * 5, "--yes"):
            shutil.copytree(run.folder, run.folder.with_name(name))
        (run.folder / "end.json").unlink()
        (run.folder / "metrics.csv").unlink()
        done = recycle_here("runs", "list", cwd=run.folder.parents[1])
        head, *lines = [line.split("\t") for line in done.stdout.splitlines()]
        assert (len(lines), {len(line) for line in lines}, done.stderr) == (5, {len(head)}, "")
        assert "recycle train --resume" not in " ".join(lines[0])
        code = "import sys; sys.stdout.isatty = lambda: True; from recyclecli.cli.app import main; main()"
        table = subprocess.run(
            [sys.executable, "-c", code, "runs", "list"],
            cwd=run.folder.parents[1],
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        table = re.sub(r"\x1b\[\d*m", "", table)
        shown = [line for line in table.splitlines() if "one:" not in line and "goes on:" not in line]
        assert max(map(cell_len, shown)) <= 80
        assert "\x1b" not in table


class TestScores:
    def test_eval_stores_what_the_run_s_own_pipeline_says_of_its_own_photos(self, made_runs, run, monkeypatch):
        first = read_scores(Run(made_runs / "runs/seed-0"))
        assert first.pipeline == "plain"
        run.scores.unlink()
        result = type("Result", (), {"photos": 3, "miou_dataset": first.miou_dataset, "miou_image": None})()
        result.miou_256, result.boundary_iou = first.miou_256, None
        with held(run.folder):
            keep_scores(run, result, "plain", weights_now(run))
        assert not run.scores.exists()  # another process may be writing other weights
        keep_scores(run, result, "plain", (1, 1))
        assert not run.scores.exists()  # of weights that are no longer there
        keep_scores(run, result, "hflip", weights_now(run))
        kept = read_scores(run)
        assert (kept.photos, kept.pipeline, kept.miou_dataset) == (3, "hflip", first.miou_dataset)
        assert kept.miou_image is None
        write_choice(run, Pipeline(("vflip",)), {})
        assert not run.scores.exists()  # of another pipeline

    def test_only_eval_s_own_way_is_stored(self, made_runs, tmp_path):
        run = Run(shutil.copytree(made_runs / "runs/fold-1", tmp_path / "one"))
        first = read_scores(run)
        run.scores.unlink()
        api.evaluate(run)
        api.evaluate(run, pipeline=api.pipeline(["hflip"]), keep=True)
        recycle_here("eval", run.folder, "--data", made_runs / "data", cwd=tmp_path)
        assert not run.scores.exists()
        assert recycle_here("eval", run.folder, cwd=tmp_path).returncode == 0
        assert read_scores(run) == first

    def test_a_file_of_yours_is_kept(self, run):
        first = read_scores(run)
        run.scores.write_text("mine")
        keep_scores(run, first, "plain", weights_now(run))
        assert run.scores.read_text() == "mine"


class TestShow:
    def test_what_differs_from_the_default(self, made_runs):
        found = api.show_run(made_runs / "runs/fold-1")
        own = {one.key: one.values for one in found.settings}
        assert own["train.lr"] == ("0.001", "0.01")
        assert own["model.encoder"][1] == "tu-test_efficientnet"
        assert own["model"] == ("fpn@recycle-smp", "fcn8s@recycle-smp")
        assert not {"loss", "loss.ce.class_weights", "train.optimizer"} & own.keys()
        assert (found.best_epoch, found.monitor, found.ended) == (1, "miou", "finished, after 1 epoch")
        assert found.fingerprint
        assert found.versions["recyclecli"]
        assert sum(size for _, size in found.files) == found.summary.size

    def test_its_keys_are_those_that_overrides_take(self, made_runs, registry):
        found = api.show_run(made_runs / "runs/seed-1")
        overrides = [f"{one.key}={one.values[1]}" for one in found.settings]
        assert resolve(registry, None, None, overrides) == api.recipe_of(made_runs / "runs/seed-1")

    def test_lines_can_be_pasted(self, made_runs, tmp_path):
        run = small_run(made_runs, tmp_path / "a b's $(x)")
        run.end.unlink()
        run.recipe.write_text(run.recipe.read_text().replace("  epochs: 4\n", "  epochs: 5\n"))
        found = api.show_run(run)
        assert [shlex.split(line)[:3] for line in found.commands] == [
            ["recycle", "train", "--resume"], ["recycle", "eval", str(run.folder)],
            ["recycle", "predict", str(run.folder)],
        ]  # fmt: skip
        assert found.ended == "killed, after 4 of 5 epochs"

    def test_a_component_that_is_gone(self, run):
        run.recipe.write_text(run.recipe.read_text().replace("name: fcn8s@recycle-smp", "name: gone"))
        own = {one.key: one.values for one in api.show_run(run).settings}
        assert own["model"] == ("fpn@recycle-smp", "gone")


class TestCompare:
    def test_what_differs(self, made_runs):
        folders = [made_runs / "runs" / name for name in ("seed-0", "seed-1", "fold-1")]
        found = api.compare_settings(folders)
        values = {one.key: one.values for one in found.differences}
        assert values.pop("data.fingerprint")
        assert values == {"seed": ("0", "1", "0"), "data.fold": ("0", "0", "1"), "train.epochs": ("4", "4", "1")}
        assert found.runs == tuple(folders)

    def test_parts_options_and_versions(self, made_runs, run):
        two = small_run(made_runs, run.folder.with_name("two"))
        text = two.recipe.read_text().replace("- name: dice@", "- name: focal\n  gamma: 3\n- name: dice@")
        two.recipe.write_text(text)
        two.env.write_text(two.env.read_text().replace('"recyclecli": "', '"recyclecli": "9.'))
        done = recycle_here("compare", run.folder, two.folder, "--settings", "--json", cwd=made_runs)
        found = json.loads(done.stdout)["differences"]
        assert found.pop("loss") == [
            '["ce@recycle-losses", "dice@recycle-losses"]',
            '["ce@recycle-losses", "focal", "dice@recycle-losses"]',
        ]
        assert found["loss.focal.gamma"] == [None, "3"]
        assert found["env.recyclecli"][1].startswith("9.")
        assert {key.partition(".")[0] for key in found} == {"loss", "env"}

    def test_other_options_would_do_nothing(self, made_runs):
        done = recycle_here("compare", "seed-0", "seed-1", "--settings", "--min-effect", "0.1", cwd=made_runs)
        assert (done.returncode, "--min-effect would do nothing" in done.stderr) == (2, True)

    @pytest.mark.parametrize("names", [["seed-0", "seed-1"], ["seed-0", "seed-1", "fold-1", "seed-0"]])
    def test_it_is_printed_side_by_side_or_value_by_value(self, made_runs, names):
        done = recycle_here("compare", *names, "--settings", cwd=made_runs, env={"COLUMNS": "80"})
        assert "seed" in done.stdout
        assert max(map(len, done.stdout.splitlines())) < 120
