"""New photos on disk: exact, traceable, the same however they are made, and from the training photos alone."""

import json
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from forks import Started
from PIL import Image
from recycle_coco import decode
from recycle_engine import api
from support import DISTS, coco, fake_dists, recycle_here, start_recycle, write_coco

from recyclecli.errors import RecycleError

PASTE = {"name": "copy-paste", "min_area": 1, "min_objects": 2, "min_visible": 0}


@pytest.fixture
def lossless(tmp_path):
    """16 photos of 40x48 as PNG, each with two objects, in two folds."""
    chance = np.random.default_rng(1)
    names = ("Paper", "Metal", "Glass")
    content = coco(16, categories=[(name, number + 5) for number, name in enumerate(names)])
    content["annotations"] = []
    for image in content["images"]:
        image |= {"file_name": f"images/{image['id']}.png", "width": 48, "height": 40}
        for number in range(2):
            x, y, wide, tall = (int(value) for value in chance.integers((1, 1, 5, 5), (30, 22, 17, 17)))
            content["annotations"].append(
                {
                    "id": 100 * image["id"] + number,
                    "image_id": image["id"],
                    "category_id": 5 + (image["id"] + number) % 3,
                    "segmentation": [[x, y, x + wide, y, x + wide, y + tall, x, y + tall]],
                    "area": wide * tall,
                    "bbox": [x, y, wide, tall],
                    "iscrowd": 0,
                }
            )
    write_coco(tmp_path / "data", content)
    api.kfold(tmp_path / "data", 2)
    return tmp_path / "data"


def explicit(root, train, fold):
    """Settings of a training file and a fold's validation file."""
    return {"data.root": root, "data.train": [{"json": train}], "data.val": [{"json": f"kfold_{fold}_val.json"}]}


def files(root, name="copy_paste"):
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in [root / f"{name}.json", *sorted((root / name).iterdir())]
    }


def test_pixels_labels_and_provenance_are_exact(lossless):
    """Each pixel is the photo's own or a pasted object's; the JSON says which, of which annotation."""
    made = api.augment({**PASTE, "hflip": 0}, 12, {"data.root": lossless, "data.fold": 1}, mode="self")
    assert (made.photos, made.skipped) == (12, {})
    learned = api.open_data(lossless, "kfold_1_train.json")
    annotations = {one["id"]: one for one in json.loads((lossless / "annotations.json").read_text())["annotations"]}
    photos = {learned.record(index).file_name: learned.read(index) for index in range(len(learned))}
    content = json.loads(made.file.read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    pasted = 0
    for image in content["images"]:
        (origin,) = image["provenance"]
        own = photos[origin["file_name"]]
        new = np.asarray(Image.open(lossless / image["file_name"]))
        changed = np.zeros(new.shape[:2], bool)
        for shape in (one for one in content["annotations"] if one["image_id"] == image["id"]):
            inside = decode(shape["segmentation"]).astype(bool)
            rows, columns = np.nonzero(inside)
            box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert (shape["area"], shape["bbox"]) == (inside.sum(), box)
            if "provenance" in shape:
                pasted += 1
                (source,) = shape["provenance"]
                annotation = annotations[source["annotation_id"]]
                assert {5: "Paper", 6: "Metal", 7: "Glass"}[annotation["category_id"]] == names[shape["category_id"]]
                donor = photos[source["file_name"]]
                x, y, wide, tall = annotation["bbox"]
                colors = donor.image[y : y + tall, x : x + wide].reshape(-1, 3)
                assert {*map(tuple, new[inside])} <= {*map(tuple, colors)}
                assert not changed[inside].any()
                changed |= inside
        np.testing.assert_array_equal(new[~changed], own.image[~changed])
    assert pasted == made.pasted > 12
    assert sum(made.classes.values()) == pasted


def test_processes_and_interruptions_change_nothing(lossless, tmp_path):
    """One process, three, and a run that was killed in between: the same bytes."""
    for workers in (1, 3):
        api.augment(PASTE, 20, {"data.root": lossless}, out=tmp_path / str(workers), workers=workers)
    whole = files(tmp_path / "1")
    assert files(tmp_path / "3") == whole

    line = f"aug copy-paste --min-area 1 --min-objects 2 --min-visible 0 --aug-num 20 --workers 1 --data {lossless}"
    process = start_recycle(*line.split(), "--out", tmp_path / "killed", cwd=tmp_path)
    unfinished = tmp_path / "killed" / "copy_paste.unfinished"
    while not (unfinished / "000000.json").is_file():
        time.sleep(0.001)
        assert not process.over()
    workers = Path(f"/proc/{process.number}/task/{process.number}/children").read_text().split()
    process.kill()
    assert workers
    deadline = time.monotonic() + 60
    while not all(Started(int(worker)).over() for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its command"
        time.sleep(0.01)
    assert not (tmp_path / "killed" / "copy_paste.json").exists()
    first = (tmp_path / "killed/copy_paste/000000.png").stat().st_mtime_ns
    other = recycle_here(*line.split(), "--seed", 1, "--out", tmp_path / "killed", cwd=tmp_path)
    assert other.returncode == 2
    assert "interrupted command with other settings" in other.stderr
    done = recycle_here(*line.split(), "--out", tmp_path / "killed", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "killed") == whole
    assert (tmp_path / "killed/copy_paste/000000.png").stat().st_mtime_ns == first, "it was made again"
    assert not unfinished.exists()


def test_a_photo_does_not_depend_on_how_many_are_made(lossless, tmp_path):
    for number in (5, 20):
        api.augment(PASTE, number, {"data.root": lossless}, out=tmp_path / str(number), mode="self")
    few, many = files(tmp_path / "5"), files(tmp_path / "20")
    assert {name: many[name] for name in few if name.endswith(".png")} == {
        name: data for name, data in few.items() if name.endswith(".png")
    }


def test_add_keeps_the_training_photos_and_trains(lossless, tmp_path):
    """Their annotations come along; another folder gets copies; a fold that holds an origin out refuses it."""
    api.augment(PASTE, 8, {"data.root": lossless, "data.fold": 0}, out=tmp_path / "new")
    both = api.open_data(tmp_path / "new", "copy_paste.json")
    learned = api.open_data(lossless, "kfold_0_train.json")
    assert len(both) == len(learned) + 8
    for index in range(len(learned)):
        ours, theirs = both.record(index), learned.record(index)
        assert (ours.file_name, ours.provenance) == (theirs.file_name, frozenset())
        assert [one.segmentation for one in ours.annotations] == [one.segmentation for one in theirs.annotations]
        assert ours.file.read_bytes() == theirs.file.read_bytes()
    api.augment(PASTE, 8, {"data.root": lossless, "data.fold": 0})
    split = api.split(
        {"data.root": lossless, "data.train": [{"json": "copy_paste.json"}], "data.val": [{"json": "kfold_0_val.json"}]}
    )
    assert len(split.train) == 16
    for fold, train in (
        (1, [{"json": "copy_paste.json"}]),
        (1, [{"root": tmp_path / "new", "json": "copy_paste.json"}]),
    ):
        with pytest.raises(RecycleError, match=r"validation photo"):
            api.split({"data.root": lossless, "data.train": train, "data.val": [{"json": f"kfold_{fold}_val.json"}]})
    with pytest.raises(RecycleError, match="exists"):
        api.augment(PASTE, 8, {"data.root": lossless})
    api.augment(PASTE, 3, {"data.root": lossless}, mode="self", force=True)
    assert sorted(file.name for file in (lossless / "copy_paste").iterdir()) == [
        "000000.png",
        "000001.png",
        "000002.png",
    ]
    source = json.loads((lossless / "copy_paste.json").read_text())
    assert [image["id"] for image in source["images"]] == [1, 2, 3]


def test_what_is_made_of_made_photos_names_the_first(lossless):
    """So that no detour hides a validation photo."""
    api.augment(PASTE, 8, {"data.root": lossless, "data.fold": 0}, mode="self")
    again = api.augment(PASTE, 8, explicit(lossless, "copy_paste.json", 0), name="again", mode="self")
    learned = api.open_data(lossless, "kfold_0_train.json")
    names = {learned.record(index).file_name for index in range(len(learned))}
    second = api.open_data(lossless, str(again.file))
    for index in range(len(second)):
        assert second.record(index).provenance & names
    with pytest.raises(RecycleError, match="validation photo"):
        api.split(
            {"data.root": lossless, "data.train": [{"json": "again.json"}], "data.val": [{"json": "kfold_1_val.json"}]}
        )


def test_data_check_knows_made_sets(lossless):
    """What was pasted within a fold's training photos is no fault; what comes from its validation photos is one."""
    made = api.augment(PASTE, 8, {"data.root": lossless, "data.fold": 0})
    line = ["data", "check", "--json-path", "copy_paste.json", "--data", lossless, "--json"]
    codes = lambda: {one["code"] for one in json.loads(recycle_here(*line, cwd=lossless).stdout)}  # noqa: E731
    assert not codes() & {"pasted-from-validation", "class-absent-from-split", "near-duplicate-across-splits"}
    content = json.loads(made.file.read_text())
    held_out = json.loads((lossless / "kfold_0_val.json").read_text())["images"][0]["file_name"]
    next(one for one in content["annotations"] if "provenance" in one)["provenance"] = [{"file_name": held_out}]
    made.file.write_text(json.dumps(content))
    assert "pasted-from-validation" in codes()
    content["images"][-1]["provenance"] = "x"
    made.file.write_text(json.dumps(content))
    assert "malformed-field" in codes()
    with pytest.raises(RecycleError, match="provenance"):
        api.open_data(lossless, "copy_paste.json")


def test_oversampling_pastes_rare_objects_on_chosen_photos(lossless):
    settings = {"data.root": lossless, "data.fold": 0}
    areas = {"min_area": 30, "max_area": 200}
    made = api.oversample(
        ["Glass"], 10, ["Metal"], settings, areas, {"shift": 1.0, "sigma": 4.0, "p": 1.0}, mode="self"
    )
    assert set(made.classes) == {"Glass"}
    learned = api.open_data(lossless, "kfold_0_train.json")
    places = {learned.record(index).file_name: index for index in range(len(learned))}
    metal, glass = (learned.class_names.index(name) for name in ("Metal", "Glass"))
    content = json.loads(made.file.read_text())
    for image in content["images"]:
        shown = learned.record(places[image["provenance"][0]["file_name"]]).annotations
        assert metal in {annotation.label for annotation in shown}
    origins = [one["provenance"][0] for one in content["annotations"] if "provenance" in one]
    assert origins
    for origin in origins:
        place = places[origin["file_name"]]
        ids = [one.id for one in learned.record(place).annotations]
        inside = learned.read(place).instances == ids.index(origin["annotation_id"]) + 1
        assert 30 <= inside.sum() <= 200
        assert (learned.read(place).mask[inside] == glass).all()
    with pytest.raises(RecycleError, match="nearest: Metal"):
        api.oversample(["Glass"], 10, ["Metel"], settings, name="x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch": ["Battery"]}, "no class is called 'Battery'"),
        ({"min_area": 10_000}, "none of 8 training photos shows an object"),
        ({"min_area": 20, "max_area": 10}, "above"),
        ({"remove_patch": ["Paper", "Metal", "Glass"]}, "none of 8 training photos shows an object"),
        ({"p": 2}, "less than or equal to 1"),
        ({"ptach": ["Paper"]}, "nearest: patch"),
    ],
)
def test_settings_that_leave_nothing(lossless, options, message):
    with pytest.raises(RecycleError, match=message):
        api.augment({"name": "copy-paste", "min_area": 1, **options}, 4, {"data.root": lossless})
    assert not (lossless / "copy_paste.json").exists()


def test_objects_larger_than_the_canvas_and_lone_photos(tmp_path):
    """They are cut off; a photo without another one of its size is left as it is."""
    content = coco(4)
    for number, image in enumerate(content["images"]):
        image |= {"width": 32 + 20 * number}
    write_coco(tmp_path, content)
    settings = {"data.root": tmp_path, "data.val_fraction": 0.25}
    large = api.augment({**PASTE, "lsj": True, "lsj_min": 3, "lsj_max": 9}, 6, settings, mode="self", name="large")
    assert large.pasted
    alone = api.augment({**PASTE, "source": "batch"}, 6, settings, mode="self", name="alone")
    assert (alone.photos, alone.pasted) == (6, 0)
    fitted = api.augment({**PASTE, "source": "batch"}, 6, settings, mode="self", name="fitted", size=32)
    assert fitted.pasted
    assert {(one["width"], one["height"]) for one in json.loads(fitted.file.read_text())["images"]} == {(32, 32)}


def test_corrupt_photos_are_skipped_and_counted_or_fatal(lossless):
    learned = api.open_data(lossless, "kfold_0_train.json")
    broken = [learned.record(index).file for index in (0, 3)]
    for file in broken:
        file.write_bytes(file.read_bytes()[:300])
    line = ["aug", "copy-paste", "--min-area", 1, "--aug-num", 16, "--data", lossless, "--fold", 0, "--mode", "self"]
    strict = recycle_here(*line, "--strict", cwd=lossless)
    assert strict.returncode == 2
    assert "cannot be read" in strict.stderr
    assert not (lossless / "copy_paste.json").exists()
    done = recycle_here(*line, "--force", cwd=lossless)
    assert done.returncode == 0, done.stderr
    assert "12 new photos" in done.stderr
    assert "skipped as unreadable: 2 photos" in done.stderr
    assert str(broken[0]) in done.stderr
    both = api.augment(PASTE, 16, {"data.root": lossless, "data.fold": 0}, name="both")
    content = json.loads(both.file.read_text())
    assert (both.photos, len(content["images"])) == (12, 12 + 6), "photos that cannot be read are in no training file"
    for index in range(len(learned)):
        learned.record(index).file.write_bytes(b"")
    gone = recycle_here(*line, "--force", cwd=lossless)
    assert gone.returncode == 2


def test_a_strangers_augmentation_gets_its_command(lossless, tmp_path):
    recycle = partial(recycle_here, cwd=tmp_path, env={"COLUMNS": "200"}, sites=[DISTS / "rain"])
    assert "Drops on the lens" in recycle("aug", "--help").stdout
    shown = recycle("aug", "rain", "--help").stdout
    for text in ("--drops", "--rain-seed", "small|large", "KEY=VALUE", "[default: on]", "recycle aug rain --aug-num"):
        assert text in shown
    line = ["aug", "rain", "--aug-num", 6, "--data", lossless, "--out", tmp_path / "out", "--mode", "self", "--seed", 3]
    missing = recycle(*line)
    assert missing.returncode == 2
    assert "drops" in missing.stderr
    flags = ["--drops", 9, "--rain-seed", "large", "--shades", 0, "--shades", "0.25", "--per-class", "Paper=2"]
    done = recycle(*line, *flags)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out/rain.json").read_text())
    assert len(content["images"]) == 6
    assert content["categories"][-1]["name"] == "ignore", "offline its labels under drops are ignored by default"
    pixels = np.asarray(Image.open(tmp_path / "out" / content["images"][0]["file_name"]))
    assert (pixels[0, 0] == 1).all(), "it does not tell origins, so it gets one photo at a time"
    assert (pixels == 0).all(2).sum() >= 36
    assert (pixels == 64).all(2).sum() >= 36
    thief = recycle("aug", "thief", "--aug-num", 2, "--data", lossless)
    assert thief.returncode == 2
    assert "does not tell which of them it shows" in thief.stderr
    preview = recycle("aug", "preview", "rain", "--drops", 5, "--data", lossless, "--size", 48)
    assert preview.returncode == 0, preview.stderr
    assert Image.open(tmp_path / "preview.png").width > 500


def test_commands_that_cannot_be(lossless, tmp_path, monkeypatch):
    fake_dists(monkeypatch, "rain")
    for name, message in (("blur", "recycle train --aug blur"), ("nope", "no augmentation is called 'nope'")):
        done = recycle_here("aug", name, "--aug-num", 2, "--data", lossless, cwd=tmp_path)
        assert done.returncode == 2
        assert message in done.stderr
    with pytest.raises(RecycleError, match="no such device"):
        api.augment(PASTE, 2, {"data.root": lossless}, device="gpu")
    with pytest.raises(RecycleError, match="two of the augmentations paste"):
        api.augment([PASTE, PASTE | {"id": "again"}], 2, {"data.root": lossless})
    with pytest.raises(RecycleError, match="holds photos of the training set"):
        api.augment(PASTE, 2, {"data.root": lossless}, name="images")
