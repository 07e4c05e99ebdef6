"""Recipes by name, and what a recipe takes over from the one that it is based on."""

import json

import pytest
from recycle_data.resolve import resolve
from support import DISTS, fake_dists, recycle_here

from recyclecli.errors import RecycleError
from recyclecli.plugins import discover
from recyclecli.settings import ComponentSpec
from recyclecli.types import NamedRecipe


@pytest.fixture
def acme(monkeypatch):
    fake_dists(monkeypatch, "recipes")
    return discover()


def test_what_a_recipe_leaves_out_is_that_of_default(registry, tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text("model: unet\ntrain: {epochs: 7}\n")
    recipe, usual = resolve(registry, file), resolve(registry)
    assert (recipe.model.bare, usual.model.bare) == ("unet", "fpn")
    assert recipe.loss == usual.loss
    assert recipe.data == usual.data
    assert recipe.train.model_dump() | {"epochs": 30} == usual.train.model_dump()


def test_the_contests_way_by_its_name(registry):
    recipe = resolve(registry, "contest", {"train.epochs": 2})
    assert recipe.model.bare == "unetpp"
    assert [part.bare for part in recipe.aug] == ["flip", "affine", "perspective", "gray", "color", "gamma"]
    assert (recipe.train.optimizer.bare, recipe.train.schedule.bare, recipe.train.grad_clip) == (
        "adam",
        "constant",
        None,
    )
    assert recipe.train.epochs == 2


def test_a_strangers_recipe_is_based_on_another(acme):
    recipe, contest = resolve(acme, "belt"), resolve(acme, "contest@recycle-engine")
    assert recipe.data == contest.data.model_copy(update={"size": 128})
    sgd = ComponentSpec(name="sgd@recycle-engine", momentum=0.9)
    assert recipe.train == contest.train.model_copy(update={"epochs": 3, "optimizer": sgd})
    assert (recipe.model, recipe.aug) == (contest.model, contest.aug)
    assert resolve(acme, "contest@acme-recipes").model.bare == "unet"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("contest", "say which: contest@acme-recipes or contest@recycle-engine"),
        ("circle", "the recipe circle is based on itself: circle -> circle"),
        ("lost", "no recipe is called 'nowhere', the base of lost"),
        ("belts", "nearest: belt"),
        ("missing.yaml", "recipe missing.yaml does not exist"),
        ("folder/belt", "recipe folder/belt does not exist"),
    ],
)
def test_a_recipe_that_cannot_be_had(acme, name, said):
    with pytest.raises(RecycleError) as caught:
        resolve(acme, name)
    assert said in f"{caught.value}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base: [contest]\n", "is no name of a recipe"),
        ("base: contests\n", "no recipe is called 'contests'"),
        ("base: default\nmodel: uunet\n", "uunet"),
        ("base: contest\ntrain: []\n", "train = [] is no section of keys and values"),
        ("base: contest\ndata: false\n", "data = False is no section of keys and values"),
        ("base:\nmodel: unet\n", "is no name of a recipe"),
    ],
)
def test_a_file_whose_base_is_none(registry, tmp_path, text, said):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecycleError) as caught:
        resolve(registry, tmp_path / "r.yaml")
    assert said in f"{caught.value}"


def test_a_file_is_told_from_a_name(registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("contest", "mine", "contest.yaml"):
        (tmp_path / name).write_text("model: unet\n")
    assert resolve(registry, "contest").model.bare == "unetpp"
    assert [resolve(registry, file).model.bare for file in ("mine", "contest.yaml", "./contest")] == ["unet"] * 3


def test_no_plugin_at_all_names_what_is_missing(tmp_path):
    from recyclecli.plugins import Registry

    with pytest.raises(RecycleError, match="no recipe is called 'default'"):
        resolve(Registry(()))


def test_they_are_listed_shown_and_completed(tmp_path):
    here = {"cwd": tmp_path, "sites": [DISTS / "recipes"]}
    listed = recycle_here("recipes", "list", **here)
    assert "belt                    acme-recipes    Small photos of a belt" in listed.stdout
    assert "contest@acme-recipes" in listed.stdout
    rows = {row["name"]: row for row in json.loads(recycle_here("recipes", "list", "--json", **here).stdout)}
    assert rows["default"]["distribution"] == "recycle-engine"
    assert recycle_here("recipes", "show", "belt", **here).stdout.startswith("base: contest@recycle-engine")
    unknown = recycle_here("recipes", "show", "bell", **here)
    assert (unknown.returncode, "nearest: belt" in unknown.stderr) == (2, True)
    asked = {"_RECYCLE_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    for line, offered in (("train --recipe ", "belt"), ("train --recipe belt -o aug.", "aug.gamma.smallest=")):
        done = recycle_here(env={**asked, "_TYPER_COMPLETE_ARGS": f"recycle {line}", "COLUMNS": "300"}, **here)
        assert offered in [row.partition("\t")[0] for row in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "fields",
    [("Belt", "a:b.yaml", "x"), ("belt", "a/b.yaml", "x"), ("belt", "a:/b.yaml", "x"), ("belt", "a:b.yaml", "")],
)
def test_a_record_that_is_none(fields):
    with pytest.raises(ValueError, match="elt"):
        NamedRecipe(*fields)


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("package", "No module named 'acme_not_there'"),
        ("file", "the recipe gone: there is no file"),
        ("default", "the recipe 'default' is recyclecli's own"),
        ("epilog", "is no text"),
    ],
)
def test_a_record_that_cannot_be_used_disables_its_package_alone(monkeypatch, how, cause):
    monkeypatch.setenv("ACME_HOW", how)
    fake_dists(monkeypatch, "records-broken")
    found = {plugin.distribution: plugin for plugin in discover().plugins}
    assert found["acme-records-broken"].state == "failed"
    assert cause in found["acme-records-broken"].cause
    assert resolve(discover()).model.bare == "fpn"


def test_a_line_that_utf8_cannot_hold_hides_nothing(tmp_path):
    here = {"cwd": tmp_path, "sites": [DISTS / "records-broken"]}
    assert "default" in recycle_here("recipes", "list", **here).stdout
    assert recycle_here("plugins", "list", **here).returncode == 0


def test_a_command_of_a_package_that_does_not_load_says_so(tmp_path):
    done = recycle_here("raises", "thing", cwd=tmp_path, sites=[DISTS / "raises"])
    assert done.returncode == 2
    assert "not loaded: acme-raises" in done.stderr


def test_a_name_of_two_packages_is_shown_by_each(tmp_path):
    here = {"cwd": tmp_path, "sites": [DISTS / "recipes"]}
    assert recycle_here("recipes", "show", "contest@acme-recipes", **here).stdout == "model: unet\n"
    both = recycle_here("recipes", "show", "contest", **here)
    assert "say which: contest@acme-recipes or contest@recycle-engine" in both.stderr
    assert "belt" in recycle_here("plugins", "list", **here).stdout


def test_a_file_that_is_called_like_a_recipe_is_said_as_a_file(small, tmp_path):
    done = recycle_here("init", "--data", small, "--out", "contest", cwd=tmp_path)
    assert "recycle train --recipe ./contest" in done.stdout


def test_a_recipe_of_the_first_edition_is_read_as_it_was_meant(registry, tmp_path):
    """Its section `train` held the settings of every schedule side by side."""
    file = tmp_path / "recipe.yaml"
    old = "optimizer: sgd, schedule: poly, warmup: 0.1, final_lr_scale: 0, restart_epochs: 10, poly_power: 0.8"
    file.write_text(f"train: {{{old}, plateau_factor: 0.5}}\n")
    recipe = resolve(registry, file)
    assert recipe.train.schedule == ComponentSpec(name="poly@recycle-engine", warmup=0.1, final_lr_scale=0.0, power=0.8)
    assert recipe.train.optimizer == ComponentSpec(name="sgd@recycle-engine", momentum=0.9)
    file.write_text("train: {warmup: 0}\n")
    assert resolve(registry, file).train.schedule == ComponentSpec(
        name="cosine@recycle-engine", warmup=0.0, final_lr_scale=0.0
    )
    with pytest.raises(RecycleError, match=r"train\.poly_power = 1: unknown key; it is train\.schedule\.power now"):
        resolve(registry, None, {"train.poly_power": 1})
    file.write_text("train: {keep: 3, clip: null, accumulate: 2}\n")
    read = resolve(registry, file).train
    assert (read.save_top_k, read.grad_clip, read.accumulate_grad_batches) == (3, None, 2)
    with pytest.raises(RecycleError, match=r"train\.keep = 3: unknown key; it is train\.save_top_k now"):
        resolve(registry, None, {"train.keep": 3})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train.optimizer": "adm"}, "train.optimizer = 'adm': no optimizer is called 'adm'; nearest: adam"),
        ({"train.optimizer.momentum": 1}, "train.optimizer.momentum = 1: unknown key"),
        ({"train.schedule": "poly", "train.schedule.power": -1}, r"train.schedule.power = -1: .* greater than 0"),
        ({"train.schedule": ["cosine"]}, r"train.schedule = \['cosine'\]"),
        (
            {"train.callbacks": [{"name": "report", "fil": "x"}]},
            "train.callbacks.fil = 'x': unknown key; nearest: file",
        ),
    ],
)
def test_optimizers_and_schedules_are_checked_like_other_components(registry, settings, said):
    with pytest.raises(RecycleError, match=said):
        resolve(registry, None, settings)


def test_faults_of_a_named_recipe_name_its_package(registry):
    with pytest.raises(RecycleError, match=r"1 fault in the recipe \(contest of recycle-engine\):"):
        resolve(registry, "contest", {}, ["train.epochs=-1"])
