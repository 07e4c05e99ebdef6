"""What tests of labelling tools' exports share: photos, text masks, and truth by slicing, none of it with our code."""

import base64
import io
import json
import zlib

import numpy as np
from PIL import Image
from recycle_coco import Tree

WIDTH, HEIGHT = 12, 8


def photo(file, width=WIDTH, height=HEIGHT, orientation=None):
    """Write a photo whose pixels, as stored, are `width` x `height`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(file, exif=exif)


def write(file, content):
    """Write JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def box(left, top, right, bottom):
    """The corners of a rectangle as pairs."""
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def points(left, top, right, bottom):
    """The corners of a rectangle as objects."""
    return [{"x": x, "y": y} for x, y in box(left, top, right, bottom)]


def painted(*areas, width=WIDTH, height=HEIGHT):
    """A mask of rectangles, each (label, left, top, right, bottom), later over earlier."""
    mask = np.zeros((height, width), np.uint8)
    for label, left, top, right, bottom in areas:
        mask[top:bottom, left:right] = label
    return mask


def png(mask, mode="L", compress=True):
    """A mask as base64 of a PNG, as tools write it: `L`, `1`, `RGBA`, or `P` with a transparent first colour."""
    values = np.asarray(mask, bool)
    out = io.BytesIO()
    if mode == "RGBA":
        pixels = np.full((*values.shape, 4), 255, np.uint8)
        pixels[..., 3] = values * 255
        Image.fromarray(pixels).save(out, "PNG")
    elif mode == "P":
        image = Image.fromarray(values.astype(np.uint8))
        image.putpalette([0, 0, 0, 255, 255, 255])
        image.save(out, "PNG", transparency=0)
    else:
        Image.fromarray(values.astype(np.uint8) * 255).convert(mode).save(out, "PNG")
    data = out.getvalue()
    return base64.b64encode(zlib.compress(data) if compress else data).decode()


def masks_of(source):
    """Name of each photo to its mask."""
    return {source.record(index).file_name: source.read(index).mask for index in range(len(source))}


def recognised(recognise, root):
    """The only layout that is recognised."""
    (layout,) = recognise(Tree(root))
    return layout


GARBAGE = {
    "empty.json": b"",
    "list.json": b"[1, 2, {}]",
    "number.json": b"3",
    "binary.json": bytes(range(256)),
    "cut.json": b'{"size": {"height": 1',
    "deep.json": b"[" * 100_000,
    "utf16.json": '{"size": 1}'.encode("utf-16"),
    "rows.csv": b"a,b\n\xff\xfe,1\n",
    "odd.json": b'{"size": 3, "objects": {}, "items": 4, "categories": [], "annotations": {}, "item": [], "image": 1}',
    "odder.json": b'{"size": {"height": null, "width": []}, "objects": [1, null], "data_row": [], "dataRow": {}}',
    "lines.ndjson": b'{"data_row"\n{}\n\n[]\n',
    "meta.json": b'{"classes": {"a": 1}}',
}
"""Files of other tools, or of none."""


def litter(root):
    """Lay them all there."""
    for name, data in GARBAGE.items():
        (root / "others").mkdir(parents=True, exist_ok=True)
        (root / "others" / name).write_bytes(data)
