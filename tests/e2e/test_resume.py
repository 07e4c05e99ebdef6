"""Killed with SIGKILL and resumed, a run ends with the weights of an uninterrupted one."""

import shutil
import time

import pytest
import torch
from safetensors.torch import load_file
from support import BARE, SMALL, recycle_here, start_recycle

from recyclecli.files import PART

EPOCHS = 4
OPTIONS = [
    *("--epochs", EPOCHS, "--batch-size", 2, "--aug", "flip", "--aug", "affine", "-o", "data.size=64"),
    *("--plugin", "fcn32s"),
    *BARE,
]


def command(data, name):
    return ["train", "--data", data, *OPTIONS, "--name", name]


@pytest.fixture(scope="module")
def place(together, drawn):
    """data/ and a run of it that nothing interrupted, for all tests to read."""

    def make(folder):
        done = recycle_here(*command(drawn(folder / "data", 10), "whole"), cwd=folder)
        assert done.returncode == 0, done.stderr

    return together("resume", make)


@pytest.fixture(scope="module")
def data(place):
    return place / "data"


@pytest.fixture(scope="module")
def whole(place):
    return place / "runs/whole"


def kill_after(data, work, epochs):
    """Start a training and SIGKILL it when its metrics show `epochs` whole epochs and it was saved."""
    process = start_recycle(*command(data, "r"), cwd=work)
    run = work / "runs/r"
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and not process.over():
        saved = (run / "checkpoints/last.ckpt").is_file()
        if len(rows(run)) >= epochs and saved:
            break
        time.sleep(0.002)
    process.kill()
    assert epochs <= len(rows(run)) < EPOCHS
    return run


def rows(run):
    """The lines of a run's metrics, one for each epoch."""
    file = run / "metrics.csv"
    return file.read_text().splitlines()[1:] if file.is_file() else []


def assert_same_run(run, whole):
    for name in ("best.safetensors",):
        ours, theirs = load_file(run / "checkpoints" / name), load_file(whole / "checkpoints" / name)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    ours, theirs = (torch.load(folder / "checkpoints/last.ckpt", weights_only=True) for folder in (run, whole))
    for key in ("state_dict", "current_model_state"):
        assert all(torch.equal(ours[key][name], theirs[key][name]) for name in theirs[key])

    def plain(folder):  # all columns but the seconds
        rows = [row.split(",") for row in (folder / "metrics.csv").read_text().splitlines()]
        return [row[:2] + row[3:] for row in rows]

    assert plain(run) == plain(whole)
    assert not list(run.rglob(f"*{PART}"))


later = pytest.mark.slow("trains as the test of the first epoch does")


@pytest.mark.parametrize("epochs", [1, pytest.param(2, marks=later), pytest.param(3, marks=later)])
def test_a_run_killed_after_an_epoch_resumes_to_identical_weights(data, whole, tmp_path, epochs):
    run = kill_after(data, tmp_path, epochs)
    done = recycle_here("train", "--resume", "last", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_run(run, whole)


def test_a_run_killed_before_its_first_epoch_resumes_to_identical_weights(data, whole, tmp_path):
    process = start_recycle(*command(data, "r"), cwd=tmp_path)
    recipe = tmp_path / "runs/r/recipe.yaml"
    while not recipe.is_file() and not process.over():
        time.sleep(0.01)
    process.kill()
    run = tmp_path / "runs/r"
    done = recycle_here("train", "--resume", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_run(run, whole)


def test_a_moved_run_remembers_its_best(data, whole, tmp_path):
    run = kill_after(data, tmp_path, 2)
    moved = tmp_path / "elsewhere"
    run.rename(moved)
    done = recycle_here("train", "--resume", moved, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_run(moved, whole)


def test_resuming_a_finished_run_changes_nothing(data, tmp_path, whole):
    shutil.copytree(whole, tmp_path / "done")
    done = recycle_here("train", "--resume", tmp_path / "done", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "done", whole)


def test_resuming_with_a_broken_checkpoint_says_so(data, tmp_path, whole):
    shutil.copytree(whole, tmp_path / "r")
    (tmp_path / "r/checkpoints/last.ckpt").write_bytes(b"broken")
    done = recycle_here("train", "--resume", tmp_path / "r", cwd=tmp_path)
    assert done.returncode == 2
    assert "last.ckpt cannot be read" in done.stderr


def test_a_lowered_rate_is_remembered(data, tmp_path, registry):
    """plateau steps between an epoch's score and its checkpoint, so a resumed run knows of it."""
    from lightning.pytorch.callbacks import Callback
    from recycle_data.resolve import resolve
    from recycle_data.splits import make_split
    from recycle_engine.training.train import resume, train

    class Cut(Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 3:
                raise RuntimeError("cut")

    settings = {**SMALL, "model": "fcn32s", "train.epochs": 5, "train.lr": 1e-7, "train.ema": 0}
    settings |= {"data.root": str(data), "data.size": 32}
    settings["train.schedule"] = {"name": "plateau", "patience": 1, "warmup": 0}
    recipe = resolve(registry, None, settings)
    split = make_split(registry, recipe.data, recipe.seed)
    whole = train(registry, recipe, split, "whole", tmp_path).run
    with pytest.raises(RuntimeError, match="cut"):
        train(registry, recipe, split, "cut", tmp_path, [Cut()])
    run = type(whole)(tmp_path / "cut")
    resume(registry, resolve(registry, run.recipe), split, run)

    def rates(folder):
        return [row.split(",")[3] for row in folder.metrics.read_text().splitlines()[1:]]

    assert rates(run) == rates(whole)
    assert len(set(rates(whole))) > 1
    ours, theirs = load_file(run.best), load_file(whole.best)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
