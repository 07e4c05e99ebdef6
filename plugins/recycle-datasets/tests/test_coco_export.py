"""COCO as labelling tools and people leave it: recognised, read, and written by `recycle data import`."""

import json
import unicodedata
from contextlib import suppress

import numpy as np
import pytest
from labelled import imported_masks
from PIL import Image
from recycle_coco import Tree
from recycle_datasets import CocoOptions, TacoOptions
from recycle_datasets.coco import open_coco
from recycle_datasets.recognise.coco import recognise
from recycle_datasets.recognise.places import PhotoFinder, split_of
from recycle_datasets.taco import open_taco
from recycle_engine import api
from support import few_calls

from recyclecli.errors import RecycleError
from recyclecli.types import DatasetContext

HEIGHT, WIDTH = 24, 32
BOX = (4, 6, 20, 18)  # left, upper, right, lower
CATEGORIES = ({"id": 1, "name": "Paper"}, {"id": 2, "name": "Metal"})
PROJECT = (
    {"id": 0, "name": "waste", "supercategory": "none"},
    *({**one, "supercategory": "waste"} for one in CATEGORIES),
)


def photo(file, width=WIDTH, height=HEIGHT, orientation=None, shade=None):
    """A photo of its own pixels; `orientation` as EXIF has it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    level = sum(map(ord, file.as_posix())) % 251 if shade is None else shade
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(file, exif=exif)


def outline(left=BOX[0], upper=BOX[1], right=BOX[2], lower=BOX[3]):
    return [left, upper, right, upper, right, lower, left, lower]


def image(number, name, **fields):
    return {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT, **fields}


def shape(number, of, category=1, **fields):
    given = {"id": number, "image_id": of, "category_id": category, "segmentation": [outline()], "iscrowd": 0}
    return {**given, "bbox": [BOX[0], BOX[1], BOX[2] - BOX[0], BOX[3] - BOX[1]], **fields}


def coco(*names, categories=CATEGORIES, **fields):
    """Every photo shows the box, as class 1."""
    images = [image(number, name) for number, name in enumerate(names)]
    shapes = [shape(number, number) for number in range(len(names))]
    return {"info": {}, "images": images, "annotations": shapes, "categories": [*categories], **fields}


def export(root, photos=(), **files):
    """Photos, and JSON files by name, with `__` for a slash."""
    for name in photos:
        photo(root / name)
    for name, content in files.items():
        file = root / (name.replace("__", "/") + ".json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    return root


def truth(value=1, size=(HEIGHT, WIDTH), box=BOX):
    mask = np.zeros(size, np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = value
    return mask


def layouts(root):
    return list(recognise(Tree(root)))


def check(root, tmp_path, *names, **more):
    """Import, and expect the box in each of the photos."""
    done, masks = imported_masks(root, tmp_path / "out", **more)
    assert sorted(masks) == sorted(names)
    for mask in masks.values():
        assert np.array_equal(mask, truth())
    assert done.class_names == ("Background", "Paper", "Metal")
    return done


class TestPlaces:
    @pytest.mark.parametrize(
        ("name", "photos", "file", "found"),
        [
            ("1.jpg", ["images/1.jpg"], "a.json", "images/1.jpg"),
            ("1.jpg", ["images/1.jpg", "masks/1.jpg"], "a.json", "images/1.jpg"),
            ("1.png", ["train/data/1.PNG", "train/sem_seg/1.PNG"], "train/labels.json", "train/data/1.PNG"),
            ("1.jpg", ["train/1.jpg", "valid/1.jpg"], "valid/_annotations.coco.json", "valid/1.jpg"),
            ("1.jpg", ["images/train/1.jpg", "images/val/1.jpg"], "annotations/val.json", "images/val/1.jpg"),
            ("1.jpg", ["train2017/1.jpg", "val2017/1.jpg"], "annotations/instances_val2017.json", "val2017/1.jpg"),
            ("1.jpg", ["images/a/1.jpg", "images/b/1.jpg"], "annotations/instances_b.json", "images/b/1.jpg"),
            ("images\\1.jpg", ["x/images/1.jpg"], "x/a.json", "x/images/1.jpg"),
            ("/home/me/pics/1.jpg", ["images/1.jpg"], "a.json", "images/1.jpg"),
            ("1.JPG", ["images/1.jpg"], "a.json", "images/1.jpg"),
            ("1.png", ["images/1.jpg"], "a.json", "images/1.jpg"),
            ("000.jpg", ["images/4f2c0000-000.jpg"], "a.json", "images/4f2c0000-000.jpg"),
            ("000.jpg", ["images/4f2c0000__000.jpg"], "a.json", "images/4f2c0000__000.jpg"),
            (unicodedata.normalize("NFD", "müll.jpg"), ["images/müll.jpg"], "a.json", "images/müll.jpg"),
            ("batch_1/1.jpg", ["images/batch_1/1.jpg", "images/batch_2/1.jpg"], "a.json", "images/batch_1/1.jpg"),
        ],
    )
    def test_found(self, name, photos, file, found):
        assert PhotoFinder(photos).find([name], file).found == {name: found}

    def test_two_that_fit_equally_are_doubtful(self):
        placed = PhotoFinder(["a/1.jpg", "b/1.jpg"]).find(["1.jpg"], "c.json")
        assert (placed.found, placed.doubtful) == ({}, {"1.jpg": ("a/1.jpg", "b/1.jpg")})

    @pytest.mark.parametrize("name", ["q{}/1.jpg", "q{}/x/1.jpg", "q{}/1.png"])
    def test_many_photos_of_one_name_are_not_compared_with_each_name(self, monkeypatch, name):
        monkeypatch.setattr("recycle_datasets.recognise.places.MAX_WEIGHED_PAIRS", 1000)
        photos = [f"p{number}/x/1.jpg" for number in range(300)]
        with few_calls(300 * 150):
            placed = PhotoFinder(photos).find([name.format(number) for number in range(300)], "c.json")
        assert {len(places) for places in placed.doubtful.values()} == {300}

    def test_a_photo_that_is_gone_is_not_another_ones(self):
        placed = PhotoFinder(["batch_1/2.jpg", "batch_2/1.jpg", "batch_2/2.jpg"]).find(
            ["batch_1/1.jpg", "batch_1/2.jpg", "batch_2/2.jpg"], "annotations.json"
        )
        assert placed.found == {"batch_1/2.jpg": "batch_1/2.jpg", "batch_2/2.jpg": "batch_2/2.jpg"}

    @pytest.mark.parametrize(
        ("file", "split"),
        [
            ("annotations/instances_train2017.json", "train"),
            ("annotations/instances_Validation.json", "val"),
            ("annotations/instances_default.json", ""),
            ("valid/_annotations.coco.json", "val"),
            ("set/train/labels.json", "train"),
            ("train_val.json", ""),
            ("latest.json", ""),
        ],
    )
    def test_splits_of_files(self, file, split):
        assert split_of(file) == split


class TestLayouts:
    def test_beside_and_above(self, tmp_path):
        export(tmp_path / "a", ["images/1.jpg", "images/ü 2.jpg"], labels=coco("1.jpg", "ü 2.jpg"))
        check(tmp_path / "a", tmp_path, "images/1.jpg", "images/ü 2.jpg")

    def test_instances_with_other_files_beside(self, tmp_path):
        root = tmp_path / "a"
        captions = {"images": [image(0, "1.jpg")], "annotations": [{"id": 1, "image_id": 0, "caption": "a can"}]}
        export(
            root,
            ["train2017/1.jpg", "val2017/1.jpg", "test2017/9.jpg"],
            annotations__instances_train2017=coco("1.jpg"),
            annotations__instances_val2017=coco("1.jpg"),
            annotations__captions_train2017=captions,
            annotations__image_info_test2017={"images": [image(0, "9.jpg")], "categories": [*CATEGORIES]},
        )
        done = check(root, tmp_path, "train2017/1.jpg", "val2017/1.jpg")
        assert (done.splits, done.taken.layout.name) == ({"train": 1, "val": 1}, "coco")
        assert "captions_train2017.json (captions)" in done.taken.layout.why
        assert "image_info_test2017.json (photos without annotations)" in done.taken.layout.why

    @pytest.mark.parametrize("above", ["", "one/two/"])
    def test_roboflow(self, tmp_path, above):
        parts = {
            f"{split}___annotations.coco": coco(f"{split}.jpg", categories=PROJECT)
            for split in ("train", "valid", "test")
        }
        root = export(tmp_path / "a" / above, [f"{split}/{split}.jpg" for split in ("train", "valid", "test")], **parts)
        done = check(tmp_path / "a", tmp_path, "train/train.jpg", "valid/valid.jpg", "test/test.jpg")
        assert (done.splits, done.taken.layout.name) == ({"train": 1, "val": 1, "test": 1}, "roboflow-coco")
        assert done.left_out == {"unused categories that name the project: waste": 1}
        assert (root / "train").is_dir()

    @pytest.mark.parametrize(
        ("categories", "category", "names"),
        [
            ([{"id": 0, "name": "can", "supercategory": "none"}], 0, ("can",)),
            (
                [{"id": 0, "name": "can", "supercategory": "none"}, {"id": 1, "name": "can", "supercategory": "can"}],
                1,
                ("can",),
            ),
            ([{"id": 0, "name": "parts", "supercategory": "none"}, {"id": 1, "name": "can"}], 1, ("can",)),
            (
                [{"id": 0, "name": "a", "supercategory": "none"}, {"id": 1, "name": "b", "supercategory": "a"}],
                0,
                ("a", "b"),
            ),
        ],
    )
    def test_category_0_of_roboflow(self, tmp_path, categories, category, names):
        content = coco("1.jpg", categories=categories)
        content["annotations"][0]["category_id"] = category
        export(tmp_path / "a", ["1.jpg"], _annotations__coco=content)
        (tmp_path / "a/_annotations").mkdir(exist_ok=True)
        (tmp_path / "a/_annotations/coco.json").rename(tmp_path / "a/_annotations.coco.json")
        done, _ = imported_masks(tmp_path / "a", tmp_path / "out")
        assert done.class_names == ("Background", *names)

    def test_taco_keeps_its_unused_categories(self, tmp_path):
        categories = [{"id": 0, "name": "Paper bag", "supercategory": "Paper bag"}]
        categories += [{"id": 1, "name": "Plastified paper bag", "supercategory": "Paper bag"}]
        content = coco(
            "batch_1/1.jpg", "batch_2/1.jpg", categories=categories, scene_annotations=[], scene_categories=[]
        )
        root = export(tmp_path / "a", ["batch_1/1.jpg"], annotations=content)
        done, masks = imported_masks(root, tmp_path / "out")
        assert done.class_names == ("Background", "Paper bag", "Plastified paper bag")
        assert (list(masks), done.left_out) == (["batch_1/1.jpg"], {"photos that are not there": 1})
        assert [one.layout.name for one in done.passed] == ["taco"]
        done, _ = imported_masks(root, tmp_path / "materials", layout="taco")
        assert done.class_names[1] == "General trash"
        source = open_taco(TacoOptions(files=("annotations.json",)), DatasetContext(root))
        assert (len(source), source.left_out) == (1, {"photos that are not there": 1})

    def test_zerowaste(self, tmp_path):
        photos = [f"{split}/{kind}/{split}_1.PNG" for split in ("train", "val", "test") for kind in ("data", "sem_seg")]
        parts = {f"{split}__labels": coco(f"{split}_1.PNG") for split in ("train", "val", "test")}
        export(tmp_path / "a/zerowaste-f", photos, **parts)
        done = check(tmp_path / "a", tmp_path, *(f"{split}/data/{split}_1.PNG" for split in ("train", "val", "test")))
        assert done.splits == {"train": 1, "val": 1, "test": 1}

    def test_subsets_of_cvat_are_splits_where_they_are_called_so(self, tmp_path):
        licenses = [{"name": "", "id": 0, "url": ""}]
        root = export(
            tmp_path / "a",
            ["images/Train/1.jpg", "images/Validation/1.jpg", "images/default/2.jpg"],
            annotations__instances_Train=coco("1.jpg", licenses=licenses),
            annotations__instances_Validation=coco("1.jpg", licenses=licenses),
            annotations__instances_default=coco("2.jpg", licenses=licenses),
        )
        done = check(root, tmp_path, "images/Train/1.jpg", "images/default/2.jpg", "images/Validation/1.jpg")
        assert done.splits == {"train": 2, "val": 1}
        assert done.taken.layout.name == "cvat-coco"

    def test_a_single_folder_that_is_called_as_a_split(self, tmp_path):
        export(tmp_path / "a/set", ["train/1.jpg", "train/2.jpg"], **{"train___annotations.coco": coco("1.jpg")})
        done = check(tmp_path / "a", tmp_path, "train/1.jpg")
        assert (done.splits, done.left_out) == ({"train": 1}, {"photos that no annotation file names": 1})

    def test_projects_of_several_folders(self, tmp_path):
        parts = {f"ds{number}__annotations__instances": coco("1.jpg") for number in (1, 2)}
        root = export(tmp_path / "a", ["ds1/images/1.jpg", "ds2/images/1.jpg"], **parts)
        check(root, tmp_path, "ds1/images/1.jpg", "ds2/images/1.jpg")

    def test_a_file_without_its_photos_takes_no_segments_for_photos(self, tmp_path):
        root = export(tmp_path / "a", ["val2017/1.jpg", "annotations/panoptic_val2017/1.png"])
        export(root, annotations__instances_val2017=coco("1.jpg"))
        done = api.import_data(root / "annotations/instances_val2017.json", tmp_path / "out")
        assert [file.name for file in sorted((tmp_path / "out").rglob("*.jpg"))] == ["1.jpg"]
        assert done.taken.layout.options["files"] == ("annotations/instances_val2017.json",)

    def test_more_files_than_are_looked_into(self, tmp_path):
        names = [f"{number}.jpg" for number in range(45)]
        root = export(tmp_path / "a", names, **{name[:-4]: coco(name) for name in names})
        check(root, tmp_path, *names)

    def test_segment_anything(self, tmp_path):
        root = tmp_path / "a"
        for number in (1, 2):
            photo(root / f"sa_{number}.jpg")
            about = {"image_id": number, "file_name": f"sa_{number}.jpg", "width": WIDTH, "height": HEIGHT}
            counts = [HEIGHT * BOX[0] + BOX[1]]
            for _ in range(BOX[2] - BOX[0]):
                counts += [BOX[3] - BOX[1], HEIGHT - BOX[3] + BOX[1]]
            counts[-1] += HEIGHT * WIDTH - sum(counts)
            mask = {"id": number, "segmentation": {"size": [HEIGHT, WIDTH], "counts": counts}, "predicted_iou": 0.9}
            (root / f"sa_{number}.json").write_text(json.dumps({"image": about, "annotations": [mask]}))
        done, masks = imported_masks(root, tmp_path / "out")
        assert done.class_names == ("Background", "object")
        assert all(np.array_equal(mask, truth()) for mask in masks.values())
        assert len(masks) == 2

    def test_a_file_that_begins_with_a_long_list(self, tmp_path):
        content = coco("1.jpg")
        images = [image(number, f"{number}.jpg", note="x" * 90) for number in range(1, 900)]
        content = {
            "annotations": content["annotations"] * 900,
            "images": [*content["images"], *images],
            "categories": [*CATEGORIES],
        }
        root = export(tmp_path, ["images/1.jpg"], big=content)
        assert [one.options["files"] for one in layouts(root)] == [("big.json",)]

    def test_without_options_what_lies_there_is_recognised(self, tmp_path):
        root = export(tmp_path, ["images/1.jpg"], annotations__instances_default=coco("1.jpg"))
        source = open_coco(CocoOptions(), DatasetContext(root))
        assert source.record(0).file_name == "images/1.jpg"
        export(tmp_path / "deep/set", ["images/1.jpg"], annotations__instances_default=coco("1.jpg"))
        assert open_coco(CocoOptions(), DatasetContext(tmp_path / "deep")).record(0).file_name == "set/images/1.jpg"


class TestChoices:
    def test_copies_and_splits_of_a_whole_file(self, tmp_path):
        whole = coco("1.jpg", "2.jpg")
        root = export(
            tmp_path / "a",
            ["images/1.jpg", "images/2.jpg"],
            all=whole,
            copy=whole,
            train=coco("1.jpg"),
            val=coco("2.jpg"),
        )
        done = check(root, tmp_path, "images/1.jpg", "images/2.jpg")
        assert done.splits == {"train": 1, "val": 1}
        assert "copy.json (a copy of all.json)" in done.taken.layout.why

    def test_folds_beside_the_whole_file(self, tmp_path):
        names = [f"{number}.jpg" for number in range(4)]
        folds = {}
        for fold in (0, 1):
            folds[f"annotations_{fold}_train"] = coco(*names[2 * fold : 2 * fold + 3])
            folds[f"annotations_{fold}_val"] = coco(names[3 - 3 * fold])
        root = export(tmp_path / "a", names, annotations=coco(*names), **folds)
        done = check(root, tmp_path, *names)
        assert (done.splits, done.taken.layout.options["files"]) == ({}, ("annotations.json",))

    def test_two_files_of_the_same_photos_are_named(self, tmp_path):
        other = coco("1.jpg", categories=CATEGORIES[:1])
        root = export(tmp_path / "a", ["1.jpg"], first=coco("1.jpg"), second=other)
        with pytest.raises(RecycleError) as caught:
            api.import_data(root, tmp_path / "out")
        for name in ("first.json", "second.json"):
            assert f"recycle data import {root / name} OUT" in caught.value.remedy
        assert imported_masks(root / "second.json", tmp_path / "out")[0].class_names == ("Background", "Paper")

    def test_the_usual_name_is_taken_and_the_other_one_said(self, tmp_path):
        root = export(
            tmp_path / "a", ["1.jpg"], annotations=coco("1.jpg"), old=coco("1.jpg", categories=CATEGORIES[:1])
        )
        done = check(root, tmp_path, "1.jpg")
        assert "old.json (of the same photos as annotations.json)" in done.taken.layout.why

    def test_two_sets_of_other_classes_are_two(self, tmp_path):
        root = tmp_path / "a"
        export(root / "one", ["1.jpg"], annotations=coco("1.jpg"))
        export(root / "two", ["2.jpg"], annotations=coco("2.jpg", categories=CATEGORIES[:1]))
        with pytest.raises(RecycleError, match="2 ways that fit equally well"):
            api.import_data(root, tmp_path / "out")
        check(root / "one", tmp_path, "1.jpg")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "[1, 2]",
            "null",
            '{"images": 3}',
            '{"images": [1], "annotations": {}}',
            '{"annotations": [[]]}',
        ],
    )
    def test_what_is_no_coco_is_nothing(self, tmp_path, text):
        (tmp_path / "a.json").write_text(text)
        (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00\x01{")
        assert layouts(tmp_path) == []


GARBAGE = [
    None,
    True,
    -1,
    1.5,
    float("nan"),
    "",
    "x",
    [],
    [[]],
    {},
    "\ud800",
    2**70,
    ["a", {}],
    "../x.jpg",
    "/etc/passwd",
]


def places_in(value, above=()):
    """The place of each value in JSON, as keys."""
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield from places_in(inside, (*above, key))


def test_garbage_anywhere_is_refused_or_read(tmp_path):
    text = json.dumps(coco("1.jpg", categories=PROJECT))
    root = export(tmp_path, ["images/1.jpg"])
    for place in list(places_in(json.loads(text)))[1:]:
        for value in GARBAGE:
            content = json.loads(text)
            inside = content
            for key in place[:-1]:
                inside = inside[key]
            inside[place[-1]] = value
            (root / "a.json").write_text(json.dumps(content))
            layouts(root)
            with suppress(RecycleError):
                open_coco(CocoOptions(files=("a.json",)), DatasetContext(root)).read_labels(0)


class TestReading:
    def test_ids_and_points_as_text_and_numbers_that_are_none(self, tmp_path):
        content = coco("1.jpg", "2.jpg", categories=[{"id": "b-7", "name": "Paper"}, {"id": "a-3", "name": "Metal"}])
        for one in content["annotations"]:
            one |= {"image_id": str(one["image_id"]), "category_id": "b-7", "segmentation": outline()}
        for one in content["images"]:
            one["id"] = str(one["id"])
        export(tmp_path / "a", ["1.jpg", "2.jpg"], labels=content)
        check(tmp_path / "a", tmp_path, "1.jpg", "2.jpg")

    def test_categories_as_a_table(self, tmp_path):
        root = export(tmp_path / "a", ["1.jpg"], labels=coco("1.jpg") | {"categories": {"1": "Paper", "2": "Metal"}})
        check(root, tmp_path, "1.jpg")

    def test_names_without_categories(self, tmp_path):
        content = coco("1.jpg", categories=[])
        del content["categories"], content["annotations"][0]["category_id"]
        export(tmp_path / "a", ["1.jpg"], labels=content)
        assert imported_masks(tmp_path / "a", tmp_path / "out")[0].class_names == ("Background", "object")

    def test_categories_that_differ_between_splits(self, tmp_path):
        later = coco(
            "2.jpg", categories=[{"id": 1, "name": "Metal"}, {"id": 2, "name": "Paper"}, {"id": 3, "name": "Glass"}]
        )
        later["annotations"][0]["category_id"] = 2
        root = export(tmp_path / "a", ["1.jpg", "2.jpg"], train=coco("1.jpg"), val=later)
        done, masks = imported_masks(root, tmp_path / "out")
        assert done.class_names == ("Background", "Paper", "Metal", "Glass")
        assert all(np.array_equal(mask, truth()) for mask in masks.values())

    def test_an_image_that_is_listed_twice(self, tmp_path):
        content = coco("1.jpg", "images/1.jpg")
        content["annotations"][1] |= {"category_id": 2, "segmentation": [outline(0, 0, 3, 3)]}
        root = export(tmp_path / "a", ["images/1.jpg"], labels=content)
        _, masks = imported_masks(root, tmp_path / "out")
        expected = truth()
        expected[:3, :3] = 2
        assert np.array_equal(masks["images/1.jpg"], expected)

    def test_boxes_beside_outlines_are_counted(self, tmp_path):
        content = coco("1.jpg", "2.jpg")
        content["annotations"] += [
            shape(7, 0, segmentation=[]),
            shape(8, 0, segmentation=None, bbox=None),
            shape(9, 1, segmentation=[], keypoints=[1, 1, 2]),
            shape(10, 99),
            shape(11, 0, segmentation=[outline(0, 0, 3, 3)], isbbox=True),
        ]
        export(tmp_path / "a", ["1.jpg", "2.jpg"], labels=content)
        assert check(tmp_path / "a", tmp_path, "1.jpg", "2.jpg").left_out == {
            "boxes without an outline": 2,
            "tags without an outline": 1,
            "keypoints without an outline": 1,
            "annotations of images that the file does not list": 1,
        }

    @pytest.mark.parametrize(
        ("fields", "cause"),
        [
            ({"segmentation": []}, "have a box and no outline"),
            ({"isbbox": True}, "have a box and no outline"),
            ({"segmentation": [[4, 4, 28, 28]]}, "have the four numbers of a box"),
        ],
    )
    def test_boxes_alone_are_refused(self, tmp_path, fields, cause):
        content = coco("1.jpg", "2.jpg")
        content["annotations"] = [one | fields for one in content["annotations"]]
        root = export(tmp_path / "a", ["1.jpg", "2.jpg"], labels=content)
        with pytest.raises(RecycleError, match=f"all 2 annotations {cause}"):
            api.import_data(root, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("orientation", [3, 6])
    @pytest.mark.parametrize("turned", [True, False])
    def test_the_stated_size_says_whether_the_photo_is_turned(self, tmp_path, orientation, turned):
        across = orientation == 6 and not turned
        photo(tmp_path / "a/1.jpg", *((HEIGHT, WIDTH) if orientation == 6 else (WIDTH, HEIGHT)), orientation)
        content = coco("1.jpg")
        if across:
            content["images"][0] |= {"width": HEIGHT, "height": WIDTH}
        export(tmp_path / "a", labels=content)
        _, masks = imported_masks(tmp_path / "a", tmp_path / "out")
        assert np.array_equal(masks["1.jpg"], truth(size=(WIDTH, HEIGHT) if across else (HEIGHT, WIDTH)))

    @pytest.mark.parametrize("stated", [{"width": None, "height": None}, {"width": 0, "height": 0}, {}])
    def test_a_size_that_is_not_stated_is_the_turned_photos(self, tmp_path, stated):
        photo(tmp_path / "a/1.jpg", HEIGHT, WIDTH, 6)
        content = coco("1.jpg")
        del content["images"][0]["width"], content["images"][0]["height"]
        content["images"][0] |= stated
        export(tmp_path / "a", labels=content)
        _, masks = imported_masks(tmp_path / "a", tmp_path / "out")
        assert np.array_equal(masks["1.jpg"], truth())

    def test_photos_that_were_scaled_since(self, tmp_path):
        photo(tmp_path / "a/1.jpg", 2 * WIDTH, 2 * HEIGHT)
        export(tmp_path / "a", labels=coco("1.jpg"))
        _, masks = imported_masks(tmp_path / "a", tmp_path / "out")
        assert np.array_equal(masks["1.jpg"], truth(size=(2 * HEIGHT, 2 * WIDTH), box=[2 * side for side in BOX]))

    def test_photos_of_another_shape_are_all_named(self, tmp_path):
        for name in ("1.jpg", "2.jpg"):
            photo(tmp_path / "a" / name, 5, 50)
        export(tmp_path / "a", labels=coco("1.jpg", "2.jpg"))
        with pytest.raises(RecycleError, match=r"(?s)2 labels.*1\.jpg: the photo has 5x50.*2\.jpg: the photo has 5x50"):
            api.import_data(tmp_path / "a", tmp_path / "out")

    def test_no_photo_is_there(self, tmp_path):
        root = export(tmp_path / "a", ["images/other.jpg"], labels=coco("1.jpg"))
        with pytest.raises(RecycleError, match=r"labels\.json: none of the photos .* are called 'images/other\.jpg'"):
            api.import_data(root, tmp_path / "out")

    def test_people_are_forgotten(self, tmp_path):
        content = coco("1.jpg")
        content["annotations"][0] |= {
            "created_by_user": "Ann",
            "attributes": {"owner_email": "ann@home.example", "occluded": True},
        }
        content["images"][0]["author"] = "Ann"
        export(tmp_path / "a", ["1.jpg"], labels=content)
        done, _ = imported_masks(tmp_path / "a", tmp_path / "out")
        text = (tmp_path / "out/train_all.json").read_text()
        assert not any(word in text for word in ("Ann", "ann@"))
        assert '"occluded": true' in text
        assert done.left_out == {"fields that name people": 3}

    def test_an_unknown_category(self, tmp_path):
        content = coco("1.jpg")
        content["annotations"][0]["category_id"] = 9
        root = export(tmp_path / "a", ["1.jpg"], labels=content)
        with pytest.raises(RecycleError, match=r"labels\.json, annotation 0: no category has id 9"):
            api.import_data(root, tmp_path / "out")


def test_photos_that_a_second_file_holds_out_are_in_that_one_alone(tmp_path):
    """As MMYOLO writes it: the test photos are in the file of all photos, too, with the same objects."""
    names = [f"images/{number}.jpg" for number in range(3)]
    root = export(tmp_path / "src", names, annotations__annotations_all=coco(*names), annotations__test=coco(names[1]))
    done, _ = imported_masks(root, tmp_path / "out")
    contents = {file.name: json.loads(file.read_text()) for file in done.files}
    held = {name: [one["file_name"] for one in content["images"]] for name, content in contents.items()}
    assert held == {"train_all.json": [names[0], names[2]], "test.json": [names[1]]}
    assert [len(content["annotations"]) for content in contents.values()] == [2, 1]
    assert done.objects == 3
    assert done.left_out == {"photos that several files label: once each": 1}


@pytest.mark.parametrize("below", ["", "images/"])
def test_splits_that_a_json_of_names_lists(tmp_path, below, logged):
    """As UAVVaste keeps them."""
    names = [f"images/{number}.jpg" for number in range(4)]
    lists = {"train": [f"{below}0.jpg", f"{below}gone.jpg"], "val": [f"{below}1.jpg"], "test": [f"{below}2.jpg"]}
    root = export(tmp_path / "src", names, annotations__annotations=coco(*names), annotations__distribution=lists)
    done, _ = imported_masks(root, tmp_path / "out")
    held = {file.stem: [one["file_name"] for one in json.loads(file.read_text())["images"]] for file in done.files}
    assert held == {"train": [names[0], names[3]], "val": [names[1]], "test": [names[2]]}
    assert "distribution.json lists the photos of train, val, test" in logged()
