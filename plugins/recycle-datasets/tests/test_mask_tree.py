"""The dataset `mask-tree` and `recycle data import` of masks: trees as tools keep them."""

import json
from pathlib import Path

import numpy as np
import pytest
from mask_scene import (
    COLORS,
    HEIGHT,
    TRUTH,
    WIDTH,
    cvat,
    drawn,
    every_mask_is,
    imported,
    mask,
    photo,
    text,
    tree_of,
    voc,
)
from PIL import Image
from recycle_datasets import MaskTreeOptions
from recycle_datasets.masktree import MaskTree
from recycle_datasets.survey import survey
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, RecycleError


@pytest.mark.parametrize("photos", ["JPEGImages", "", "images"])
def test_cvat(tmp_path, photos):
    done, masks, _ = imported(cvat(tmp_path / "deep/er/task", photos=photos).parents[1], tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("cvat-masks", ("Background", "Paper", "Metal"))
    assert [file.name for file in done.files] == ["train_all.json"]
    assert len(masks) == 3
    every_mask_is(masks)


def test_cvat_subsets(tmp_path):
    cvat(tmp_path / "src")
    (tmp_path / "src/ImageSets/Segmentation/default.txt").unlink()
    text(tmp_path / "src/ImageSets/Segmentation/Train.txt", 'a\n"b c"\n')
    text(tmp_path / "src/ImageSets/Segmentation/Validation.txt", "사진\n")
    _, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert {Path(name).stem: split for name, split in splits.items()} == {"a": "train", "b c": "train", "사진": "val"}
    every_mask_is(masks)


def voc_lists(root, **lists):
    for name, stems in lists.items():
        text(root / f"ImageSets/Segmentation/{name}.txt", "\n".join(stems) + "\n")


@pytest.mark.parametrize("palette", [True, False])
def test_voc(tmp_path, palette):
    root = tmp_path / "src/VOCdevkit/VOC2012"
    values = voc(root, palette=palette)
    voc_lists(root, train="ab", val="c", trainval="abc", test="cdx")
    text(root / "ImageSets/Main/train.txt", "d\n")
    text(root / "Annotations/a.xml", "<annotation/>")
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("voc", ("Background", "class-1", "class-2"))
    assert {Path(name).stem: split for name, split in splits.items()} == {
        "a": "train",
        "b": "train",
        "c": "test",
        "d": "test",
    }
    every_mask_is(masks, values)
    assert done.left_out["photos without a mask"] == 2
    assert done.left_out["names in test.txt that are no labelled photo"] == 1


def test_voc_without_lists_takes_trainval_for_training(tmp_path):
    voc(tmp_path / "src", unlabelled="")
    voc_lists(tmp_path / "src", trainval="abc", test="bcd")
    _, _, splits = imported(tmp_path / "src", tmp_path / "out")
    assert {Path(name).stem: split for name, split in splits.items()} == {
        "a": "train",
        "b": "test",
        "c": "test",
        "d": "test",
    }


def test_voc_itself_needs_no_names(tmp_path):
    for stem in ("2007_000033", "2011_003276"):
        photo(tmp_path / f"src/JPEGImages/{stem}.jpg")
        mask(tmp_path / f"src/SegmentationClass/{stem}.png", drawn(15, 20))
    done, _, _ = imported(tmp_path / "src", tmp_path / "out")
    assert (done.class_names[15], done.class_names[20], len(done.class_names)) == ("person", "tvmonitor", 21)


def test_voc_colours_without_a_table(tmp_path):
    for stem in "ab":
        photo(tmp_path / f"src/JPEGImages/{stem}.jpg")
        mask(tmp_path / f"src/SegmentationClass/{stem}.png", colors=[(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    done, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    assert done.class_names == ("Background", "class-1", "class-2")
    every_mask_is(masks)


@pytest.mark.parametrize("folder", ["SegmentationClassPNG", "SegmentationClass"])
def test_labelme2voc(tmp_path, folder):
    root = tmp_path / "src"
    values = voc(root, folder=folder, unlabelled="")
    for stem in "abcd":
        (root / "SegmentationClassNpy").mkdir(exist_ok=True)
        np.save(root / f"SegmentationClassNpy/{stem}.npy", values)
        photo(root / f"SegmentationClassVisualization/{stem}.jpg")
    text(root / "class_names.txt", "_background_\nPaper\nMetal")
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == ("Background", "Paper", "Metal")
    assert {name.split("/")[0] for name in masks} == {"JPEGImages"}
    every_mask_is(masks, values)


IDS = np.array([3, 7, 26])  # what does not count, road, car


TRAIN_IDS = np.array([255, 0, 13])


CITY = [(0, 0, 0), (128, 64, 128), (0, 0, 142)]


@pytest.mark.parametrize("kinds", ["Ids", "Ids color instanceIds TrainIds", "TrainIds", "color", "TrainIds color"])
def test_cityscapes(tmp_path, kinds):
    for split, city in (("train", "aachen"), ("train", "bochum"), ("val", "lindau")):
        stem = f"{city}_000000_000019"
        photo(tmp_path / f"src/leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png")
        masks = tmp_path / f"src/gtFine/{split}/{city}"
        text(masks / f"{stem}_gtFine_polygons.json", "{}")
        for kind in kinds.split():
            if kind == "Ids":
                mask(masks / f"{stem}_gtFine_labelIds.png", IDS[TRUTH])
            elif kind == "TrainIds":
                mask(masks / f"{stem}_gtFine_labelTrainIds.png", TRAIN_IDS[TRUTH])
            elif kind == "color":
                mask(masks / f"{stem}_gtFine_color.png", colors=CITY, mode="RGBA")
            else:
                mask(masks / f"{stem}_gtFine_instanceIds.png", TRUTH * 9)
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == "cityscapes"
    assert len(done.class_names) == 19
    assert [done.class_names[label] for label in (0, 13, 18)] == ["road", "car", "bicycle"]
    every_mask_is(masks, TRAIN_IDS[TRUTH])
    assert sorted(splits.values()) == ["train", "train", "val"]


def test_ade20k(tmp_path):
    root = tree_of(tmp_path / "src/ADEChallengeData2016", "images/{split}", "annotations/{split}", stem="ADE_{split}_1")
    text(root / "sceneCategories.txt", "ADE_training_1 abbey\nADE_validation_1 street\n")
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, len(done.class_names)) == ("ade20k", 151)
    assert done.class_names[:4] == ("Background", "wall", "building", "sky")
    every_mask_is(masks)
    text(
        root / "objectInfo150.txt",
        "Idx\tRatio\tTrain\tVal\tName\n1\t0.1\t1\t1\twall \n2\t0.1\t1\t1\tbuilding, edifice\n",
    )
    done, masks, splits = imported(tmp_path / "src", tmp_path / "named")
    assert done.class_names == ("Background", "wall", "building, edifice")
    assert sorted(splits.values()) == ["train", "val"]
    assert "mmseg" in [one.layout.name for one in done.passed]
    every_mask_is(masks)


def test_mmsegmentation_or_ade20k(tmp_path):
    root = tree_of(tmp_path / "src", "images/{split}", "annotations/{split}")
    with pytest.raises(RecycleError, match="2 ways that fit equally well") as caught:
        imported(root, tmp_path / "out")
    assert "--as mmseg" in caught.value.remedy
    assert "--as ade20k" in caught.value.remedy
    done, masks, _ = imported(root, tmp_path / "ade", "ade20k")
    assert done.class_names[1] == "wall"
    every_mask_is(masks)
    done, masks, _ = imported(root, tmp_path / "mmseg", "mmseg")
    assert done.class_names == ("Background", "class-1", "class-2")
    every_mask_is(masks)
    done, masks, _ = imported(root, tmp_path / "zero", "mmseg", reduce_zero_label=True, classes=["Paper", "Metal"])
    assert done.class_names == ("Paper", "Metal")
    every_mask_is(masks, drawn(0, 1, 255))
    text(root / "classes.txt", "background\nPaper\nMetal\n")
    done, _, _ = imported(root, tmp_path / "named")
    assert (done.taken.layout.name, done.class_names) == ("mmseg", ("Background", "Paper", "Metal"))


def test_img_dir_and_ann_dir(tmp_path):
    root = tree_of(tmp_path / "src/data/my_set", "img_dir/{split}", "ann_dir/{split}", ("train", "val"))
    done, masks, splits = imported(root.parents[1], tmp_path / "out")
    assert done.taken.layout.name == "mmseg"
    assert sorted(splits.values()) == ["train", "val"]
    every_mask_is(masks)


def test_of_two_sets_of_masks_the_numbers_are_taken(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    tree_of(root, "images", "masks_color", "ab", colors=[*COLORS.values()])
    tree_of(root, "images", "overlays", "ab", colors=[*COLORS.values()])
    done, masks, _ = imported(root, tmp_path / "out")
    assert "masks/* are taken, not masks_color/*" in done.taken.layout.why
    assert len(masks) == 2
    every_mask_is(masks)


def test_masks_of_another_photo_of_the_same_name_are_no_choice(tmp_path):
    for folder in ("one", "two"):
        tree_of(tmp_path / "src", f"images/{folder}", f"masks/{folder}", "a")
    done, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    assert len(masks) == 2
    assert "several masks" not in done.taken.layout.why


def test_pixel_annotation_tool(tmp_path):
    root = tmp_path / "src"
    for number, stem in enumerate("ab"):
        photo(root / f"{stem}.png", seed=number)
        mask(root / f"{stem}_color_mask.png", colors=[*COLORS.values()])
        mask(root / f"{stem}_watershed_mask.png")
    named = {name: {"id": number, "color": list(COLORS[name])} for number, name in enumerate(COLORS)}
    text(root / "config.json", json.dumps({"labels": named}))
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == ("Background", "Paper", "Metal")
    assert done.left_out == {"pictures in no pair of photo and mask": 2}
    every_mask_is(masks)


def test_lists_that_are_called_as_paddle_calls_them(tmp_path):
    root = tree_of(tmp_path / "src", "JPEGImages", "Annotations", "abc")
    for split, stem, mark in (("train_list", "a", " "), ("val-list", "b", ","), ("test_list", "c", "\t")):
        text(root / f"{split}.txt", f"/home/x/JPEGImages/{stem}.jpg{mark}/home/x/Annotations/{stem}.png\n")
    _, _, splits = imported(root, tmp_path / "out")
    assert {Path(name).stem: split for name, split in splits.items()} == {"a": "train", "b": "val", "c": "test"}


def test_lists_that_name_one_split_leave_the_rest_for_training(tmp_path):
    root = tree_of(tmp_path / "src", "images", "labels", "abc")
    text(root / "valid.txt", "images/b.jpg labels/b.png\n")
    _, _, splits = imported(root, tmp_path / "out")
    assert {Path(name).stem: split for name, split in splits.items()} == {"a": "train", "b": "val", "c": "train"}


def test_photos_without_masks_and_masks_without_photos_are_counted(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "abc")
    (root / "images/a.jpg").unlink()
    (root / "masks/b.png").unlink()
    done, masks, _ = imported(root, tmp_path / "out")
    assert [Path(name).stem for name in masks] == ["c"]
    assert done.left_out == {"photos without a mask": 1, "masks without a photo": 1}


@pytest.mark.parametrize(("orientation", "turned"), [(3, True), (6, True), (6, False)])
def test_the_size_of_the_mask_tells_turned_from_stored_photos(tmp_path, orientation, turned):
    stored = (HEIGHT, WIDTH) if orientation == 3 or not turned else (WIDTH, HEIGHT)
    photo(tmp_path / "src/images/a.jpg", *stored, orientation=orientation)
    mask(tmp_path / "src/masks/a.png")
    _, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    every_mask_is(masks)
    source = MaskTree(MaskTreeOptions(), DatasetContext(tmp_path / "src"))
    with Image.open(tmp_path / "src/images/a.jpg") as image:
        pixels = np.asarray(image)
        upright = {3: pixels[::-1, ::-1], 6: np.rot90(pixels, -1)}[orientation]
    assert np.array_equal(source.read(0).image, upright if turned else pixels)


def test_splits_of_a_source_that_is_read_in_place(tmp_path):
    root = tree_of(tmp_path / "src", "{split}/images", "{split}/masks", ("train", "val"))
    source = MaskTree(MaskTreeOptions(), DatasetContext(root))
    assert source.splits == {"train": (0,), "val": (1,)}
    assert len(MaskTree(MaskTreeOptions(), DatasetContext(root, "val"))) == 1
    with pytest.raises(RecycleError, match="has no split 'test'"):
        MaskTree(MaskTreeOptions(), DatasetContext(root, "test"))


class TestMaskTreeConforms(DatasetConformance):
    name = "mask-tree"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = cvat(tmp_path_factory.mktemp("cvat"))


def test_a_mask_of_another_size_than_its_photo_is_not_decoded(tmp_path, monkeypatch):
    """It may be a bomb that the photo's size shows for one."""
    Image.new("RGB", (12, 8)).save(tmp_path / "a.jpg")
    Image.new("L", (90, 90)).save(tmp_path / "a.png")
    monkeypatch.setattr("recycle_datasets.survey.read_mask", None)
    (fault,) = survey(tmp_path, [("a.jpg", tmp_path / "a.png")]).faults
    assert "it is 12x8 pixels, and its mask" in fault[1]
