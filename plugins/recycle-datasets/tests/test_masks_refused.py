"""Masks that cannot be used, each refused or left out with its cause."""

import shutil

from mask_scene import TRUTH, cvat, drawn, every_mask_is, imported, layouts, mask, photo, refused, text, tree_of, voc
from PIL import Image


def test_masks_without_photos(tmp_path):
    refused(cvat(tmp_path / "cvat", photos=None), tmp_path / "out", r"holds 3 masks, as .* and no photo of theirs")
    voc(tmp_path / "voc")
    shutil.rmtree(tmp_path / "voc/JPEGImages")
    refused(tmp_path / "voc", tmp_path / "out", r"holds 4 masks, as 'SegmentationClass/a.png', and no photo of theirs")


def test_all_masks_that_cannot_be_used_are_named(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "abcdef")
    mask(root / "masks/a.png", TRUTH[:-1])
    (root / "masks/b.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    Image.fromarray(TRUTH).save(root / "masks/c.png", "JPEG")
    (root / "masks/d.png").write_bytes((root / "masks/e.png").read_bytes()[:60])
    (root / "masks/e.png").unlink()
    shutil.copy(root / "masks/f.png", tmp_path / "away.png")
    (root / "masks/e.png").symlink_to(tmp_path / "away.png")
    said = str(refused(root, tmp_path / "out", "outside of the folder"))
    assert "masks/e.png is a link to" in said
    (root / "masks/e.png").unlink()
    said = str(refused(root, tmp_path / "out", "4 labels cannot be used"))
    for words in ("40x24 pixels, and its mask", "40x23", "a pointer of Git LFS", "is a JPEG", "cannot be read"):
        assert words in said


def test_links_that_lead_nowhere(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    for stem in "ab":
        (root / f"masks/{stem}.png").unlink()
        (root / f"masks/{stem}.png").symlink_to(f"../../gone/{stem}.png")
    refused(root, tmp_path / "out", "2 masks only linked, to files that are missing: .*a.png")


def test_masks_that_are_jpegs(tmp_path):
    for stem in "ab":
        photo(tmp_path / f"src/images/{stem}.jpg")
        photo(tmp_path / f"src/masks/{stem}.jpg")
    refused(tmp_path / "src", tmp_path / "out", "is a JPEG, which changes the values")


def test_masks_that_are_gifs(tmp_path):
    for stem in "ab":
        photo(tmp_path / f"src/imgs/{stem}.jpg")
        mask(tmp_path / f"src/masks/{stem}_mask.gif")
    _, masks, _ = imported(tmp_path / "src", tmp_path / "out")
    every_mask_is(masks)


def test_lines_of_colours_that_are_no_order(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=drawn(1, 1))
    text(root / "class_dict.csv", "name,r,g,b\nroad,255,255,255\nbackground,0,0,0\n")
    error = refused(root, tmp_path / "out", "'background' is not the first")
    assert "classes=[background, road]" in error.remedy
    done, masks, _ = imported(root, tmp_path / "out", classes=["background", "road"])
    assert done.class_names == ("Background", "road")
    every_mask_is(masks, drawn(1, 1))


def test_masks_without_a_class(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab", values=TRUTH * 0)
    refused(root, tmp_path / "out", "shows a class but the background")


def test_what_is_no_mask_is_not_claimed(tmp_path):
    for folder in ("cats", "dogs", "train/a", "val/b"):
        for stem in ("1", "2"):
            photo(tmp_path / folder / f"{stem}.jpg")
    text(tmp_path / "labels/1.txt", "0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "class_dict.csv").write_bytes(b"\xff\xfe\x00\x01" * 99)
    text(tmp_path / "classes.json", '{"classes": [[], 3, {"title": {}}]}')
    text(tmp_path / "labelmap.txt", "background:0,0\n")
    text(tmp_path / "colors.json", "[" * 9999)
    assert not layouts(tmp_path)
    assert not layouts(tmp_path / "nothing")


def test_garbage_beside_masks_is_passed_over(tmp_path):
    root = tree_of(tmp_path / "src", "images", "masks", "ab")
    (root / "classes.csv").write_bytes(b"\x00\xff" * 50)
    text(root / "labels.json", '{"a": ')
    text(root / "label_map.json", '{"classes": {"x": [1]}}')
    text(root / "masks/.ipynb_checkpoints/a.png", "no")
    text(root / "train.txt", "\x00\n")
    _, masks, _ = imported(root, tmp_path / "out")
    every_mask_is(masks)
