"""JPEGs that are damaged where PIL says nothing: each door refuses them with one cause, and sound ones pass."""

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter
from recycle_coco import read_photo
from recycle_coco.jpeg import jpeg_fault
from support import coco, recycle_here, write_coco

from recyclecli.types import RecycleError

KINDS = {
    "plain": {},
    "whole-colours": {"subsampling": 0},
    "own-tables": {"optimize": True},
    "marks": {"restart_marker_blocks": 5},
    "marks-of-rows": {"restart_marker_rows": 1},
    "fine": {"quality": 98},
    "coarse": {"quality": 20},
    "progressive": {"progressive": True},
}


def picture(mode="RGB", size=(328, 232), flat=True):
    """A photo with edges and noise, and maybe a flat part at its end."""
    chance = np.random.default_rng(0)
    pixels = np.kron(chance.integers(0, 256, (29, 41, 3), np.uint8), np.ones((8, 8, 1), np.uint8)).astype(float)
    pixels = np.clip(pixels + chance.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)
    if flat:
        pixels[-40:] = 90
    return Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1)).resize(size).convert(mode)


def saved(image, **how):
    stream = io.BytesIO()
    image.save(stream, "JPEG", **{"quality": 85, **how})
    return stream.getvalue()


def zeroed(data, begin, count):
    return data[:begin] + bytes(count) + data[begin + count :]


def cut(data, share):
    """The first part of a file, and the mark that ends one."""
    return data[: int(share * len(data))] + b"\xff\xd9"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(328, 232), (1, 1), (7, 9), (16, 16), (17, 33), (400, 8)])
def test_sound_files_have_no_fault(kind, mode, size):
    data = saved(picture(mode, size), **KINDS[kind])
    assert jpeg_fault(data) == ""
    assert jpeg_fault(data + bytes(99)) == "", "what follows the picture is none of it"
    assert jpeg_fault(data[:-2] + bytes(3) + data[-2:]) == "", "some cameras leave bytes behind the last pixel"


@pytest.mark.parametrize("color", [0, 90, 255])
@pytest.mark.parametrize("kind", KINDS)
def test_sound_files_of_one_colour_have_no_fault(kind, color):
    assert jpeg_fault(saved(Image.new("RGB", (640, 480), (color,) * 3), **KINDS[kind])) == ""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "progressive"])
def test_a_part_that_is_gone_or_zeros_is_a_fault(kind):
    data = saved(picture(flat=False), **KINDS[kind])
    Image.open(io.BytesIO(cut(data, 0.6))).load()  # PIL says nothing
    assert "missing" in jpeg_fault(cut(data, 0.6)) or "marks" in jpeg_fault(cut(data, 0.6))
    assert jpeg_fault(zeroed(data, len(data) // 2, len(data) // 5))
    if not kind.startswith("marks"):
        assert jpeg_fault(data[: len(data) // 2] + data[len(data) // 2 + len(data) // 10 :])


def test_much_damage_of_a_few_bytes_is_found():
    data, chance, found = saved(picture(flat=False)), np.random.default_rng(1), 0
    for place in chance.integers(len(data) // 3, len(data) - 100, 40).tolist():
        found += bool(jpeg_fault(data[:place] + chance.integers(0, 256, 16, np.uint8).tobytes() + data[place + 16 :]))
    assert found >= 16


def test_progressive_files_lack_no_scan():
    data = saved(picture(), progressive=True)
    scans = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xda"]
    one_scan = data[: scans[1]] + b"\xff\xd9"
    assert jpeg_fault(one_scan) == ""  # coarse, and whole: what a server may send first
    middle = (scans[1] + scans[2]) // 2
    assert "zeros" in jpeg_fault(zeroed(data, middle, 300)) or scans[2] - middle < 300


def test_every_door_names_the_damage(tmp_path):
    write_coco(tmp_path / "data", coco(4, 64))
    file = tmp_path / "data" / coco(4, 64)["images"][1]["file_name"]
    file.write_bytes(cut(saved(picture(size=(64, 64))), 0.6))
    for _ in range(2):
        with pytest.raises(RecycleError, match="its pixels are damaged: the data of its last pixels is missing"):
            read_photo(file, 64, 64)
    found = json.loads(recycle_here("data", "check", "--json", cwd=tmp_path).stdout)
    told = [one["detail"] for one in found if one["code"] == "unreadable-photo"]
    assert len(told) == 1
    assert "its pixels are damaged" in told[0]
