"""Masks for other programs, and masks that came back from them: bits, colours, legends, and what is wrong with one."""

import json

import numpy as np
import pytest
from PIL import Image
from recycle_data.palette import palette
from recycle_engine import api
from recycle_engine.inference.outputs import palette_image, with_legend
from support import coco, write_coco

from recyclecli.errors import RecycleError

COLORS = np.array(palette(["Background", "Paper", "Metal"]), np.uint8)


@pytest.fixture
def judged(tmp_path):
    """A source of three photos, and a folder of masks which say what its labels say."""
    write_coco(tmp_path / "data", coco(3, 64))
    source = api.open_data(tmp_path / "data")
    for index in range(len(source)):
        file = tmp_path / "out/masks" / source.record(index).file_name
        file.parent.mkdir(parents=True, exist_ok=True)
        palette_image(source.read(index).mask, COLORS).save(file.with_suffix(".png"))
    return source, tmp_path / "out"


def change(folder, how):
    for file in folder.rglob("*.png"):
        with Image.open(file) as mask:
            how(np.asarray(mask), file)


@pytest.mark.parametrize("classes", [2, 3, 16, 17, 255])
def test_masks_have_eight_bits_whatever_the_number_of_classes(tmp_path, classes):
    labels = np.arange(300, dtype=np.uint16).reshape(15, 20) % classes
    palette_image(labels.astype(np.uint8), COLORS[:1].repeat(classes, 0)).save(tmp_path / "m.png")
    data = (tmp_path / "m.png").read_bytes()
    assert (data[24], data[25]) == (8, 3), "bits of each pixel, and a palette"
    assert np.array_equal(np.asarray(Image.open(tmp_path / "m.png")), labels)


@pytest.mark.parametrize("told", ["names and colours", "names", "nothing"])
def test_masks_are_scored_with_and_without_a_table(judged, told, logged):
    source, folder = judged
    names = source.class_names
    entries = [{"label": k, "name": name, "color": COLORS[k].tolist()} for k, name in enumerate(names)]
    if told != "nothing":
        (folder / "classes.json").write_text(json.dumps(list(names) if told == "names" else entries))
    assert api.evaluate_masks(folder, source).miou_dataset.value == 1
    assert "warning" not in logged()


def test_a_palette_that_a_program_sorted_is_named(judged):
    """What pngquant and oxipng do: the picture is the same, its values are not."""
    source, folder = judged
    order = np.array([2, 0, 1], np.uint8)  # new value of each label

    def sort(labels, file):
        colors = np.empty_like(COLORS)
        colors[order] = COLORS
        palette_image(order[labels], colors).save(file)

    change(folder, sort)
    with pytest.raises(RecycleError, match=r"colours of the classes in another order.*sorted its palette"):
        api.evaluate_masks(folder, source)


def test_palettes_of_ones_own_are_no_fault(judged):
    source, folder = judged
    change(folder, lambda labels, file: palette_image(labels, 255 - COLORS).save(file))
    assert api.evaluate_masks(folder, source).miou_dataset.value == 1


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_masks_saved_as_jpeg_are_named(judged, suffix):
    source, folder = judged

    def save(labels, file):
        file.unlink()
        Image.fromarray(labels).save(file.with_suffix(suffix), "JPEG")

    change(folder, save)
    words = "is a JPEG, which changes the values" if suffix == ".png" else "no PNG: another format changes the values"
    with pytest.raises(RecycleError, match=words):
        api.evaluate_masks(folder, source)


def test_smoothed_masks_are_warned_of(judged, logged):
    source, folder = judged

    def smooth(labels, file):
        small = Image.fromarray(labels).resize((32, 32), Image.Resampling.BILINEAR)
        Image.fromarray(np.asarray(small)).resize((64, 64), Image.Resampling.BILINEAR).save(file)

    change(folder, smooth)
    api.evaluate_masks(folder, source)
    said = logged()
    assert "smoothed, it seems" in said
    assert "by the nearest pixel" in said


def test_a_legend_lies_below_the_picture_and_leaves_it_as_it_is():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 200, 3), np.uint8))
    made = with_legend(photo, {"Paper": COLORS[1], "Metal": COLORS[2]})
    assert np.array_equal(np.asarray(made.crop((0, 0, 200, 40))), np.asarray(photo))
    band = np.asarray(made)[40:].reshape(-1, 3)
    for color in COLORS[1:]:
        assert (band == color).all(1).sum() > 50
    narrow = with_legend(photo.crop((0, 0, 8, 40)), {"x" * 99: COLORS[1]})
    assert 8 < narrow.width < 500
    assert with_legend(photo, {}) is photo
