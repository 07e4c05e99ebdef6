"""Labels of huge photos: the same pixels from fewer passes over them, and in bounded memory."""

import json
import tracemalloc
import zipfile
from importlib import import_module
from io import StringIO

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco
from recycle_coco import (
    components,
    connected_pieces,
    decode,
    decode_box,
    encode,
    paint,
    rasterise,
    read_document,
    read_photo,
    relabel,
)
from recycle_coco import occlusion as fronts
from recycle_coco.paint import painting_order
from recycle_coco.photo import open_photo, photo_size, read_head
from recycle_coco.pixels import upright, upright_array
from recycle_coco.rle import compressed, of_bounds, run_bounds
from recycle_coco.table import CsvRows
from recycle_data.arrays import read_arrays
from recycle_data.check.masks import blended
from recycle_data.coco_document import mask_regions
from recycle_data.identity import identity_of
from recycle_data.polygons import rle_polygon
from recycle_data.polygons import rle_polygons as outlines_of
from recycle_datasets.bitmaps import whole_runs
from recycle_datasets.readers import rle_csv
from recycle_datasets.xmls import parse_xml
from scipy import ndimage

from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE, Annotation

CHANCE = 20


def outlines(chance, height, width):
    """One or two polygons that reach out of the photo, or an RLE of noise."""
    if chance.random() < 0.3:
        return encode(chance.random((height, width)) < chance.choice([0, 0.1, 0.9, 1]))
    corners = 2 * int(chance.integers(3, 9))
    sides = max(height, width)
    return [(chance.normal(size=corners) * sides * 0.4 + sides / 2).round(2).tolist() for _ in range(2)]


def annotations(chance, height, width):
    return [
        Annotation(
            id=number,
            label=int(chance.choice([0, 1, 2, IGNORE])),
            segmentation=outlines(chance, height, width),
            area=float(chance.integers(1, 500)),
            iscrowd=bool(chance.random() < 0.2),
            level=int(chance.random() < 0.1),
        )
        for number in range(int(chance.integers(0, 15)))
    ]


def painted(shapes, height, width, ground):
    """Each shape over those before it, as whole pictures."""
    rles = [rasterise(one.segmentation, height, width) for one in shapes]
    order = painting_order(
        [(float(coco.area(rle)), one.area, one.iscrowd) for one, rle in zip(shapes, rles, strict=True)]
    )
    mask, instances = np.full((height, width), ground, np.uint8), np.zeros((height, width), np.int32)
    for place in sorted(order, key=lambda place: (shapes[place].label == IGNORE, shapes[place].level)):
        one, inside = shapes[place], decode(rles[place]) > 0
        mask[inside] = one.label
        instances[inside] = 0 if one.iscrowd or one.label == IGNORE else place + 1
    return mask, instances


class TestPaint:
    @pytest.mark.parametrize(("often", "band"), [(8, 2**22), (0, 2**22), (0, 37), (0, 1)])
    def test_shapes_lie_over_each_other_as_painted_one_by_one(self, monkeypatch, often, band):
        painting = import_module("recycle_coco.paint")
        monkeypatch.setattr(painting, "REPEATS", often)
        monkeypatch.setattr(painting, "UNTIMED", often * 2**23)
        monkeypatch.setattr(fronts, "FILLED_PIXELS_PER_BAND", band)
        chance = np.random.default_rng(0)
        for _ in range(CHANCE):
            height, width = (int(side) for side in chance.integers(1, 40, 2))
            shapes = annotations(chance, height, width)
            for ground in (0, IGNORE):
                for found, expected in zip(
                    paint(shapes, height, width, ground), painted(shapes, height, width, ground), strict=True
                ):
                    assert np.array_equal(found, expected)
                    assert found.flags.c_contiguous

    def test_a_shape_takes_the_memory_of_its_box(self):
        side = 8000
        shapes = [Annotation(1, 1, [[10, 10, 500, 10, 500, 500, 10, 500]], None, False)]
        tracemalloc.start()
        paint(shapes, side, side)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5.5 * side**2  # mask and instances have 5


class TestRle:
    def test_the_box_holds_what_the_whole_does(self):
        chance = np.random.default_rng(0)
        for _ in range(CHANCE * 10):
            height, width = (int(side) for side in chance.integers(1, 25, 2))
            rle = compressed(rasterise(outlines(chance, height, width), height, width))
            top, left, inside = decode_box(rle)
            whole = np.zeros((height, width), bool)
            whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
            assert np.array_equal(whole, decode(rle))
            assert of_bounds(run_bounds(rle), height, width) == encode(whole)

    @pytest.mark.parametrize("counts", [[12], [0, 12], [0, 0, 12], [3, 0, 2, 1, 6], [11, 1], [2, 2, 8]])
    def test_runs_of_no_pixel(self, counts):
        rle = {"size": [3, 4], "counts": counts}
        top, left, inside = decode_box(rle)
        whole = np.zeros((3, 4), bool)
        whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        assert np.array_equal(whole, decode(rle))


class TestOutlines:
    def test_take_the_memory_of_their_edges(self):
        side = 8000
        shape = [[10.0, 10, side - 10, 30, side - 30, side - 10, 90, side - 90]]
        rle = rasterise(shape, side, side)
        tracemalloc.start()
        found = outlines_of(rle)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rasterise(found, side, side) == rle
        assert peak < side**2 / 8


class TestPieces:
    @pytest.mark.parametrize("band", [2**24, 1, 7, 40])
    def test_bands_are_divided_as_the_whole(self, monkeypatch, band):
        monkeypatch.setattr(components, "LABELLED_PIXELS_PER_BAND", band)
        chance = np.random.default_rng(0)
        for _ in range(CHANCE * 3):
            mask = chance.choice([0, 1, 2, 255], chance.integers(1, 30, 2), p=[0.5, 0.3, 0.1, 0.1]).astype(np.uint8)
            for first in (0, 1):
                expected, count = np.zeros(mask.shape, np.int32), 0
                for label in range(first, 3):
                    found, more = ndimage.label(mask == label, np.ones((3, 3), bool))
                    expected[found > 0] = found[found > 0] + count
                    count += more
                assert np.array_equal(connected_pieces(mask, first), expected)

    def test_noise_is_no_object_and_stays_labelled(self):
        mask = np.zeros((600, 600), np.uint8)
        mask[::2, ::2] = 1
        mask[1:9, 1:3] = 2
        instances = connected_pieces(mask, 1)
        assert set(np.unique(instances[mask == 1])) == {0}
        assert set(np.unique(instances[mask == 2])) == {1}
        regions = list(mask_regions(mask, instances, True))
        assert [(one.label, one.crowd, int(one.pixels.sum())) for one in regions] == [
            (2, False, 16),
            (1, True, int((mask == 1).sum())),
        ]

    def test_memory(self, monkeypatch):
        monkeypatch.setattr(components, "LABELLED_PIXELS_PER_BAND", 2**18)
        mask = np.ones((2000, 2000), np.uint8)
        tracemalloc.start()
        connected_pieces(mask, 0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 9 * mask.size


class TestMasks:
    def test_blended_in_bands_is_that_of_the_whole(self, monkeypatch):
        mask = np.random.default_rng(0).integers(0, 5, (61, 47)).astype(np.uint8)
        monkeypatch.setattr("recycle_data.check.masks.MASK_PIXELS_PER_BAND", 2**22)
        whole = blended(mask)
        monkeypatch.setattr("recycle_data.check.masks.MASK_PIXELS_PER_BAND", 100)
        assert blended(mask) == whole > 0

    def test_looking_up_takes_the_memory_of_the_labels(self):
        values, table = np.ones((4000, 4000), np.uint8), np.arange(256, dtype=np.uint8)[::-1]
        tracemalloc.start()
        labels = relabel(values, table)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (labels == 254).all()
        assert peak < 5 * values.size


class TestPhotos:
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_turned_as_an_image_is(self, orientation):
        pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
        expected = np.asarray(upright(Image.fromarray(pixels), orientation))
        assert np.array_equal(upright_array(pixels, orientation), expected)

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "I;16"])
    def test_the_identity_from_bands_is_that_of_the_whole(self, monkeypatch, mode):
        values = np.random.default_rng(0).integers(0, 256, (70, 90, 4)).astype(np.uint8)
        deep = Image.fromarray(values.view(np.uint16)[..., 0].copy())
        image = deep if mode == "I;16" else Image.fromarray(values, "CMYK").convert(mode)
        whole = identity_of(image, 6)
        monkeypatch.setattr("recycle_coco.pixels.CONVERTED_SIDE", 20)
        assert identity_of(image, 6) == whole

    def test_the_identity_takes_little_more_than_the_photo(self):
        image = Image.new("L", (4000, 4000), 90)
        tracemalloc.start()
        identity_of(image)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4000 * 4000

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_the_head_of_a_turned_tiff_is_read_without_its_pixels(self, monkeypatch, tmp_path, orientation):
        exif = Image.Exif()
        exif[0x112] = orientation
        file = tmp_path / "a.tif"
        Image.new("RGB", (7, 5)).save(file, exif=exif)
        with open_photo(file) as (image, found):
            assert (image.size, found) == ((7, 5), orientation)
        monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.load", None)
        assert read_head(file) == ((7, 5), orientation, "")
        assert photo_size(file) == ((7, 5) if orientation >= 5 else (5, 7))

    def test_no_warning_of_pil_for_what_is_read(self, monkeypatch, tmp_path, recwarn):
        monkeypatch.setattr("recycle_coco.unreadable.DEFAULT_MAX_PIXELS", 64)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32)
        Image.new("RGB", (8, 8)).save(tmp_path / "a.tif")
        assert read_photo(tmp_path / "a.tif").shape == (8, 8, 3)
        assert not recwarn.list

    def test_a_second_page_that_is_too_large_does_not_refuse_the_first(self, monkeypatch, tmp_path):
        monkeypatch.setattr("recycle_coco.unreadable.DEFAULT_MAX_PIXELS", 64)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64)
        Image.new("RGB", (8, 8)).save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("RGB", (80, 8))])
        assert read_photo(tmp_path / "a.tif").shape == (8, 8, 3)

    def test_a_large_webp_is_refused_and_a_large_png_is_not(self, monkeypatch, tmp_path):
        monkeypatch.setattr("recycle_coco.unreadable.WEBP_PIXELS", 8 * 8 - 1)
        for suffix in ("png", "webp"):
            Image.new("RGB", (8, 8)).save(tmp_path / f"a.{suffix}")
        assert read_photo(tmp_path / "a.png").shape == (8, 8, 3)
        with pytest.raises(RecycleError, match="at most 63 are read of a WebP") as error:
            read_photo(tmp_path / "a.webp")
        assert "--max-pixels 64; else save it as JPEG or PNG" in error.value.remedy
        monkeypatch.setenv("RECYCLE_MAX_PIXELS", "64")
        assert read_photo(tmp_path / "a.webp").shape == (8, 8, 3)

    def test_the_memory_of_a_large_one_is_given_back(self, monkeypatch, tmp_path):
        monkeypatch.setattr("recycle_coco.pixels.LARGE_PHOTO_PIXELS", 63)
        before = Image.core.get_block_size()
        for side, expected in ((7, before), (8, 2**26)):
            Image.new("RGB", (side, side)).save(tmp_path / "a.png")
            with open_photo(tmp_path / "a.png"):
                assert Image.core.get_block_size() == expected
            assert Image.core.get_block_size() == before


class TestRings:
    @pytest.mark.parametrize("pairs", [1, 2**23])
    def test_many_parts_as_one_ring_keep_their_pixels_however_few_corners_are_compared(self, monkeypatch, pairs):
        monkeypatch.setattr("recycle_data.polygons.ALL_PAIRS", pairs)
        monkeypatch.setattr("recycle_data.polygons.FEW_PAIRS", 1)
        mask = np.zeros((40, 40), np.uint8)
        mask[::4, ::3] = mask[1:9, 1:9] = 1
        ring = rle_polygon(encode(mask))
        assert (decode(rasterise([ring], 40, 40)) == mask).all()


class TestRuns:
    @pytest.mark.parametrize("counts", [[2**62] * 4, [2**62, 2**62, 2**62, 2**62 + 9], [3, -1, 4], [5, 5], [10]])
    def test_runs_whose_sum_wraps_around_are_refused(self, counts):
        """numpy repeats by them into memory that is not its own."""
        with pytest.raises(ValueError, match=r"its runs cover -?\d+ pixels, and there are 9"):
            whole_runs(counts, 9)
        assert whole_runs([4, 5], 9).tolist() == [4, 5]

    def test_a_row_of_runs_neither(self):
        with pytest.raises(ValueError, match="its runs reach out of 9 pixels"):
            rle_csv._drawn(f"{2**63 - 1} {2**62}", 3, 3, rows=True)


class TestTables:
    def test_short_rows_are_not_filled_up(self):
        rows = [*CsvRows(StringIO("a,b" + ",c" * 10_000 + "\n1\n\n" + "2,3\n" * 9))]
        assert (len(rows), max(map(len, rows)), rows[0]["a"], rows[0]["c"], rows[1].get("c")) == (
            10,
            2,
            "1",
            None,
            None,
        )
        with pytest.raises(KeyError):
            rows[0]["d"]


class TestRecords:
    def test_arrays_that_unpack_to_far_more_than_their_file_are_refused(self, tmp_path, monkeypatch):
        file = tmp_path / "a.npz"
        np.savez_compressed(file, a=np.zeros(2**20, np.uint8))
        assert len(read_arrays(file, ("a",), "")[0]) == 2**20
        monkeypatch.setattr("recycle_data.arrays.ALWAYS", 2**19)
        with pytest.raises(RecycleError, match=r"a\.npz cannot be read: its \d+ bytes would become 1048704"):
            read_arrays(file, ("a",), "")

    @pytest.mark.parametrize("shape", [(2**44,), (2**62,), (2**70,), (-1,)])
    def test_a_shape_that_no_memory_holds(self, tmp_path, shape):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as packed, packed.open("a.npy", "w") as stream:
            np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        with pytest.raises(RecycleError, match=r"a\.npz cannot be read"):
            read_arrays(tmp_path / "a.npz", ("a",), "")


class TestAnnotationFiles:
    def write(self, folder, entries):
        images = [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}]
        categories = [{"id": 1, "name": "Paper"}]
        file = folder / "annotations.json"
        file.write_text(json.dumps({"images": images, "annotations": [], "categories": categories, "more": entries}))
        return file

    @pytest.mark.parametrize("entry", [[], {}, 0.5, "a" * 64])
    def test_values_that_would_fill_the_memory_are_not_parsed(self, tmp_path, monkeypatch, entry):
        monkeypatch.setattr("recycle_coco.large.MAX_VALUES_BYTES", 2**17)
        monkeypatch.setattr("recycle_coco.large._half_of_memory", lambda: 0)
        assert read_document(self.write(tmp_path, [entry] * 50)).content["images"]
        file = self.write(tmp_path, [entry] * 5000)
        with pytest.raises(RecycleError, match=r"annotations\.json") as error:
            read_document(file)
        monkeypatch.setenv("RECYCLE_MAX_JSON", str(2**24))
        assert read_document(file).content["images"], error

    @pytest.mark.parametrize(
        ("half", "entry", "reads"), [(2**30, 640.25, True), (2**30, [], False), (2**18, 640.25, False)]
    )
    def test_a_large_file_may_take_some_times_its_size(self, tmp_path, monkeypatch, half, entry, reads):
        """As train2017 of COCO does; a small one whose values take far more than its text does not become large."""
        monkeypatch.setattr("recycle_coco.large.MAX_VALUES_BYTES", 2**17)
        monkeypatch.setattr("recycle_coco.large._half_of_memory", lambda: half)
        file = self.write(tmp_path, [entry] * 20_000)
        if reads:
            assert read_document(file).content["images"]
        else:
            with pytest.raises(RecycleError, match="MiB of memory to be read"):
                read_document(file)

    def test_the_remedy_works(self, tmp_path, monkeypatch):
        monkeypatch.setattr("recycle_coco.large.MAX_VALUES_BYTES", 2**17)
        monkeypatch.setattr("recycle_coco.large._half_of_memory", lambda: 0)
        file = self.write(tmp_path, [[]] * 5000)
        with pytest.raises(RecycleError, match="MiB of memory to be read") as error:
            read_document(file)
        name, _, value = error.value.remedy.partition("export ")[2].partition("=")
        monkeypatch.setenv(name, value)
        assert read_document(file).content["images"]

    @pytest.mark.parametrize("encoding", ["undefined", "idna", "punycode", "unicode_escape", "zlib", "none"])
    def test_xml_in_an_encoding_that_no_file_has(self, tmp_path, encoding):
        """Decoding `punycode` takes the square of its length."""
        file = tmp_path / "a.xml"
        file.write_text(f'<?xml version="1.0" encoding="{encoding}"?><a b="\\u00e4é"/>')
        seen = {}
        parse_xml(file, lambda _, attributes: seen.update(attributes))
        assert seen == {"b": "\\u00e4é"}

    @pytest.mark.parametrize("body", ['<b x="1"/>', "<b>1</b>", '<b c="1,2;3,4;5,6;7,8"/>'])
    def test_so_is_xml(self, tmp_path, monkeypatch, body):
        monkeypatch.setattr("recycle_coco.large.MAX_VALUES_BYTES", 2**17)
        monkeypatch.setattr("recycle_coco.large._half_of_memory", lambda: 0)
        file = tmp_path / "a.xml"
        file.write_text(f"<a>{body * 50}</a>")
        seen = []
        parse_xml(file, lambda names, _: seen.append(names))
        file.write_text(f"<a>{body * 1500}</a>")
        with pytest.raises(RecycleError, match="MiB of memory to be read") as error:
            parse_xml(file, lambda names, _: seen.append(names))
        assert len(seen) == 51
        name, _, value = error.value.remedy.partition("export ")[2].partition("=")
        monkeypatch.setenv(name, value)
        parse_xml(file, lambda names, _: seen.append(names))
        assert len(seen) == 51 + 1501
