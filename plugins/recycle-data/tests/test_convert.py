"""Outlines of masks, and conversion between COCO, mask and YOLO folders, both ways."""

import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from pycocotools import mask as tools
from recycle_coco import CocoSource, decode, encode, rasterise
from recycle_data.coco_document import Region, encode_region
from recycle_data.convert import convert
from recycle_data.polygons import mask_polygon, mask_polygons
from recycle_data.sources import open_source
from support import SHARED, recycle_here, write_coco

from recyclecli.errors import RecycleError

SIZE = (24, 40)


def drawn(polygons, height, width):
    if not polygons or not polygons[0]:
        return np.zeros((height, width), np.uint8)
    return tools.decode(tools.merge(tools.frPyObjects(polygons, height, width)))


def art(*rows):
    return np.array([[cell != "." for cell in row] for row in rows], np.uint8)


SHAPES = {
    "empty": art("...", "..."),
    "one pixel": art("...", ".#.", "..."),
    "the only pixel": art("#"),
    "all": art("###", "###"),
    "ring": art("#####", "#...#", "#...#", "#####"),
    "two holes": art("#######", "#.###.#", "#######"),
    "nested": art("#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"),
    "corners touch": art("#..#", ".##.", ".##.", "#..#"),
    "holes touch at a corner": art("#####", "#.###", "##.##", "###.#", "#####"),
    "hole touches the outside": art("###.", "#.#.", "##.#", "..##"),
    "border": art("##...#", "......", "#....#"),
    "far apart": art("#..................#", "....................", "#..................#"),
    "comb": art("#.#.#.#", "#######", "#.#.#.#"),
}


class TestRings:
    @pytest.mark.parametrize("mask", SHAPES.values(), ids=list(SHAPES))
    def test_shapes(self, mask):
        assert np.array_equal(drawn(mask_polygons(mask), *mask.shape), mask)
        assert np.array_equal(drawn([mask_polygon(mask)], *mask.shape), mask)

    @settings(max_examples=200, deadline=None)
    @given(
        arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=24), elements=st.integers(0, 1))
    )
    def test_any_mask(self, mask):
        assert np.array_equal(drawn(mask_polygons(mask), *mask.shape), mask)
        assert np.array_equal(drawn([mask_polygon(mask)], *mask.shape), mask)

    @pytest.mark.parametrize("masks", [20, pytest.param(150, marks=pytest.mark.slow("outlines 150 masks"))])
    def test_random_masks_of_every_density(self, masks):
        chance = np.random.default_rng(0)
        for _ in range(masks):
            mask = (chance.random(chance.integers(1, 60, 2)) < chance.random()).astype(np.uint8)
            mask = mask.repeat(chance.integers(1, 4), 0).repeat(chance.integers(1, 4), 1)
            assert np.array_equal(drawn(mask_polygons(mask), *mask.shape), mask)
            assert np.array_equal(drawn([mask_polygon(mask)], *mask.shape), mask)

    def test_as_many_as_parts_and_along_rows_and_columns(self):
        assert len(mask_polygons(SHAPES["two holes"])) == 1
        assert len(mask_polygon(SHAPES["the only pixel"])) == 8
        assert len(mask_polygons(SHAPES["corners touch"])) == 5
        for mask in SHAPES.values():
            for polygon in mask_polygons(mask):
                steps = np.diff(np.reshape(polygon + polygon[:2], (-1, 2)), axis=0)
                assert ((steps == 0).sum(1) >= 1).all()


@settings(max_examples=200, deadline=None)
@given(
    arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.integers(0, 3), st.integers(0, 3)
)
def test_a_region_is_encoded_as_its_whole_mask_would_be(pixels, top, left):
    height, width = pixels.shape[0] + top + 1, pixels.shape[1] + left
    whole = np.zeros((height, width), bool)
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    if pixels.any():
        assert encode_region(Region(1, top, left, pixels, False), height, width) == encode(whole)


def box(top, left, bottom, right):
    mask = np.zeros(SIZE, np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


RING = box(2, 2, 12, 14) - box(5, 5, 9, 9)
TWO_PARTS = box(16, 2, 20, 6) + box(15, 20, 22, 25)
OBJECTS = {  # photo: (category, shape, area or None)
    "images/a.png": [(3, RING, None), (7, box(20, 30, 21, 31), None), (3, box(0, 34, 8, 40), None)],
    "images/deep er/사진\n1.jpg": [(3, box(2, 2, 20, 20), None), (7, box(10, 10, 16, 34), None), (3, TWO_PARTS, None)],
    "images/none.png": [],
}


def scene(tmp_path, ignore=False, objects=OBJECTS):
    """A COCO folder of hard cases with category ids 3 and 7; its path."""
    root = tmp_path / "coco"
    images, annotations = [], []
    for number, (name, shapes) in enumerate(objects.items(), start=1):
        images.append({"id": 10 * number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        for category, shape, area in shapes:
            entry = {"id": 5 + len(annotations), "image_id": 10 * number, "category_id": category, "note": "kept"}
            stated = {} if area is None else {"area": area}
            annotations.append(entry | {"segmentation": encode(shape), "iscrowd": 0} | stated)
    categories = [{"id": 3, "name": "Paper"}, {"id": 7, "name": "유리"}]
    if ignore:
        categories.append({"id": 9, "name": "ignore"})
        entry = {"id": 99, "image_id": 10, "category_id": 9, "iscrowd": 1}
        annotations.append(entry | {"segmentation": encode(box(14, 0, 24, 10))})
    write_coco(root, {"info": {"year": 1}, "images": images, "annotations": annotations, "categories": categories})
    return root


def masks_of(source):
    return {source.record(index).file_name: source.read(index).mask for index in range(len(source))}


def same_masks(first, second):
    one, other = masks_of(first), masks_of(second)
    assert set(one) == set(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def whole_objects(source):
    """Every annotation's label and whole pixels, by photo, in no order."""
    found = {}
    for index in range(len(source)):
        record = source.record(index)
        found[record.file_name] = sorted(
            (one.label, decode(rasterise(one.segmentation, record.height, record.width)).tobytes())
            for one in record.annotations
        )
    return found


class TestToCoco:
    @pytest.mark.parametrize("polygons", [False, True])
    def test_a_coco_source_keeps_its_document(self, registry, tmp_path, polygons):
        root = scene(tmp_path, ignore=True)
        file = convert(registry, root, tmp_path / "out", "coco", "coco", polygons=polygons).file
        before, after = json.loads((root / "annotations.json").read_text()), json.loads(file.read_text())
        assert {key: before[key] for key in before if key != "annotations"} == {
            key: after[key] for key in after if key != "annotations"
        }
        for old, new in zip(before["annotations"], after["annotations"], strict=True):
            assert {key: old[key] for key in old if key != "segmentation"}.items() <= new.items()
            assert isinstance(new["segmentation"], list) == (polygons and old["category_id"] != 9)
        first, second = CocoSource(root, root / "annotations.json"), CocoSource(tmp_path / "out", file)
        same_masks(first, second)
        assert whole_objects(first) == whole_objects(second)

    def test_photos_are_copied_byte_for_byte(self, registry, tmp_path):
        root = scene(tmp_path)
        for form in ("coco", "masks", "yolo"):
            convert(registry, root, tmp_path / form / "out", "coco", form)
            for name in OBJECTS:
                assert (tmp_path / form / "out" / name).read_bytes() == (root / name).read_bytes()

    def test_the_order_of_painting_is_kept(self, registry, tmp_path):
        objects = {"images/a.png": [(3, box(0, 0, 10, 10), 1.0), (7, box(5, 5, 8, 8), 500), (7, box(7, 7, 9, 9), None)]}
        root = scene(tmp_path, objects=objects)
        file = convert(registry, root, tmp_path / "out", "coco", "coco").file
        same_masks(CocoSource(root, root / "annotations.json"), CocoSource(tmp_path / "out", file))

    def test_a_drawn_set_has_its_photos_written(self, registry, tmp_path):
        options = {"images": 3, "size": 64}
        file = convert(registry, tmp_path / "none", tmp_path / "out", "sample", "coco", options=options).file
        drawn_set = open_source(registry, tmp_path / "none", None, "sample", options)
        same_masks(drawn_set, CocoSource(tmp_path / "out", file))


class TestRoundTrips:
    def test_masks_and_back(self, registry, tmp_path):
        root = scene(tmp_path, ignore=True)
        convert(registry, root, tmp_path / "m", "coco", "masks")
        file = convert(registry, tmp_path / "m", tmp_path / "c", "masks", "coco").file
        first, second = CocoSource(root, root / "annotations.json"), CocoSource(tmp_path / "c", file)
        assert first.class_names == second.class_names
        same_masks(first, second)
        convert(registry, tmp_path / "c", tmp_path / "m2", "coco", "masks")
        for mask in (tmp_path / "m/masks").rglob("*.png"):
            assert mask.read_bytes() == (tmp_path / "m2/masks" / mask.relative_to(tmp_path / "m/masks")).read_bytes()

    def test_masks_are_palette_files_with_gray_for_ignored(self, registry, tmp_path):
        convert(registry, scene(tmp_path, ignore=True), tmp_path / "m", "coco", "masks")
        with Image.open(tmp_path / "m/masks/a.png") as image:
            assert image.mode == "P"
            assert set(np.unique(np.asarray(image))) == {0, 1, 2, 255}
            assert image.convert("RGB").getpixel((0, 23)) == (128, 128, 128)
            assert image.convert("RGB").getpixel((0, 0)) == (0, 0, 0)
        assert (tmp_path / "m/classes.txt").read_text() == "Background\nPaper\n유리\n"

    def test_yolo_and_back(self, registry, tmp_path):
        root = scene(tmp_path)
        convert(registry, root, tmp_path / "y", "coco", "yolo")
        file = convert(registry, tmp_path / "y", tmp_path / "c", "yolo", "coco").file
        convert(registry, tmp_path / "c", tmp_path / "y2", "coco", "yolo")
        first = CocoSource(root, root / "annotations.json")
        for second in (
            open_source(registry, tmp_path / "y", None, "yolo"),
            CocoSource(tmp_path / "c", file),
            open_source(registry, tmp_path / "y2", None, "yolo"),
        ):
            assert first.class_names == second.class_names
            same_masks(first, second)
            assert whole_objects(first) == whole_objects(second)

    def test_masks_to_yolo(self, registry, tmp_path):
        root = scene(tmp_path)
        convert(registry, root, tmp_path / "m", "coco", "masks")
        convert(registry, tmp_path / "m", tmp_path / "y", "masks", "yolo")
        same_masks(CocoSource(root, root / "annotations.json"), open_source(registry, tmp_path / "y", None, "yolo"))

    def test_masks_without_a_background(self, registry, tmp_path):
        mask = np.repeat(np.arange(3, dtype=np.uint8), 4)[None].repeat(6, 0)
        mask[0, 0] = 255
        for folder, array in (("images", np.stack([mask] * 3, 2)), ("masks", mask)):
            (tmp_path / "m" / folder).mkdir(parents=True)
            Image.fromarray(array).save(tmp_path / "m" / folder / "a.png")
        (tmp_path / "m/classes.txt").write_text("Sky\nRoad\nCar\n")
        content = json.loads(convert(registry, tmp_path / "m", tmp_path / "c", "masks", "coco").file.read_text())
        assert [(one["id"], one["name"]) for one in content["categories"]] == [
            (0, "Sky"), (1, "Road"), (2, "Car"), (3, "ignore"),
        ]  # fmt: skip
        assert [one.get("no_background") for one in content["categories"]] == [True, None, None, None]
        assert [one["category_id"] for one in content["annotations"]] == [0, 1, 2, 3]
        back = CocoSource(tmp_path / "c", tmp_path / "c/annotations.json")
        assert back.class_names == ("Sky", "Road", "Car")
        assert np.array_equal(back.read(0).mask, mask)
        content["annotations"].pop(1)
        (tmp_path / "c/annotations.json").write_text(json.dumps(content))
        told = CocoSource(tmp_path / "c", tmp_path / "c/annotations.json").read(0).mask
        assert np.array_equal(told, np.where(mask == 1, 255, mask))  # nothing says what the rest is
        convert(registry, tmp_path / "m", tmp_path / "m2", "masks", "masks")
        assert np.array_equal(np.asarray(Image.open(tmp_path / "m2/masks/a.png")), mask)


class TestYolo:
    def test_what_it_cannot_hold_is_counted(self, registry, tmp_path, logged):
        convert(registry, scene(tmp_path, True), tmp_path / "y", "coco", "yolo")
        told = logged()
        assert "1 crowd, ignored or background region in 1 photo left out" in told

    def test_areas_that_are_stated_wrong_change_no_pixel(self, registry, tmp_path):
        objects = {"images/a.png": [(3, box(0, 0, 10, 10), 1.0), (7, box(5, 5, 8, 8), 500)]}
        root = scene(tmp_path, objects=objects)
        convert(registry, root, tmp_path / "y", "coco", "yolo")
        assert (CocoSource(root, root / "annotations.json").read(0).mask == 2).sum() == 9
        same_masks(open_source(registry, tmp_path / "y", None, "yolo"), open_source(registry, root))

    def test_a_plain_polygon_stays_as_it_is(self, registry, tmp_path):
        root = tmp_path / "p"
        content = {
            "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 20}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[2, 2, 15, 3, 8, 14]]}],
            "categories": [{"id": 1, "name": "Paper"}],
        }
        write_coco(root, content)
        convert(registry, root, tmp_path / "y", "coco", "yolo")
        assert (tmp_path / "y/labels/a.txt").read_text() == "0 0.1 0.1 0.75 0.15 0.4 0.7\n"


class TestRefusals:
    def test_unknown_formats(self, registry, tmp_path):
        root = scene(tmp_path)
        with pytest.raises(RecycleError, match="nearest: yolo"):
            convert(registry, root, tmp_path / "o", "coco", "yollo")
        with pytest.raises(RecycleError, match="no dataset or layout is called 'acme'"):
            convert(registry, root, tmp_path / "o", "acme", "coco")
        with pytest.raises(RecycleError, match="does not look like voc"):
            convert(registry, root, tmp_path / "o", "voc", "coco")
        with pytest.raises(RecycleError, match="--polygons"):
            convert(registry, root, tmp_path / "o", "coco", "masks", polygons=True)
        assert not (tmp_path / "o").exists()

    @pytest.mark.parametrize("form", ["coco", "masks", "yolo"])
    def test_own_files_are_replaced_with_force_alone_and_others_never(self, registry, tmp_path, form):
        root = scene(tmp_path)
        last = convert(registry, root, tmp_path / "o", "coco", form).file
        with pytest.raises(RecycleError, match="--force"):
            convert(registry, root, tmp_path / "o", "coco", form)
        convert(registry, root, tmp_path / "o", "coco", form, force=True)
        for file in (last, tmp_path / "o/images/a.png"):
            before = file.read_bytes()
            file.write_bytes(b"mine")
            for force in (False, True):
                with pytest.raises(RecycleError, match=f"{file.name} is not what recycle wrote there"):
                    convert(registry, root, tmp_path / "o", "coco", form, force=force)
            assert file.read_bytes() == b"mine"
            file.write_bytes(before)

    @pytest.mark.parametrize(("form", "label"), [("masks", "masks/a.png"), ("yolo", "labels/a.txt")])
    def test_two_photos_of_one_label_file(self, registry, tmp_path, form, label):
        root = scene(tmp_path, objects={"images/a.jpg": [(3, RING, None)], "images/b/a.png": []})
        convert(registry, root, tmp_path / "o", "coco", form)
        root = scene(tmp_path / "two", objects={"images/a.jpg": [(3, RING, None)], "images/a.png": []})
        with pytest.raises(
            RecycleError, match=f"'images/a.jpg' and 'images/a.png' would share the label file .*{label}"
        ):
            convert(registry, root, tmp_path / "p", "coco", form)
        assert not (tmp_path / "p").exists()

    @pytest.mark.parametrize("form", ["masks", "yolo"])
    def test_other_photos_in_the_folder(self, registry, tmp_path, form):
        (tmp_path / "o/images").mkdir(parents=True)
        (tmp_path / "o/images/old.jpg").touch()
        with pytest.raises(RecycleError, match=r"other photos, which would join the set: old\.jpg"):
            convert(registry, scene(tmp_path), tmp_path / "o", "coco", form, force=True)

    def test_a_missing_photo_leaves_no_annotation_file(self, registry, tmp_path):
        root = scene(tmp_path)
        (root / "images/none.png").unlink()
        for form in ("coco", "masks", "yolo"):
            with pytest.raises(RecycleError, match=r"none\.png"):
                convert(registry, root, tmp_path / "to" / form, "coco", form)
            left = {file.suffix for file in (tmp_path / "to" / form).iterdir() if file.is_file()}
            assert left <= {".part", ".jsonl"}  # which mark what was interrupted, and what is its own

    def test_a_photo_of_another_size(self, registry, tmp_path):
        root = scene(tmp_path)
        Image.new("RGB", (9, 9)).save(root / "images/none.png")
        with pytest.raises(RecycleError, match="9x9"):
            convert(registry, root, tmp_path / "o", "coco", "masks")

    def test_a_class_called_ignore(self, registry, tmp_path):
        convert(registry, scene(tmp_path), tmp_path / "m", "coco", "masks")
        (tmp_path / "m/classes.txt").write_text("Background\nPaper\nignore\n")
        with pytest.raises(RecycleError, match="'ignore'"):
            convert(registry, tmp_path / "m", tmp_path / "o", "masks", "coco")


def test_in_place(registry, tmp_path):
    root = scene(tmp_path)
    before = {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}
    convert(registry, root, root, "coco", "masks")
    convert(registry, root, root, "coco", "yolo")
    assert all(file.read_bytes() == content for file, content in before.items())
    same_masks(open_source(registry, root, None, "masks"), open_source(registry, root, None, "yolo"))


def test_the_command(tmp_path):
    root = scene(tmp_path)
    done = recycle_here("data", "convert", root, "m", "--from", "coco", "--to", "masks", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "m/classes.txt\n", "3 photos, 3 masks\n")
    arguments = ("m", "c", "--from", "masks", "--to", "coco", "-o", "classes=[Background, A, B]")
    assert recycle_here("data", "convert", *arguments, cwd=tmp_path).returncode == 0
    content = json.loads((tmp_path / "c/annotations.json").read_text())
    assert [one["name"] for one in content["categories"]] == ["A", "B"]
    wrong = recycle_here("data", "convert", "m", "d", "--from", "masks", "--to", "coco", "-o", "classes", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "key=value" in wrong.stderr
    wrong = recycle_here(
        "data", "convert", "m", "d", "--from", "masks", "--to", "coco", "-o", "clases=[a]", cwd=tmp_path
    )
    assert wrong.returncode == 2
    assert "plugins show masks" in wrong.stderr
    assert not os.path.lexists(tmp_path / "d")


class TestRealData:
    def ious(self, first, second):
        for index in range(len(first)):
            one, other = first.record(index), second.record(index)
            for before, after in zip(one.annotations, other.annotations, strict=True):
                shapes = [rasterise(a.segmentation, one.height, one.width) for a in (before, after)]
                yield float(tools.iou([shapes[0]], [shapes[1]], [0])[0, 0])

    @pytest.mark.parametrize("polygons", [False, True])
    def test_every_object_comes_back(self, registry, recycle_trash, tmp_path, polygons):
        file = convert(registry, recycle_trash, tmp_path / "o", "coco", "coco", polygons=polygons).file
        first = open_source(registry, recycle_trash)
        ious = list(self.ious(first, CocoSource(tmp_path / "o", file)))
        assert len(ious) == 356
        assert min(ious) == 1

    def test_through_yolo(self, registry, recycle_trash, tmp_path):
        convert(registry, recycle_trash, tmp_path / "y", "coco", "yolo")
        first, second = open_source(registry, recycle_trash), open_source(registry, tmp_path / "y", None, "yolo")
        one, other = whole_objects(first), whole_objects(second)
        assert one == other

    def test_masks_without_background_and_back(self, registry, tmp_path):
        root = SHARED / "camvid"
        if not root.is_dir():
            pytest.skip(f"no real masks at {root}")
        categories = json.loads((root / "train.json").read_text())["categories"]
        names = [category["name"] for category in sorted(categories, key=lambda one: one["id"])]
        small = tmp_path / "camvid"
        for folder in ("images", "masks"):
            (small / folder).mkdir(parents=True)
            for file in sorted((root / folder).iterdir())[:20]:
                (small / folder / file.name).symlink_to(file)
        convert(registry, small, tmp_path / "c", "masks", "coco", options={"classes": names})
        convert(registry, tmp_path / "c", tmp_path / "m", "coco", "masks")
        assert (tmp_path / "m/classes.txt").read_text().split() == names
        for file in (small / "masks").iterdir():
            before, after = (np.asarray(Image.open(place)) for place in (file, tmp_path / "m/masks" / file.name))
            assert np.array_equal(after, before)
