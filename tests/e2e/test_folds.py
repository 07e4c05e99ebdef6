"""`train --folds all`: every fold by a process of its own, one score over all photos, repeatable."""

import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from recycle_coco.yaml import parse_yaml
from recycle_data.resolve import resolve
from recycle_engine.api.folds_clock import FoldsClock
from recycle_engine.runs import Run
from recycle_engine.training.time_plan import Deadline
from support import TINY, coco, recycle_here, run_recycle, write_coco

SMALL = ["--plugin", "fpn", "--epochs", 1, "--batch-size", 2, "-o", "data.size=32", *TINY]
QUICK = [*SMALL, "-o", "train.callbacks=[]"]  # without the report


@pytest.fixture
def folded(tmp_path):
    write_coco(tmp_path / "data", coco(6))
    assert recycle_here("data", "kfold", "--n", 2, cwd=tmp_path).returncode == 0
    return tmp_path


@pytest.fixture
def recycle(request, folded, monkeypatch):
    """Runs `recycle` where `folded` lies: as a user does, or here with processes of the folds that are forked."""

    def fork(command, stdout, check):
        assert (command[:4], stdout, check) == ([sys.executable, "-P", "-m", "recyclecli"], sys.stderr, False)
        done = run_recycle(*command[4:], cwd=Path.cwd())
        print(done.stdout, done.stderr, file=sys.stderr)
        return done

    if request.param == "started":
        return partial(run_recycle, cwd=folded)
    monkeypatch.setattr("recycle_engine.api.folds.subprocess", SimpleNamespace(run=fork))
    return partial(recycle_here, cwd=folded)


STARTED = pytest.mark.slow("each fold is a process that imports everything")


@pytest.mark.parametrize("recycle", ["forked", pytest.param("started", marks=STARTED)], indirect=True)
def test_all_folds_and_their_one_score(folded, recycle):
    done = recycle("train", "--folds", "all", "--name", "cv", *SMALL)
    assert done.returncode == 0, done.stderr
    scores = json.loads((folded / "runs/cv-folds.json").read_text())
    assert scores["photos"] == 6
    assert scores["runs"] == ["runs/cv-fold0", "runs/cv-fold1"]
    pixels = sum(map(sum, scores["confusion"]))
    assert pixels == 6 * 32 * 32
    assert f"{scores['miou_dataset']['value']:.4f}" in done.stdout
    before = [(folded / f"runs/cv-fold{fold}/checkpoints/best.safetensors").read_bytes() for fold in (0, 1)]
    # cut off in its second fold, and typed again: what is whole stays, the rest goes on
    (folded / "runs/cv-fold1/report.html").unlink()
    (folded / "runs/cv-folds.json").unlink()
    again = recycle("train", "--folds", "all", "--name", "cv", *SMALL)
    assert again.returncode == 0, again.stderr
    assert "fold 0: runs/cv-fold0 is trained already" in again.stderr
    assert json.loads((folded / "runs/cv-folds.json").read_text()) == scores
    after = [(folded / f"runs/cv-fold{fold}/checkpoints/best.safetensors").read_bytes() for fold in (0, 1)]
    assert after == before
    other = recycle("train", "--folds", "all", "--name", "cv", *SMALL, "--lr", "0.1")
    assert other.returncode == 2
    assert "runs/cv-fold0 was trained with another train.lr" in other.stderr


@pytest.mark.parametrize("recycle", ["forked", pytest.param("started", marks=STARTED)], indirect=True)
def test_a_fold_that_fails_is_named(folded, recycle):
    (folded / "data/images/1.jpg").write_text("hello")
    done = recycle("train", "--folds", "all", *QUICK)
    assert done.returncode == 2
    assert "1.jpg cannot be read" in done.stderr
    assert "fold 0 was refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fold_beside_all_of_them(folded):
    done = recycle_here("train", "--folds", "all", "--fold", 1, *SMALL, cwd=folded)
    assert done.returncode == 2
    assert "leave out one of the two" in done.stderr


def test_folds_that_are_begun_go_on_with_the_same_recipe_alone(folded):
    """The first fold was interrupted before its run was made."""
    (folded / "runs").mkdir()
    (folded / "runs/cv-folds.yaml").write_text("seed: 1\n")
    other = recycle_here("train", "--folds", "all", "--name", "cv", *SMALL, cwd=folded)
    assert other.returncode == 2
    assert "cv-folds.yaml says that these folds are trained with another recipe" in other.stderr
    assert [file.name for file in (folded / "runs").iterdir() if file.suffix == ".yaml"] == ["cv-folds.yaml"]


def test_a_run_of_another_recipe_is_not_taken_for_a_fold(folded):
    """Neither where the record of what was asked for is gone, nor where the run was trained by itself."""
    done = recycle_here("train", "--fold", 0, "--name", "cv-fold0", *QUICK, cwd=folded)
    assert done.returncode == 0, done.stderr
    before = {file: file.read_bytes() for file in folded.rglob("*") if file.is_file()}
    other = recycle_here("train", "--folds", "all", "--name", "cv", *QUICK, "--lr", "0.1", cwd=folded)
    assert other.returncode == 2
    assert "runs/cv-fold0 was trained with another train.lr" in other.stderr
    assert {file: file.read_bytes() for file in folded.rglob("*") if file.is_file()} == before


@pytest.mark.slow("two trainings by the clock")
@pytest.mark.parametrize("recycle", ["forked"], indirect=True)
def test_the_minutes_are_those_of_all_folds_together(folded, recycle):
    options = ["--name", "cv", "--batch-size", 2, *TINY]
    done = recycle("train", "--folds", "all", "--minutes", 0.5, *options)
    assert done.returncode == 0, done.stderr
    assert "of 0.5 minutes" in done.stderr
    recipes = [parse_yaml((folded / f"runs/cv-fold{fold}/recipe.yaml").read_text()) for fold in (0, 1)]
    assert [recipe["data"]["size"] for recipe in recipes] == [32, 32]
    again = recycle("train", "--folds", "all", "--minutes", 0.5, *options)
    assert again.returncode == 0, again.stderr
    assert "runs/cv-fold1 is trained already" in again.stderr
    other = recycle("train", "--folds", "all", *options)
    assert other.returncode == 2
    assert "was trained with another" in other.stderr


@pytest.mark.parametrize("given", [(), ("train.epochs",), ("data.size", "train.batch_size")])
def test_what_is_left_is_dealt_out_and_the_first_fold_chooses_the_size(registry, tmp_path, given):
    recipe, now = resolve(registry, None, {"data.size": 96, "train.batch_size": 4, "train.epochs": 3}), [0.0]
    runs = [Run(tmp_path / f"cv-fold{fold}") for fold in range(3)]
    clock = FoldsClock(Deadline(300, now=lambda: now[0]), given, runs)
    minutes, seconds, *options = clock.arguments(0, recipe)
    assert minutes == "--minutes"
    assert float(seconds) * 60 == pytest.approx(100, abs=0.01)
    assert [one.partition("=")[0] for one in options[1::2]] == [*given]
    chosen = recipe.model_copy(update={"data": recipe.data.model_copy(update={"size": 64})})
    runs[0].folder.mkdir()
    runs[0].recipe.write_text(chosen.to_yaml())
    with clock.judging():
        now[0] = 10.0
    now[0] = 120.0
    second = clock.arguments(1, recipe)
    assert "data.size=64" in second
    assert "train.batch_size=4" in second
    assert ("--minutes" in second) == ("train.epochs" not in given)
    if "train.epochs" not in given:
        assert float(second[1]) * 60 == pytest.approx((300 - 120) / 2 - 10, abs=0.01)
    now[0] = 999.0
    assert float(FoldsClock(Deadline(0.1), given, runs).arguments(0, recipe)[1]) > 0
