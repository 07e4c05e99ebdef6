"""`plugins new`: for each kind a package that installs, shows up, is used and passes its tests as it was written."""

import json
import os
import subprocess
import sys

import pytest
from recycle_kit.scaffold import RECORD_KINDS, SCAFFOLD_KINDS, conformance_tests, write_kit
from support import as_installed, coco, fresh_environment, pytest_of, recycle_here, write_coco

from recyclecli.errors import RecycleError
from recyclecli.types import KINDS


def run(*command, codes=(0,), **keywords):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **keywords)
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout


def write_kits(folder):
    """A package for each kind; their names by kind."""
    names = {kind: f"acme-{kind}-kit" for kind in SCAFFOLD_KINDS}
    for kind, name in names.items():
        assert f"{name}/pyproject.toml" in recycle_here("plugins", "new", name, "--kind", kind, cwd=folder).stdout
    return names


def test_each_kind_passes_its_tests_untouched(tmp_path):
    names = write_kits(tmp_path)
    places = [tmp_path / name for name in names.values()]
    for place in places:
        run(sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", ".", cwd=place)
    said = pytest_of(places)
    for kind, name in names.items():
        assert f"{name}/tests/test_{kind}.py::" in said


@pytest.mark.slow("installs packages into a new environment")
def test_each_kind_installs_shows_up_is_used_and_passes_untouched(tmp_path):
    names = write_kits(tmp_path)
    python = fresh_environment(tmp_path / "venv") / "python"
    places = [tmp_path / name for name in names.values()]
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--quiet", *places)
    listed = json.loads(run(python, "-m", "recyclecli", "plugins", "list", "--json", cwd=tmp_path))
    found = {row["distribution"]: row for row in listed}
    for kind in KINDS:
        assert found[names[kind]]["components"] == [{"kind": kind, "name": f"acme-{kind}"}]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    tested = ["pytest", "-v", "-p", "no:cacheprovider", "--rootdir", tmp_path, *names.values()]
    passed = run(python, "-m", *tested, cwd=tmp_path, env=env)
    for kind, name in names.items():
        assert f"{name}/tests/test_{kind}.py::" in passed
    check = ["plugins", "check", *(names[kind] for kind in ("loss", "dataset", *RECORD_KINDS))]
    assert "no faults" in run(python, "-m", "recyclecli", *check, cwd=tmp_path, env=env)
    write_coco(tmp_path / "data", coco(6))
    train = "train --data data --recipe acme-recipe --plugin acme-model --loss acme-loss --aug acme-augmentation"
    train += " --epochs 1 --batch-size 2 --optimizer acme-optimizer -o train.schedule=acme-schedule"
    train += " -o train.callbacks=acme-callback"
    run(python, "-m", "recyclecli", *train.split(), "-o", "data.size=32", "--name", "r", cwd=tmp_path, env=env)
    export = ["export", "r", "--format", "acme-exporter", "-o", "strict=false"]
    assert "model.pt2" in run(python, "-m", "recyclecli", *export, cwd=tmp_path, env=env)
    predict = ["predict", "r", "data", "--post", "acme-postprocessor", "--out", "out", "--engine", "acme-exporter"]
    run(python, "-m", "recyclecli", *predict, cwd=tmp_path, env=env)
    assert '"engine": "acme-exporter@acme-exporter-kit"' in (tmp_path / "out/predicted.json").read_text()
    assert "32x32" in run(python, "-m", "recyclecli", "acme", "sizes", "data", cwd=tmp_path)
    assert "are free here" in run(python, "-m", "recyclecli", "doctor", codes=(0, 1), cwd=tmp_path, env=env)
    sample = tmp_path / names["dataset"] / "tests/sample"
    stats = run(python, "-m", "recyclecli", "data", "stats", "--data", sample, "--dataset", "acme-dataset", "--json")
    assert json.loads(stats)["photos"] == 2


def test_a_component_that_breaks_its_contract_fails_the_check(tmp_path):
    """`plugins check PACKAGE` runs the tests of its kinds, which a loss that counts ignored pixels does not pass."""
    package = tmp_path / "acme"
    write_kit("acme-losses", "loss", package)
    file = package / "src/acme_losses/loss.py"
    file.write_text(file.read_text().replace("return terms", "return logits.float().square().mean() + terms"))
    site = as_installed(package)
    env = {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = recycle_here("plugins", "check", "acme-losses", cwd=tmp_path, env=env, sites=[site])
    assert done.returncode == 1, done.stdout + done.stderr
    said = "loss acme-loss@acme-losses: expected ignored pixels to change nothing; found "
    assert said in done.stderr
    assert "no faults" not in done.stdout
    assert "nearest: acme-losses" in recycle_here("plugins", "check", "acme-loses", cwd=tmp_path, sites=[site]).stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [("Acme", "cannot be a plugin's name"), ("../x", "cannot be"), ("a--b", "cannot be")]
    + [(name, "would hide the module") for name in ("torch", "recycle-losses", "json", "tests")],
)
def test_names_that_are_none(tmp_path, name, message):
    with pytest.raises(RecycleError, match=message):
        write_kit(name, "loss", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(RecycleError, match="exists"):
        write_kit("acme-losses", "loss", tmp_path / "mine")
    with pytest.raises(RecycleError, match="no kind"):
        write_kit("acme-losses", "losses", tmp_path / "new")


def test_the_command_line_offers_each_kind():
    from typing import get_args, get_type_hints

    from recycle_kit.cli.new import new

    assert get_args(get_type_hints(new)["kind"]) == SCAFFOLD_KINDS


def test_the_check_names_each_component():
    text = conformance_tests([("loss", "a@x"), ("model", "b@x"), ("dataset", "c@x")])
    compile(text, "test", "exec")
    assert "LossConformance, ModelConformance" in text
    assert "c@x" not in text
