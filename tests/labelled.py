"""What tests of labelling tools' exports share: photos, and the truth of outlines without the readers' code."""

import shutil

import numpy as np
from PIL import Image
from recycle_coco import Tree
from recycle_engine import api


def photo(file, height=24, width=32, orientation=None):
    """Write a photo of `height` x `width` as it is stored."""
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(np.full((height, width, 3), 127, np.uint8)).save(file, exif=exif)
    return file


def inside(points, height=24, width=32):
    """The pixels (H, W) whose centres lie in a polygon, even-odd."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    found = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
        if y0 != y1:
            found ^= ((y0 <= y) != (y1 <= y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return found


def box(left, top, right, bottom):
    """The corners of a rectangle."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def painted(*shapes, height=24, width=32):
    """Label and corners of each shape, the last on top, as a mask."""
    mask = np.zeros((height, width), np.uint8)
    for label, points in shapes:
        mask[inside(points, height, width)] = label
    return mask


def masks(source):
    """The masks of a source by the names of its photos, each read together with its photo."""
    samples = {source.record(index).file_name: source.read(index) for index in range(len(source))}
    assert all(sample.image.shape[:2] == sample.mask.shape for sample in samples.values())
    return {name: sample.mask for name, sample in samples.items()}


def imported(src, out, **options):
    """What `recycle data import` says of an export, and the masks that it wrote, by file."""
    shutil.rmtree(out, ignore_errors=True)  # beside the folder of an earlier test of the same name
    done = api.import_data(src, out, options=options)
    return done, {file.name: masks(api.open_data(out, file.name)) for file in done.files}


def imported_masks(src, out, **more):
    """What `recycle data import` says of an export, and the masks that it wrote, of all files together."""
    done = api.import_data(src, out, **more)
    written = {}
    for file in done.files:
        written |= masks(api.open_data(out, str(file)))
    return done, written


def layouts(recognise, root):
    """What a recogniser yields for a folder."""
    return list(recognise(Tree(root)))


GARBAGE = {
    "list.json": b"[1, 2, [3]]",
    "coco.json": b'{"images": [], "annotations": [], "categories": []}',
    "null.json": b"null",
    "empty.json": b"",
    "cut.json": b'{"a": [1, {"b": "',
    "utf16.json": '{"shapes": 1}'.encode("utf-16"),
    "binary.json": bytes(range(256)),
    "deep.json": b"[" * 5000,
    "strange.json": b'{"shapes": "no", "data": 3, "regions": {}, "result": [], "task": 1}',
    "empty.xml": b"",
    "voc.xml": b"<annotation><object><name>a</name></object></annotation>",
    "cut.xml": b"<?xml version='1.0'?><annotations",
    "binary.xml": bytes(range(256)),
    "empty.csv": b"",
    "other.csv": b"a,b\n1,2\n",
    "7": b"\xff\xfe",
}
"""Files of other tools and of none, as they lie beside labels."""


def garbage(root):
    """Write `GARBAGE` into a folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name, data in GARBAGE.items():
        (root / name).write_bytes(data)
    return root
