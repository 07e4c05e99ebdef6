"""Each command discovers plugins once and makes each split once; `recycle_here` counts."""

import shlex

import pytest
from support import TINY, coco, recycle_here, runs_in, write_coco

from recyclecli.manifest import known

TRAIN = shlex.join(["--data", "data", "--plugin", "fpn", "-o", "data.size=64", "--epochs", "1", *TINY])
LINES = {
    "ablate": "ablate seed-0 --trick hflip",
    "compare": "compare seed-0 seed-1 --settings",
    "data check": "data check --data data --labels-only",
    "data convert": "data convert small masks --from coco --to masks",
    "data export": "data export small labelled --to label-studio",
    "data import": "data import small imported",
    "data kfold": "data kfold --n 2 --data small --out folds",
    "data merge": "data merge small data --out merged",
    "data oversample": "data oversample --data small --patch Paper --num 1 --workers 1",
    "data sample": "data sample --num 2 --data sampled",
    "data show": "data show --data small --out sheet.png",
    "data stats": "data stats --data data",
    "ensemble": "ensemble seed-0 seed-1 --images small/images --out together",
    "eval": "eval seed-0",
    "export": "export seed-1",
    "init": "init --data data --out starter.yaml",
    "plugins new": "plugins new acme-focal --kind loss",
    "predict": "predict seed-0 small/images --out predicted",
    "pseudo-label": "pseudo-label seed-0 small/images --threshold 0 --min-coverage 0 --out pseudo.json",
    "report": "report seed-0",
    "runs delete": "runs delete fold-1 --dry-run",
    "runs list": "runs list",
    "runs prune": "runs prune fold-1 --dry-run",
    "runs show": "runs show seed-0",
    "select": "select seed-0 seed-1",
    "soup": "soup seed-0 seed-0 --name both",
    "train": f"train {TRAIN} --name new",
}
ELSEWHERE = {
    "aug": "each offline augmentation is a command of its own: tests/e2e/test_augment.py",
    "plugins check": "it runs pytest: plugins/recycle-kit/tests",
    "demo": "it trains for a minute, by the functions of the commands above",
    "serve": "it runs until it is ended: plugins/recycle-serve/tests",
}


def test_no_command_is_forgotten():
    offered = {" ".join(entry.path) for entry in known(30).commands if entry.target}
    assert offered - LINES.keys() - ELSEWHERE.keys() == set()
    assert {*LINES, *ELSEWHERE} - offered == set()


@pytest.fixture(scope="module")
def place(tmp_path_factory, made_runs):
    folder = runs_in(tmp_path_factory.mktemp("once"), made_runs)
    write_coco(folder / "small", coco(4))
    return folder


@pytest.mark.parametrize("name", LINES)
def test_once(place, name):
    done = recycle_here(*shlex.split(LINES[name]), cwd=place)
    assert done.returncode == (name == "data check"), done.stdout + done.stderr
