"""Runs are usable whatever else is installed since, and without what only their training needed."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from recycle_engine import api
from recycle_engine.checkpoint import load_trained, read_card
from recycle_engine.evaluation.ablate import installed_tricks
from recycle_engine.pipeline import Pipeline, write_choice
from recycle_engine.run_recipe import resolve_run
from recycle_engine.runs import Run
from safetensors.torch import load_file, save_file
from support import DISTS, recycle_here, runs_in
from torch.nn import functional as F

from recyclecli.recipe import ListedPart

SITE = DISTS / "another"  # offers fcn8s, ce and mode-filter, too, which raise when they are built


@pytest.fixture(scope="module")
def work(made_runs, tmp_path_factory):
    """Trained runs: `seed-0` uses a filter; `fold-1` has a recipe, a card and a pipeline without packages."""
    folder = runs_in(tmp_path_factory.mktemp("survive"), made_runs)
    for name, post in (("seed-0", "mode-filter@recycle-densecrf"), ("fold-1", "mode-filter")):
        write_choice(Run(folder / "runs" / name), Pipeline(post=(ListedPart(name=post),)), {})
    old = Run(folder / "runs/fold-1")
    for package in ("smp", "losses", "kornia", "datasets", "engine"):
        old.recipe.write_text(old.recipe.read_text().replace(f"@recycle-{package}", ""))
    card = read_card(old.best)
    card["model"]["name"] = "fcn8s"
    save_file(load_file(old.best), old.best, {"recycle": json.dumps(card)})
    return folder


def predict(folder, run, *more, sites=(SITE,)):
    images = next((folder / "data").rglob("*.jpg"))
    return recycle_here("predict", run, images, "--out", folder / f"out-{run}", *more, cwd=folder, sites=sites)


@pytest.mark.parametrize("run", ["seed-0", "fold-1"])
def test_another_package_with_the_same_names_changes_no_run(work, run):
    done = predict(work, run, "--force")
    assert done.returncode == 0, done.stderr
    evaluated = recycle_here("eval", run, "--json", cwd=work, sites=[SITE])
    assert evaluated.returncode == 0, evaluated.stderr


def test_the_files_of_a_run_name_the_packages(work):
    text = (work / "runs/seed-0/recipe.yaml").read_text()
    for name in ("fcn8s@recycle-smp", "ce@recycle-losses", "adamw@recycle-engine", "coco@recycle-datasets"):
        assert f"name: {name}\n" in text


def test_a_chosen_post_processor_is_stored_with_its_package(work, registry):
    run = Run(work / "runs/seed-0")
    tricks = installed_tricks(registry, run, resolve_run(registry, run.recipe))
    assert tricks["mode-filter"].post[0].name == "mode-filter@recycle-densecrf"
    assert f"{tricks['mode-filter']}" == "mode-filter"


def test_a_run_predicts_without_the_packages_of_its_training(work):
    run = work / "runs/seed-1"
    for file, old, new in (
        (run / "recipe.yaml", "name: ce@recycle-losses", "name: poly@acme-losses"),
        (run / "env.json", '"plugins": {', '"plugins": {"acme-losses": "0.1.0 ok",'),
    ):
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    assert predict(work, "seed-1").returncode == 0
    assert recycle_here("compare", "seed-0", "seed-1", cwd=work).returncode == 0
    resumed = recycle_here("train", "--resume", "seed-1", "--epochs", 9, cwd=work)
    assert resumed.returncode == 2
    assert (
        "loss.poly@acme-losses = 'poly@acme-losses': loss poly is of acme-losses 0.1.0, which is not installed; "
        "pip install acme-losses==0.1.0"
    ) in resumed.stderr


def test_a_model_that_is_gone_is_named_with_its_version(work):
    run = work / "runs/seed-1"
    for file, old, new in (
        (run / "recipe.yaml", "name: fcn8s@recycle-smp", "name: net@acme-net"),
        (run / "env.json", '"plugins": {', '"plugins": {"acme-net": "0.3.1 ok",'),
    ):
        file.write_text(file.read_text().replace(old, new))
    done = predict(work, "seed-1", "--force")
    assert done.returncode == 2
    said = "model net is of acme-net 0.3.1, which is not installed; pip install acme-net==0.3.1"
    assert said in done.stderr


def test_a_run_of_the_first_version_sees_squares_in_prediction_and_when_it_goes_on(made_runs, registry, tmp_path):
    """Its checkpoints state no window; the labels are those of the model on a square, computed by hand."""
    run = Run(runs_in(tmp_path, made_runs) / "runs/seed-0")
    state = torch.load(run.last, weights_only=True)
    for card in (read_card(run.best), state["recycle"]):
        card.pop("window")
        card["format"] = 1
    torch.save(state, run.last)
    save_file(load_file(run.best), run.best, {"recycle": json.dumps(state["recycle"])})
    trained = load_trained(registry, run.best)
    side = trained.shape.size
    photo = np.random.default_rng(0).integers(0, 256, (40, 90, 3), np.uint8)
    rows = round(40 * side / 90)
    square = np.zeros((side, side, 3), np.uint8)
    small = Image.fromarray(photo).resize((side, 40), Image.Resampling.BILINEAR)
    square[:rows] = np.asarray(small.resize((side, rows), Image.Resampling.BILINEAR))
    with torch.inference_mode():
        logits = trained.model(torch.tensor(square).permute(2, 0, 1)[None] / 255)[:, :, :rows]
        expected = F.interpolate(logits, (40, 90), mode="bilinear")[0].argmax(0).numpy()
    with api.load(run.folder, pipeline=api.pipeline()) as model:
        assert (model(photo).labels == expected).mean() > 0.999
    epochs = resolve_run(registry, run.recipe).train.epochs + 1
    done = recycle_here("train", "--resume", run.folder, "--epochs", epochs, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for card in (read_card(run.best), torch.load(run.last, weights_only=True)["recycle"]):
        assert (card["format"], card.get("window")) == (1, None)
