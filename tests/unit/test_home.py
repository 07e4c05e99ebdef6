"""`~` in paths that no shell has seen: quoted, in a recipe, in RECYCLE_DATA, in a notebook; and empty paths."""

import pytest
from recycle_data.resolve import resolve
from recycle_engine import api
from support import TINY, recycle_here

from recyclecli.errors import RecycleError


@pytest.fixture
def home(small, tmp_path, monkeypatch):
    """The home folder, where `set` holds the small set; the current folder is another one."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/set").symlink_to(small)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.mark.parametrize("arguments", [("--data", "~/set"), ("--data=~/set",)])
def test_on_the_command_line(home, arguments):
    done = recycle_here("data", "stats", *arguments, cwd=home.parent / "work")
    assert done.returncode == 0, done.stderr


def test_a_folder_to_write_is_in_the_home_folder(home):
    done = recycle_here("data", "sample", "--num", 2, "--data", "~/made", cwd=home.parent / "work")
    assert done.returncode == 0, done.stderr
    assert (home / "made/annotations.json").is_file()
    assert not list((home.parent / "work").iterdir())


def test_in_a_recipe_and_in_settings(home, registry, tmp_path):
    (tmp_path / "recipe.yaml").write_text(
        "data: {root: ~/set, val: [{json: ~/v.json}]}\nmodel: {name: unet, weights: ~/w}\n"
    )
    recipe = resolve(registry, tmp_path / "recipe.yaml", {}, ["data.train=[{json: ~/t.json}]"])
    assert recipe.data.root == home / "set"
    assert (recipe.data.train[0].json_path, recipe.data.val[0].json_path) == (f"{home}/t.json", f"{home}/v.json")
    assert recipe.model.options["weights"] == f"{home}/w"
    assert resolve(registry, None, {"data.root": "~/set"}).data.root == home / "set"


def test_in_recycle_data(home, registry, monkeypatch):
    monkeypatch.setenv("RECYCLE_DATA", "~/set")
    assert resolve(registry).data.root == home / "set"


def test_in_the_python_api(home, small):
    assert len(api.open_data("~/set")) == len(api.open_data(small))
    with pytest.raises(RecycleError, match="a path is empty"):
        api.open_data("")


def test_no_other_text_is_changed(home):
    done = recycle_here("data", "stats", "--data", "~nobody-of-this-name/set", cwd=home.parent / "work")
    assert "~nobody-of-this-name/set does not exist" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("predict", "last", "photos", "--out", ""), " after --out"),
        (("predict", "last", "photos", "--submission="), " after --submission"),
        (("predict", "last", ""), ""),
        (("data", "stats", "--data", ""), " after --data"),
        (("train", *TINY, "--name", ""), " after --name"),
    ],
)
def test_an_empty_argument_is_no_path(home, arguments, where):
    """What an unset variable of the shell leaves would be the current folder."""
    done = recycle_here(*arguments, cwd=home.parent / "work")
    assert done.returncode == 2
    assert f"error: an argument{where} is empty\n  remedy: " in done.stderr


def test_an_empty_prefix_is_none(home):
    done = recycle_here("data", "stats", "--root-path", "", cwd=home.parent / "work")
    assert "No such option" in done.stderr  # as it belongs to `serve`; that it is empty is no fault
