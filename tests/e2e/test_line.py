"""The main job from photos to a scored submission, through the command line."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource, read_document
from recycle_data.resolve import resolve
from recycle_data.submission import read_submission, reduce_labels
from recycle_engine.checkpoint import load_trained
from support import TINY, fake_dists, recycle_here

SMALLEST = ["--plugin", "tiny", "--batch-size", 2, "-o", "data.size=32", "-o", "train.callbacks=[]"]


def line(data, work, registry, *train_options):
    """kfold, train, eval, predict, submission; returns what eval says."""
    done = recycle_here("data", "kfold", "--n", 5, "--data", data, "--out", work / "folds", cwd=work)
    assert done.returncode == 0, done.stderr
    folds = work / "folds"
    files = ["--train-json", folds / "kfold_0_train.json", "--val-json", folds / "kfold_0_val.json"]
    done = recycle_here("train", "--data", data, *files, *train_options, cwd=work)
    assert done.returncode == 0, done.stderr
    run = next((work / "runs").iterdir())
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert {"recipe.yaml", "env.json", "metrics.csv", "checkpoints/best.safetensors", "checkpoints/last.ckpt"} <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert json.loads((run / "env.json").read_text())["plugins"]["recycle-losses"].endswith("ok")

    done = recycle_here("eval", "last", "--json", cwd=work)
    assert done.returncode == 0, done.stderr
    scored = json.loads(done.stdout)

    submission = work / "submission.csv"
    val = folds / "kfold_0_val.json"
    predict = ["predict", "last", val, "--data", data, "--out", work / "out", "--submission", submission]
    done = recycle_here(*predict, "--batch-size", 4, cwd=work)  # as eval, which takes the run's
    assert done.returncode == 0, done.stderr
    photos = read_document(val).content["images"]
    predicted = read_submission(submission)
    assert list(predicted) == [photo["file_name"] for photo in photos]  # input order

    trained = load_trained(registry, run / "checkpoints/best.safetensors")
    truth = CocoSource(data, val)
    assert trained.class_names == truth.class_names
    counts = np.zeros((len(trained.class_names),) * 2)
    for index, photo in enumerate(photos):
        mask = np.asarray(Image.open(work / "out/masks" / (photo["file_name"].rsplit(".", 1)[0] + ".png")))
        assert np.array_equal(reduce_labels(mask), predicted[photo["file_name"]])
        assert (work / "out/overlays" / photo["file_name"]).with_suffix(".jpg").is_file()
        wanted = reduce_labels(truth.read(index).mask)
        seen = wanted != 255
        np.add.at(counts, (wanted[seen], predicted[photo["file_name"]][seen]), 1)
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    with np.errstate(invalid="ignore"):
        by_hand = np.nanmean(counts.diagonal() / np.where(union > 0, union, np.nan))
    assert by_hand == pytest.approx(scored["miou_256"]["value"], abs=1e-9)
    rows = list(csv.DictReader((run / "metrics.csv").open()))
    assert [int(row["epoch"]) for row in rows] == list(range(len(rows)))
    return scored, run


def test_the_line_on_the_sample_set(tmp_path, registry, drawn):
    drawn(tmp_path / "data", 10)
    options = [
        *TINY,
        "--epochs",
        2,
        "--batch-size",
        4,
        "-o",
        "data.size=64",
        "--precision",
        "bf16-mixed",
        "--aug",
        "flip",
        "--loss",
        "ce",
        "--loss",
        "dice",
    ]
    scored, run = line(tmp_path / "data", tmp_path, registry, *options)
    assert scored["photos"] == 2
    recipe = resolve(registry, run / "recipe.yaml")
    assert [part.bare for part in recipe.loss] == ["ce", "dice"]
    again = resolve(registry, run / "recipe.yaml")
    assert again == recipe


@pytest.mark.slow("learns from real photos until the loss falls")
def test_the_line_on_real_photos(recycle_trash, tmp_path, registry):
    options = ["--epochs", 7, "--batch-size", 4, "-o", "data.size=128", "-o", "train.lr=2e-3"]
    scored, run = line(recycle_trash, tmp_path, registry, *options)
    print(f"\nmIoU {scored['miou_dataset']['value']:.4f} on {scored['photos']} real photos")
    losses = [float(row["train_loss"]) for row in csv.DictReader((run / "metrics.csv").open())]
    assert losses[-1] < 0.6 * losses[0]
    assert scored["classes"][0]["iou"]["value"] > 0.5


def test_a_recipe_fed_back_gives_the_same_weights(small, tmp_path, monkeypatch):
    fake_dists(monkeypatch, "tiny")
    options = [*SMALLEST, "--epochs", 2, "--aug", "affine"]
    first = recycle_here("train", "--data", small, *options, "--name", "a", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    second = recycle_here("train", "--recipe", "runs/a/recipe.yaml", "--name", "b", cwd=tmp_path)
    assert second.returncode == 0, second.stderr
    assert (tmp_path / "runs/a/recipe.yaml").read_text() == (tmp_path / "runs/b/recipe.yaml").read_text()
    weights = [(tmp_path / f"runs/{name}/checkpoints/best.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]


def test_the_best_checkpoint_is_the_best(small, tmp_path, monkeypatch):
    """The contest's code kept the worst."""
    fake_dists(monkeypatch, "tiny")
    options = [*SMALLEST, "--epochs", 6, "--lr", "0.01", "--precision", "32"]  # as eval computes
    done = recycle_here("train", "--data", small, *options, "--name", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scores = [float(row["val_miou"]) for row in csv.DictReader((tmp_path / "runs/r/metrics.csv").open())]
    assert f"best val mIoU {max(scores):.4f}" in done.stdout
    scored = json.loads(recycle_here("eval", "r", "--json", cwd=tmp_path).stdout)
    assert scored["miou_dataset"]["value"] == pytest.approx(
        max(scores), abs=1e-4
    )  # same size: 32x32 photos, data.size=32
