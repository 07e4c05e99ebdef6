"""A model that ties weights is trained, averaged, stored, resumed and used."""

import pytest
import torch
from recycle_engine.checkpoint import load_weights
from recycle_engine.runs import Run
from support import DISTS, coco, recycle_here, write_coco

FAST = (
    "--batch-size",
    2,
    "-o",
    "data.size=32",
    "-o",
    "train.loggers=[]",
    "-o",
    "train.callbacks=[]",
    "--precision",
    32,
)


def recycle(folder, *arguments):
    done = recycle_here(*arguments, cwd=folder, sites=[DISTS / "rules"])
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("average", [("train.ema=0.9",), ("train.ema=0", "train.swa=0.5")], ids=["ema", "swa"])
def test_tied_weights_stay_tied_through_a_training(tmp_path, average):
    write_coco(tmp_path / "data", coco(4))
    options = [word for one in (*average, "train.save_top_k=2") for word in ("-o", one)]
    train = ("train", "--data", "data", "--model", "tied", "--epochs", 2, "--name", "r", *FAST, *options)
    recycle(tmp_path, *train)
    recycle(tmp_path, "train", "--resume", "r", "--epochs", 3)
    run = Run(tmp_path / "runs/r")
    for file in (run.best, run.raw):
        weights = load_weights(file)
        assert torch.equal(weights["first.weight"], weights["second.weight"])
    recycle(tmp_path, "predict", "r", "data/images", "--out", "out")
