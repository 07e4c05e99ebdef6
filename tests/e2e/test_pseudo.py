"""Pseudo-labels on small runs: from models, from a submission, over rounds; what is left out; what train says."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from recycle_data.pseudo import PSEUDO_KEY
from recycle_data.resolve import resolve
from recycle_data.splits import make_split
from recycle_engine import api
from recycle_engine.pipeline import write_choice
from recycle_engine.training.leakage import warn_leakage
from recycle_engine.training_provenance import photos_of_split
from ruamel.yaml import YAML
from support import BARE, SMALL, first_photos, recycle_here, runs_in

SURE, LESS, ALL = (api.Sureness(threshold=share, min_coverage=0) for share in (0.3, 0.4, 0))


@pytest.fixture(scope="session")
def unlabelled(together):
    """Eight photos that no run knows, drawn once for all workers."""

    def draw(place):
        api.sample(place / "drawn", 8, seed=7)
        (place / "photos").mkdir()
        for file in (place / "drawn/images").iterdir():
            Image.open(file).reduce(2).save(place / f"photos/{file.stem}.png")

    return together("unlabelled", draw) / "photos"


@pytest.fixture(scope="module")
def work(tmp_path_factory, made_runs, unlabelled):
    """`made_runs`, 8 photos without labels, and in small/ the photos of fold 0."""
    place = runs_in(tmp_path_factory.mktemp("pseudo"), made_runs)
    shutil.copytree(unlabelled, place / "photos")
    for part in ("train", "val"):
        first_photos(place / "data", place / "small" / part, name=f"kfold_0_{part}.json")
    return place


@pytest.fixture
def teacher(work, tmp_path):
    """A copy of seed-0 in `tmp_path`, whose photos are those of small/, for students that learn fast."""
    shutil.copytree(work / "runs/seed-0", tmp_path / "runs/seed-0")
    file = tmp_path / "runs/seed-0/recipe.yaml"
    recipe = YAML(typ="safe").load(file.read_text())
    for part in ("train", "val"):
        recipe["data"][part] = [{"root": str(work / "small" / part), "json": "annotations.json"}]
    recipe["data"] |= {"fold": None, "split": "auto", "fingerprint": None}
    recipe["train"]["epochs"] = 1
    YAML().dump(recipe, file)
    return file.parent


def said(work, *arguments, codes=(0,)):
    done = recycle_here(*arguments, cwd=work)
    assert done.returncode in codes, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_labels_are_the_sure_pixels_and_train_takes_them(work, tmp_path):
    out = tmp_path / "pseudo.json"
    done = said(work, "pseudo-label", "seed-0", "photos", "--threshold", 0.25, "--out", out, "--plain")
    assert "8 photos" in done.stdout
    assert "Background" in done.stdout
    found = api.predict(work / "runs/seed-0", work / "photos", tmp_path / "p", outputs=["masks", "confidence"])
    source = api.open_data(work / "photos", str(out))
    for index, mask in enumerate(found.masks):
        labels = np.asarray(Image.open(mask))
        confidence = np.asarray(Image.open(tmp_path / "p/confidence" / mask.name)).astype(int)
        expected = np.where(confidence >= 16384, labels, 255)
        assert np.array_equal(source.read(index).mask, expected)
    content = json.loads(out.read_text())
    assert all(image[PSEUDO_KEY]["runs"] == ["seed-0"] for image in content["images"])
    assert not list(tmp_path.glob("*.predicted"))
    assert "exists" in said(work, "pseudo-label", "seed-0", "photos", "--out", out, codes=(2,)).stderr
    lists = ["--train-json", "annotations.json", "--train-json", f"{out}@{work / 'photos'}:0.5"]
    lists += ["--val-json", f"annotations.json@{work / 'small/val'}", "--data", "small/train"]
    lists += ["-o", "data.size=64", "--epochs", 1]
    model = ["--plugin", "fpn", "--batch-size", 4, *BARE, "--name", tmp_path.name]
    done = said(work, "train", *model, *lists)
    assert "training on 20 photos" in done.stderr
    recipe = api.recipe_of(work / "runs" / tmp_path.name)
    assert [one.weight for one in recipe.data.train] == [1, 0.5]
    shutil.rmtree(work / "runs" / tmp_path.name)


def test_models_and_views_must_agree(work, tmp_path):
    source = {}
    for agree in (0, 1):
        file, made = api.pseudo_label(
            [work / "runs/seed-0", work / "runs/seed-1"], work / "photos", tmp_path / f"{agree}.json",
            api.Sureness(threshold=0.3, agree=agree, min_coverage=0), api.pipeline(["hflip"]),
        )  # fmt: skip
        source[agree] = api.open_data(work / "photos", str(file))
        assert made.document["images"][0][PSEUDO_KEY]["runs"] == ["seed-0", "seed-1"]
    voters = []
    for seed in (0, 1):
        api.predict(work / f"runs/seed-{seed}", work / "photos", tmp_path / f"{seed}", pipeline=api.pipeline())
        voters.append(tmp_path / f"{seed}/masks")
    fewer = 0
    for index in range(8):
        loose, strict = (source[agree].read(index).mask for agree in (0, 1))
        assert np.array_equal(strict[strict != 255], loose[strict != 255])
        fewer += ((loose != 255) & (strict == 255)).sum()
        first, second = (np.asarray(Image.open(sorted(folder.iterdir())[index])) for folder in voters)
        apart = (first != second) & (strict != 255)
        assert apart.mean() < 0.02  # but for resizing at the borders
    assert fewer > 100


def test_one_model_without_a_view_has_nothing_to_agree_with(work, tmp_path):
    line = ["pseudo-label", "seed-0", "photos", "--agree", 1, "--plain", "--out"]
    done = said(work, *line, tmp_path / "p.json", codes=(2,))
    assert "one model that sees each photo once" in done.stderr
    assert "one model" in said(work, *line, tmp_path / "rounds", "--rounds", 1, codes=(2,)).stderr
    assert not list(tmp_path.glob("**/*.json"))


def test_photos_of_the_run_itself_are_left_out(work, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    val = api.judged_photos(work / "runs/seed-0")[0].record(0).file
    (tmp_path / "photos/val.png").symlink_to(val)
    done = said(work, "pseudo-label", "seed-0", tmp_path / "photos", "--threshold", 0.4, "--out", tmp_path / "p.json")
    assert "1 photo left out, as val.png: a validation photo" in done.stderr
    assert "val.png" not in [image["file_name"] for image in json.loads((tmp_path / "p.json").read_text())["images"]]
    done = said(work, "pseudo-label", "seed-0", "data/kfold_0_train.json", "--out", tmp_path / "q.json", codes=(2,))
    assert "every photo is a training or validation photo" in done.stderr


def test_copies_of_the_runs_photos_are_left_out_too(work, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    val = api.judged_photos(work / "runs/seed-0")[0].record(0)
    shutil.copy(val.file, tmp_path / "photos/copy.png")
    with Image.open(val.file) as photo:
        photo.reduce(2).convert("RGB").save(tmp_path / "photos/saved_anew.jpg", quality=70)
    content = {"categories": [{"id": 1, "name": "x"}], "annotations": [], "images": []}
    for number, file in enumerate(sorted((tmp_path / "photos").iterdir()), start=1):
        width, height = Image.open(file).size
        content["images"].append({"id": number, "file_name": file.name, "width": width, "height": height})
    content["images"][0]["provenance"] = [{"file_name": val.file_name}]
    (tmp_path / "photos/all.json").write_text(json.dumps(content))
    run = work / "runs/seed-0"
    _, made = api.pseudo_label([run], tmp_path / "photos/all.json", tmp_path / "p.json", LESS)
    names = {image["file_name"] for image in made.document["images"]}
    assert names == {image["file_name"] for image in content["images"][1:]} - {"copy.png", "saved_anew.jpg"}


def test_an_interrupted_call_beside_the_photos_goes_on(work, tmp_path):
    """By default the file lies in the photos' folder, and what is half done there is not taken for photos."""
    photos = tmp_path / "photos"
    shutil.copytree(work / "photos", photos)
    done = said(work, "pseudo-label", "seed-0", photos, "--class-threshold", "Papr=0.5", codes=(2,))
    assert "nearest: Paper" in done.stderr
    assert not list(photos.glob("*.predicted"))  # found out before anything is predicted
    assert "in none of 8 photos" in said(work, "pseudo-label", "seed-0", photos, "--threshold", 1, codes=(2,)).stderr
    work_folder = photos / "pseudo_label.json.predicted"
    written = {file: file.stat().st_mtime_ns for file in work_folder.rglob("*.png")}
    assert len(written) == 16
    done = said(work, "pseudo-label", "seed-0", photos, "--threshold", 0.25, "--json")
    assert len(json.loads(done.stdout)["photos"]) == 8
    assert not work_folder.exists()
    assert (photos / "pseudo_label.json").is_file()


def test_photos_that_cannot_be_read(work, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    (tmp_path / "photos/bad.png").write_bytes(b"no")
    line = ["pseudo-label", "seed-0", tmp_path / "photos", "--threshold", 0.25, "--out", tmp_path / "p.json"]
    done = said(work, *line, codes=(1,))
    assert "8 photos" in done.stdout
    assert "1 photo could not be read" in done.stderr
    (tmp_path / "p.json.predicted").mkdir()  # by a kill after the file was written
    assert "8 photos" in said(work, *line, codes=(1,)).stdout
    assert not (tmp_path / "p.json.predicted").exists()
    assert "exists" in said(work, *line, codes=(2,)).stderr


def test_the_contests_way(work, tmp_path):
    csv, out = tmp_path / "s.csv", tmp_path / "p.json"
    said(work, "predict", "seed-0", "photos", "--submission", csv)
    done = said(work, "pseudo-label", "seed-0", "photos", "--from-csv", csv, "--out", out, "--weight", 2)
    assert f"{out}@photos:2 --val-json" in done.stderr
    source = api.open_data(work / "photos", str(out))
    from recycle_data.submission import read_submission, reduce_labels

    for index, (name, row) in enumerate(read_submission(csv).items()):
        assert source.record(index).file_name == name
        mask = source.read(index).mask
        assert (mask != 255).all()
        assert (reduce_labels(mask) == row).mean() > 0.95  # nearest pixels, up and down again
    assert json.loads(out.read_text())["annotations"][0][PSEUDO_KEY]["csv"] == "s.csv"
    shutil.copytree(work / "photos", tmp_path / "cut")
    first = min((tmp_path / "cut").iterdir())
    first.write_bytes(first.read_bytes()[:2000])
    line = ["pseudo-label", "seed-0", tmp_path / "cut", "--from-csv", csv, "--out"]
    assert "1 photo could not be read" in said(work, *line, tmp_path / "c.json", codes=(1,)).stderr
    for photo in (tmp_path / "cut").iterdir():
        photo.write_bytes(b"no")
    assert "none of 8 photos can be read" in said(work, *line, tmp_path / "d.json", codes=(2,)).stderr
    shutil.copytree(work / "photos", tmp_path / "more")
    shutil.copy(next((work / "photos").iterdir()), tmp_path / "more/another.png")
    done = said(work, "pseudo-label", "seed-0", tmp_path / "more", "--from-csv", csv, "--out", "x.json", codes=(2,))
    assert "lacks 1 photo: another.png" in done.stderr
    unused = ["--threshold", 0.9, "--rule", "fixed", "--tta", "hflip", "--ensemble-with", "seed-1", "--batch-size", 4]
    done = said(work, "pseudo-label", "seed-0", "photos", "--from-csv", csv, "--out", "x.json", *unused, codes=(2,))
    assert "leave out --ensemble-with, --rule, --threshold, --tta, --batch-size\n" in done.stderr


def test_training_tells_what_its_start_and_its_teachers_know_of_its_validation_photos(work, tmp_path, logged):
    """Fold 1 is judged on the photos that the runs of fold 0 have learned from."""

    same = {**SMALL, "model": "fcn8s", "data.root": work / "data"}

    def told(fold=0, **settings):
        recipe = resolve(api.registry(), None, {**same, "data.fold": fold, **settings})
        split = make_split(api.registry(), recipe.data, recipe.seed)
        photos = photos_of_split(split)
        logged()
        warn_leakage(api.registry(), recipe.model_copy(update={"data": split.data}), split, photos)
        return logged()

    teacher = tmp_path / "teacher"
    shutil.copytree(work / "runs/seed-0", teacher)
    start = {"train.init_from": str(api.find_run(teacher).best)}
    assert told(0, **start) == ""
    api.train({**same, "data.fold": 1, "train.epochs": 1, **start}, None, "b", tmp_path)
    said = f"starts from, {teacher}, has learned from 12 of these 12 validation photos"
    assert said in logged()
    again = told(1, **{"train.init_from": str(tmp_path / "b/checkpoints/best.safetensors")})  # of fold 1 itself
    assert f"starts from, {tmp_path}/b, has learned from 12 of these 12" in again
    labels, made = api.pseudo_label([teacher], work / "photos", tmp_path / "p.json", SURE)
    assert made.document["images"][0][PSEUDO_KEY]["folders"] == [str(teacher)]
    files = {}
    for fold in (0, 1):
        train, val = ({"root": work / "data", "json": f"kfold_{fold}_{part}.json"} for part in ("train", "val"))
        pseudo = {"root": work / "photos", "json": str(labels)}
        files[fold] = {"data.fold": None, "data.train": [train, pseudo], "data.val": [val]}
    assert told(**files[0]) == ""
    assert f"teacher of its pseudo-labels, {teacher}, has learned from 12 of these 12" in told(**files[1])
    (teacher / "recipe.yaml").write_text("model: [")
    assert f"note: what {teacher} has learned from cannot be read" in told(**files[1])
    shutil.rmtree(teacher)
    assert told(**files[1]) == ""


@pytest.fixture
def kind(monkeypatch):
    """A gate that calls every student better."""
    from dataclasses import replace

    from recycle_engine.api import rounds

    judge = rounds.compare

    def better(results, source):
        (found,) = judge(results, source)
        return [replace(found, difference=replace(found.difference, verdict="better"))]

    monkeypatch.setattr(rounds, "compare", better)


@pytest.fixture
def two_rounds(work, teacher, tmp_path, kind):
    """Does two rounds; the same call each time."""
    return lambda: api.self_train(teacher, work / "photos", 2, tmp_path / "out", wanted=SURE)


def test_a_second_round_labels_the_same_photos(two_rounds):
    done = two_rounds()
    assert len(done) == 2
    for one in done:
        assert len(json.loads(one.labels.read_text())["images"]) == 8
    second = json.loads(done[1].labels.read_text())["images"][0][PSEUDO_KEY]["runs"]
    assert second == [done[0].run.folder.name]


@pytest.mark.slow("three calls train three students")
def test_rounds_resume_where_they_stopped(two_rounds, tmp_path):
    done = two_rounds()
    chosen = done[1].run.pipeline  # of a student that no later one has as its teacher
    write_choice(done[1].run, api.pipeline(["hflip"]), {})
    files = [chosen, *(tmp_path / "out").rglob("pseudo_label.json"), *(one.run.last for one in done)]
    times = {file: file.stat().st_mtime_ns for file in files}
    again = two_rounds()
    assert [one.run for one in again] == [one.run for one in done]
    assert times == {file: file.stat().st_mtime_ns for file in times}
    done[1].run.last.unlink()  # as `recycle runs prune` leaves it
    assert [one.run for one in two_rounds()] == [one.run for one in done]
    assert chosen.exists()
    (done[1].run.folder / "end.json").unlink()  # as where it was ended while it trained
    two_rounds()
    assert not chosen.exists()
    assert done[1].run.last.is_file()


def test_rounds_of_photos_without_a_background(tmp_path):
    """Labels and pseudo-labels go through COCO files, and come back as the classes that the teacher knows."""
    root = tmp_path / "masks"
    chance = np.random.default_rng(0)
    for folder in (root / "images", root / "masks", tmp_path / "photos"):
        folder.mkdir(parents=True)
    for number in range(12):
        mask = np.repeat(np.repeat(chance.integers(0, 3, (4, 4), np.uint8), 16, 0), 16, 1)
        photo = Image.fromarray(np.stack([mask * 90] * 3, 2))
        photo.save((root / "images" if number < 8 else tmp_path / "photos") / f"{number}.png")
        if number < 8:
            Image.fromarray(mask).save(root / f"masks/{number}.png")
    (root / "classes.txt").write_text("Sky\nRoad\nCar\n")
    settings = {**SMALL, "data.root": root, "data.dataset": "masks", "train.epochs": 1}
    teacher = api.train(settings, name="t", runs=tmp_path / "runs").run
    changes = {"settings": {"seed": 5}, "runs": tmp_path / "students"}
    (done,) = api.self_train(teacher, tmp_path / "photos", 1, tmp_path / "out", wanted=ALL, **changes)
    assert done.run.folder.parent == tmp_path / "students"
    assert api.recipe_of(done.run).seed == 5
    for run in (teacher, done.run):
        assert api.judged_photos(run)[0].class_names == ("Sky", "Road", "Car")
    assert api.open_data(tmp_path / "photos", str(done.labels)).class_names == ("Sky", "Road", "Car")


@pytest.mark.slow("trains a student, and labels anew for each refusal")
def test_rounds_refuse_what_another_call_made(work, teacher, tmp_path):
    """Labels of other models, rules or photos; a student of other labels, weight or settings."""
    usual = {"wanted": SURE}
    photos, out = work / "photos", tmp_path / "out"
    api.self_train(teacher, photos, 1, out, **usual)
    before = {file: file.read_bytes() for file in (*out.rglob("*.json"), *(tmp_path / "runs").rglob("*.safetensors"))}
    shutil.copytree(photos, tmp_path / "fewer")
    next((tmp_path / "fewer").iterdir()).unlink()

    def refused(words, run=teacher, images=photos, **changes):
        with pytest.raises(api.RecycleError, match=words):
            api.self_train(run, images, 1, out, **{**usual, **changes})

    refused("pseudo_label.json was made with other models or pipeline\n", run=work / "runs/seed-1")
    refused("made with other models or pipeline\n", pipeline=api.pipeline(["hflip"]))
    other = api.Sureness(threshold=0.4, named={"Paper": 0.2}, min_coverage=0)
    refused("made with other threshold, named", wanted=other)
    refused("made with other photos", images=tmp_path / "fewer")
    refused("seed-0-pseudo1 was trained with another data.train\n", weight=0.5)
    refused("trained with another loss, train.epochs\n", settings={"train.epochs": 2, "loss": "dice"})
    assert before == {file: file.read_bytes() for file in before}
    other = LESS
    refused("trained with another data.fingerprint\n", wanted=other, force=True)  # labels anew, beside the old student


@pytest.mark.slow("trains a student that gains nothing")
def test_rounds_end_where_nothing_is_gained(work, teacher, tmp_path):
    shutil.copytree(work / "photos", tmp_path / "photos")
    (tmp_path / "photos/bad.png").write_bytes(b"no")
    line = ["pseudo-label", "seed-0", tmp_path / "photos", "--rounds", 3, "--threshold", 0.4, "--out", tmp_path / "out"]
    done = said(tmp_path, *line, codes=(1,))
    assert "1 photo could not be read" in done.stderr
    told = json.loads(said(tmp_path, *line, "--json", codes=(1,)).stdout)
    assert list(told["rounds"][0]["unreadable"]) == ["bad.png"]
    assert told["rounds"][0]["run"].endswith("seed-0-pseudo1")
    students = sorted(folder.name for folder in (tmp_path / "runs").glob("seed-0-pseudo*"))
    verdicts = [line.rpartition(": ")[2] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(students) == len(verdicts) >= 1
    assert verdicts[:-1] == ["better"] * (len(verdicts) - 1)
    assert verdicts[-1] != "better" or len(verdicts) == 3
    best = [name for name, verdict in zip(students, verdicts, strict=True) if verdict == "better"]
    assert done.stdout.rstrip().endswith(best[-1] if best else "seed-0")
    split = api.recipe_of(tmp_path / "runs/seed-0-pseudo1").data
    assert len(split.train) == 2
    theirs, own = (api.judged_photos(run)[0] for run in (teacher, tmp_path / "runs/seed-0-pseudo1"))
    names = [[source.record(index).file_name for index in range(len(source))] for source in (theirs, own)]
    assert names[0] == names[1]
    for index in range(len(theirs)):
        assert np.array_equal(theirs.read(index).mask, own.read(index).mask)
