"""What the numbers of masks mean: two values, numbers without names, masks that were resized or saved as JPEG."""

import shlex
from collections import Counter

import numpy as np
import pytest
from mask_scene import HEIGHT, TRUTH, WIDTH, drawn, every_mask_is, imported, mask, photo, refused, text, tree_of
from PIL import Image
from recycle_datasets.meanings import MaskMeanings, labels_of
from recycle_datasets.survey import survey
from recycle_engine import api

from recyclecli.types import RecycleError

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
