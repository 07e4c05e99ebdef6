"""`train --folds all`: every fold by a process of its own, one score over all photos, repeatable."""

import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import TINY, coco, recycle_here, run_recycle, write_coco

SMALL = ["--plugin", "fpn", "--epochs", 1, "--batch-size", 2, "-o", "data.size=32", *TINY]


@pytest.fixture
def folded(tmp_path):
    write_coco(tmp_path / "data", coco(6))
    assert run_recycle("data", "kfold", "--n", 2, cwd=tmp_path).returncode == 0
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
    done = recycle("train", "--folds", "all", *SMALL)
    assert done.returncode == 2
    assert "1.jpg cannot be read" in done.stderr
    assert "fold 0 was refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fold_beside_all_of_them(folded):
    done = run_recycle("train", "--folds", "all", "--fold", 1, *SMALL, cwd=folded)
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
    done = run_recycle("train", "--fold", 0, "--name", "cv-fold0", *SMALL, cwd=folded)
    assert done.returncode == 0, done.stderr
    before = {file: file.read_bytes() for file in folded.rglob("*") if file.is_file()}
    other = run_recycle("train", "--folds", "all", "--name", "cv", *SMALL, "--lr", "0.1", cwd=folded)
    assert other.returncode == 2
    assert "runs/cv-fold0 was trained with another train.lr" in other.stderr
    assert {file: file.read_bytes() for file in folded.rglob("*") if file.is_file()} == before
