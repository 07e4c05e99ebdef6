"""The dataset `labelme`: files as labelme 3 to 6, AnyLabeling and X-AnyLabeling write them."""

import base64
import io
import json

import numpy as np
import pytest
from labelled import box, garbage, imported, layouts, masks, painted, photo
from PIL import Image
from recycle_datasets import LabelmeOptions
from recycle_datasets.labelme import open_labelme
from recycle_datasets.recognise.labelme import recognise
from recycle_kit.testing import DatasetConformance

from recyclecli.types import DatasetContext, LabelFaults, RecycleError

SQUARE = box(8, 6, 16, 18)
SMALL = box(10, 8, 12, 10)


def shape(label, points, kind="polygon", **more):
    about = {"group_id": None, "description": "", "flags": {}}
    return {"label": label, "points": points, "shape_type": kind, **about, **more}


def mask(label, pixels, left, top, **more):
    height, width = pixels.shape
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(bool)).save(stream, "PNG")
    corners = [[left, top], [left + width - 1, top + height - 1]]
    return shape(label, corners, "mask", mask=base64.b64encode(stream.getvalue()).decode(), **more)


def write(file, *shapes, image=None, size=(24, 32), data=None, **more):
    content = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": image or f"{file.stem}.png",
        "imageData": data,
        "imageHeight": size[0],
        "imageWidth": size[1],
        **more,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2))
    return file


def read(root, split=None, **options):
    return open_labelme(LabelmeOptions(**options), DatasetContext(root, split))


def one(root, *shapes, **more):
    photo(root / "a.png")
    write(root / "a.json", *shapes, **more)
    return read(root)


class TestLabelmeConforms(DatasetConformance):
    name = "labelme"

    @pytest.fixture(autouse=True, scope="class")
    def folder(self, tmp_path_factory, request):
        request.cls.root = tmp_path_factory.mktemp("labelme")
        one(request.cls.root, shape("paper", SQUARE))


class TestShapes:
    @pytest.mark.parametrize("kind", ["polygon", None, "", "quadrilateral"])
    def test_polygon(self, tmp_path, kind):
        assert np.array_equal(masks(one(tmp_path, shape("x", SQUARE, kind)))["a.png"], painted((1, SQUARE)))

    def test_what_stands_later_is_on_top(self, tmp_path):
        found = masks(one(tmp_path, shape("b", SMALL), shape("a", SQUARE)))["a.png"]
        assert np.array_equal(found, painted((2, SMALL), (1, SQUARE)))

    def test_and_stays_so_when_imported(self, tmp_path):
        one(tmp_path, shape("b", box(10, 8, 20, 10)), shape("a", SQUARE))
        _, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert np.array_equal(written["train_all.json"]["a.png"], painted((2, box(10, 8, 20, 10)), (1, SQUARE)))

    def test_circle(self, tmp_path):
        x, y = np.meshgrid(np.arange(32) + 0.5 - 16, np.arange(24) + 0.5 - 12)
        found = masks(one(tmp_path, shape("x", [[16, 12], [22, 20]], "circle")))["a.png"]
        assert (found.astype(bool) != (x**2 + y**2 <= 100)).sum() <= 6

    @pytest.mark.parametrize(("left", "top"), [(0, 0), (3, 5), (27, 18), (29, 22), (-2, -3)])
    def test_mask_has_holes_and_parts(self, tmp_path, left, top):
        pixels = np.random.default_rng(0).random((6, 5)) > 0.5
        expected = np.zeros((24 + 9 + 9, 32 + 9 + 9), np.uint8)
        expected[9 + top : 15 + top, 9 + left : 14 + left] = pixels
        found = masks(one(tmp_path, mask("x", pixels, left, top)))["a.png"]
        assert np.array_equal(found, expected[9:33, 9:41])

    def test_mask_far_outside(self, tmp_path):
        source = one(tmp_path, mask("y", np.ones((2, 2)), 10**30, 1), shape("x", SQUARE))
        assert np.array_equal(masks(source)["a.png"], painted((1, SQUARE)))

    def test_parts_of_a_group_are_one_object(self, tmp_path):
        far = box(20, 2, 28, 9)
        source = one(
            tmp_path,
            *(shape("a", SQUARE, group_id=1), shape("a", far, group_id=1), shape("a", SMALL, group_id=2)),
            shape("b", box(1, 1, 4, 4), group_id=1),
        )
        assert len(source.record(0).annotations) == 3
        expected = painted((1, SQUARE), (1, far), (2, box(1, 1, 4, 4)))
        assert np.array_equal(masks(source)["a.png"], expected)

    def test_parts_with_something_between(self, tmp_path):
        parts = [shape("a", SQUARE, group_id=1), shape("b", SMALL), shape("a", box(11, 9, 12, 10), group_id=1)]
        found = masks(one(tmp_path, *parts))["a.png"]
        assert np.array_equal(found, painted((1, SQUARE), (2, SMALL), (1, box(11, 9, 12, 10))))

    def test_ignore_and_background(self, tmp_path):
        source = one(
            tmp_path,
            *(shape("x", SQUARE), shape("_background_", SMALL), shape("__ignore__", box(1, 1, 4, 4))),
        )
        assert source.class_names == ("Background", "x")
        expected = painted((1, SQUARE), (0, SMALL), (255, box(1, 1, 4, 4)))
        assert np.array_equal(masks(source)["a.png"], expected)
        done, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert np.array_equal(written["train_all.json"]["a.png"], expected)
        assert done.class_names == ("Background", "x")

    def test_what_is_no_area_is_counted(self, tmp_path):
        line = [[1, 1], [5, 5]]
        source = one(
            tmp_path,
            *(
                shape("x", SQUARE),
                shape("x", line, "line"),
                shape("x", line, "linestrip"),
                shape("x", line[:1], "point"),
            ),
            *(shape("y", line, "rectangle"), shape("", SQUARE), shape("x", line, "spline")),
        )
        assert source.left_out == {
            "lines": 2,
            "points": 1,
            "boxes": 1,
            "shapes without a label": 1,
            "shapes of kind spline": 1,
        }
        assert source.class_names == ("Background", "x")

    @pytest.mark.parametrize(
        ("kind", "points"),
        [
            ("rectangle", [[8, 6], [16, 18]]),
            ("rectangle", [[16, 18], [8, 6]]),
            ("rectangle", SQUARE),  # X-AnyLabeling
            ("rotation", SQUARE),
            ("oriented_rectangle", SQUARE),
        ],
    )
    def test_rectangles_of_a_class_with_outlines(self, tmp_path, kind, points):
        photo(tmp_path / "b.png")
        write(tmp_path / "b.json", shape("x", SMALL))
        assert np.array_equal(masks(one(tmp_path, shape("x", points, kind)))["a.png"], painted((1, SQUARE)))
        assert not masks(read(tmp_path, boxes="left-out"))["a.png"].any()

    @pytest.mark.parametrize("kind", ["rotation", "oriented_rectangle"])
    def test_rotated_boxes_alone(self, tmp_path, logged, kind):
        corners = [[10.5, 3.25], [22.75, 9.5], [18.25, 18.5], [6.0, 12.25]]
        polygon = masks(one(tmp_path, shape("x", corners)))["a.png"]
        found = masks(one(tmp_path, shape("x", corners, kind, direction=0.47)))["a.png"]
        assert np.array_equal(found, polygon)
        assert np.count_nonzero(found != painted((1, corners))) <= 6  # of 126, at the slanted sides
        assert "1 rotated box taken for areas of four corners; they are boxes" in logged()
        with pytest.raises(RecycleError, match=r"no labelled area, but boxes \(1\)"):
            read(tmp_path, boxes="left-out")

    def test_rectangles_alone(self, tmp_path):
        with pytest.raises(RecycleError, match=r"no labelled area, but boxes \(1\)") as caught:
            one(tmp_path, shape("x", [[8, 6], [16, 18]], "rectangle"))
        assert "-o data.dataset.boxes=areas" in caught.value.remedy
        assert np.array_equal(masks(read(tmp_path, boxes="areas"))["a.png"], painted((1, SQUARE)))


class TestClasses:
    @pytest.mark.parametrize("place", ["labels.txt", "../labels.txt", "../class_names.txt", "classes.txt"])
    def test_table(self, tmp_path, place):
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / place).write_text("__ignore__\n_background_\nglass\npaper\n")
        photo(tmp_path / "in/a.png")
        write(tmp_path / "in/a.json", shape("paper", SQUARE), shape("metal", SMALL))
        assert read(tmp_path).class_names == ("Background", "glass", "paper", "metal")

    def test_a_table_of_something_else(self, tmp_path):
        (tmp_path / "classes.txt").write_text("cat\ndog\n")
        assert one(tmp_path, shape("paper", SQUARE), shape("metal", SMALL)).class_names == (
            *("Background", "metal", "paper"),
        )


class TestPhotos:
    @pytest.mark.parametrize(
        ("image", "json_at", "there"),
        [
            ("a.png", "a.json", "a.png"),
            ("..\\images\\a.png", "labels/a.json", "images/a.png"),
            ("../images/a.png", "labels/a.json", "images/a.png"),
            ("C:\\Users\\x\\photos\\a.png", "a.json", "a.png"),
            ("/home/x/a.png", "labels/a.json", "images/a.png"),
            ("../../../a.png", "labels/a.json", "images/a.png"),
            ("old name.png", "a.json", "a.png"),  # both renamed after labelling
            ("a.png", "a.json", "a.jpg"),  # converted after labelling
            ("a.JPG", "a.json", "a.jpg"),
            ("", "a.json", "a.jpg"),
            ("사진 1%.png", "x/사진 1%.json", "y/사진 1%.png"),
        ],
    )
    def test_are_found(self, tmp_path, image, json_at, there):
        photo(tmp_path / there)
        write(tmp_path / json_at, shape("x", SQUARE), image=image or " ")
        assert [*masks(read(tmp_path))] == [there]

    def test_copies_that_name_the_first_photo(self, tmp_path):
        for name in "ab":
            photo(tmp_path / f"{name}.png")
        write(tmp_path / "a.json", shape("x", SQUARE))
        write(tmp_path / "b.json", shape("x", SMALL), image="a.png")
        found = masks(read(tmp_path))
        assert np.array_equal(found["a.png"], painted((1, SQUARE)))
        assert np.array_equal(found["b.png"], painted((1, SMALL)))

    def test_files_of_other_photos_than_their_names_are_named(self, tmp_path, logged):
        for name, other in ("ab", "ba"):
            photo(tmp_path / f"{name}.png")
            write(tmp_path / f"{name}.json", shape("x", SQUARE), image=f"{other}.png")
        assert [*masks(read(tmp_path))] == ["b.png", "a.png"]
        said = "2 files named after another photo than imagePath, which counts: a.json is of b.png"
        assert said in logged()

    def test_photos_without_a_file(self, tmp_path):
        for name in ("a.png", "b.png", "c.jpg", "sub/d.png"):
            photo(tmp_path / name)
        photo(tmp_path / "a.jpg")  # a mask of a.png, or the like
        write(tmp_path / "a.json", shape("x", SQUARE))
        source = read(tmp_path)
        assert source.left_out == {"photos without a JSON file, which nobody has labelled": 2}

    def test_a_file_without_shapes_is_background(self, tmp_path):
        photo(tmp_path / "b.png")
        write(tmp_path / "b.json")
        assert not masks(one(tmp_path, shape("x", SQUARE)))["b.png"].any()

    @pytest.mark.parametrize("orientation", [3, 6])
    def test_turned_as_exif_says(self, tmp_path, orientation):
        photo(tmp_path / "a.jpg", *((32, 24) if orientation == 6 else (24, 32)), orientation=orientation)
        write(tmp_path / "a.json", shape("x", SQUARE), image="a.jpg")
        assert np.array_equal(masks(read(tmp_path))["a.jpg"], painted((1, SQUARE)))

    def test_labelled_as_stored(self, tmp_path):
        photo(tmp_path / "a.jpg", 24, 32, orientation=6)
        write(tmp_path / "a.json", shape("x", SQUARE), image="a.jpg")
        assert read(tmp_path).read(0).image.shape == (24, 32, 3)

    def test_a_size_that_contradicts_the_photo(self, tmp_path):
        source = one(tmp_path, shape("x", SQUARE), size=(240, 320))
        with pytest.raises(RecycleError, match="is 32x24 pixels, its annotation says 320x240"):
            source.read(0)

    @pytest.mark.parametrize("size", [(24, 32), (None, None)])
    def test_a_photo_that_its_file_alone_holds(self, tmp_path, size):
        stream = io.BytesIO()
        pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(stream, "PNG")
        data = base64.b64encode(stream.getvalue()).decode()
        write(tmp_path / "a.json", shape("x", SQUARE), image="../far/a.png", data=data, size=size)
        sample = read(tmp_path).read(0)
        assert np.array_equal(sample.image, pixels)
        assert np.array_equal(sample.mask, painted((1, SQUARE)))
        _, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert np.array_equal(written["train_all.json"]["a.png"], painted((1, SQUARE)))
        assert np.array_equal(np.asarray(Image.open(tmp_path.with_suffix(".out") / "a.png")), pixels)

    def test_a_photo_in_the_folder_goes_before(self, tmp_path):
        source = one(tmp_path, shape("x", SQUARE), data="AAAA")
        assert source.read(0).image.max() == 127

    def test_damaged_photo_in_its_file(self, tmp_path):
        write(tmp_path / "a.json", shape("x", SQUARE), data="AAAA")
        with pytest.raises(RecycleError, match=r"a\.json: the photo in it cannot be read"):
            read(tmp_path).read(0)

    def test_labels_without_photos(self, tmp_path):
        write(tmp_path / "a.json", shape("x", SQUARE))
        with pytest.raises(RecycleError, match="it holds no photo"):
            read(tmp_path)


class TestFolders:
    def test_splits_one_folder_deeper_beside_garbage(self, tmp_path):
        garbage(tmp_path)
        for name in ("train", "val"):
            photo(tmp_path / "set" / name / "a.png")
            write(tmp_path / "set" / name / "a.json", shape("x", SQUARE))
        done, written = imported(tmp_path, tmp_path.with_suffix(".out"))
        assert done.taken.layout.name == "labelme"
        assert done.splits == {"train": 1, "val": 1}
        assert np.array_equal(written["val.json"]["set/val/a.png"], painted((1, SQUARE)))

    def test_splits_of_labels_beside_photos(self, tmp_path):
        for name in ("train", "val"):
            photo(tmp_path / "images" / name / "a.png")
            write(tmp_path / "labels" / name / "a.json", shape("x", SQUARE))
        source = read(tmp_path)
        assert [*masks(source)] == ["images/train/a.png", "images/val/a.png"]
        assert source.splits == {"train": (0,), "val": (1,)}

    def test_nothing_in_garbage(self, tmp_path):
        assert layouts(recognise, garbage(tmp_path)) == []

    @pytest.mark.parametrize("keys", [["imageData", "shapes"], ["shapes", "imageData"]])
    def test_large_files(self, tmp_path, keys):
        """The beginning that a recogniser looks at is all photo, or all points."""
        wave = [[x / 300, 5 + x % 3] for x in range(9000)] + [[30, 20], [0, 20]]
        parts = {"imageData": "A" * 2**17, "shapes": [shape("x", wave)]}
        more = {"imagePath": "a.png", "imageHeight": 24, "imageWidth": 32}
        (tmp_path / "a.json").write_text(json.dumps({**{key: parts[key] for key in keys}, **more}))
        photo(tmp_path / "a.png")
        assert layouts(recognise, tmp_path)
        assert read(tmp_path).read(0).mask.any()

    def test_beside_its_own_conversion(self, tmp_path):
        """labelme2voc writes photos, masks and class names beside the files that it converts."""
        for name in ("data/a.png", "voc/JPEGImages/a.png", "voc/SegmentationClass/a.png"):
            photo(tmp_path / name)
        (tmp_path / "voc/class_names.txt").write_text("_background_\nx\n")
        write(tmp_path / "data/a.json", shape("x", SQUARE))
        source = read(tmp_path)
        assert [*masks(source)] == ["data/a.png"]
        assert source.left_out == {}

    def test_other_json_beside(self, tmp_path):
        (tmp_path / "z.json").write_text('{"images": []}')
        assert one(tmp_path, shape("x", SQUARE)).left_out == {"JSON files that are not labelme's": 1}

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(RecycleError, match="does not exist"):
            read(tmp_path, folders=("x",))
        with pytest.raises(RecycleError, match="no labels of labelme"):
            read(tmp_path)

    def test_all_faults_at_once(self, tmp_path):
        (tmp_path / "b.json").write_text('{"shapes": [')
        with pytest.raises(LabelFaults) as caught:
            one(
                tmp_path,
                *(shape("x", [[1, 2], [3, "y"]]), shape("x", 7), shape("x", None, "rectangle"), "x", 5),
                *(shape("x", [[1, 1]], "circle"), shape("x", [["a", 1], [2, 2]], "circle")),
                *(shape("x", [[1, 1], [2, 2]], "mask"), shape("x", [[1, 1], [2, 2]], "mask", mask="AAAA")),
            )
        assert len(caught.value.faults) == 10
