"""A recipe's components: by the package that they were found in, and by the names that their options have now."""

import pytest
from pydantic import Field
from recycle_data.recipe_tree import same_part
from recycle_data.resolve import resolve
from recycle_engine.history.settings import settings_differences
from recycle_engine.runs import Run
from support import fake_dists

from recyclecli.errors import RecycleError
from recyclecli.plugins import discover
from recyclecli.types import LossComponent, Options


@pytest.fixture
def several(monkeypatch):
    """What is installed, with a package that offers `fpn` and `ce`, too."""
    fake_dists(monkeypatch, "another")
    return discover()


def refused(registry, *arguments, **keywords):
    with pytest.raises(RecycleError) as caught:
        resolve(registry, *arguments, **keywords)
    return str(caught.value)


def test_a_resolved_recipe_names_the_package_of_each_part(registry, several, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(resolve(registry, None, {"loss": ["ce", "dice"], "post": ["mode-filter"]}).to_yaml())
    for name in ("fpn@recycle-smp", "ce@recycle-losses", "mode-filter@recycle-densecrf", "coco@recycle-datasets"):
        assert f"name: {name}\n" in file.read_text()
    assert resolve(several, file) == resolve(registry, file)
    assert "say which: fpn@acme-another or fpn@recycle-smp" in refused(several, None, {"model": "fpn"})


def test_a_part_is_addressed_with_its_package_and_without(registry, several, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(resolve(registry, None, {"model.encoder": "tu-resnet18"}).to_yaml())
    for key in ("ce", "ce@recycle-losses"):
        read = resolve(several, file, {"model": "fpn"}, [f"loss.{key}.weight=0.5"])
        assert (read.loss[0].weight, read.model.options["encoder"]) == (0.5, "tu-resnet18")
    assert resolve(registry, None, None, ["loss.ce@recycle-losses.weight=3"]).loss[0].weight == 3
    file.write_text("loss: [ce@recycle-losses, ce@acme-another]\n")
    said = "loss names ce 2 times; give each an id and use that"
    assert said in refused(several, file, {"model": "fpn@recycle-smp"}, ["loss.ce.weight=3"])
    assert same_part("ce", "ce@a")
    assert not same_part("ce@b", "ce@a")


def test_of_several_the_one_that_was_there_at_the_training_is_meant(several, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("model: fpn\nloss: [ce]\n")
    read = resolve(several, file, made_with={"recycle-smp": "0.1", "recycle-losses": "0.1"})
    assert (read.model.name, read.loss[0].name) == ("fpn@recycle-smp", "ce@recycle-losses")


@pytest.mark.parametrize(
    ("name", "made_with", "said"),
    [
        (
            "net@acme-net",
            {"acme-net": "0.3.1"},
            "model net is of acme-net 0.3.1, which is not installed; pip install acme-net==0.3.1",
        ),
        ("net@acme-net", {}, "model net is of acme-net, which is not installed; pip install acme-net"),
        (
            "net@acme-another",
            {"acme-another": "0.9"},
            "acme-another 1.0 offers no model net; 0.9 did; pip install acme-another==0.9",
        ),
        ("net@acme-another", {}, "acme-another 1.0 offers no model net; recycle plugins list"),
        (
            "net",
            {"acme-net": "0.3.1", "recycle-smp": "0.1"},
            "no model is called 'net'; of what the run was trained with, these packages are not installed: "
            "acme-net 0.3.1; pip install acme-net==0.3.1",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_version(several, name, made_with, said):
    settings = {"model": name, "loss": "dice"}
    assert f"model = '{name}': {said}" in refused(several, None, settings, made_with=made_with)


def test_a_package_that_is_not_loaded_says_why(monkeypatch):
    fake_dists(monkeypatch, "raises")
    said = "model net is of acme-raises, which is not loaded: RuntimeError: out of cheese; recycle plugins list"
    assert said in refused(discover(), None, {"model": "net@acme-raises"})


def test_what_is_not_needed_stays_as_it_is_written(registry, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("loss: {name: poly@acme-losses, epsilon: 2}\naug: [{name: flip, vertikal: 1}]\ntrain: {lr: 0.5}\n")
    assert "loss poly is of acme-losses" in refused(registry, file)
    assert "aug.flip.vertikal = 1: unknown key" in refused(registry, file)
    read = resolve(registry, file, needed=("model",))
    assert (read.loss[0].name, read.loss[0].options) == ("poly@acme-losses", {"epsilon": 2})
    assert (read.aug[0].options, read.model.name) == ({"vertikal": 1}, "fpn@recycle-smp")


def test_an_option_is_read_by_its_earlier_name_which_is_said_once(several, tmp_path, logged):
    file = tmp_path / "recipe.yaml"
    file.write_text("model: fpn@recycle-smp\nloss: {name: poly, exponent: 3, b2: 4}\n")
    loss = resolve(several, file).loss[0]
    assert loss.options == {"gamma": 3.0, "beta": 4.0}
    assert logged() == "note: loss.poly.exponent is called gamma now\nnote: loss.poly.b2 is called beta now\n"
    assert resolve(several, file, None, ["loss.poly.gamma=5"]).loss[0].options["gamma"] == 5
    assert resolve(several, file, None, ["loss.exponent=6"]).loss[0].options["gamma"] == 6
    assert logged() == ""
    assert several.options("loss", "poly", {"exponent": 7}).gamma == 7


def test_an_earlier_name_is_none_of_the_recipes_own():
    class Shadowing(Options):
        share: float = Field(1, validation_alias="weight", description="x")

    with pytest.raises(ValueError, match=r"options \['weight'\] hide names of the recipe"):
        LossComponent("shady", "a.b:c", Shadowing, "x")


def test_a_recipe_without_packages_differs_from_none_with_them(registry, tmp_path):
    runs = []
    for name, text in (("old", "model: fpn\nloss: [ce, dice]\n"), ("new", "")):
        runs.append(Run(tmp_path / name))
        runs[-1].folder.mkdir()
        runs[-1].recipe.write_text(text or resolve(registry, runs[0].recipe).to_yaml())
    from recycle_data.resolve import recipe_files

    found = {one.key for one in settings_differences(runs, recipe_files(registry)).differences}
    assert found.isdisjoint({"model", "loss", "data.dataset", "train.optimizer", "train.schedule"})
    runs[0].recipe.write_text("model: fpn@acme-net\nloss: [ce, focal]\n")
    found = {one.key for one in settings_differences(runs, recipe_files(registry)).differences}
    assert {"model", "loss"} <= found
