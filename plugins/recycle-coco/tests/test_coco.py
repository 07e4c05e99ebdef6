"""COCO in the core: the label rule, painting, RLE, paths, photos, and what is refused."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from recycle_coco import (
    CocoSource,
    decode,
    encode,
    find_annotation_file,
    label_index,
    paint,
    rasterise,
    read_document,
    read_photo,
    resolve_file,
)
from recycle_coco.paint import painting_order
from recycle_data.coco_document import build_document, document_of
from support import SQUARE, coco, write_coco

from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE, Annotation, Sample


def categories(**names):
    return [{"id": number, "name": name} for name, number in names.items()]


class TestLabels:
    def test_background_then_ascending_id(self, tmp_path):
        index = label_index(categories(Paper=7, Metal=2, Glass=900), tmp_path)
        assert index.class_names == ("Background", "Metal", "Paper", "Glass")
        assert index.label_of == {2: 1, 7: 2, 900: 3}

    def test_id_zero_is_a_class(self, tmp_path):
        index = label_index(categories(rubbish=0), tmp_path)
        assert index.class_names == ("Background", "rubbish")
        assert index.label_of == {0: 1}

    def test_a_category_called_background_is_the_background(self, tmp_path):
        index = label_index(categories(BACKGROUND=0, Paper=1), tmp_path)
        assert index.class_names == ("Background", "Paper")
        assert index.label_of == {0: 0, 1: 1}

    def test_ignore_is_no_class(self, tmp_path):
        index = label_index(categories(Paper=1, ignore=2, Metal=3), tmp_path)
        assert index.class_names == ("Background", "Paper", "Metal")
        assert index.label_of == {1: 1, 2: IGNORE, 3: 2}

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            ([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}], "category id 1 occurs twice"),
            ([{"id": 1, "name": "a"}, {"id": 2, "name": "a"}], "category name a occurs twice"),
            ([{"id": 1, "name": "ignore"}], "no class"),
            ([{"id": k, "name": str(k)} for k in range(300)], "at most 255"),
        ],
    )
    def test_what_is_no_class_list(self, tmp_path, entries, message):
        with pytest.raises(RecycleError, match=message):
            label_index(entries, tmp_path)


def square(left, top, side):
    return [[left, top, left + side, top, left + side, top + side, left, top + side]]


class TestPainting:
    def test_large_first_small_on_top_whatever_the_order_in_the_file(self):
        big, small = Annotation(1, 1, square(0, 0, 30), 900.0), Annotation(2, 2, square(5, 5, 10), 100.0)
        for order in ([big, small], [small, big]):
            mask, instances = paint(order, 32, 32)
            assert mask[8, 8] == 2
            assert mask[20, 20] == 1
            assert instances[8, 8] == order.index(small) + 1

    def test_the_stated_area_of_objects_says_nothing(self):
        big, small = Annotation(1, 1, square(0, 0, 30), 50.0), Annotation(2, 2, square(5, 5, 10), 100.0)
        mask, _ = paint([big, small], 32, 32)
        assert mask[8, 8] == 2

    def test_the_stated_area_decides_among_crowds_alone(self):
        shapes = [np.zeros((32, 32)) for _ in range(3)]
        for shape, side in zip(shapes, (30, 20, 10), strict=True):
            shape[:side, :side] = 1
        wide, narrow = (Annotation(k, k, encode(shapes[2 * k - 2]), 900 / k**9, iscrowd=True) for k in (1, 2))
        assert painting_order([(900, 1, True), (400, 5, False), (100, 900, True)]) == [2, 1, 0]
        mask, _ = paint([wide, narrow, Annotation(3, 3, encode(shapes[1]))], 32, 32)
        assert (mask[5, 5], mask[15, 15], mask[25, 25]) == (2, 3, 1)

    def test_the_own_area_where_none_is_stated(self):
        mask, _ = paint([Annotation(1, 2, square(5, 5, 10)), Annotation(2, 1, square(0, 0, 30))], 32, 32)
        assert mask[8, 8] == 2

    def test_ties_by_file_order_later_on_top(self):
        mask, instances = paint([Annotation(1, 1, square(0, 0, 9), 5), Annotation(2, 2, square(0, 0, 9), 5)], 32, 32)
        assert mask[4, 4] == 2
        assert instances[4, 4] == 2

    def test_ignore_is_painted_last(self):
        region = Annotation(1, IGNORE, encode(np.ones((32, 32))), 10_000.0, iscrowd=True)
        mask, instances = paint([region, Annotation(2, 1, square(0, 0, 9), 81)], 32, 32)
        assert (mask == IGNORE).all()
        assert (instances == 0).all()

    def test_a_crowd_is_painted_but_is_no_instance(self):
        shape = np.zeros((32, 32))
        shape[3:9, 3:9] = 1
        mask, instances = paint([Annotation(1, 2, encode(shape), iscrowd=True)], 32, 32)
        assert np.array_equal(mask == 2, shape == 1)
        assert (instances == 0).all()

    def test_several_parts_are_one_object(self):
        mask, instances = paint([Annotation(1, 1, square(0, 0, 5) + square(20, 20, 5))], 32, 32)
        assert mask[2, 2] == mask[22, 22] == 1
        assert instances[2, 2] == instances[22, 22] == 1
        assert mask[12, 12] == 0

    def test_holes_survive_rle(self):
        rows, columns = np.mgrid[:64, :64] - 32
        ring = (np.hypot(rows, columns) < 25) & (np.hypot(rows, columns) > 12)
        mask, _ = paint([Annotation(1, 1, encode(ring))], 64, 64)
        assert np.array_equal(mask == 1, ring)

    def test_uncompressed_rle_is_read(self):
        shape = np.zeros((4, 6), np.uint8)
        shape[1:3, 2:5] = 1
        counts, value = [0], 0
        for pixel in shape.flatten("F"):
            if pixel != value:
                counts.append(0)
                value = pixel
            counts[-1] += 1
        mask, _ = paint([Annotation(1, 1, {"size": [4, 6], "counts": counts})], 4, 6)
        assert np.array_equal(mask, shape)

    def test_four_numbers_are_no_box(self):
        assert rasterise([[0, 0, 5, 5]], 32, 32) is None
        assert rasterise([], 32, 32) is None

    @given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
    @settings(max_examples=40, deadline=None)
    def test_rle_round_trip_is_exact(self, seed, height, width):
        mask = np.random.default_rng(seed).random((height, width)) < 0.4
        assert np.array_equal(decode(encode(mask)), mask)


class TestPaths:
    @pytest.mark.parametrize("name", ["a.jpg", "images/a.jpg", "images/../a.jpg", "./a.jpg", "a b/é💡.jpg"])
    def test_inside(self, tmp_path, name):
        assert resolve_file(tmp_path, name).is_relative_to(tmp_path)

    @pytest.mark.parametrize("name", ["../a.jpg", "/etc/passwd", "images/../../a.jpg", "..", "", ".", "a\0b"])
    def test_outside(self, tmp_path, name):
        with pytest.raises(RecycleError, match="leaves the data folder"):
            resolve_file(tmp_path, name)

    def test_names_are_relative_to_the_root_not_to_the_json(self, tmp_path):
        write_coco(tmp_path / "data", coco(1))
        elsewhere = tmp_path / "lists" / "part.json"
        elsewhere.parent.mkdir()
        elsewhere.write_text(json.dumps(coco(1)))
        assert CocoSource(tmp_path / "data", elsewhere).read(0).image.shape == (32, 32, 3)

    def test_annotation_files_in_order(self, tmp_path):
        with pytest.raises(RecycleError, match=r"holds none of train_all\.json(.|\n)*: it is empty"):
            find_annotation_file(tmp_path)
        (tmp_path / "a.jpg").touch()
        with pytest.raises(RecycleError, match=r"photos or masks \(1\), and no file of annotations"):
            find_annotation_file(tmp_path)
        (tmp_path / "other.json").touch()
        with pytest.raises(RecycleError, match=r"but 1 \.jpg, 1 \.json, as 'other\.json'(.|\n)*recycle data import"):
            find_annotation_file(tmp_path)
        (tmp_path / "other.json").write_text('{"images": [{"file_name": "a.jpg"')
        with pytest.raises(RecycleError, match=r"but other\.json(.|\n)*--data .*other\.json"):
            find_annotation_file(tmp_path)
        for name in ("annotations.json", "train.json", "train_all.json"):
            (tmp_path / name).write_text("{}")
            assert find_annotation_file(tmp_path).name == name

    def test_no_folder(self, tmp_path):
        with pytest.raises(RecycleError, match=r"does not exist(.|\n)*--data"):
            find_annotation_file(tmp_path / "none")


def gradient(height, width):
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, rows * 0], -1).astype(np.uint8)


class TestPhotos:
    def save(self, tmp_path, image, name="photo.png", **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    @pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1"])
    def test_every_mode_becomes_rgb(self, tmp_path, mode):
        name = "photo.tif" if mode == "CMYK" else "photo.png"
        file = self.save(tmp_path, Image.fromarray(gradient(8, 9)).convert(mode), name)
        assert read_photo(file, 8, 9).shape == (8, 9, 3)

    def test_sixteen_bits_are_scaled_not_clipped(self, tmp_path):
        deep = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
        photo = read_photo(self.save(tmp_path, Image.fromarray(deep)), 8, 8)
        assert np.abs(photo[..., 0] - deep / 257).max() <= 1

    def rotated(self, tmp_path, height, width):
        """A photo stored lying, whose EXIF says: turn a quarter."""
        exif = Image.Exif()
        exif[0x0112] = 6
        return self.save(tmp_path, Image.fromarray(gradient(height, width)), "photo.jpg", exif=exif, quality=100)

    def test_exif_rotation_is_applied_when_the_annotation_fits_it(self, tmp_path):
        photo = read_photo(self.rotated(tmp_path, 24, 40), 40, 24)
        assert photo.shape == (40, 24, 3)
        assert abs(int(photo[0, 0, 0]) - int(gradient(24, 40)[-1, 0, 0])) < 20

    def test_exif_rotation_is_left_when_the_annotator_ignored_it(self, tmp_path):
        photo = read_photo(self.rotated(tmp_path, 24, 40), 24, 40)
        assert abs(int(photo[-1, 0, 0]) - int(gradient(24, 40)[-1, 0, 0])) < 20

    def test_a_size_that_fits_neither_is_refused(self, tmp_path):
        with pytest.raises(RecycleError, match="40x24 pixels, its annotation says 10x10"):
            read_photo(self.rotated(tmp_path, 24, 40), 10, 10)

    def test_without_an_annotation_the_rotation_is_applied(self, tmp_path):
        assert read_photo(self.rotated(tmp_path, 24, 40)).shape == (40, 24, 3)

    @pytest.mark.parametrize("orientation", [*range(1, 9), 0, 9])
    def test_every_orientation_is_undone_as_pil_undoes_it(self, tmp_path, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = self.save(tmp_path, Image.fromarray(gradient(5, 8)), exif=exif)
        with Image.open(file) as image:
            expected = np.asarray(ImageOps.exif_transpose(image))
        assert (read_photo(file) == expected).all()

    @pytest.mark.parametrize(
        ("exif", "shape"),
        [
            (struct.pack("<HHIIHHII", 0x0112, 3, 1, 6, 0x0131, 11, 1, 0x3F800000), (40, 24, 3)),  # software: 1.0
            (struct.pack("<HHIIHHII", 0x0112, 3, 1, 6, 0x0132, 2, 2**31, 2**31), (40, 24, 3)),  # a date beyond the end
            (struct.pack("<HHIIHHII", 0x0112, 2, 4, 0x41414141, 0x0131, 2, 1, 0), (24, 40, 3)),  # turned by "AAAA"
        ],
    )
    def test_damaged_exif_costs_no_photo(self, tmp_path, exif, shape):
        block = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + exif + bytes(4)
        assert read_photo(self.save(tmp_path, Image.fromarray(gradient(24, 40)), "a.jpg", exif=block)).shape == shape

    def test_exif_that_is_none_costs_no_photo(self, tmp_path):
        file = self.save(tmp_path, Image.fromarray(gradient(24, 40)), "a.png", exif=b"Exif\0\0no TIFF")
        assert read_photo(file).shape == (24, 40, 3)

    @pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 broken"])
    def test_no_image(self, tmp_path, content):
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(RecycleError, match=r"a\.jpg cannot be read"):
            read_photo(tmp_path / "a.jpg")

    def test_a_truncated_image(self, tmp_path):
        file = self.save(tmp_path, Image.fromarray(gradient(64, 64)), "a.jpg")
        file.write_bytes(file.read_bytes()[:-200])
        with pytest.raises(RecycleError, match="truncated"):
            read_photo(file)

    def test_a_missing_image(self, tmp_path):
        with pytest.raises(RecycleError, match="is missing"):
            read_photo(tmp_path / "none.jpg")


def changed(**sections):
    content = coco(2)
    for section, change in sections.items():
        content[section][0] |= change
    return content


FAULTS = {
    "unknown image": (changed(annotations={"image_id": 99}), "annotation 1: no image has id 99"),
    "unknown category": (changed(annotations={"category_id": 99}), "annotation 1: no category has id 99"),
    "doubled image id": (changed(images={"id": 2}), "image id 2 occurs twice"),
    "odd polygon": (changed(annotations={"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}), "odd count of 7"),
    "NaN": (changed(annotations={"segmentation": [[1, 2, 3, float("nan"), 5, 6]]}), "NaN or infinity"),
    "infinity": (changed(annotations={"segmentation": [[1, 2, 3, float("inf"), 5, 6]]}), "NaN or infinity"),
    "text": (changed(annotations={"segmentation": [[1, 2, 3, "4", 5, 6]]}), "no number"),
    "a huge number": (changed(annotations={"segmentation": [[1, 2, 3, 10**400, 5, 6]]}), "no number"),
    "far away": (changed(annotations={"segmentation": [[1, 2, 3, 1e9, 5, 6]]}), "far outside"),
    "no shape": (changed(annotations={"segmentation": 7}), "neither polygons nor an RLE"),
    "RLE of another size": (changed(annotations={"segmentation": {"size": [9, 9], "counts": "Q3"}}), r"\[9, 9\]"),
    "RLE too long": (changed(annotations={"segmentation": {"size": [32, 32], "counts": [0, 5000]}}), "do not add up"),
    "RLE negative": (changed(annotations={"segmentation": {"size": [32, 32], "counts": [-1, 1025]}}), "do not add up"),
    "RLE garbage": (changed(annotations={"segmentation": {"size": [32, 32], "counts": "~~~~"}}), "do not add up"),
    "RLE overflow": (changed(annotations={"segmentation": {"size": [32, 32], "counts": "o" * 40}}), "do not add up"),
    "RLE of nothing": (changed(annotations={"segmentation": {"size": [32, 32]}}), "neither polygons nor an RLE"),
    "area": (changed(annotations={"area": "big"}), "its area is 'big'"),
    "provenance": (changed(annotations={"provenance": ["a.jpg"]}), "provenance"),
    "no file_name": (changed(images={"file_name": None}), r"images\[0\] lacks file_name"),
    "width of text": (changed(images={"width": "32 px"}), r"images\[0\]\.width is '32 px'"),
    "no width": (changed(images={"width": 0}), "0x32 pixels"),
    "no images": ({**coco(1), "images": []}, "lists no images"),
    "no lists": ({"images": {}}, "not a COCO file"),
    "no object": ([1, 2], "not a COCO file"),
}


class TestDocuments:
    @pytest.mark.parametrize("name", FAULTS)
    def test_what_cannot_be_used_is_refused_by_name(self, tmp_path, name):
        content, message = FAULTS[name]
        file = tmp_path / "train.json"
        file.write_text(json.dumps(content))
        with pytest.raises(RecycleError, match=message) as caught:
            read_document(file)
        assert "train.json" in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"{", b'{"images": [', b"\xff\xfe", b"[" * 100_000])
    def test_what_is_no_json(self, tmp_path, content):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(RecycleError, match="not valid JSON"):
            read_document(tmp_path / "a.json")

    def test_all_faults_are_counted(self, tmp_path):
        content = coco(9)
        for annotation in content["annotations"]:
            annotation["category_id"] = 5
        (tmp_path / "a.json").write_text(json.dumps(content))
        with pytest.raises(RecycleError, match=r"9 faults(.|\n)*and 4 more"):
            read_document(tmp_path / "a.json")

    @pytest.mark.parametrize("shape", [[], None, [[]], [[1, 1, 5, 5]], [[1, 1], [2, 2, 3, 3]]])
    def test_empty_shapes_are_left_out_with_a_word(self, tmp_path, logged, shape):
        content = coco(2)
        content["annotations"][0]["segmentation"] = shape
        source = CocoSource(tmp_path, write_coco(tmp_path, content))
        assert "1 annotation without a pixel left out" in logged()
        assert source.read(0).mask.max() == 0
        assert source.read(1).mask.max() > 0

    def test_an_image_without_objects_is_background(self, tmp_path):
        content = coco(2)
        del content["annotations"][0]
        assert CocoSource(tmp_path, write_coco(tmp_path, content)).read(0).mask.max() == 0

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "images",
                            "annotations",
                            "categories",
                            "id",
                            "file_name",
                            "segmentation",
                            "size",
                            "counts",
                            "width",
                            "height",
                            "image_id",
                            "category_id",
                            "name",
                            "area",
                        ]
                    ),
                    inner,
                    max_size=6,
                )
            ),
            max_leaves=30,
        )
    )
    @settings(max_examples=150, deadline=None)
    def test_any_json_is_read_or_refused(self, tmp_path_factory, content):
        file = tmp_path_factory.getbasetemp() / "fuzz.json"
        file.write_text(json.dumps(content))
        with pytest.raises(RecycleError):
            read_document(file)

    @given(st.data())
    @settings(max_examples=150, deadline=None)
    def test_a_mutated_annotation_is_read_or_refused(self, tmp_path_factory, data):
        content = coco(2)
        odd = (
            st.none()
            | st.floats()
            | st.text(max_size=4)
            | st.integers()
            | st.lists(st.lists(st.floats(), max_size=9), max_size=3)
        )
        section = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        key = data.draw(st.sampled_from(sorted(content[section][0])))
        content[section][0][key] = data.draw(odd)
        file = tmp_path_factory.getbasetemp() / "mutated.json"
        file.write_text(json.dumps(content))
        try:
            source = CocoSource(tmp_path_factory.getbasetemp(), file)
        except RecycleError:
            return
        record = source.record(0)
        if record.height * record.width < 10_000:
            mask, _ = paint(record.annotations, record.height, record.width)
            assert set(np.unique(mask)) <= {0, 1, 2}


class TestWriting:
    def test_a_source_goes_through_coco_unchanged(self, tmp_path):
        mask = np.zeros((20, 30), np.uint8)
        instances = np.zeros((20, 30), np.int32)
        mask[2:9, 2:9], instances[2:9, 2:9] = 1, 1
        mask[4:6, 4:6], instances[4:6, 4:6] = 2, 2  # fills a hole of the first
        mask[12:15, 12:15] = 1  # labelled, but no instance
        mask[0, 0], instances[0, 0] = 2, 3  # one pixel, at the border
        mask[18:] = IGNORE
        photo = np.zeros((20, 30, 3), np.uint8)

        class One:
            class_names = ("Background", "Paper", "Metal")

            def __len__(self):
                return 1

            def record(self, index):
                from recyclecli.types import Record

                return Record(tmp_path / "a.png", "a.png", 20, 30)

            def read(self, index):
                return Sample(photo, mask, instances)

        Image.fromarray(photo).save(tmp_path / "a.png")
        (tmp_path / "train.json").write_text(json.dumps(document_of(One())))
        back = CocoSource(tmp_path, tmp_path / "train.json")
        assert back.class_names == One.class_names
        sample = back.read(0)
        assert np.array_equal(sample.mask, mask)
        for instance in (1, 2, 3):
            ids = np.unique(sample.instances[instances == instance])
            assert len(ids) == 1
            assert ids[0] > 0
        assert (sample.instances[instances == 0] == 0).all()

    def test_area_and_box_are_the_masks(self):
        from pycocotools import mask as tools

        instances = np.zeros((16, 16), np.int32)
        instances[3:8, 5:14] = 1
        sample = Sample(np.zeros((16, 16, 3), np.uint8), instances.astype(np.uint8), instances)
        from pathlib import Path

        from recyclecli.types import Record

        entry = build_document(("Background", "Paper"), [(Record(Path("a"), "a", 16, 16), sample)])["annotations"][0]
        assert entry["area"] == tools.area(entry["segmentation"])
        assert entry["bbox"] == tools.toBbox(entry["segmentation"]).tolist()

    def test_the_own_document_of_a_coco_source_is_kept_whole(self, tmp_path):
        content = coco(2) | {"info": {"year": 2026}}
        assert document_of(CocoSource(tmp_path, write_coco(tmp_path, content))) == content


def test_square_is_what_the_helpers_say():
    assert rasterise(SQUARE, 32, 32) is not None
