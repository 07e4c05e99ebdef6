"""What callbacks log: in metrics.csv, and as what `train.monitor` keeps the best epoch of."""

import csv
import math

import pytest
from lightning.pytorch.callbacks import Callback
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.checkpoint import read_card
from recycle_engine.training.train import resume, train
from recycle_kit.testing import random_source

from recyclecli.errors import RecycleError

SETTINGS = {
    "model": "linknet",
    "model.encoder": "tu-test_efficientnet",
    "model.weights": "none",
    "data.size": 32,
    "train.epochs": 3,
    "train.batch_size": 2,
    "train.ema": 0,
    "train.loggers": [],
    "train.callbacks": [],
}


class Logs(Callback):
    """Logs values in validation, epoch by epoch; nothing where there is None."""

    def __init__(self, **values):
        self.values = values

    def on_validation_epoch_end(self, trainer, pl_module):
        for name, values in self.values.items():
            if values[trainer.current_epoch] is not None:
                pl_module.log(name, values[trainer.current_epoch])


def split_of(recipe):
    return Split(random_source(4, 32), random_source(2, 32), (1.0,) * 4, "drawn", recipe.data)


@pytest.fixture
def start(tmp_path):
    def run(settings, *callbacks):
        recipe = resolve(api.registry(), None, SETTINGS | settings)
        return train(api.registry(), recipe, split_of(recipe), "r", tmp_path, callbacks)

    return run


def rows(done):
    with done.run.metrics.open() as handle:
        return list(csv.DictReader(handle))


def test_what_is_logged_has_columns_from_its_first_epoch_on(start):
    done = start({}, Logs(early=[1.0, 2.0, 3.0], late=[None, 5.0, None]))
    assert [row["early"] for row in rows(done)] == ["1", "2", "3"]
    assert [row["late"] for row in rows(done)][:2] == ["nan", "5"]
    assert list(rows(done)[0])[:3] == ["epoch", "step", "seconds"]


@pytest.mark.parametrize(("mode", "best"), [("min", 1), ("max", 2)])
def test_it_may_be_what_best_means(start, mode, best):
    done = start({"train.monitor": "odd", "train.monitor_mode": mode}, Logs(odd=[3.0, 1.0, 4.0]))
    assert (done.monitor, done.score, done.best) == ("odd", "odd", [3.0, 1.0, 4.0][best])
    assert read_card(done.run.best)["epoch"] == best
    (found,) = api.list_runs(done.run.folder.parent)
    assert (found.score.value, found.score.metric) == (done.best, "odd")


@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_score_that_is_nan_is_told_and_never_the_best(start, logged, mode):
    settings = {"train.monitor": "odd", "train.monitor_mode": mode, "train.epochs": 2}
    assert start(settings, Logs(odd=[float("nan"), 0.5])).best == 0.5
    assert logged().count("odd is NaN in epoch 1: such epochs are never the best") == 1


def test_where_all_scores_are_nan_the_best_is_nan(start, logged):
    settings = {"train.monitor": "odd", "train.monitor_mode": "max", "train.epochs": 2}
    assert math.isnan(start(settings, Logs(odd=[float("nan")] * 2)).best)
    assert logged().count("odd is NaN") == 1


def test_columns_stay_when_it_is_resumed(start):
    done = start({"train.epochs": 1}, Logs(odd=[7.0]))
    recipe = resolve(api.registry(), done.run.recipe)
    resume(api.registry(), recipe, split_of(recipe), done.run, epochs=2)
    assert [row["odd"] for row in rows(done)] == ["7", "nan"]


def test_a_score_that_nothing_logs_is_told(start, tmp_path):
    with pytest.raises(RecycleError, match="'od': no callback has logged it in an epoch") as caught:
        start({"train.monitor": "od", "train.monitor_mode": "max"}, Logs(odd=[3.0, 1.0, 4.0]))
    assert caught.value.remedy == "callbacks have logged odd"


@pytest.mark.parametrize(
    ("settings", "cause", "remedy"),
    [
        ({"train.monitor": "odd"}, "no such score", "-o train.monitor_mode=max"),
        ({"train.monitor_mode": "max"}, "'miou' is no score of a callback", "leave train.monitor_mode out"),
    ],
)
def test_its_direction_is_said_and_no_others(start, settings, cause, remedy):
    with pytest.raises(RecycleError, match=cause) as caught:
        start(settings)
    assert remedy in caught.value.remedy
