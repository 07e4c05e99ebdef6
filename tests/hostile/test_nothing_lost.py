"""What is not recycle's own stays, whatever is typed, with --force too; and who comes second touches nothing."""

import hashlib
import shlex
import shutil
from contextlib import ExitStack
from functools import cache
from itertools import chain
from runpy import run_path

import pytest
from attacking import attack, few
from recycle_data.coco_lists import write_lists
from recycle_engine import api
from support import HERE, coco, runs_in, write_coco

from recyclecli.locks import held
from recyclecli.manifest import known

WRITERS = {  # command: files in its way, and the place that it holds: with a / at its end, from within
    "data show --num 2 --data data": ("sheet.png", "sheet.png"),
    "aug preview flip --num 2 --size 32 --data data": ("preview.png", "preview.png"),
    "aug copy-paste --aug-num 2 --data data --name new": (
        "data/new/000000.jpg data/new.json data/new.unfinished/000001.json",
        "data/new",
    ),
    "data kfold --n 2 --data data --out folds": (
        "folds/kfold_0_train.json folds/folds.json folds/folds.json.part",
        "folds/",
    ),
    "data convert data m --from coco --to masks": (
        "m/classes.txt m/masks/sample_0000.png m/classes.txt.part",
        "m/",
    ),
    "data import second i": ("i/train_all.json i/train_all.json.part i/val.json i/.recycle.jsonl", "i/"),
    "predict seed-0 data/kfold_0_val.json --out o": (
        "o/predicted.json o/classes.json o/predicted.json.0.part o/predicted.csv.0.part",
        "o/",
    ),
    "predict seed-0 data/kfold_0_val.json --submission s.csv": ("s.csv.json s.csv.json.0.part", "s.csv"),
    "init --data data": ("recipe.yaml", "recipe.yaml"),
    "report seed-0": ("runs/seed-0/report.html", "runs/seed-0/report.html"),
    "pseudo-label seed-0 data/kfold_1_val.json": ("data/pseudo_label.json", "data/pseudo_label.json"),
    "export seed-0": ("runs/seed-0/export/card.json runs/seed-0/export/run.py", "runs/seed-0/export/"),
    "ablate seed-0 --trick hflip": ("runs/seed-0/pipeline.json", "runs/seed-0"),
    "train --recipe runs/seed-0/recipe.yaml --name t": ("runs/t/movie.part runs/t/env.json", "runs/t"),
    "soup seed-0 seed-1 --name s": ("runs/s/checkpoints/best.safetensors", "runs/s"),
    "data import second l --link": ("l/train_all.json l/images/1.jpg l/.recycle.jsonl", "l/"),
    "data merge data second --out g": ("g/train_all.json g/train_all.json.part g/.recycle.jsonl", "g/"),
    "data kfold --keep data/folds.json --data data --out k": ("k/folds.json k/kfold_0_val.json k/.recycle.jsonl", "k/"),
    "data export data x --to cvat": ("x/annotations.xml x/labels.json x/annotations.xml.part x/.recycle.jsonl", "x/"),
    "data export data b --to label-studio": ("b/tasks.json b/config.xml b/tasks.json.part b/.recycle.jsonl", "b/"),
    "data oversample --patch Paper --num 2 --data data --name more": ("data/more/2024.jpg", "data/more"),
    "data sample --num 2 --data drawn": ("drawn/images/sample_0000.jpg", "drawn/"),
    "data convert data y --from coco --to yolo": ("y/data.yaml y/labels/sample_0000.txt", "y/"),
    "data convert data c --from coco --to coco": ("c/annotations.json", "c/"),
    "demo --num 12 --epochs 1 --size 64": ("demo/copy-paste.png demo/report.html demo/report.html.part", "demo/"),
    "plugins new acme-losses --kind loss": ("acme-losses/README.md acme-losses/notes.txt", "acme-losses"),
    "pseudo-label seed-0 data/kfold_0_train.json --out p.json": ("p.json.predicted/predicted.json", "p.json"),
}
WITHOUT_FORCE = ("report", "train", "plugins", "soup")


READERS = {"compare", "eval", "plugins check", "runs list", "runs show", "select", "serve"}  # which write no output

REMOVERS = ("runs delete", "runs prune")  # see test_removal.py


def test_each_command_that_writes_is_tried():
    """By the benchmark, twice at once, killed and on a full disk; and here where it holds a place."""
    writing = {" ".join(entry.path) for entry in known(30).commands if entry.target} - READERS
    tried = run_path(str(HERE.parent / "benchmarks/nothing_lost.py"))["COMMANDS"]
    here = [*WRITERS, *chain.from_iterable(TOGETHER.values()), *REMOVERS]
    for lines in ([line for _, line, _ in tried.values()], here):
        assert writing <= {command for command in writing for line in lines if f"{line} ".startswith(f"{command} ")}


@pytest.fixture(scope="module")
def work(made_runs, tmp_path_factory):
    folder = runs_in(tmp_path_factory.mktemp("nothing_lost"), made_runs)
    write_coco(folder / "second", coco(4))
    return folder


@cache
def digest(file, inode, size, changed):
    """Of a file's content; those that nobody touched are read once."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def snapshot(folder):
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    states = [file.stat() for file in files]
    return {
        file.relative_to(folder): digest(file, state.st_ino, state.st_size, state.st_mtime_ns)
        for file, state in zip(files, states, strict=True)
    }


def forced(command):
    return shlex.split(command) + ([] if command.split()[0] in WITHOUT_FORCE else ["--force"])


@pytest.mark.parametrize("command", few(WRITERS, 11))
def test_files_in_the_way_are_kept_and_named(work, command):
    for name in WRITERS[command][0].split():
        file = work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_bytes() if file.exists() else None
        file.write_text(f"precious {name}")
        kept = snapshot(work)
        text = attack(*forced(command), cwd=work, codes={2})
        assert "remedy: " in text
        assert snapshot(work).items() >= kept.items()
        file.unlink() if before is None else file.write_bytes(before)


@pytest.mark.parametrize("command", few(WRITERS, 8))
def test_links_in_the_way_are_refused_and_not_followed(work, command, tmp_path):
    for name in WRITERS[command][0].split():
        file, precious = work / name, tmp_path / "precious"
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_bytes() if file.exists() else None
        file.unlink(missing_ok=True)
        precious.write_text("precious")
        file.symlink_to(precious)
        attack(*forced(command), cwd=work, codes={2})
        assert precious.read_text() == "precious"
        assert file.is_symlink()
        file.unlink()
        if before is not None:
            file.write_bytes(before)


FOLDERS = {  # command: a folder that is a link
    "data convert data cl --from coco --to yolo": "cl/images",
    "data convert data cm --from coco --to masks": "cm/masks",
    "data convert data link --from coco --to masks": "link",
    "data convert data link --from coco --to coco": "link",
    "data import second il --link": "il/images",
    "data import second ic": "ic/images",
    "data import second link": "link",
    "data merge data second --out gl --link": "gl/images",
    "data merge data second --out link": "link",
    "data export data link --to cvat": "link",
    "data kfold --keep data/folds.json --data data --out link": "link",
    "predict seed-0 data/kfold_0_val.json --out link": "link",
    "export seed-0 --out link": "link",
    "demo --num 12 --epochs 1 --size 64 --out link": "link",
    "plugins new acme-losses --kind loss --out link": "link",
    "data sample --num 2 --data sl": "sl/images",
    "predict seed-0 data/kfold_0_val.json --out pl": "pl/masks",
    "aug copy-paste --aug-num 2 --data data --name linked": "data/linked",
    "soup seed-0 seed-1 --name sl": "runs/sl/checkpoints",
}


@pytest.mark.parametrize("command", few(FOLDERS, 6))
def test_folders_that_are_links_are_not_followed(work, command, tmp_path):
    place = work / FOLDERS[command]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path)
    attack(*forced(command), cwd=work, codes={2})
    assert list(tmp_path.iterdir()) == []
    place.unlink()


@pytest.mark.parametrize("command", few(WRITERS, 10))
def test_who_comes_second_is_told_of_the_first_and_leaves_nothing(work, command):
    kept, place = snapshot(work), WRITERS[command][1]
    with held(work / place, within=place.endswith("/")):
        text = attack(*forced(command), cwd=work, codes={2})
    assert "is in use by process" in text
    assert "remedy: wait for it, or end it: kill" in text
    assert snapshot(work) == kept


TOGETHER = {  # a place: commands that write into it under other names
    "v.html": (
        "data stats --data data --html v.html",
        "data show --data data --out v.html",
    ),
    "w/": (
        "data kfold --n 2 --data data --out w",
        "data convert data w --from coco --to masks",
        "data import second w",
        "data merge data second --out w",
        "data export data w --to cvat",
        "data convert data w --from coco --to yolo",
        "data convert data w --from coco --to coco",
        "predict seed-0 data/kfold_0_val.json --out w",
        "ensemble seed-0 seed-1 --images data/kfold_0_val.json --out w",
    ),
    "v.csv": (
        "predict seed-0 data/kfold_0_val.json --submission v.csv",
        "predict seed-0 data/kfold_0_val.json --out o --submission v.csv",
        "ensemble a.csv b.csv --submission v.csv",
    ),
    "v.json": ("data check --data data --fix v.json",),
}


@pytest.mark.parametrize(
    ("place", "command"), few([(place, one) for place, some in TOGETHER.items() for one in some], 4)
)
def test_two_commands_do_not_write_into_one_place_at_once(work, place, command):
    kept = snapshot(work)
    with held(work / place, within=place.endswith("/")):
        assert "is in use by process" in attack(*forced(command), cwd=work, codes={2})
    assert snapshot(work) == kept


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("aug copy-paste --aug-num 2 --data data --name cut", "data/cut"),
        ("soup seed-0 seed-1 --name cut", "runs/cut/checkpoints"),
        ("plugins new acme-cut --kind loss", "acme-cut/src/acme_cut"),
        ("export seed-1", "runs/seed-1/export"),
    ],
)
def test_what_a_kill_left_in_the_middle_of_a_file_is_no_obstacle(work, command, folder):
    (work / folder).mkdir(parents=True)
    (work / folder / ".recycle-0123456789abcdef.part").write_bytes(b"the beginning of")
    attack(*shlex.split(command), cwd=work, codes={0})
    assert not list((work / folder).rglob("*.part"))


def test_a_soup_is_neither_replaced_nor_trained_on(work):
    """It has a recipe as a run has, and no training of its own."""
    line = ("soup", "seed-0", "seed-1", "--name", "mean")
    attack(*line, cwd=work, codes={0})
    kept = snapshot(work)
    assert "--resume" not in attack(*line, cwd=work, codes={2})
    assert "recycle train --init-from runs/mean" in attack("train", "--resume", "mean", cwd=work, codes={2})
    assert snapshot(work) == kept


def test_lists_of_photos_replace_own_files_alone(small, tmp_path):
    """Those that rounds of pseudo-labels train on, in a folder of the user's."""
    source, out = api.open_data(small), tmp_path / "out"
    write_lists(source, out, "train")
    write_lists(source, out, "train")
    (out / "train-0.json").write_text("precious")
    with pytest.raises(api.RecycleError, match="it is yours"):
        write_lists(source, out, "train")
    assert (out / "train-0.json").read_text() == "precious"


@pytest.mark.parametrize("name", few(["checkpoints", "tensorboard", "checkpoints/top"], 2))
def test_a_run_whose_folder_is_a_link_is_not_resumed(work, name, tmp_path):
    """What another run keeps there would be replaced."""
    run = shutil.copytree(work / "runs/seed-1", work / "runs/linked", dirs_exist_ok=True)
    precious = tmp_path / "precious"
    (run / name).rename(precious)
    (run / name).symlink_to(precious)
    kept = snapshot(precious)
    text = attack("train", "--resume", "linked", "--epochs", 9, cwd=work, codes={2})
    assert "is a link, and no write follows one" in text
    assert snapshot(precious) == kept
    shutil.rmtree(run)


@pytest.mark.parametrize("which", ["--resume seed-0", "--resume last"])
def test_a_run_that_still_trains_is_not_resumed(work, which):
    kept = snapshot(work)
    with ExitStack() as holding:
        for recipe in (work / "runs").glob("*/recipe.yaml"):
            holding.enter_context(held(recipe.parent))
        assert "is in use by process" in attack("train", *which.split(), cwd=work, codes={2})
    assert snapshot(work) == kept
