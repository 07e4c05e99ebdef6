"""Every distribution is built, checked and installed; work with labelled photos needs neither torch nor matplotlib."""

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT, *sorted((ROOT / "plugins").glob("recycle-*"))]
LARGEST = 400e6  # bytes of an environment for labelled photos


def run(*command, **keywords):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **keywords)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def project(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def test_all_distributions_have_one_version_and_require_each_other_at_it():
    projects = [project(folder) for folder in FOLDERS]
    (version,) = {one["version"] for one in projects}
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    names = {one["name"] for one in projects}
    for one in projects:
        extras = one.get("optional-dependencies", {})
        for needed in [*one.get("dependencies", ()), *(line for lines in extras.values() for line in lines)]:
            name = needed.partition(">")[0].partition("[")[0]
            assert name not in names or needed.endswith(f">={version},<0.3"), (one["name"], needed)


def test_the_docs_name_every_distribution():
    page = (ROOT / "docs/install.md").read_text()
    release = (ROOT / "docs/contributing/release.md").read_text()
    for folder in FOLDERS:
        assert project(folder)["name"] in page
        assert project(folder)["name"] in release


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    made = tmp_path_factory.mktemp("dist")
    for folder in FOLDERS:
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", made, folder)
    return made


@pytest.mark.slow("builds every distribution, and installs some into a new environment")
def test_work_with_labelled_photos_needs_no_torch(wheels, tmp_path, drawn):
    files = sorted(wheels.iterdir())
    assert len(files) == 2 * len(FOLDERS)
    run(sys.executable, "-m", "twine", "check", "--strict", *files)
    venv.create(tmp_path / "venv", with_pip=True)
    python, recycle = tmp_path / "venv/bin/python", tmp_path / "venv/bin/recycle"
    constraints = ("--constraint", ROOT / "constraints.txt")
    run(python, "-m", "pip", "install", "--find-links", wheels, *constraints, "recyclecli[data]==0.2.0.dev0")
    run(python, "-m", "pip", "check")
    installed = {one["name"] for one in json.loads(run(python, "-m", "pip", "list", "--format", "json"))}
    assert not installed & {"torch", "matplotlib", "lightning", "fastapi"}
    size = sum(file.stat().st_size for file in (tmp_path / "venv").rglob("*") if file.is_file())
    print(f"{size / 1e6:.0f} MB")
    assert size < LARGEST

    drawn(tmp_path / "data", 20, size=384)
    env = {**os.environ, "RECYCLE_CACHE": str(tmp_path / "cache")}
    for line in (
        "data check",
        "data check --labels-only",
        "data kfold --n 4",
        "data stats",
        "data stats --html stats.html",
        "data show --out sheet.png",
        "data show --out page.html",
        "data convert data yolo --from coco --to yolo",
        "data convert data masks --from coco --to masks",
        "data import yolo again",
        "plugins list",
        "recipes list",
        "doctor",
    ):
        run(recycle, *line.split(), cwd=tmp_path, env=env)
    missing = subprocess.run([recycle, "train"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert missing.returncode == 2
    assert "recycle train comes with recycle-engine, which is not installed" in missing.stderr
