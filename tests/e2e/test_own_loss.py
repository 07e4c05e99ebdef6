"""Models that own their loss: `Outputs`, `training_loss` and the recipe's loss `model`."""

import csv
import math

import pytest
import torch
from recycle_data.resolve import resolve
from recycle_engine import api
from recycle_engine.training.callbacks import MetricsFile
from support import DISTS, coco, recycle_here, write_coco

SITE = DISTS / "masks"
FAST = (
    "-o",
    "data.size=32",
    "--batch-size",
    2,
    "--precision",
    32,
    "-o",
    "train.loggers=[]",
    "-o",
    "train.callbacks=[]",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """data/ with four photos, and runs/whole of a model with a Hungarian loss."""
    folder = tmp_path_factory.mktemp("own-loss")
    write_coco(folder / "data", coco(4))
    done = train(folder, "queries", "--name", "whole", "--epochs", 3, "-o", "train.lr=0.02")
    assert done.returncode == 0, done.stderr
    return folder


def train(folder, model, *more, loss=("model",)):
    terms = [word for name in loss for word in ("--loss", name)]
    return recycle_here("train", "--data", "data", "--model", model, *FAST, *terms, *more, cwd=folder, sites=[SITE])


def rows(folder):
    with (folder / "metrics.csv").open() as handle:
        return list(csv.DictReader(handle))


def test_it_learns_and_is_validated_by_its_own_loss(place):
    losses = [(float(row["train_loss"]), float(row["val_loss"])) for row in rows(place / "runs/whole")]
    assert losses[2][0] < losses[0][0]
    assert losses[2][1] < losses[0][1]


def test_it_is_resumed_as_if_it_had_not_been_stopped(place, monkeypatch):
    begin = MetricsFile.on_train_epoch_start

    def stopped(self, trainer, module):
        if trainer.current_epoch == 2:
            raise KeyboardInterrupt
        begin(self, trainer, module)

    monkeypatch.setattr(MetricsFile, "on_train_epoch_start", stopped)
    assert train(place, "queries", "--name", "cut", "--epochs", 3, "-o", "train.lr=0.02").returncode == 130
    monkeypatch.undo()
    assert recycle_here("train", "--resume", "runs/cut", cwd=place, sites=[SITE]).returncode == 0
    whole, cut = (
        torch.load(place / f"runs/{name}/checkpoints/last.ckpt", weights_only=True) for name in ("whole", "cut")
    )
    assert whole["global_step"] == cut["global_step"]
    assert all(torch.equal(value, cut["state_dict"][name]) for name, value in whole["state_dict"].items())


@pytest.mark.parametrize(
    "arguments", [("eval", "whole"), ("predict", "whole", "data", "--out", "predicted"), ("export", "whole")]
)
def test_what_needs_logits_alone_takes_them(place, arguments):
    done = recycle_here(*arguments, cwd=place, sites=[SITE])
    assert done.returncode == 0, done.stderr


def test_it_is_one_term_among_others(place):
    name = "both"
    more = ("--name", name, "--epochs", 1, "-o", "loss.model.weight=0.5")
    done = train(place, "queries", *more, loss=("model", "ce"))
    assert done.returncode == 0, done.stderr
    assert math.isfinite(float(rows(place / "runs" / name)[0]["val_loss"]))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("own-float", "expected training_loss()['mask'] to be one scalar tensor; found float 0.5"),
        ("own-list", "expected training_loss() to return a dict of names to scalars; found list of 1"),
        ("own-empty", "expected training_loss() to return a dict of names to scalars; found dict of 0"),
        ("own-unreduced", "training_loss()['mask'] to be one scalar: a tensor of shape (), as by reduction='mean'"),
        ("own-detached", "the sum of training_loss() to be a scalar attached to the graph of the logits; found a det"),
        ("own-nan", "expected training_loss()['class'] to be a finite number, as the logits are; found nan"),
        ("own-raises", "ZeroDivisionError: division by zero, in model own-raises@acme-masks"),
        (
            "own-elsewhere",
            "training_loss()['mask'] to be a scalar on cpu, as the logits; found float32 tensor of shape",
        ),
        ("aux-a-list", "expected Outputs.aux to be tuple; found list of 1"),
        ("extras-a-list", "expected Outputs.extras to be Mapping; found list of 1"),
        ("queries-eval-logits", "KeyError: 'classes', in model queries-eval-logits@acme-masks"),
    ],
)
def test_a_loss_that_breaks_its_contract_is_told(place, model, sentence):
    done = train(place, model, "--name", model, "--epochs", 1)
    assert done.returncode == 70
    assert "a bug of the plugin acme-masks" in done.stderr
    assert sentence in done.stderr


def test_a_model_without_a_loss_is_told_before_a_run_begins(place):
    done = train(place, "no-loss", "--name", "without", "--epochs", 1)
    assert done.returncode == 2
    assert "the recipe's loss names `model`, and model no-loss@acme-masks has no training_loss" in done.stderr
    assert "--loss ce" in done.stderr
    assert not (place / "runs/without").exists()


def test_each_of_the_aux_logits_counts_by_the_weight(place):
    def loss(weight):
        name = f"aux-{weight}"
        more = ("--name", name, "--epochs", 1, "-o", f"train.aux_weight={weight}", "-o", "train.lr=1e-12")
        assert train(place, "several-aux", *more, loss=("ce",)).returncode == 0
        return float(rows(place / "runs" / name)[0]["train_loss"])

    nothing, half, whole = loss(0), loss(0.5), loss(1)
    assert half > nothing
    assert whole - half == pytest.approx(half - nothing, rel=1e-3)


def test_a_recipe_of_before_has_the_weight_that_was_fixed():
    assert resolve(api.registry()).train.aux_weight == 0.4
