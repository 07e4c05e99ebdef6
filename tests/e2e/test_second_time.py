"""What is done with a run later: more epochs, after its data has moved."""

import shutil

import pytest
import torch
from attacking import few
from lightning.pytorch.callbacks import Callback
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine.training.train import resume, train
from recycle_kit.testing import random_source
from safetensors.torch import load_file
from support import fake_dists, recycle_here, runs_in

from recyclecli.errors import RecycleError
from recyclecli.plugins import discover

SETTINGS = {"model": "tiny", "data.size": 32, "train.batch_size": 4, "train.lr": 0.004, "train.ema": 0}
SETTINGS |= {"train.loggers": [], "train.callbacks": []}


class Rates(Callback):
    """The rate of each step."""

    def __init__(self):
        self.found = []

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        self.found.append(optimizer.param_groups[0]["lr"])


@pytest.fixture(scope="module")
def registry():
    """What is installed, with a stranger's optimizer, schedule and tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        fake_dists(patch, "steps", "tiny")
        yield discover()


@pytest.fixture
def begin(registry, tmp_path):
    """Trains on 8 random photos; the run."""

    def run(name, **settings):
        recipe = resolve(registry, None, {**SETTINGS, **{f"train.{key}": value for key, value in settings.items()}})
        split = Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "drawn", recipe.data)
        rates = Rates()
        return train(registry, recipe, split, name, tmp_path, [rates]).run, rates.found

    return run


def go_on(registry, run, epochs=None):
    recipe = resolve(registry, run.recipe)
    split = Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "drawn", recipe.data)
    return resume(registry, recipe, split, run, epochs)


def test_more_epochs_end_as_a_longer_run(begin, registry, logged):
    """With a rate that does not depend on the length, to identical weights."""
    long, _ = begin("long", epochs=3, schedule={"name": "constant", "warmup": 0})
    short, _ = begin("short", epochs=2, schedule={"name": "constant", "warmup": 0})
    done = go_on(registry, short, 3)
    assert done.epochs == 3
    ours, theirs = load_file(short.best), load_file(long.best)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert resolve(registry, short.recipe).train.epochs == 3
    assert "3 epochs in all: from here on the rate is that of schedule constant over 3" in logged()


@pytest.mark.parametrize("rules", [{}, {"optimizer": "plain", "schedule": "steps"}], ids=["ours", "a stranger's"])
def test_the_rate_goes_on_as_in_a_run_of_the_new_length(begin, registry, monkeypatch, rules):
    _, wanted = begin("long", epochs=4, **rules)
    short, _ = begin("short", epochs=2, **rules)
    rates = Rates()
    monkeypatch.setattr(
        "recycle_engine.training.train.NewLength.on_before_optimizer_step",
        lambda self, trainer, module, optimizer: rates.on_before_optimizer_step(trainer, module, optimizer),
    )
    go_on(registry, short, 4)
    assert rates.found == pytest.approx(wanted[len(wanted) // 2 :])


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"optimizer": "number"}, "optimizer number@acme-steps: expected a torch.optim.Optimizer; found int 3"),
        (
            {"schedule": "number"},
            "schedule number@acme-steps: expected a scheduler of torch's, or a list of them; found int 3",
        ),
    ],
)
def test_what_is_no_optimizer_and_no_schedule_is_told_from_a_bug_of_ours(begin, rules, said):
    with pytest.raises(RecycleError, match=said):
        begin("r", epochs=1, **rules)


def test_a_finished_run_says_so(begin, registry, logged):
    run, _ = begin("r", epochs=2)
    before = load_file(run.best)
    go_on(registry, run)
    said = logged()
    assert f"{run.folder} is finished, after 2 of 2 epochs" in said
    assert f"recycle train --resume {run.folder} --epochs 12" in said
    assert all(torch.equal(value, before[key]) for key, value in load_file(run.best).items())
    with pytest.raises(RecycleError, match="has done 2 epochs, so --epochs 1 adds none"):
        go_on(registry, run, 1)


def test_a_run_that_stopped_early_goes_on_for_more_epochs(begin, registry):
    run, _ = begin("r", epochs=6, patience=1, lr=1e-12)
    stopped = len(run.metrics.read_text().splitlines()) - 1
    assert stopped < 6
    done = go_on(registry, run, 8)
    assert done.epochs == stopped + 1  # one more without a better score: it is counted from here


@pytest.fixture
def moved(made_runs, tmp_path):
    """A folder with runs whose data was moved to `elsewhere`."""
    place = runs_in(tmp_path / "w", made_runs)
    (place / "data").rename(place / "elsewhere")
    return place


@pytest.mark.parametrize(
    ("line", "how"),
    few(
        [
            (("eval", "seed-0", "--json"), "--data"),
            (("train", "--resume", "fold-1"), "RECYCLE_DATA"),
            (("report", "seed-0"), "--data"),
            (("ablate", "seed-0", "--trick", "hflip"), "--data"),
            (("export", "seed-0"), "--data"),
            (("export", "seed-0"), "RECYCLE_DATA"),
            (("eval", "seed-0", "--json"), "RECYCLE_DATA"),
        ],
        3,
    ),
)
def test_data_that_moved_is_named(moved, line, how):
    more, env = (("--data", "elsewhere"), {}) if how == "--data" else ((), {"RECYCLE_DATA": "elsewhere"})
    done = recycle_here(*line, *more, cwd=moved, env=env)
    assert done.returncode == 0, done.stderr
    assert "cannot be read" not in done.stderr
    assert "left out" not in done.stderr
    if line[0] == "eval":
        assert "the run's 12 validation photos" in done.stderr


def test_a_resumed_run_remembers_where_its_data_is(moved, registry):
    done = recycle_here("train", "--resume", "fold-1", "--epochs", 2, "--data", "elsewhere", cwd=moved)
    assert done.returncode == 0, done.stderr
    recipe = resolve(registry, moved / "runs/fold-1/recipe.yaml")
    assert recipe.data.root == moved / "elsewhere"
    assert recipe.train.epochs == 2
    done = recycle_here("report", "fold-1", cwd=moved)
    assert done.returncode == 0, done.stderr


def test_a_recipe_of_a_run_is_trained_on_data_that_moved(moved):
    recipe = ("--recipe", "runs/fold-1/recipe.yaml", "--name", "again")
    done = recycle_here("train", *recipe, "--data", "elsewhere", cwd=moved)
    assert done.returncode == 0, done.stderr


def test_data_that_is_gone_is_no_circle(moved):
    """Each door names what helps: a folder of other data is other data, and an export needs any photos."""
    done = recycle_here("report", "seed-0", cwd=moved)
    assert done.returncode == 2
    assert "name it with --data DIR or $RECYCLE_DATA" in done.stderr
    done = recycle_here("export", "seed-0", cwd=moved)
    assert done.returncode == 2
    assert "any photos will do: recycle export runs/seed-0 --photos DIR" in done.stderr
    shutil.copytree(moved / "elsewhere/images", moved / "photos")
    done = recycle_here("export", "seed-0", "--photos", "photos", cwd=moved)
    assert done.returncode == 0, done.stderr
    done = recycle_here("export", "seed-0", "--data", "photos", "--force", cwd=moved)
    assert done.returncode == 0, done.stderr
