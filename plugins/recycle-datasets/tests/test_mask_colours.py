"""Masks whose colours a table names, and the pairs of photos and masks that people keep."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from mask_scene import COLORS, CSV, LABELMAP, TRUTH, drawn, every_mask_is, imported, mask, photo, text, tree_of
from recycle_datasets.tables import parse_table

from recyclecli.types import RecycleError

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
