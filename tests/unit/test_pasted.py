"""Remedies and next lines of the data commands, pasted where they were printed: they work, and do what they say."""

import json
import shlex
import shutil

import numpy as np
import pytest
from PIL import Image
from recycle_coco import copy_beside
from recycle_engine import api
from support import coco, recycle_here, write_coco

from recyclecli.types import RecycleError


def noisy(folder, count, copies=0):
    """A COCO folder of distinct photos of one object, and copies of the first of them; its content."""
    content = coco(count + copies) | {"annotations": []}
    for image in content["images"]:
        square = [4.0, 4.0, 20.0, 4.0, 20.0, 20.0, 4.0, 20.0]
        own = {"id": image["id"], "image_id": image["id"], "category_id": 1 + image["id"] % 2}
        content["annotations"].append({**own, "segmentation": [square]})
    write_coco(folder, content)
    chance = np.random.default_rng(0)
    names = [image["file_name"] for image in content["images"]]
    for name in names[:count]:
        noise = np.kron(chance.integers(0, 256, (8, 8, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
        Image.fromarray(noise).save(folder / name, quality=95)
    for first, copy in zip(names, names[count:], strict=False):
        shutil.copy(folder / first, folder / copy)
    return content


def in_two_files(folder, content, val):
    """Write train.json, and val.json with the last `val` photos."""
    (folder / "annotations.json").unlink()
    for name, images in (("train", content["images"][:-val]), ("val", content["images"][-val:])):
        ids = {image["id"] for image in images}
        own = [one for one in content["annotations"] if one["image_id"] in ids]
        (folder / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": own}))


def words(text, after):
    """The words of the command line behind `after` in a text."""
    return shlex.split(text.partition(f"{after} recycle ")[2].partition("\n")[0])


def split_of(arguments):
    """The split that `train` of these arguments takes."""
    names = {"--data": "data.root", "--fold": "data.fold", "--dataset": "data.dataset"}
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    if "--train-json" in options:
        files = {
            side: [{"root": options["--data"], "json_path": options[f"--{side}-json"]}] for side in ("train", "val")
        }
        return api.split({"data.root": options["--data"], "data.train": files["train"], "data.val": files["val"]})
    return api.split({names[key]: value for key, value in options.items()} | {"data.fold": int(options["--fold"])})


@pytest.mark.parametrize(("photo", "source", "side"), [(10, 3, "validation"), (3, 10, "training")])
def test_photos_cut_out_of_those_of_the_other_side_are_said(tmp_path, logged, photo, source, side):
    content = coco(10, 128)
    write_coco(tmp_path, content)
    with Image.open(tmp_path / f"images/{source}.jpg") as whole:
        scene = whole.resize((16, 16)).resize((256, 256), Image.Resampling.BICUBIC)
    scene.resize((128, 128)).save(tmp_path / f"images/{source}.jpg", quality=95)
    scene.crop((60, 40, 188, 168)).save(tmp_path / f"images/{photo}.jpg", quality=95)
    in_two_files(tmp_path, content, 2)
    from recycle_engine.training.leakage import refuse_leakage  # importing it takes seconds

    refuse_leakage(api.split({"data.root": tmp_path}))
    assert f"flattered: 1 {side} photo at least is cut out of" in logged()


@pytest.mark.parametrize("files", ["one", "two"])
def test_copies_on_both_sides_of_a_split_get_folds_that_train_takes(tmp_path, files):
    from recycle_engine.training.leakage import refuse_leakage  # importing it takes seconds

    content = noisy(tmp_path / "data", 10, 6)
    if files == "two":
        in_two_files(tmp_path / "data", content, 6)
    with pytest.raises(RecycleError, match=r"validation photos? (is|are) trained on") as refused:
        refuse_leakage(api.split({"data.root": tmp_path / "data"}))
    made = recycle_here(*words(refused.value.remedy, "then train with --fold 0:"), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert ("note: without --fold, train takes train.json with val.json" in made.stderr) == (files == "two")
    split = split_of(words(made.stderr, "next:"))
    assert split.how.startswith("fold 0 of")
    refuse_leakage(split)


def test_folds_in_another_folder_are_named_by_their_files(tmp_path, monkeypatch):
    noisy(tmp_path / "my data", 8)
    made = recycle_here("data", "kfold", "--data", "my data", "--out", "folds", "--n", "4", cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    split = split_of(words(made.stderr, "next:"))
    assert (len(split.train), len(split.val)) == (6, 2)
    assert split.how.startswith("explicit files")


@pytest.mark.parametrize("command", ["convert", "check"])
def test_an_annotation_file_stands_for_its_folder(tmp_path, command):
    noisy(tmp_path / "data", 3)
    (tmp_path / "data/annotations.json").rename(tmp_path / "data/mine.json")
    more = ["out", "--from", "coco", "--to", "masks"] if command == "convert" else []
    done = recycle_here("data", command, "data/mine.json", *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    other = ["--split", "mine.json"] if command == "convert" else ["--json-path", "mine.json"]
    both = recycle_here("data", command, "data/mine.json", *more, *other, cwd=tmp_path)
    assert (both.returncode, "is a file, and mine.json another" in both.stderr) == (2, True)


def test_what_a_remedy_writes_to_is_free_and_beside_the_data(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    assert str(copy_beside(tmp_path / "data")) == f"{tmp_path}/data-coco"
    assert [str(copy_beside(type(tmp_path)(name))) for name in (".", "a/..", "../data")] == [
        f"{tmp_path}/data-coco", f"{tmp_path}/data-coco", "../data-coco",
    ]  # fmt: skip
    (tmp_path / "data-coco").symlink_to("nowhere")
    assert str(copy_beside(type(tmp_path)("."))) == f"{tmp_path}/data-coco-2"


@pytest.mark.parametrize("used", ["nowhere", "in the other file"])
def test_an_unused_group_is_dropped_by_the_line_that_says_so(tmp_path, used):
    content = noisy(tmp_path / "data", 6)
    content["categories"] = [
        {"id": 9, "name": "Waste"},
        *({**one, "supercategory": "Waste"} for one in content["categories"]),
    ]
    if used == "nowhere":
        (tmp_path / "data/annotations.json").write_text(json.dumps(content))
        told = recycle_here("data", "stats", cwd=tmp_path).stderr
        assert "no annotation is of category 'Waste', which names the project or a group" in told
        recycle_here(*words(told, "with --json-path:"), cwd=tmp_path)
        done = recycle_here("data", "stats", "--json-path", "mended.json", "--json", cwd=tmp_path)
        assert [one["name"] for one in json.loads(done.stdout)["classes"]] == ["Background", "Paper", "Metal"]
        assert "no annotation is of" not in done.stderr
        return
    content["annotations"][0]["category_id"] = 9
    in_two_files(tmp_path / "data", content, 2)
    assert "no annotation is of" not in recycle_here("data", "stats", cwd=tmp_path).stderr
    content["annotations"][0]["category_id"] = 1
    (tmp_path / "data/annotations.json").touch()
    in_two_files(tmp_path / "data", content, 2)
    told = recycle_here("data", "kfold", "--n", "2", cwd=tmp_path).stderr
    assert told.count("with --train-json or --val-json: recycle data check") == 1
