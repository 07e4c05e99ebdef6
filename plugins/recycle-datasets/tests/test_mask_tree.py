"""The dataset `mask-tree` and `recycle data import` of masks: trees as tools and people keep them."""

import json
import os
import shlex
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recycle_coco import Tree
from recycle_datasets import MaskTreeOptions
from recycle_datasets.masktree import MaskTree
from recycle_datasets.meanings import MaskMeanings, labels_of
from recycle_datasets.recognise.masks import recognise
from recycle_datasets.survey import survey
from recycle_datasets.tables import parse_table
from recycle_engine import api
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, RecycleError

HEIGHT, WIDTH = 24, 40
COLORS = {"background": (0, 0, 0), "Paper": (51, 221, 255), "Metal": (250, 50, 83)}
CSV = "name,r,g,b\n" + "".join(f"{name},{r},{g},{b}\n" for name, (r, g, b) in COLORS.items())
LABELMAP = "# label:color_rgb:parts:actions\n" + "".join(f"{n}:{r},{g},{b}::\n" for n, (r, g, b) in COLORS.items())


def drawn(one=1, other=2, ground=0):
    """Numbers of a photo: `one` in an upper part with a hole, `other` in a lower."""
    values = np.full((HEIGHT, WIDTH), ground, np.uint8)
    values[2:10, 3:20] = one
    values[5:7, 8:12] = ground
    values[14:22, 10:35] = other
    return values


TRUTH = drawn()


def photo(file, height=HEIGHT, width=WIDTH, orientation=None, seed=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *file.name.encode()]).integers(0, 256, (height, width, 3), np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, exif=exif)


def mask(file, values=TRUTH, colors=None, palette=None, mode=None):
    """A mask of numbers, of a palette, or of colours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(values, np.uint8))
    if colors is not None:
        image = Image.fromarray(np.asarray(colors, np.uint8)[values])
    if palette is not None:
        image.putpalette([part for color in palette for part in color])
    (image.convert(mode) if mode else image).save(file)


def text(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")


def imported(src, out, layout=None, **options):
    """What `data import` wrote: class names, {photo: mask} and {photo: split}."""
    done = api.import_data(src, out, layout, options)
    masks, splits = {}, {}
    for file in done.files:
        source = api.open_data(out, file)
        for index in range(len(source)):
            name = source.record(index).file_name
            masks[name], splits[name] = source.read(index).mask, file.stem
    return done, masks, splits


def every_mask_is(masks, truth=TRUTH):
    assert masks
    for name, found in masks.items():
        assert np.array_equal(found, truth), name


def layouts(root):
    return {one.name: one for one in recognise(Tree(root))}


# ------------------------------------------------------------------------------------------------- the tools' trees


def cvat(root, stems=("a", "b c", "사진"), photos="JPEGImages", lists=("default",)):
    text(root / "labelmap.txt", LABELMAP)
    for stem in stems:
        if photos is not None:
            photo(root / photos / f"{stem}.jpg")
        mask(root / f"SegmentationClass/{stem}.png", colors=[*COLORS.values()])
        mask(root / f"SegmentationObject/{stem}.png", colors=[(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    for name in lists:
        quoted = [f'"{stem}"' if " " in stem else stem for stem in stems]
        text(root / f"ImageSets/Segmentation/{name}.txt", "\n".join(quoted) + "\n")
    return root


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


def voc(root, stems="abcd", palette=True, folder="SegmentationClass", unlabelled="xy"):
    colors = [(0, 0, 0), (128, 0, 0), (0, 128, 0), *[(0, 0, 0)] * 252, (224, 224, 192)]
    values = TRUTH.copy()
    values[2, 3:20] = 255
    for stem in stems + unlabelled:
        photo(root / f"JPEGImages/{stem}.jpg")
    for stem in stems:
        mask(root / f"{folder}/{stem}.png", values, palette=colors if palette else None)
    return values


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


def tree_of(root, photos, masks, splits=("training", "validation"), stem="{split}", **options):
    for split in splits:
        name = stem.format(split=split)
        photo(root / photos.format(split=split) / f"{name}.jpg")
        mask(root / masks.format(split=split) / f"{name}.png", **options)
    return root


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


TABLES = {
    "class_dict.csv": CSV,
    "class_dict_seg.csv": "NAME, R, G, B\nPaper, 51, 221, 255\nbackground, 0, 0, 0\nMetal, 250, 50, 83",
    "colors.csv": "r;g;b;class\n51;221;255;Paper\n250;50;83;Metal\n",
    "label_colors.txt": "0 0 0\tVoid\n51 221 255\tPaper\n250 50 83\tMetal\n",
    "labelmap.txt": LABELMAP,
    "classes.json": '{"classes": [{"title": "Paper", "color": "#33DDFF"}, {"title": "Metal", "color": "#FA3253"}]}',
    "dataset_meta.json": json.dumps(  # Datumaro's
        {
            "label_map": {"0": "background", "1": "Paper", "2": "Metal"},
            "background_label": "0",
            "segmentation_colors": [[0, 0, 0], [51, 221, 255], [250, 50, 83]],
        }
    ),
    "mask_color_map.json": json.dumps(  # X-AnyLabeling's
        {"type": "rgb", "colors": {"Paper": [51, 221, 255], "Metal": [250, 50, 83]}}
    ),
    "colormap.json": json.dumps({"Paper": [51, 221, 255], "Metal": [250, 50, 83], "unlabeled": [0, 0, 0]}),
    "palette.csv": "class,color\nbackground,#000000\nPaper,#33DDFF\nMetal,#fa3253\n",
    "my_colors.csv": 'Klasse,Farbe\nPaper,"rgb(51, 221, 255)"\nMetal,"rgb(250,50,83)"\n',
    "class_colors.csv": "Paper,#33DDFF\nMetal,0xFA3253\n",
    "legend.csv": "Nr;Klasse;Rot;Gruen;Blau\n1;Paper;51;221;255\n2;Metal;250;50;83\n",
    "colors.txt": "# colours\n#000000: background\n#33DDFF: Paper\n#FA3253: Metal\n",
    "colours.txt": "Paper #33ddff\nMetal #fa3253\n",
    "label_map.txt": "Paper: rgb(51, 221, 255)\nMetal: rgb(250, 50, 83)\n",
    "colors.json": json.dumps({"#33DDFF": "Paper", "#FA3253": "Metal"}),
    "label_colors.json": json.dumps({"Paper": "rgb(51, 221, 255)", "Metal": "(250, 50, 83)"}),
    "palette.json": json.dumps([{"name": "Paper", "hex": "#33DDFF"}, {"name": "Metal", "hex": "#FA3253"}]),
}


@pytest.mark.parametrize(
    ("table", "kind"), [*((table, "RGB") for table in TABLES), ("class_dict.csv", "RGBA"), ("labelmap.txt", "P")]
)
def test_masks_of_colours(tmp_path, table, kind):
    root = tmp_path / "src/CamVid"
    for split, stem, name in (("train", "a", "a_L"), ("val", "b", "b_L"), ("test", "사진", "사진_L")):
        photo(root / f"{split}/{stem}.png")
        file = root / f"{split}_labels/{name}.png"
        if kind == "P":
            order = np.array([2, 0, 1])  # the numbers are no order of the table
            mask(file, order[TRUTH], palette=[COLORS[name] for name in ("Paper", "Metal", "background")])
        else:
            mask(file, colors=[*COLORS.values()], mode=kind)
    text(root / table, TABLES[table])
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("rgb-masks", ("Background", "Paper", "Metal"))
    assert sorted(splits.values()) == ["test", "train", "val"]
    every_mask_is(masks)


def test_colours_that_the_table_lacks_are_ignored_and_counted(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", colors=[*COLORS.values()])
    text(root / "class_dict.csv", CSV.replace("Paper,51,221,255\n", ""))
    done, masks, _ = imported(root, tmp_path / "out")
    every_mask_is(masks, drawn(255, 1))
    (what,) = done.left_out
    assert "1 colour ((51,221,255) 256), which class_dict.csv does not name" in what
    text(root / "class_dict.csv", "name,r,g,b\nbackground,9,9,9\nMetal,250,50,83\n")
    with pytest.raises(RecycleError, match="does not name 79% of the masks' pixels"):
        imported(root, tmp_path / "other")


@pytest.mark.parametrize("rows", ["a.png,1,2,3\nb.png,4,5,6\n", "paper,1,2,3,4,5\n", "x,1,2,3\nx,1,2,4\n", "1,2,3\n"])
def test_other_tables_name_no_colours(rows):
    assert parse_table("colors.csv", f"a,b,c,d\n{rows}") is None


def test_colours_without_a_table_are_named_with_a_remedy_that_works(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", colors=[*COLORS.values()])
    with pytest.raises(RecycleError, match=r"hold 3 colours, and no table") as caught:
        imported(root, tmp_path / "out")
    assert os.system(caught.value.remedy.partition("again: ")[2]) == 0
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == ("Background", "class-1", "class-2")
    every_mask_is(masks, drawn(2, 1))


@pytest.mark.parametrize("names", [("background", "Paper", "Metal"), ("unlabeled", "Paper", "Metal")])
def test_roboflow(tmp_path, names):
    root = tmp_path / "src/My Set.v1i.png-mask-semantic"
    table = "Pixel Value, Class\n" + "\n".join(f"{value}, {name}" for value, name in enumerate(names))
    for split in ("train", "valid", "test"):
        photo(root / f"{split}/{split}_jpg.rf.0a.jpg")
        mask(root / f"{split}/{split}_jpg.rf.0a_mask.png")
        text(root / f"{split}/_classes.csv", table)
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("roboflow-masks", ("Background", "Paper", "Metal"))
    assert {Path(name).parent.name: split for name, split in splits.items()} == {
        "train": "train",
        "valid": "val",
        "test": "test",
    }
    every_mask_is(masks)
    text(root / "valid/_classes.csv", table.replace("1, Paper", "1, Plastic"))
    with pytest.raises(RecycleError, match=r"valid/_classes\.csv.*names 1 Plastic, and .*_classes\.csv Paper"):
        imported(tmp_path / "src", tmp_path / "other")


def test_supervisely(tmp_path):
    root = tmp_path / "src/project"
    for split in ("ds1", "ds2"):
        photo(root / f"{split}/img/{split}.jpg")
        mask(root / f"{split}/masks_machine/{split}.png", mode="RGB")
        mask(root / f"{split}/masks_human/{split}.png", colors=[*COLORS.values()])
    text(root / "obj_class_to_machine_color.json", json.dumps({"Paper": [1, 1, 1], "Metal": [2, 2, 2]}))
    done, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == ("supervisely-masks", ("Background", "Paper", "Metal"))
    assert "not project/ds1/masks_human/*" in done.taken.layout.why
    every_mask_is(masks)


# ------------------------------------------------------------------------------------------------- folders of people

PAIRS = {  # photo, mask, split of the photo
    "images and masks": [("images/a.jpg", "masks/a.png", ""), ("images/b.jpg", "masks/b.png", "")],
    "image and label": [("image/a.jpg", "label/a.png", "")],
    "imgs and labels": [("x/imgs/a.jpg", "x/labels/a.png", "")],
    "JPEGImages and Annotations": [("JPEGImages/a.jpg", "Annotations/a.png", "")],
    "a mask beside each photo": [("a.jpg", "a_mask.png", ""), ("b.png", "b_mask.png", "")],
    "photos and masks of one name": [("a.jpg", "a.png", ""), ("b.jpg", "b.png", "")],
    "a suffix in a sibling": [("photos/a.jpg", "gt/a_seg.png", "")],
    "a prefix": [("images/img_1.jpg", "masks/mask_1.png", ""), ("images/img_2.jpg", "masks/mask_2.png", "")],
    "fastai's CamVid": [("images/a.png", "labels/a_P.png", "")],
    "SegNet's CamVid": [("train/a.png", "trainannot/a.png", "train"), ("val/b.png", "valannot/b.png", "val")],
    "splits within": [
        ("train/images/a.jpg", "train/masks/a.png", "train"), ("val/images/b.jpg", "val/masks/b.png", "val")],
    "splits in names": [
        ("train_images/a.jpg", "train_masks/a.png", "train"), ("test_images/b.jpg", "test_masks/b.png", "test")],
    "splits of photos alone": [
        ("images/train/a.jpg", "masks/a.png", "train"), ("images/val/b.jpg", "masks/b.png", "val")],
    "the same names in all splits": [
        ("train/image/1.png", "train/label/1.png", "train"), ("valid/image/1.png", "valid/label/1.png", "val")],
    "nnU-Net's": [("imagesTr/a_0000.png", "labelsTr/a.png", "")],
    "tiles": [("Tile 1/images/p1.jpg", "Tile 1/masks/p1.png", ""), ("Tile 2/images/p1.jpg", "Tile 2/masks/p1.png", "")],
    "capitals": [("Images/A.JPG", "Masks/A.PNG", "")],
    "TIFF": [("images/a.tif", "masks/a.tif", "")],
    "the photo's suffix within": [("images/a.jpg", "masks/a.jpg.png", ""), ("images/b.jpg", "masks/b.jpg.png", "")],
    "SuperAnnotate's": [("a.jpg", "a.jpg___fuse.png", "")],
    "ISIC's": [("Training_Input/I_1.jpg", "Training_GroundTruth/I_1_segmentation.png", "train")],
    "LoveDA's": [
        ("Train/Rural/images_png/0.png", "Train/Rural/masks_png/0.png", "train"),
        ("Val/Rural/images_png/0.png", "Val/Rural/masks_png/0.png", "val")],
    "DeepGlobe's": [("train/1_sat.jpg", "train/1_mask.png", "train")],
    "DAVIS's": [("JPEGImages/480p/bear/0.jpg", "Annotations/480p/bear/0.png", "")],
    "Potsdam's": [("2_Ortho_RGB/top_2_10_RGB.tif", "5_Labels_all/top_2_10_label.tif", "")],
    "two dots": [("images/a.b.jpg", "masks/a.b.png", "")],
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_that_people_keep(tmp_path, name):
    for number, (one, other, _) in enumerate(PAIRS[name]):
        photo(tmp_path / "src" / one, seed=number)
        mask(tmp_path / "src" / other)
    text(tmp_path / "src/codes.txt", "Background\nPaper\nMetal\n")
    text(tmp_path / "src/README.txt", "train.txt is not here\n")
    done, masks, splits = imported(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == "mask-folder"
    assert done.class_names == ("Background", "Paper", "Metal")
    assert splits == {one: split or "train_all" for one, _, split in PAIRS[name]}
    every_mask_is(masks)


TWO = {  # value of what is drawn, mode of the file, further options of `mask`
    "0 and 255": ((255, 255), None),
    "0 and 255 as RGB": ((255, 255), "RGB"),
    "0 and 255 as RGBA": ((255, 255), "RGBA"),
    "one colour": ((1, 1), "red"),
    "one bit": ((255, 255), "1"),
    "0 and 1": ((1, 1), None),
    "0 and 38": ((38, 38), None),
    "0, 1 and ignored": ((1, 255), None),
}


@pytest.mark.parametrize("case", TWO)
def test_two_values_without_a_name(tmp_path, case, logged):
    values, mode = TWO[case]
    how = {"colors": [(0, 0, 0), (255, 9, 9)]} if mode == "red" else {"mode": mode}
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=drawn(*values), **how)
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == ("Background", "foreground")
    every_mask_is(masks, drawn(1, 255) if values == (1, 255) else drawn(1, 1))
    assert "note: " in logged()


def test_the_folder_names_the_foreground(tmp_path):
    root = tree_of(tmp_path / "src", "images", "crack_masks", "ab", values=drawn(255, 255))
    assert imported(root, tmp_path / "out")[0].class_names == ("Background", "crack")


@pytest.mark.parametrize(
    ("names", "values", "classes"),
    [
        ("background\nobject\n", (255, 255), ("Background", "object")),
        ("object\n", (255, 255), ("Background", "object")),
        ("object\nbackground\n", (255, 255), ("Background", "object")),
        ("Paper\nMetal\n", (1, 2), ("Background", "Paper", "Metal")),
        ("background\nPaper\nMetal\n", (75, 113), ("Background", "Paper", "Metal")),
        ("0: background\n1: Paper\n2: Metal\n", (1, 2), ("Background", "Paper", "Metal")),
        ("__ignore__\n_background_\nPaper\nMetal\n", (1, 2), ("Background", "Paper", "Metal")),
        ("void\nPaper\nMetal\n", (1, 2), ("Background", "Paper", "Metal")),
    ],
)
def test_names_that_are_no_lines_of_the_numbers(tmp_path, names, values, classes):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=drawn(*values))
    text(root / "labels.txt", names)
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == classes
    every_mask_is(masks, drawn(1, len(classes) - 1))


def _numbers(root, *kinds):
    """Masks with each of `kinds`: a number for the ground and for two objects."""
    for index, (ground, one, other) in enumerate(kinds):
        photo(root / f"images/p{index}.jpg", seed=index)
        mask(root / f"masks/p{index}.png", drawn(one, other, ground))


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        ([(0, 128, 255)] * 2, "the masks hold 0, 128, 255"),
        ([(0, 1, 1), (0, 255, 255)], "none both|no mask holds both 1 and 255"),
    ],
)
@pytest.mark.parametrize("reader", ["masks", "mask-tree"])
def test_255_that_may_be_an_object_is_refused_with_a_remedy(tmp_path, reader, kinds, says):
    _numbers(tmp_path / "in", *kinds)
    with pytest.raises(RecycleError, match=says if reader == "mask-tree" or 128 not in kinds[0] else "128") as caught:
        api.open_data(tmp_path / "in", None, reader)
    wanted = 128 if 128 in kinds[0] else 1
    values = {0: "background", wanted: "foreground", 255: "foreground"}
    assert "data.dataset.values=" in caught.value.remedy
    source = api.open_data(tmp_path / "in", None, reader, {"values": values})
    assert source.class_names == ("Background", "foreground")
    assert [int((source.read(index).mask == 1).sum()) for index in range(2)] == [int((TRUTH > 0).sum())] * 2


@pytest.mark.parametrize("other", [2, 3])
def test_masks_without_the_background_that_is_named(tmp_path, other, logged):
    _numbers(tmp_path / "in", (1, 2, other))
    text(tmp_path / "in/classes.txt", "background\nPaper\nMetal\n")
    said = "where the numbers are one above the names: -o 'data.dataset.values={1: background, 2: Paper, 3: Metal}'"
    if other == 3:
        with pytest.raises(RecycleError, match="no mask holds 0, the background: they hold 1, 2, 3") as caught:
            api.open_data(tmp_path / "in", None, "mask-tree")
        assert said in caught.value.remedy
    else:
        api.open_data(tmp_path / "in", None, "mask-tree")
        assert said in logged()


def test_numbers_without_names_are_said(tmp_path, logged):
    _numbers(tmp_path / "in", (7, 1, 2))
    api.open_data(tmp_path / "in", None, "masks")
    assert "each from 0 to 7 is a class of its own" in logged()


def test_numbers_far_apart_are_classes_without_the_gaps(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=drawn(75, 113))
    done, masks, _ = imported(root, tmp_path / "out")
    assert done.class_names == ("Background", "class-75", "class-113")
    every_mask_is(masks)


def test_smoothed_masks_of_two_values(tmp_path):
    values = np.kron(drawn(255, 255), np.ones((3, 3), np.uint8))
    values[36, :] = np.linspace(0, 250, 3 * WIDTH).astype(np.uint8) // 2 * 2
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=values)
    for stem in "ab":
        photo(root / f"images/{stem}.jpg", 3 * HEIGHT, 3 * WIDTH)
    _, masks, _ = imported(root, tmp_path / "out")
    every_mask_is(masks, (values >= 128).astype(np.uint8))


@pytest.mark.parametrize("kind", ["resized", "areas", "ignored", "many and ignored"])
def test_grays_along_edges_alone_are_no_classes(tmp_path, kind):
    """Areas of grays are classes, also small ones, and 255 beside them is ignored."""
    values = np.kron(drawn(255, 255), np.ones((4, 4), np.uint8))
    smooth = np.asarray(Image.fromarray(values[::2, ::2]).resize(values.shape[::-1], Image.Resampling.BILINEAR))
    areas = {"areas": (60, 90, 120, 200), "ignored": (1, 2, 3), "many and ignored": range(1, 151)}.get(kind, ())
    for place, value in enumerate(areas):
        row, column = divmod(place, 30)
        values[4 + 4 * row :, 5 * column :][:3, :3] = value
    root = tree_of(tmp_path / "src", "images", "masks", "a", values=values if areas else smooth)
    photo(root / "images/a.jpg", *values.shape)
    seen = survey(root, [("images/a.jpg", root / "masks/a.png")])
    reads = labels_of(root, MaskMeanings(), seen, Counter())
    assert len(reads.class_names) == 2 + (len(areas) - 1 if areas else 0)
    if not areas:
        assert np.array_equal(reads.labels(root / "masks/a.png"), smooth >= 128)


def test_masks_of_0_and_65535(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    for stem in "ab":
        Image.fromarray(drawn(1, 1).astype(np.uint16) * 65535).save(root / f"masks/{stem}.png")
    _, masks, _ = imported(root, tmp_path / "out")
    every_mask_is(masks, drawn(1, 1))
    done, masks, _ = imported(root, tmp_path / "named", values={0: "background", 65535: "salt"})
    assert done.class_names == ("Background", "salt")
    every_mask_is(masks, drawn(1, 1))
    Image.fromarray(TRUTH.astype(np.uint16) * 150).save(root / "masks/a.png")
    refused(root, tmp_path / "wide", "holds the value")


def test_where_no_mask_can_be_used_the_first_is_named(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=TRUTH[:-1])
    with pytest.raises(RecycleError, match=r"none of the 2 photos of .*the first, images/a\.jpg: it is 40x24 pixels"):
        api.import_data(root, None, drop_unreadable=True)
    mask(root / "masks/b.png")
    assert api.import_data(root, None, drop_unreadable=True).class_names == ("Background", "class-1", "class-2")


@pytest.mark.parametrize("splits", [("",), ("/train", "/val")])
def test_the_line_that_resizes_masks_writes_a_copy(tmp_path, splits):
    root = tmp_path / "it's"
    for split in splits:
        for stem in ("a", "사진"):
            photo(root / f"images{split}/{split[1:2]}{stem}.png", 2 * HEIGHT, 2 * WIDTH)
            mask(root / f"masks{split}/{split[1:2]}{stem}.png")
    before = {file: file.read_bytes() for file in root.rglob("*.png")}
    said = refused(root, tmp_path / "out", "labels cannot be used")
    code = shlex.split(said.remedy.partition("python -c ")[2])[0]
    exec(code, {})  # as it is typed, without another process
    assert {file: file.read_bytes() for file in root.rglob("*.png")} == before
    _, masks, _ = imported(tmp_path / "it's-mended", tmp_path / "out")
    every_mask_is(masks, np.kron(TRUTH, np.ones((2, 2), np.uint8)))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpegs_in_black_and_white(tmp_path, mode, logged):
    values = np.kron(drawn(255, 255), np.ones((2, 2), np.uint8))
    for stem, quality in zip("abc", (95, 75, 30), strict=True):
        photo(tmp_path / f"src/images/{stem}.png", 2 * HEIGHT, 2 * WIDTH)
        (tmp_path / "src/masks").mkdir(exist_ok=True)
        image = Image.fromarray(values * (stem != "b")).convert(mode)  # one shows nothing
        image.save(tmp_path / f"src/masks/{stem}.jpg", quality=quality)
    done, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    assert done.class_names == ("Background", "foreground")
    for name, found in masks.items():
        assert np.mean(found == (values > 0) * ("b" not in name)) > 0.999
    assert "3 masks in JPEG, black and white: of their pixels 0." in logged()


@pytest.mark.parametrize("areas", [(1, 2), (255, 120), (240, 20), (60, 60), (255, 1)])
def test_other_jpegs_are_refused_with_a_line_that_works(tmp_path, areas):
    values = np.kron(drawn(*areas), np.ones((2, 2), np.uint8))
    photo(tmp_path / "src/images/a.png", *values.shape)
    mask(tmp_path / "src/masks/a.jpg", values)
    said = refused(tmp_path / "src", tmp_path / "out", "is a JPEG, which changes the values, and holds areas of others")
    exec(shlex.split(said.remedy.partition("python -c ")[2])[0], {})
    kept = np.array(Image.open(tmp_path / "src-mended/masks/a.png"))
    assert (kept == (values > 127) * 255).mean() > 0.99


def test_of_two_sets_of_masks_the_numbers_are_taken(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    tree_of(root, "images", "masks_color", "ab", colors=[*COLORS.values()])
    tree_of(root, "images", "overlays", "ab", colors=[*COLORS.values()])
    done, masks, _ = imported(root, tmp_path / "out")
    assert "masks/* are taken, not masks_color/*" in done.taken.layout.why
    assert len(masks) == 2
    every_mask_is(masks)


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
    assert done.left_out == {"pictures that are neither a photo nor its mask": 2}
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


# ------------------------------------------------------------------------------------------------- what is refused


def refused(root, out, match, layout=None, **options):
    with pytest.raises(RecycleError, match=match) as caught:
        imported(root, out, layout, **options)
    assert not list(out.glob("*.json"))
    return caught.value


def test_masks_without_photos(tmp_path):
    refused(cvat(tmp_path / "cvat", photos=None), tmp_path / "out", r"holds 3 masks, as .* and no photo of theirs")
    voc(tmp_path / "voc")
    shutil.rmtree(tmp_path / "voc/JPEGImages")
    refused(tmp_path / "voc", tmp_path / "out", r"holds 4 masks, as 'SegmentationClass/a.png', and no photo of theirs")


def test_all_masks_that_cannot_be_used_are_named(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "abcdef")
    mask(root / "masks/a.png", TRUTH[:-1])
    (root / "masks/b.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    Image.fromarray(TRUTH).save(root / "masks/c.png", "JPEG")
    (root / "masks/d.png").write_bytes((root / "masks/e.png").read_bytes()[:60])
    (root / "masks/e.png").unlink()
    shutil.copy(root / "masks/f.png", tmp_path / "away.png")
    (root / "masks/e.png").symlink_to(tmp_path / "away.png")
    said = str(refused(root, tmp_path / "out", "outside of the folder"))
    assert "masks/e.png is a link to" in said
    (root / "masks/e.png").unlink()
    said = str(refused(root, tmp_path / "out", "4 labels cannot be used"))
    for words in ("40x24 pixels, and its mask", "40x23", "a pointer of Git LFS", "is a JPEG", "cannot be read"):
        assert words in said


def test_links_that_lead_nowhere(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    for stem in "ab":
        (root / f"masks/{stem}.png").unlink()
        (root / f"masks/{stem}.png").symlink_to(f"../../gone/{stem}.png")
    refused(root, tmp_path / "out", "2 masks only linked, to files that are missing: .*a.png")


def test_masks_that_are_jpegs(tmp_path):
    for stem in "ab":
        photo(tmp_path / f"src/images/{stem}.jpg")
        photo(tmp_path / f"src/masks/{stem}.jpg")
    refused(tmp_path / "src", tmp_path / "out", "is a JPEG, which changes the values")


def test_masks_that_are_gifs(tmp_path):
    for stem in "ab":
        photo(tmp_path / f"src/imgs/{stem}.jpg")
        mask(tmp_path / f"src/masks/{stem}_mask.gif")
    _, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    every_mask_is(masks)


def test_lines_of_colours_that_are_no_order(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=drawn(1, 1))
    text(root / "class_dict.csv", "name,r,g,b\nroad,255,255,255\nbackground,0,0,0\n")
    error = refused(root, tmp_path / "out", "'background' is not the first")
    assert "classes=[background, road]" in error.remedy
    done, masks, _ = imported(root, tmp_path / "out", classes=["background", "road"])
    assert done.class_names == ("Background", "road")
    every_mask_is(masks, drawn(1, 1))


def test_masks_without_a_class(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=TRUTH * 0)
    refused(root, tmp_path / "out", "shows a class but the background")


def test_what_is_no_mask_is_not_claimed(tmp_path):
    for folder in ("cats", "dogs", "train/a", "val/b"):
        for stem in ("1", "2"):
            photo(tmp_path / folder / f"{stem}.jpg")
    text(tmp_path / "labels/1.txt", "0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "class_dict.csv").write_bytes(b"\xff\xfe\x00\x01" * 99)
    text(tmp_path / "classes.json", '{"classes": [[], 3, {"title": {}}]}')
    text(tmp_path / "labelmap.txt", "background:0,0\n")
    text(tmp_path / "colors.json", "[" * 9999)
    assert not layouts(tmp_path)
    assert not layouts(tmp_path / "nothing")


def test_garbage_beside_masks_is_passed_over(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    (root / "classes.csv").write_bytes(b"\x00\xff" * 50)
    text(root / "labels.json", '{"a": ')
    text(root / "label_map.json", '{"classes": {"x": [1]}}')
    text(root / "masks/.ipynb_checkpoints/a.png", "no")
    text(root / "train.txt", "\x00\n")
    _, masks, _ = imported(root, tmp_path / "out")
    every_mask_is(masks)


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
