"""What tests of masks share: photos, masks of numbers and colours, and the trees that tools make of them."""

import numpy as np
import pytest
from PIL import Image
from recycle_coco import Tree
from recycle_datasets.recognise.masks import recognise
from recycle_engine import api

from recyclecli.types import RecycleError

HEIGHT, WIDTH = 24, 40


COLORS = {"background": (0, 0, 0), "Paper": (51, 221, 255), "Metal": (250, 50, 83)}


CSV = "name,r,g,b\n" + "".join(f"{name},{r},{g},{b}\n" for name, (r, g, b) in COLORS.items())


LABELMAP = "# label:color_rgb:parts:actions\n" + "".join(f"{n}:{r},{g},{b}::\n" for n, (r, g, b) in COLORS.items())


def drawn(one=1, other=2, ground=0):
    """Numbers of a photo: `one` in an upper part with a hole, `other` in a lower."""
    values = np.full((HEIGHT, WIDTH), ground, np.uint8)
    values[2:10, 3:20] = one
    values[5:7, 8:12] = ground
    values[14:22, 10:35] = other
    return values


TRUTH = drawn()


def photo(file, height=HEIGHT, width=WIDTH, orientation=None, seed=0):
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *file.name.encode()]).integers(0, 256, (height, width, 3), np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, exif=exif)


def mask(file, values=TRUTH, colors=None, palette=None, mode=None):
    """A mask of numbers, of a palette, or of colours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(values, np.uint8))
    if colors is not None:
        image = Image.fromarray(np.asarray(colors, np.uint8)[values])
    if palette is not None:
        image.putpalette([part for color in palette for part in color])
    (image.convert(mode) if mode else image).save(file)


def text(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")


def imported(src, out, layout=None, **options):
    """What `data import` wrote: class names, {photo: mask} and {photo: split}."""
    done = api.import_data(src, out, layout, options)
    masks, splits = {}, {}
    for file in done.files:
        source = api.open_data(out, file)
        for index in range(len(source)):
            name = source.record(index).file_name
            masks[name], splits[name] = source.read(index).mask, file.stem
    return done, masks, splits


def every_mask_is(masks, truth=TRUTH):
    assert masks
    for name, found in masks.items():
        assert np.array_equal(found, truth), name


def layouts(root):
    return {one.name: one for one in recognise(Tree(root))}


def cvat(root, stems=("a", "b c", "사진"), photos="JPEGImages", lists=("default",)):
    text(root / "labelmap.txt", LABELMAP)
    for stem in stems:
        if photos is not None:
            photo(root / photos / f"{stem}.jpg")
        mask(root / f"SegmentationClass/{stem}.png", colors=[*COLORS.values()])
        mask(root / f"SegmentationObject/{stem}.png", colors=[(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    for name in lists:
        quoted = [f'"{stem}"' if " " in stem else stem for stem in stems]
        text(root / f"ImageSets/Segmentation/{name}.txt", "\n".join(quoted) + "\n")
    return root


def voc(root, stems="abcd", palette=True, folder="SegmentationClass", unlabelled="xy"):
    colors = [(0, 0, 0), (128, 0, 0), (0, 128, 0), *[(0, 0, 0)] * 252, (224, 224, 192)]
    values = TRUTH.copy()
    values[2, 3:20] = 255
    for stem in stems + unlabelled:
        photo(root / f"JPEGImages/{stem}.jpg")
    for stem in stems:
        mask(root / f"{folder}/{stem}.png", values, palette=colors if palette else None)
    return values


def tree_of(root, photos, masks, splits=("training", "validation"), stem="{split}", **options):
    for split in splits:
        name = stem.format(split=split)
        photo(root / photos.format(split=split) / f"{name}.jpg")
        mask(root / masks.format(split=split) / f"{name}.png", **options)
    return root


def refused(root, out, match, layout=None, **options):
    with pytest.raises(RecycleError, match=match) as caught:
        imported(root, out, layout, **options)
    assert not list(out.glob("*.json"))
    return caught.value
