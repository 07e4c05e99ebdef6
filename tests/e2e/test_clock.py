"""Training by the clock, whose time goes by the pixels that are trained on: no test waits for it."""

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine.history.metrics import read_metrics
from recycle_engine.runs import Run
from recycle_engine.training.clock import clock_of
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.time_choice import Timed
from recycle_engine.training.time_plan import Deadline
from recycle_engine.training.train import resume, train
from recycle_kit.testing import random_source
from safetensors.torch import load_file
from support import BARE, fake_dists, recycle_here, run_recycle

from recyclecli.errors import RecycleError
from recyclecli.plugins import discover

SETTINGS = {
    "model": "tiny",
    "train.batch_size": 2,
    "train.lr": 0.01,
    "train.loggers": [],
    "train.callbacks": [],
}
PHOTOS, VALIDATED = 60, 4
PER_EPOCH = PHOTOS // 2


MORE = pytest.mark.slow("trains by the clock in further situations")


class Ticks:
    """A clock that goes on with every photo, by its pixels: `pace` seconds for 64 x 64 of them."""

    def __init__(self):
        self.time, self.pace, self.photos = 0.0, 1.0, 0

    def __call__(self):
        return self.time


@pytest.fixture(scope="module")
def registry():
    """What is installed, with a stranger's tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        fake_dists(patch, "tiny")
        yield discover()


@pytest.fixture
def ticks(monkeypatch):
    ticks, loss = Ticks(), SegmentationModule._loss

    def slow(self, outputs, batch, trail):
        ticks.photos += len(batch.ids)
        ticks.time += len(batch.ids) * ticks.pace * batch.mask[0].numel() / 64**2
        return loss(self, outputs, batch, trail)

    monkeypatch.setattr(SegmentationModule, "_loss", slow)
    return ticks


class Rates(Callback):
    """Notes the rate of each step, and does something after some of them."""

    def __init__(self, then=None):
        self.rates, self.then = [], then or {}

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if pl_module.recipe.train.steps != ((0, 4),):  # not of a trial
            self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(self, trainer, *args):
        self.then.pop(trainer.global_step, lambda: None)()


@pytest.fixture
def start(registry, tmp_path):
    """Trains on random photos of 128 x 128, within some seconds where these are told."""

    def run(seconds=None, settings=(), clock=None, name="r", given=(), callbacks=(), recipe=None):
        resolved = resolve(registry, recipe, {**({} if recipe else SETTINGS), **dict(settings)})
        split = photos(resolved)
        timed = Timed(Deadline(seconds, now=clock), given) if seconds else None
        return train(registry, resolved, split, name, tmp_path, callbacks, timed)

    return run


def photos(recipe):
    sources = random_source(PHOTOS, 128), random_source(VALIDATED, 128)
    return Split(*sources, (1.0,) * PHOTOS, "drawn", recipe.data)


def kept(registry, run):
    return resolve(registry, run.recipe)


def assert_same(ours, theirs):
    ours, theirs = load_file(ours.best), load_file(theirs.best)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize(
    ("seconds", "size"), [pytest.param(400, 64, marks=MORE), pytest.param(700, 96, marks=MORE), (1500, 128)]
)
def test_the_size_is_the_largest_that_learns_enough_and_the_time_is_used(start, registry, ticks, logged, seconds, size):
    rates = Rates()
    done = start(seconds, clock=ticks, callbacks=[rates])
    recipe = kept(registry, done.run)
    assert recipe.data.size == size
    assert seconds * 0.95 <= ticks.time <= seconds * 1.01
    assert rates.rates[-1] < 0.01 * rates.rates[len(rates.rates) // 3]  # at its end
    assert len(recipe.train.steps) == 1  # nothing had to be corrected
    assert recipe.train.steps[0] == (0, len(rates.rates))
    assert recipe.train.epochs == done.epochs == -(-len(rates.rates) // PER_EPOCH) == len(read_metrics(done.run))
    assert f"chose size {size}" in logged()


@pytest.mark.parametrize(
    ("when", "pace"), [pytest.param(3, 2.7, marks=MORE), (57, 0.4), pytest.param(90, 2.7, marks=MORE)]
)
def test_another_pace_on_the_way_is_made_up_for_and_the_recipe_repeats_it(start, registry, ticks, pace, when, tmp_path):
    rates = Rates({when: lambda: setattr(ticks, "pace", pace)})
    done = start(600, clock=ticks, callbacks=[rates])
    assert 570 <= ticks.time <= 630
    recipe = kept(registry, done.run)
    assert len(recipe.train.steps) > 1
    assert recipe.train.steps[-1][1] == len(rates.rates)
    assert rates.rates[-1] < 0.05 * max(rates.rates)
    assert rates.rates[when:] == sorted(rates.rates[when:], reverse=True) or when == 3
    again = Rates()
    repeated = start(recipe=done.run.recipe, name="again", callbacks=[again])
    assert again.rates == rates.rates
    assert_same(repeated.run, done.run)
    assert kept(registry, repeated.run) == recipe


@MORE
def test_what_is_given_is_kept(start, registry, ticks):
    sized = kept(registry, start(600, {"data.size": 96}, ticks, "size", ["data.size"]).run)
    assert sized.data.size == 96
    assert ticks.time <= 606
    ticks.time = 0
    counted = kept(registry, start(1500, {"train.epochs": 5}, ticks, "epochs", ["train.epochs"]).run)
    assert (counted.train.epochs, counted.train.steps) == (5, ())
    assert counted.data.size == 128
    assert 0.5 * 1500 < ticks.time <= 1500


@MORE
def test_a_rate_is_found_within_the_time(start, registry, ticks):
    recipe = kept(registry, start(1200, {"train.find_lr": True}, ticks).run)
    assert recipe.data.size == 96  # at 128 the range test and 90 steps would take more
    assert not recipe.train.find_lr
    assert recipe.train.steps[0][1] >= 90
    assert 1200 * 0.95 <= ticks.time <= 1200 * 1.02


class Killed(Exception):
    """In place of a signal."""


def test_a_run_that_was_ended_goes_on_in_the_time_that_is_left(start, registry, ticks, tmp_path, monkeypatch, logged):
    monkeypatch.setattr("recycle_engine.training.clock.Deadline", lambda *known: Deadline(*known, now=ticks))

    def die():
        raise Killed

    with pytest.raises(Killed):
        start(600, clock=ticks, callbacks=[Rates({62: die})])
    run, spent = Run(tmp_path / "r"), ticks.time
    ticks.time += 10_000  # between the two nothing is spent
    ticks.pace = 2.0
    recipe = kept(registry, run)
    done = resume(registry, recipe, photos(recipe), run)
    assert "of 10 minutes are left" in logged()
    lost = (62 - 60) * 4.5  # seconds of the steps after the last whole epoch: nobody knows them
    assert 600 * 0.95 <= ticks.time - 10_000 <= 600 * 1.02 + lost
    assert spent < 600
    again = start(recipe=done.run.recipe, name="again")
    assert_same(again.run, done.run)


CLOCK = {"seconds": 60.0, "spent": 3.0, "step": 0.5, "epoch": 0.0, "reserve": 1.0}


@pytest.mark.parametrize(
    "other", [{"spent": None}, {"step": 0.0}, {"step": float("nan")}, {"seconds": float("inf")}, {"epoch": "2"}]
)
def test_a_clock_that_no_training_wrote_is_damage(tmp_path, other):
    assert clock_of({"callbacks": {"Clock": CLOCK}}, Run(tmp_path))
    with pytest.raises(RecycleError, match=f"last.ckpt cannot be read: Clock.{next(iter(other))}"):
        clock_of({"callbacks": {"Clock": CLOCK | other}}, Run(tmp_path))


@MORE
def test_a_finished_one_goes_on_for_epochs_that_are_told(start, registry, ticks):
    done = start(333, clock=ticks)
    recipe = kept(registry, done.run)
    longer = resume(registry, recipe, photos(recipe), done.run, recipe.train.epochs + 2)
    assert longer.epochs == recipe.train.epochs + 2
    steps = [int(row["step"]) for row in read_metrics(done.run)]
    assert steps[-1] - steps[-3] == 2 * PER_EPOCH
    assert kept(registry, done.run).train.steps == ()


def test_too_little_time_is_refused_with_the_least_that_works(start, ticks, tmp_path):
    with pytest.raises(RecycleError, match="too short") as caught:
        start(1, clock=ticks)
    assert not [*tmp_path.iterdir()]
    least = float(caught.value.remedy.split()[1])
    ticks.time = 0
    done = start(60 * least, clock=ticks)
    assert done.epochs >= 1
    assert ticks.time <= 60 * least


@pytest.mark.parametrize("steps", [[[1, 4]], [[0, 4], [5, 3]]])
def test_steps_that_are_none_are_refused(start, steps):
    with pytest.raises(RecycleError, match=r"train\.steps"):
        start(settings={"train.steps": steps})


def test_steps_alone_end_a_training_within_an_epoch(start, registry):
    rates = Rates()
    done = start(settings={"train.steps": [[0, 37]], "train.epochs": 5, "data.size": 32}, callbacks=[rates])
    assert (done.epochs, len(rates.rates)) == (2, 37)
    assert rates.rates[-1] < 0.02 * 0.01
    recipe = kept(registry, done.run)
    assert resume(registry, recipe, photos(recipe), done.run).epochs == 2
    assert len(read_metrics(done.run)) == 2


@MORE
def test_a_part_of_a_batch_is_no_step(start, registry, ticks):
    """Batches of one photo, two of which make a step; each epoch's last step is whole."""
    rates = Rates()
    settings = {"train.batch_size": 1, "train.accumulate_grad_batches": 2, "train.freeze_norm": True}
    done = start(500, settings, clock=ticks, callbacks=[rates])
    assert 475 <= ticks.time <= 505
    assert kept(registry, done.run).train.steps[-1][1] * 2 == len(rates.rates)


class TestCommands:
    """What is typed; seconds pass here, and none is asserted."""

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--minutes", "3", "--hours", "1"], "both --minutes and --hours"),
            (["--minutes", "nan"], "--minutes nan"),
            (["--minutes", "0"], "--minutes 0"),
            (["--hours", "-1"], "--minutes -60"),
            (["--minutes", "3", "--epochs", "2", "-o", "data.size=64"], "nothing to choose"),
            (["--minutes", "3", "--resume", "last"], "keeps its own recipe"),
        ],
    )
    @pytest.mark.parametrize("folds", [[], ["--folds", "all"]])
    def test_what_cannot_be_meant_is_refused(self, small, tmp_path, options, said, folds):
        done = recycle_here("train", "--data", "data", *options, *folds, *BARE, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
        assert not (tmp_path / "runs").exists()

    def test_too_little_names_the_least(self, small, tmp_path):
        done = run_recycle("train", "--data", "data", "--minutes", "0.01", *BARE, cwd=tmp_path)
        assert done.returncode == 2
        assert "--minutes 0.01 is too short" in done.stderr
        assert "is the least that works" in done.stderr
        assert not [*(tmp_path / "runs").glob("fpn*")]

    def test_epochs_that_are_set_take_the_place_of_steps(self, small, tmp_path):
        options = ("train", "--data", "data", "--batch-size", 2, "-o", "data.size=32", *BARE)
        done = run_recycle(*options, "-o", "train.steps=[[0,2]]", "--name", "two", cwd=tmp_path)
        assert "after 1 epoch," in done.stdout, done.stderr
        done = run_recycle("train", "--recipe", "runs/two/recipe.yaml", "--epochs", 2, "--name", "more", cwd=tmp_path)
        assert "after 2 epochs," in done.stdout, done.stderr
        assert len(read_metrics(Run(tmp_path / "runs/more"))) == 2
