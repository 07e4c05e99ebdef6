"""What a training says of labels that it takes as they are, and `recycle data check` finds."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image, ImageOps
from recycle_coco.misplaced import misplaced
from recycle_data.check import check_coco
from recycle_data.check.masks import check_masks
from recycle_data.duplicate_objects import doubled
from recycle_data.duplicates import turned
from recycle_data.identity import identities, identity_of, tell_transparent
from recycle_data.label_suspicions import suspicions
from recycle_data.resolve import resolve
from recycle_data.splits import make_split
from recycle_engine import api
from recycle_engine.training.leakage import refuse_leakage
from support import coco, recycle_here, write_coco

from recyclecli.errors import RecycleError
from recyclecli.plugins import discover


def ignored(content):
    content["categories"].append({"id": 3, "name": "ignore"})
    content["annotations"][0]["category_id"] = 3


def void(content):
    content["categories"][1]["name"] = "Unlabelled"


def contradicted(content):
    content["annotations"].append(content["annotations"][0] | {"id": 90, "category_id": 1})


def repeated(content):
    for one in content["annotations"]:
        one["category_id"] = 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (ignored, "1 object of a class 'ignore', which is learned as no class"),
        (void, "a class 'Unlabelled', which is learned as a class: only 'ignore' counts nowhere"),
        (contradicted, "1 outline drawn twice, as two classes"),
        (repeated, "8 photos, all with the same labels"),
        (lambda content: None, None),
    ],
)
def test_of_annotations(tmp_path, change, said):
    content = coco(8)
    change(content)
    file = write_coco(tmp_path, content)
    assert list(suspicions(api.open_data(tmp_path))) == ([said] if said else [])
    found = {one.code for one in check_coco(tmp_path, {"all": file}, labels_only=True)}
    assert bool(found & {"iscrowd-misuse", "hidden-object", "repeated-labels", "void-category"}) == bool(said)


def test_a_class_that_a_recipe_ignores_is_none_to_be_told(tmp_path):
    content = coco(8)
    content["categories"].append({"id": 3, "name": "Unlabelled"})
    content["annotations"][0]["category_id"] = 3
    write_coco(tmp_path, content)
    recipe = resolve(discover(), None, {"data.root": tmp_path}, ["data.classes={ignore: [Unlabelled]}"])
    split = make_split(discover(), recipe.data, 0)
    assert "Unlabelled" not in split.train.class_names
    assert list(suspicions(split.train, ignores=True)) == []


def test_of_an_exif_rotation_that_the_size_cannot_tell(tmp_path):
    write_coco(tmp_path, coco(4))
    tag = Image.Exif()
    tag[0x0112] = 3
    photo = tmp_path / "images/2.jpg"
    Image.open(photo).save(photo, exif=tag)
    assert list(suspicions(api.open_data(tmp_path))) == [
        "1 photo with an EXIF rotation that the labels may be drawn without"
    ]


def masks(root, one):
    for name, values in one.items():
        for folder, pixels in (("images", np.zeros((*values.shape, 3))), ("masks", values)):
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(root / folder / f"{name}.png")
    return root


def test_of_masks(tmp_path):
    values = np.zeros((64, 64))
    values[8:40, 8:40] = 2
    copies = masks(tmp_path, dict.fromkeys("abcdefgh", values))
    (copies / "classes.txt").write_text("0 background\n1: paper\n2 metal\n")
    source = api.open_data(copies, dataset="masks")
    assert source.class_names == ("Background", "paper", "metal"), "the numbers are no part of the names"
    assert "8 photos, all with the same labels" in suspicions(source)
    assert {"repeated-labels"} <= {one.code for one in check_masks(copies)}

    smooth = np.asarray(Image.fromarray(values.astype(np.uint8)).resize((128, 128), Image.Resampling.BILINEAR))
    masks(copies, {"a": smooth})
    said = list(suspicions(api.open_data(copies, dataset="masks")))
    assert "1 mask with in-between values along edges, as if resized smoothly" in said
    assert "repeated-labels" not in {one.code for one in check_masks(copies)}


def test_transparent_photos_are_named(tmp_path, logged):
    plain = Image.new("RGBA", (32, 32), (9, 9, 9, 255))
    plain.save(tmp_path / "opaque.png")
    tell_transparent([tmp_path / "opaque.png"])
    assert not logged()
    plain.putpixel((3, 3), (9, 9, 9, 0))
    content = coco(4)
    content["images"][1]["file_name"] = "images/2.png"
    file = write_coco(tmp_path, content)
    plain.save(tmp_path / "images/2.png")
    identities(api.open_data(tmp_path))
    assert "images/2.png has transparent pixels, whose colours are read" in logged()
    found = [one.where for one in check_coco(tmp_path, {"all": file}) if one.code == "transparent-photo"]
    assert found == ["image 2 'images/2.png'"]


def test_a_link_to_a_folder_is_named_by_import(tmp_path):
    root = masks(tmp_path, {"a": np.eye(32)})
    (root / "masks").rename(tmp_path / "elsewhere")
    export = tmp_path / "export"
    export.mkdir()
    (root / "images").rename(export / "images")
    (export / "masks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecycleError, match="1 link to folders, not followed: masks") as refused:
        api.import_data(export, tmp_path / "out")
    assert "cp -rL" in refused.value.remedy


def tagged(content):
    for one in content["annotations"][:3]:
        one["segmentation"] = [[0, 0, 32, 0, 32, 32, 0, 32]]


def test_whole_photos_and_flags(tmp_path):
    content = coco(6)
    tagged(content)
    content["annotations"][5]["ignore"] = 1
    file = write_coco(tmp_path, content)
    assert list(suspicions(api.open_data(tmp_path))) == ["3 objects of the size of the whole photo"]
    Image.new("RGB", (32, 32)).save(tmp_path / "images/unlisted.jpg")
    found = {one.code: one.detail for one in check_coco(tmp_path, {"all": file})}
    assert found["whole-photo"] == "3 of 6"
    assert found["unread-flag"] == "1 annotation with 'ignore'"
    assert "unlisted.jpg" in found["unlisted-photo"]


def test_a_key_that_occurs_twice_is_refused(tmp_path):
    file = write_coco(tmp_path, coco(4), photos=False)
    file.write_text(file.read_text()[:-1] + ', "annotations": []}')
    with pytest.raises(RecycleError, match="its key 'annotations' occurs twice"):
        api.open_data(tmp_path)


@pytest.mark.parametrize("how", ["mirrored", "inverted"])
def test_outlines_that_fit_their_boxes_otherwise(tmp_path, how):
    content = coco(6)
    for one in content["annotations"]:
        one["segmentation"], one["bbox"] = [[2, 4, 12, 4, 12, 28, 2, 28]], [2, 4, 10, 24]
        if how == "mirrored":
            one["segmentation"] = [[20, 4, 30, 4, 30, 28, 20, 28]]
        else:
            inside = np.zeros((32, 32), np.uint8)
            inside[4:28, 2:12] = 1
            runs = np.diff(np.flatnonzero(np.diff(np.r_[2, inside.ravel("F"), 2])))
            one["segmentation"] = {"size": [32, 32], "counts": [0, *runs.tolist()]}
    file = write_coco(tmp_path, content)
    found = [one.detail for one in check_coco(tmp_path, {"all": file}) if one.code == "misplaced-outlines"]
    assert len(found) == 1
    assert ("mirrored" if how == "mirrored" else "lies around their boxes") in found[0]


def test_photos_of_test_json_are_not_trained_on(tmp_path):
    content = coco(6)
    for name, images in (("train", [0, 1, 2, 3]), ("val", [4, 5]), ("test", [3])):
        chosen = [content["images"][place] for place in images]
        ids = {one["id"] for one in chosen}
        part = content | {"images": chosen, "annotations": [o for o in content["annotations"] if o["image_id"] in ids]}
        write_coco(tmp_path, part, f"{name}.json")
    with pytest.raises(RecycleError, match=r"1 photo of .*test\.json also in .*train\.json: images/4\.jpg"):
        api.split({"data.root": tmp_path})
    found = json.loads(recycle_here("data", "check", "--data", tmp_path, "--json", cwd=tmp_path).stdout)
    assert "photo-in-two-splits" in {one["code"] for one in found}


def test_folds_that_were_edited_are_refused(tmp_path):
    write_coco(tmp_path, coco(6))
    api.kfold(tmp_path, 3)
    listing = json.loads((tmp_path / "folds.json").read_text())
    first, second = listing["folds"][:2]
    first["val_images"].append(second["val_images"][0])
    (tmp_path / "folds.json").write_text(json.dumps(listing))
    with pytest.raises(RecycleError, match="names photos of several folds") as refused:
        api.split({"data.root": tmp_path, "data.fold": 0})
    (tmp_path / "folds.json").rename(tmp_path / "folds.json.old")
    done = recycle_here(*shlex.split(refused.value.remedy.split("then recycle ")[1]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_mirrored_turned_and_inverted_photos_are_known():
    chance = np.random.default_rng(0)
    small = [Image.fromarray(chance.integers(0, 255, (6, 8, 3), np.uint8)).resize((96, 64)) for _ in range(3)]
    made = [small[1].transpose(Image.Transpose.FLIP_LEFT_RIGHT), small[2].transpose(Image.Transpose.ROTATE_90)]
    made.append(ImageOps.invert(small[0]))
    own, others = (np.array([identity_of(photo) for photo in photos]) for photos in (made, small))
    assert turned(own, others) == {0: 1, 1: 2, 2: 0}
    assert turned(others, others) == {}


def test_photos_of_no_fold_are_counted(tmp_path, logged):
    write_coco(tmp_path, coco(8))
    api.kfold(tmp_path, 2)
    listing = json.loads((tmp_path / "folds.json").read_text())
    listing["folds"][1]["val_images"].pop()
    (tmp_path / "folds.json").write_text(json.dumps(listing))
    api.split({"data.root": tmp_path, "data.fold": 0})
    assert "so trained on: 1 photo" in logged()


@pytest.mark.parametrize(
    ("how", "said"), [("painted", "1 photo of at most 32 colours"), ("coarse", "1 photo saved as JPEG of the lowest")]
)
def test_photos_that_show_next_to_nothing_are_said(tmp_path, how, said):
    write_coco(tmp_path, coco(3))
    photo = Image.open(tmp_path / "images/2.jpg")
    if how == "painted":
        photo = Image.new("RGB", (32, 32))
        photo.paste((200, 0, 0), (0, 0, 16, 32))
    photo.save(tmp_path / "images/2.jpg", quality=1 if how == "coarse" else 75)
    assert [text for text in suspicions(api.open_data(tmp_path)) if text.startswith(said)]
    assert [note for note in api.stats(tmp_path).notes if note.startswith(said)]


def test_objects_that_are_drawn_twice_nearly_alike_are_counted(tmp_path):
    content = coco(6)
    twins = [
        one | {"id": 90 + one["id"], "segmentation": [[4.5, 4, 28, 4, 28, 28, 4, 28]]} for one in content["annotations"]
    ]
    content["annotations"] += twins
    file = write_coco(tmp_path, content)
    assert "6 objects nearly where another one is" in suspicions(api.open_data(tmp_path))
    assert "doubled-objects" in {one.code for one in check_coco(tmp_path, {"all": file}, labels_only=True)}
    assert not doubled([[one["segmentation"]] * 2 for one in twins]), "equal ones are another fault"


def test_labels_of_smaller_photos_lie_in_the_upper_left_quarter():
    content = coco(30, size=64)
    assert "upper left quarter" in misplaced(content)
    content["annotations"][3]["segmentation"] = [[4, 4, 60, 4, 60, 28]]
    assert not misplaced(content)


def test_copies_within_the_validation_photos_are_counted(tmp_path, logged):
    write_coco(tmp_path, coco(8))
    api.kfold(tmp_path, 2)
    split = api.split({"data.root": tmp_path, "data.fold": 0})
    first, second = (split.val.record(index).file for index in range(2))
    second.write_bytes(first.read_bytes())
    refuse_leakage(split)
    assert "note: copies of another photo: 1 of 4 validation photos" in logged()
