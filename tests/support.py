"""Plain helpers of the tests."""

import contextlib
import importlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from forks import Forks
from PIL import Image
from pydantic import BaseModel
from recycle_data.owned import RECORD, Owned
from recycle_engine.runs import Run

HERE = Path(__file__).parent
DISTS = HERE / "dists"
SHARED = HERE.parents[1] / "shared" / "data"
TINY = ("-o", "model.encoder=tu-test_efficientnet", "-o", "model.weights=none")  # timm's own, for tests
BARE = (*TINY, "-o", "train.callbacks=[]")  # without the report, which takes longer than all the rest
SMALL = {
    "data.size": 64,
    "model": "fpn",
    "model.encoder": "tu-test_efficientnet",
    "model.weights": "none",
    "train.batch_size": 4,
    "train.lr": 0.004,
    "train.callbacks": [],
}


def first_of(file, images):
    """What a COCO file says of its first photos."""
    content = json.loads(file.read_text())
    content["images"] = content["images"][:images]
    kept = {image["id"] for image in content["images"]}
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] in kept]
    return content


def first_photos(made, folder, images=None, name="annotations.json"):
    """Copy the first photos of a COCO file, or all, with their labels; the new folder."""
    content = first_of(made / name, images)
    for image in content["images"]:
        (folder / image["file_name"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made / image["file_name"], folder / image["file_name"])
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def make_runs(place, drawn):
    """data/ with 24 photos in two folds, and runs/ with three tiny models of their classes.

    They learn fast, and after it their masks differ: by seed, and from those of flipped photos.
    `seed-0` and `seed-1` differ in their seed and learned from the 12 photos of fold 0 (4 epochs, with an average of
    the weights and the two best checkpoints); `fold-1` learned from the 12 others, in one epoch.
    """
    from recycle_engine import api

    data = drawn(place / "data", 24)
    api.kfold(data, 2)
    always = {**SMALL, "model": "fcn8s", "train.lr": 0.01, "train.ema": 0.9, "train.save_top_k": 2, "data.root": data}
    for name, fold, seed, epochs in (("seed-0", 0, 0, 4), ("seed-1", 0, 1, 4), ("fold-1", 1, 0, 1)):
        settings = {**always, "data.fold": fold, "seed": seed, "train.epochs": epochs}
        api.evaluate(api.train(settings, name=name, runs=place / "runs").run, keep=True)


def runs_in(folder, made):
    """A copy of what `make_runs` made, whose runs know the copied photos as theirs; the folder."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    for file in folder.glob("runs/*/recipe.yaml"):
        file.write_text(file.read_text().replace(str(made), str(folder)))
    return folder


def small_run(made_runs, folder, name="seed-0"):
    """A copy of a run of `make_runs` whose checkpoints are cut short: to be listed and removed, not to be used."""
    old = made_runs / "runs" / name
    for file in sorted(file for file in old.rglob("*") if file.is_file() and file.name != RECORD):
        new = folder / file.relative_to(old)
        if file.name == "metrics.csv" or file.parent.name == "tensorboard":  # they grow, so that no record names them
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, new)
        else:
            head = file.read_bytes()[:4096] if file.is_relative_to(old / "checkpoints") else file.read_bytes()
            Owned(folder).write_bytes(new, head)
    return Run(folder)


@cache
def forks():
    """The process that `recycle` is forked from."""
    return Forks()


def run_recycle(*arguments, cwd, env=None, timeout=300):
    """Run `recycle` as a user does, in a process of its own."""
    texts = list(map(str, arguments))
    environment = {"OMP_NUM_THREADS": "1", **os.environ, **(env or {})}
    if forks().fits(environment):
        return forks().run(texts, cwd, environment, timeout)[0]
    command = [sys.executable, "-m", "recyclecli", *texts]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout)


def recycle_here(*arguments, cwd, env=None, sites=()):
    """Run `recycle` in this process, where its start and its end are not the point; what `run_recycle` gives.

    `sites` are folders of packages that it sees, too.
    """
    from recyclecli.cli.app import main

    before, code = set(sys.modules), 0
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        done = counting(patch)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["recycle", *map(str, arguments)])
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        for site in sites:
            patch.syspath_prepend(str(site))
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    for name in set(sys.modules) - before if sites else ():
        if str(getattr(sys.modules[name], "__file__", "")).startswith(tuple(f"{site}/" for site in sites)):
            del sys.modules[name]
    importlib.invalidate_caches()
    assert max(done.values(), default=0) <= 1, f"{arguments} discovered, or made a split, more than once: {done}"
    return subprocess.CompletedProcess(list(arguments), code, out.getvalue(), err.getvalue())


def counting(patch):
    """How often each package is discovered from now on, and each split made; a counter that grows."""
    from recycle_data import splits

    from recyclecli import plugins

    done, discover, make_split = Counter(), plugins.discover, splits.make_split

    def discovered(allow=None, found=None):
        done.update({f"package {point.dist.name}" for point in found or ()})
        return discover(allow, found)

    def made(registry, data, seed):
        split = make_split(registry, data, seed)
        decides = split.data.model_dump_json(exclude={"size", "scale", "workers"})
        done[decides + (str(seed) if split.data.split == "random" else "")] += 1
        return split

    patch.setattr(plugins, "discover", discovered)
    patch.setattr(splits, "make_split", made)
    return done


def start_recycle(*arguments, cwd, env=None, out=os.devnull):
    """Start `recycle` in a process of its own, which may be killed; what it prints goes to the file `out`."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ, **(env or {})}
    with Path(out).open("w") as file:
        return forks().start(list(map(str, arguments)), cwd, environment, file)


def fresh_environment(folder):
    """A new environment that sees this one's packages, as if it had installed the core and its plugins; its bin."""
    venv.create(folder)
    programs, python = folder / "bin", folder / "bin/python"
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "core.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    for name, module in {"pip": "pip", "pytest": "pytest", "twine": "twine", "recycle": "recyclecli"}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} -P -m {module} "$@"\n')
        (programs / name).chmod(0o755)
    return programs


def as_installed(package):
    """Give a package what an editable install leaves: a name, a version and entry points; the folder of its sources."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = package / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
             for group, points in project["entry-points"].items()]  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(lines))
    return package / "src"


def pytest_of(packages):
    """Run the tests of packages as if they were installed; what pytest printed, a line for each test."""
    folder, names = packages[0].parent, [package.name for package in packages]
    sites = [str(as_installed(package)) for package in packages]
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": os.pathsep.join(sites)}
    options = ["-p", "no:cacheprovider", "-v", "--rootdir", str(folder)]
    done, _ = forks().run([*options, *names], folder, environment, 300, module="pytest")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def recipe_keys(model):
    """The keys of a section of the recipe and of those in it, as YAML has them."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from recipe_keys(field.annotation)


SQUARE = [[4.0, 4.0, 28.0, 4.0, 28.0, 28.0, 4.0, 28.0]]


def coco(images=4, size=32, categories=(("Paper", 1), ("Metal", 2))):
    """The content of a small COCO file: one square per image, of alternating category."""
    return {
        "images": [
            {"id": number, "file_name": f"images/{number}.jpg", "width": size, "height": size}
            for number in range(1, images + 1)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": number,
                "category_id": categories[number % len(categories)][1],
                "segmentation": SQUARE,
                "area": 576,
                "bbox": [4, 4, 24, 24],
                "iscrowd": 0,
            }
            for number in range(1, images + 1)
        ],
        "categories": [{"id": number, "name": name} for name, number in categories],
    }


def write_coco(root, content, name="annotations.json", photos=True):
    """Write COCO content and a photo of noise for each image; the file's path."""
    chance = np.random.default_rng(0)
    (root / "images").mkdir(parents=True, exist_ok=True)
    if photos:
        for image in content["images"]:
            pixels = chance.integers(0, 256, (image["height"], image["width"], 3), np.uint8)
            Image.fromarray(pixels).save(root / image["file_name"])
    (root / name).write_text(json.dumps(content))
    return root / name


def fake_dists(monkeypatch, *names):
    """Put fake installed distributions on the path."""
    for name in names:
        monkeypatch.syspath_prepend(str(DISTS / name))


@contextlib.contextmanager
def few_calls(most):
    """The block calls at most so many Python functions: what would look at each of many with each of many is seen."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert calls <= most, f"{calls} calls of at most {most}"
