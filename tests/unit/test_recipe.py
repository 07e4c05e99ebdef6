"""The recipe: one rule of precedence, everything checked, all faults at once."""

import pytest
from recycle_data.cli.options import key_values
from recycle_data.resolve import resolve

from recyclecli.errors import RecycleError
from recyclecli.recipe import DataSection, Recipe, TrainSection


def faults(registry, **keywords):
    with pytest.raises(RecycleError) as caught:
        resolve(registry, **keywords)
    return str(caught.value)


def written(tmp_path, text):
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    return file


def test_yaml_is_1_2(registry, tmp_path):
    recipe = resolve(registry, written(tmp_path, "train: {lr: 1e-4}\nmodel: {name: unet, encoder: no}\n"))
    assert recipe.train.lr == 1e-4
    assert recipe.model.options["encoder"] == "no"


def test_defaults_then_recipe_then_command_line(registry, tmp_path):
    file = written(tmp_path, "train: {epochs: 7, lr: 0.5}\nseed: 3\n")
    recipe = resolve(registry, file, {"train.epochs": 9}, ["seed=4"])
    assert (recipe.train.epochs, recipe.train.lr, recipe.seed, recipe.train.batch_size) == (9, 0.5, 4, 8)


def test_resolved_recipe_feeds_back_to_itself(registry, tmp_path):
    flags = {"model": "fpn", "loss": ["ce", "dice"], "aug": ["flip", "affine"], "train.devices": "2"}
    options = [
        "loss.dice.smooth=3",
        "loss.ce.weight=0.5",
        "aug.affine.degrees=3",
        "train.grad_clip=null",
        "post=mode-filter",
    ]
    first = resolve(registry, None, flags, options)
    assert resolve(registry, written(tmp_path, first.to_yaml())) == first
    assert first.train.grad_clip is None
    assert [part.weight for part in first.loss] == [0.5, 1.0]


def test_a_replaced_component_drops_its_options(registry, tmp_path):
    file = written(tmp_path, "loss: {name: focal, gamma: 3}\nmodel: {name: unet, encoder: resnet18}\n")
    recipe = resolve(registry, file, {"model": "fpn", "loss": ["dice"]})
    assert recipe.model.options["encoder"] == "tu-tf_efficientnet_lite0"
    assert "gamma" not in recipe.loss[0].options
    kept = resolve(registry, file, {"model": "unet"})
    assert kept.model.options["encoder"] == "resnet18"


def test_the_only_loss_needs_no_name(registry):
    recipe = resolve(registry, None, {"loss": ["focal"]}, ["loss.gamma=3"])
    assert recipe.loss[0].options["gamma"] == 3


def test_an_entry_is_addressed_by_its_name_or_id(registry, tmp_path):
    file = written(tmp_path, "aug: [{name: flip}, {name: affine, id: mild, degrees: 2}, {name: affine, id: wild}]\n")
    recipe = resolve(registry, file, None, ["aug.wild.degrees=90", "aug.flip.vertical=0.5"])
    assert [part.options.get("degrees") for part in recipe.aug] == [None, 2, 90]
    assert "names affine 2 times" in faults(registry, recipe=file, overrides=["aug.affine.degrees=1"])
    assert "aug holds no such entry; nearest: flip" in faults(registry, recipe=file, overrides=["aug.flipp.vertical=1"])


def test_all_faults_at_once_with_key_value_and_nearest(registry):
    text = faults(
        registry,
        flags={"model": "unett", "train.epochs": 0},
        overrides=["train.ltr=1", "loss.gamma=2", "data.size=large", "seeds=1"],
    )
    for expected in (
        "train.ltr = 1: unknown key; nearest: lr",
        "seeds = 1: unknown key; nearest: seed",
        "train.epochs = 0: Input should be greater than or equal to 1",
        "data.size = 'large'",
    ):
        assert expected in text
    text = faults(registry, flags={"model": "unett"}, overrides=["loss.ce.gamma=2"])
    assert "2 faults" in text
    assert "model = 'unett': no model is called 'unett'; nearest: unet" in text
    assert "loss.ce.gamma = 2: unknown key" in text


def test_blanks_around_the_sign_of_a_setting_are_taken(registry):
    assert resolve(registry, overrides=["train.lr = 0.5", " seed= 3"]).train.lr == 0.5
    assert key_values("-o", ["opset = 17"]) == {"opset": 17}
    assert "-o  =1: not of the form key=value" in faults(registry, overrides=[" =1"])


def test_a_key_set_twice_is_an_error(registry):
    assert "train.epochs is set twice" in faults(registry, flags={"train.epochs": 3}, overrides=["train.epochs=4"])
    assert "seed is set twice" in faults(registry, overrides=["seed=1", "seed=2"])


@pytest.mark.parametrize("text", ["epochs", "=3", "seed=[1"])
def test_an_override_has_the_form_key_value(registry, text):
    assert f"-o {text}" in faults(registry, overrides=[text])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("- 1\n", "not a recipe"),
        ("train: 3\n", "train"),
        ("seed: 1\nseed: 2\n", "not YAML"),
        ("loss: []\n", "loss"),
    ],
)
def test_a_file_that_is_no_recipe(registry, tmp_path, text, message):
    assert message in faults(registry, recipe=written(tmp_path, text))


def test_a_missing_file(registry, tmp_path):
    assert "none.yaml does not exist" in faults(registry, recipe=tmp_path / "none.yaml")


def test_booleans_are_yaml_not_python_truth(registry):
    assert resolve(registry, None, None, ["train.deterministic=false"]).train.deterministic is False
    assert resolve(registry, None, None, ["train.deterministic=False"]).train.deterministic is False


def test_unknown_components_are_told_beside_other_faults(registry):
    flags = {"model": "unett", "loss": ["focall"], "train.epochs": -1, "data.sise": 3}
    with pytest.raises(RecycleError) as error:
        resolve(registry, None, flags, ["train.lr=x", "data.dataset=cocoo"])
    for text in ("unett", "focall", "train.epochs", "data.sise", "train.lr", "cocoo"):
        assert text in str(error.value)
    assert "6 faults" in str(error.value)


def test_data_root_defaults_to_the_environment(registry, monkeypatch):
    monkeypatch.setenv("RECYCLE_DATA", "/somewhere")
    assert str(resolve(registry).data.root) == "/somewhere"
    monkeypatch.delenv("RECYCLE_DATA")
    assert str(resolve(registry).data.root) == "data"


def test_every_section_is_part_of_the_recipe():
    assert Recipe.model_fields["data"].annotation is DataSection
    assert Recipe.model_fields["train"].annotation is TrainSection


@pytest.mark.parametrize(
    ("text", "flags", "overrides"),
    [
        ("model:\n", {"model": "unet"}, ["model.encoder=resnet18"]),
        ("model: [unet]\n", {}, ["model.encoder=resnet18"]),
        ("data: {dataset: }\n", {"data.dataset": "coco"}, []),
        ("loss: [1]\n", {}, ["loss.gamma=2"]),
        ("seed: 0\n", {}, ["model=", "model.encoder=resnet18"]),
        ("seed: 0\n", {}, ["data.datasets=sample"]),
        ("seed: 0\n", {"model": "unetpp"}, ["model.name=fpn"]),
        ("train: {lr: .inf}\n", {}, []),
        ("train: {strategy: fsdp}\n", {}, []),
        ("train: {lr: .nan}\n", {}, []),
    ],
)
def test_odd_recipes_are_refused_and_never_crash(registry, tmp_path, text, flags, overrides):
    try:
        recipe = resolve(registry, written(tmp_path, text), flags, overrides)
    except RecycleError:
        return
    assert recipe.data.dataset.bare == "coco"
    assert recipe.model.bare == "unet"
    assert not overrides
