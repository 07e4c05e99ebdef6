"""YOLO sets as people have them: paths of another machine, other folders, lists, boxes among outlines."""

import json

import numpy as np
import pytest
from labelled import imported_masks
from PIL import Image
from recycle_coco import Tree
from recycle_data.cli.options import dataset_settings
from recycle_datasets import YoloOptions
from recycle_datasets.recognise.yolo import labelled, recognise
from recycle_datasets.yolo import YoloSource
from recycle_engine import api

from recyclecli.errors import RecycleError
from recyclecli.types import DatasetContext

HEIGHT, WIDTH = 20, 40
BOX = (4, 5, 20, 15)  # left, upper, right, lower
LINE = "1 0.1 0.25 0.5 0.25 0.5 0.75 0.1 0.75"
NAMES = "names: [Paper, Metal]\n"


def photo(file, orientation=None, size=(WIDTH, HEIGHT)):
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", size, (sum(map(ord, file.as_posix())) % 251, 9, 9)).save(file, exif=exif)


def make(root, *photos, labels="labels", **texts):
    """Photos whose label file shows the box: in `labels` for `images`, or beside where that is None."""
    for name in photos:
        photo(root / name)
        file = (root / name).with_suffix(".txt")
        if labels:
            file = root / name.replace("images", labels).replace(".jpg", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(LINE + "\n")
    for name, text in texts.items():
        file = root / name.replace("__", "/").replace("_DOT_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def truth(value=2):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[BOX[1] : BOX[3], BOX[0] : BOX[2]] = value
    return mask


def check(root, tmp_path, *names, splits=None, classes=("Paper", "Metal")):
    done, masks = imported_masks(root, tmp_path / "out")
    assert sorted(masks) == sorted(names)
    for mask in masks.values():
        assert np.array_equal(mask, truth())
    assert done.class_names == ("Background", *classes)
    if splits is not None:
        assert done.splits == splits
    return done


ROBOFLOW = ("train/images/1.jpg", "valid/images/2.jpg")


@pytest.mark.parametrize("above", ["", "datasets/mine/"])
@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train/images", "valid/images"),
        ("../train/images", "../valid/images"),
        ("C:\\Users\\me\\trash-3\\train\\images", "C:\\Users\\me\\trash-3\\valid\\images"),
        ("/content/trash-3/train/images", "/content/trash-3/valid/images/"),
        ("trash-3/train/images", "trash-3/valid/images"),
        ("[./train/images]", "[valid]"),
        ("./train", "./val/images"),
        ("/gone/training", "/gone/validation"),
    ],
)
def test_paths_of_another_machine(tmp_path, above, train, val):
    yaml = f"train: {train}\nval: {val}\ntest: ../test/images\nnc: 2\n{NAMES}"
    make(tmp_path / "a" / above, *ROBOFLOW, any_DOT_yaml=yaml)
    done = check(tmp_path / "a", tmp_path, *ROBOFLOW, splits={"train": 1, "val": 1})
    assert done.taken.layout.options == {"data": "any.yaml"}


def test_a_missing_test_folder_does_not_take_all_photos(tmp_path):
    photos = ("images/train/1.jpg", "images/val/2.jpg")
    yaml = f"path: /home/me/set\ntrain: images/train\nval: images/val\ntest: images/test\n{NAMES}"
    check(make(tmp_path / "a", *photos, set_DOT_yaml=yaml), tmp_path, *photos, splits={"train": 1, "val": 1})


def test_labelled_folders_that_the_description_does_not_name(tmp_path, logged):
    yaml = NAMES + "train: ../train/images\nval: ../valid/images\n"
    names = [f"{split}/images/{split}.jpg" for split in ("train", "valid", "test")]
    root = make(tmp_path / "src", *names, "extra/images/x.jpg", data_DOT_yaml=yaml)
    done = check(root, tmp_path, *names, splits={"train": 1, "val": 1, "test": 1})
    assert "note: test: the description does not name it, and test/images is read" in logged()
    assert done.left_out == {"labelled photos that the description does not name": 1}


def test_a_description_beside_the_set(tmp_path):
    photos = ("datasets/cans/images/train/1.jpg", "datasets/cans/images/val/2.jpg")
    yaml = f"path: ../datasets/cans\ntrain: images/train\nval: images/val\n{NAMES}"
    check(make(tmp_path / "a", *photos, cfg__cans_DOT_yaml=yaml), tmp_path, *photos, splits={"train": 1, "val": 1})


@pytest.mark.parametrize(
    ("yaml", "classes"),
    [
        ("names:\n  0: Paper\n  1: Metal\n", ("Paper", "Metal")),
        ("nc: 3\n", ("class-0", "class-1", "class-2")),
        ("names: classes.txt\n", ("Paper", "Metal", "Glass")),
        ("names: ['Paper ', Metal, Glass]\nnc: 3\n", ("Paper", "Metal", "Glass")),
    ],
)
def test_names(tmp_path, yaml, classes, logged):
    texts = {"classes_DOT_txt": "Paper\nMetal\nGlass\n"} if "classes.txt" in yaml else {}
    make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\nval: images\n{yaml}", **texts)
    check(tmp_path / "a", tmp_path, "images/1.jpg", classes=classes)
    said = "name them in their order: -o 'data.dataset.names=[class-0, class-1, class-2]'"
    assert (said in logged()) == (classes[0] == "class-0")


@pytest.mark.parametrize("names", ["classes_DOT_txt", "obj_DOT_names", "photos__classes_DOT_txt"])
def test_labels_beside_the_photos(tmp_path, names):
    make(tmp_path / "a", "photos/ü 1.jpg", "photos/2.jpg", labels=None, **{names: "Paper\nMetal\n"})
    check(tmp_path / "a", tmp_path, "photos/ü 1.jpg", "photos/2.jpg")


def test_labels_beside_the_photos_in_folders_of_splits(tmp_path):
    photos = ("train/1.jpg", "valid/1.jpg")
    make(
        tmp_path / "a",
        *photos,
        labels=None,
        train__classes_DOT_txt="Paper\nMetal",
        valid__classes_DOT_txt="Paper\nMetal",
    )
    check(tmp_path / "a", tmp_path, *photos, splits={"train": 1, "val": 1})


def test_tables_of_names_that_differ(tmp_path):
    make(tmp_path, "1.jpg", labels=None, classes_DOT_txt="Paper\nMetal", old__classes_DOT_txt="Metal\nPaper")
    with pytest.raises(RecycleError, match="name other classes"):
        YoloSource(YoloOptions(), DatasetContext(tmp_path))


def test_label_folders_of_other_names(tmp_path):
    photos = ("train/img/1.jpg", "val/img/1.jpg")
    root = make(tmp_path / "a", data_DOT_yaml=f"train: train/img\nval: val/img\n{NAMES}")
    for name in photos:
        photo(root / name)
        label = root / name.replace("/img/", "/ann/").replace(".jpg", ".txt")
        label.parent.mkdir(parents=True)
        label.write_text(LINE)
    check(root, tmp_path, *photos, splits={"train": 1, "val": 1})


@pytest.mark.parametrize(("photo_name", "label"), [("1.jpg", "4f2c0000-1.txt"), ("4f2c0000-1.jpg", "1.txt")])
def test_what_label_studio_puts_before_names(tmp_path, photo_name, label):
    root = make(tmp_path / "a", classes_DOT_txt="Paper\nMetal", notes_DOT_json="{}")
    photo(root / "images" / photo_name)
    (root / "labels").mkdir()
    (root / "labels" / label).write_text(LINE)
    check(root, tmp_path, f"images/{photo_name}")


def test_two_label_files_of_one_photo(tmp_path):
    photo(tmp_path / "pics/1.jpg")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(LINE)
    with pytest.raises(RecycleError, match=r"a/1\.txt or of b/1\.txt"):
        api.import_data(tmp_path, tmp_path.with_suffix(".out"))


def test_darknet(tmp_path):
    root = make(
        tmp_path / "a",
        "obj_train_data/1.jpg",
        "obj_train_data/2.jpg",
        labels=None,
        obj_DOT_data="classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
        obj_DOT_names="Paper\nMetal\n",
        train_DOT_txt="data/obj_train_data/1.jpg\n",
        valid_DOT_txt="C:\\work\\data\\obj_train_data\\2.jpg\n",
    )
    check(root, tmp_path, "obj_train_data/1.jpg", "obj_train_data/2.jpg", splits={"train": 1, "val": 1})


def test_lists_without_a_description(tmp_path):
    lists = {
        "train_DOT_txt": "./images/1.jpg\n",
        "val_DOT_txt": "/data/x/images/2.jpg\n",
        "classes_DOT_txt": "Paper\nMetal",
    }
    root = make(tmp_path / "a", "images/1.jpg", "images/2.jpg", **lists)
    check(root, tmp_path, "images/1.jpg", "images/2.jpg", splits={"train": 1, "val": 1})


def test_list_of_ultralytics_with_a_photo_that_is_gone(tmp_path, logged):
    root = make(
        tmp_path / "a",
        "images/train/1.jpg",
        data_DOT_yaml=f"path: .\ntrain: train.txt\nnc: 7\n{NAMES}",
        train_DOT_txt="data/images/train/1.jpg\ndata/images/train/gone.jpg\n",
    )
    check(root, tmp_path, "images/train/1.jpg", splits={"train": 1})
    said = logged()
    assert "1 photo not there" in said
    assert "`nc` is 7, and the classes are 2: " in said


def test_boxes_among_outlines_are_counted(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    (root / "labels/1.txt").write_text(f"0 0.5 0.5 0.2 0.2\n{LINE}\n0 0.5 0.5 1 1\n")
    assert check(root, tmp_path, "images/1.jpg").left_out == {"boxes without an outline": 2}


def test_what_encloses_nothing_or_has_no_photo_is_counted(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    (root / "labels/1.txt").write_text(f"0 0.5 0.5\n{LINE}\n")
    (root / "labels/gone.txt").write_text(LINE)
    left_out = {"outlines of fewer than three points": 1, "label files whose photo is not there": 1}
    assert check(root, tmp_path, "images/1.jpg").left_out == left_out


def test_a_set_whose_first_label_files_are_empty(tmp_path):
    root = make(tmp_path / "a", "images/z.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    for number in range(60):
        photo(root / f"images/{number:02}.jpg")
        (root / f"labels/{number:02}.txt").write_text("")
    assert imported_masks(root, tmp_path / "out")[0].photos == 61


def test_folders_that_are_gone_leave_the_names(tmp_path, logged):
    root = make(tmp_path / "a", "images/1.jpg", cans_DOT_yaml=f"train: images/train\nval: images/val\n{NAMES}")
    check(root, tmp_path, "images/1.jpg", splits={})
    assert "images/train is not there" in logged()


def test_a_description_that_cannot_be_read_is_the_cause(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", cans_DOT_yaml="train: images\nnames: [Paper\n\tx")
    with pytest.raises(RecycleError, match=r"cans\.yaml is not YAML"):
        api.import_data(root, tmp_path / "out")


def test_numbers_boxes_and_names_that_are_none(tmp_path, logged):
    root = make(tmp_path / "a", "images/1.jpg", "images/2.jpg", data_DOT_yaml="train: images\nnames: [Paper, null]\n")
    with pytest.raises(RecycleError, match="`names` holds None"):
        api.open_data(root, dataset="yolo")
    (root / "data.yaml").write_text("train: images\n")
    (root / "classes.txt").write_text("0 Paper\n1 Metal\n")
    for number in (1, 2):
        (root / f"labels/{number}.txt").write_text("1 0.5 0.5 0.4 0.2 0.3 0.4 0.7 0.4 0.7 0.6 0.3 0.6\n")
    source = api.open_data(root, dataset="yolo")
    assert source.class_names == ("Background", "Paper", "Metal")
    assert source.record(0).annotations[0].segmentation[0][:2] == pytest.approx(
        [0.3 * source.record(0).width, 0.4 * source.record(0).height]
    )
    assert "boxes before the outlines of all lines are passed over" in logged()


TURNED = "0.2 0.2 0.5 0.4 0.45 0.7 0.15 0.5"  # sides of (12, 4) and (-2, 6) pixels
SKEW = "0.2 0.2 0.5 0.3 0.4 0.8 0.1 0.6"
CLOSED = "0.1 0.25 0.5 0.25 0.5 0.75 0.1 0.75 0.1 0.25"


@pytest.mark.parametrize(
    ("outlines", "said"),
    [
        ([TURNED], "rectangles: 1 of 1 outline (100%)"),
        ([CLOSED, TURNED, SKEW], "rectangles: 2 of 3 outlines (67%)"),
        ([CLOSED, *[SKEW] * 9], "rectangles: 1 of 10 outlines (10%)"),
        ([CLOSED, *[SKEW] * 30], ""),
    ],
)
def test_outlines_that_are_rectangles_are_said_with_their_share(tmp_path, logged, outlines, said):
    root = make(tmp_path, "images/1.jpg", data_DOT_yaml=NAMES + "train: images\nval: images\n")
    (root / "labels/1.txt").write_text("".join(f"1 {outline}\n" for outline in outlines))
    api.import_data(root, None)
    error = logged()
    assert said in error
    assert ("rectangles" in error) is bool(said)


def test_oriented_boxes_are_called_so(tmp_path):
    root = make(tmp_path, "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    (root / "labels/1.txt").write_text("10.0 10.0 20.0 10.0 20.0 20.0 10.0 20.0 Paper 0\n")
    with pytest.raises(RecycleError, match=r"1\.txt, line 1: it is an oriented box of DOTA"):
        api.import_data(root, None)


def test_boxes_alone_are_refused(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", "images/2.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    for number in (1, 2):
        (root / f"labels/{number}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(RecycleError, match=r"labels/1\.txt, line 1: it is a box") as caught:
        api.import_data(root, tmp_path / "out")
    assert "2 labels, and no outline but boxes" in caught.value.remedy
    assert not (tmp_path / "out").exists()


def test_keypoints_are_refused(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\nkpt_shape: [3, 3]\n{NAMES}")
    with pytest.raises(RecycleError, match="describes keypoints"):
        api.import_data(root, tmp_path / "out")


def test_no_label_file_at_all(tmp_path):
    photo(tmp_path / "images/1.jpg")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(RecycleError, match=r"of 1 photo .* none has a label file, as .*labels/1\.txt.*'notes\.txt'"):
        YoloSource(YoloOptions(), DatasetContext(tmp_path))


def test_photos_without_objects_stay(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", "images/2.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    (root / "labels/2.txt").write_text("")
    _, masks = imported_masks(root, tmp_path / "out")
    assert not masks["images/2.jpg"].any()


def test_points_a_little_outside_are_cut_off(tmp_path):
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    (root / "labels/1.txt").write_text("1 -0.1 0.5 1.1 0.5 1.1 1.2 -0.1 1.2\n")
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[HEIGHT // 2 :] = 2
    assert np.array_equal(imported_masks(root, tmp_path / "out")[1]["images/1.jpg"], expected)


@pytest.mark.parametrize("orientation", [3, 6])
def test_labels_are_of_the_turned_photo(tmp_path, orientation):
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    photo(root / "images/1.jpg", orientation, (HEIGHT, WIDTH) if orientation == 6 else (WIDTH, HEIGHT))
    check(root, tmp_path, "images/1.jpg")


def test_two_descriptions_that_name_other_classes_are_refused_with_a_remedy(tmp_path):
    text = "train: images\nnames: [{}]\n"
    make(tmp_path, "images/a.jpg", data_DOT_yml=text.format("Paper, Metal"), set_DOT_yaml=text.format("Metal, Paper"))
    with pytest.raises(RecycleError, match=r"data\.yml and set\.yaml describe the same photos") as caught:
        api.stats(tmp_path, dataset="yolo")
    for remedy, name in zip(caught.value.remedy.split(", or "), ("Metal", "Paper"), strict=True):
        settings = dataset_settings([remedy.split("-o ")[1]])
        source = api.open_data(tmp_path, None, "yolo", settings)
        assert source.class_names[int(source.read(0).mask.max())] == name


def test_an_import_does_not_guess_between_two_descriptions(tmp_path, logged):
    text = "train: images\nnames: [{}]\n"
    root = make(tmp_path / "a", "images/a.jpg", a_DOT_yaml=text.format("A, B"), b_DOT_yaml=text.format("B, A"))
    with pytest.raises(RecycleError, match=r"a\.yaml and b\.yaml describe the same photos"):
        api.import_data(root, tmp_path / "out")
    api.import_data(root / "b.yaml", tmp_path / "b")
    assert [one["name"] for one in json.loads((tmp_path / "b/train.json").read_text())["categories"]][-2:] == ["B", "A"]
    (root / "a.yaml").rename(root / "data.yaml")
    taken = api.import_data(root, tmp_path / "out").taken.layout.why
    assert "passed over: b.yaml, with other classes" in taken


def test_two_descriptions_of_one_set(tmp_path):
    yaml = f"train: images\n{NAMES}"
    root = make(tmp_path / "a", "images/1.jpg", data_DOT_yaml=yaml, data_local_DOT_yaml=yaml, args_DOT_yaml="task: x\n")
    assert "data_local.yaml (of the same photos)" in check(root, tmp_path, "images/1.jpg").taken.layout.why


def test_two_sets_are_named(tmp_path):
    for name in ("one", "two"):
        make(tmp_path / "a" / name, "images/1.jpg", data_DOT_yaml=f"train: images\n{NAMES}")
    with pytest.raises(RecycleError, match="2 ways that fit equally well"):
        api.import_data(tmp_path / "a", tmp_path / "out")
    with pytest.raises(RecycleError, match="2 descriptions"):
        YoloSource(YoloOptions(), DatasetContext(tmp_path / "a"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (LINE, "outlines"),
        ("0 .5 .5 .1 .1\n3 0.5 0.5 1e-2 0.1", "boxes"),
        (f"0 .5 .5 .1 .1\n{LINE}", "outlines"),
        ("a photo of a can", ""),
        ("images/1.jpg", ""),
        ("1 2 3", ""),
        ("", ""),
    ],
)
def test_what_label_files_look_like(text, kind):
    assert labelled(text) == kind


@pytest.mark.parametrize(
    "yaml", ["names: [", "- 1", "names: 3\ntrain: {}", "nc: x\ntrain: 5", "\0", "train: [1, 2]\nnames: {a: b}"]
)
def test_garbage_is_refused(tmp_path, yaml):
    (tmp_path / "data.yaml").write_text(yaml)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    photo(tmp_path / "a.jpg")
    assert len(list(recognise(Tree(tmp_path)))) <= 1
    with pytest.raises(RecycleError):
        api.import_data(tmp_path, tmp_path.with_suffix(".out"))


TURNED = [(10, 2), (22, 8), (18, 16), (6, 10)]  # a rectangle in pixels, and none in shares of the sides
LEANING = [(10, 2), (30, 2), (26, 16), (6, 16)]


@pytest.mark.parametrize(
    ("corners", "more", "said"), [(TURNED, "", True), (LEANING, "", False), (TURNED, "0 .1 .1 .2 .1 .1 .2\n", False)]
)
def test_oriented_boxes_are_areas_and_said(tmp_path, logged, corners, more, said):
    make(tmp_path, "images/a.jpg", data_DOT_yaml=NAMES)
    line = " ".join(f"{x / WIDTH} {y / HEIGHT}" for x, y in corners)
    (tmp_path / "labels/a.txt").write_text(f"1 {line}\n{more}")
    source = api.open_data(tmp_path, dataset="yolo")
    assert source.record(0).annotations[0].segmentation == [pytest.approx([one for point in corners for one in point])]
    assert ("1 outline of four corners and right angles, as oriented boxes (OBB)" in logged()) == said


def test_what_is_noted_before_a_refusal_is_noted_once(tmp_path, logged):
    root = make(tmp_path, "images/1.jpg", "images/2.jpg", data_DOT_yaml="train: images\nval: images\nnames: [Paper]\n")
    (root / "labels/2.txt").write_text(LINE.replace("1", "0", 1))
    with pytest.raises(RecycleError, match=r"1\.txt: it holds class 1, and those with names end at 0"):
        api.import_data(root, None)
    assert logged().count("right angles") == 1


def test_numbers_that_names_skip_are_told(tmp_path):
    root = make(tmp_path, "images/a.jpg", data_DOT_yaml="names: {0: Paper, 2: Metal}\n")
    with pytest.raises(RecycleError, match="`names` skips 1: it names 0, 2") as refused:
        api.import_data(root, None)
    assert "1: class-1" in refused.value.remedy
    make(tmp_path, data_DOT_yaml="names: {0: Paper, 1: class-1, 2: Metal}\n")
    assert api.import_data(root, None).class_names == ("Background", "Paper", "class-1", "Metal")
