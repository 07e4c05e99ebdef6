"""What a stranger wrote into the export of a labelling tool: refused with a cause, in bounded memory."""

import base64
import json
import struct
import zlib

import pytest
from attacking import GIB, attack
from PIL import Image

SIDE = 4000
WIDE = 10_000  # of a photo that is 12x8 pixels


def png(mode, row, other):
    """A PNG of SIDE x SIDE pixels of 8 bits in two rows by turns, as base64."""
    rows = zlib.compressobj(9)
    body = b"".join([*(rows.compress(b"\0" + (other if y % 2 else row)) for y in range(SIDE)), rows.flush()])
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, mode, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(one)) + kind + one + struct.pack(">I", zlib.crc32(kind + one)) for kind, one in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def noise():
    return png(0, b"\xff\0" * (SIDE // 2), b"\0\xff" * (SIDE // 2))


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def labelme(folder, shapes, side=8, name="a.png"):
    write(folder / "a.json", {"version": "5.0", "flags": {}, "shapes": shapes, "imagePath": name, "imageData": None,
                              "imageHeight": side, "imageWidth": side if side != 8 else 12})  # fmt: skip


def supervisely(folder, height, width, data="", **more):
    write(folder / "meta.json", {"classes": [{"title": "x", "shape": "bitmap", "id": 1}], "tags": []})
    one = {"classTitle": "x", "geometryType": "bitmap", "bitmap": {"data": data, "origin": [0, 0]}, **more}
    write(folder / "ann/a.png.json", {"description": "", "size": {"height": height, "width": width}, "objects": [one]})


def darwin(folder, runs, side):
    slot = {"type": "image", "slot_name": "0", "width": side, "height": side, "source_files": [{"file_name": "a.png"}]}
    layer = {"dense_rle": runs, "mask_annotation_ids_mapping": {"m": 1}}
    own = [{"id": "m", "name": "x", "mask": {}}, {"id": "r", "name": "__raster_layer__", "raster_layer": layer}]
    write(
        folder / "a.json",
        {"version": "2.0", "item": {"name": "a.png", "path": "/", "slots": [slot]}, "annotations": own},
    )


def label_studio(folder, side, value, labels):
    region = {
        "id": "a",
        "type": labels,
        "original_width": side,
        "original_height": side,
        "value": {**value, labels: ["x"]},
    }
    write(folder / "x.json", [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"id": 1, "result": [region]}]}])


def brush(values):
    """A stream of Label Studio's brush: so many values of 255."""
    bits = f"{values:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    while values > 0:
        run = min(values, 65536)
        values -= run
        bits += f"111{run - 1:016b}" + "1" * 8
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    return [*int(bits, 2).to_bytes(len(bits) // 8, "big")]


def cvat(folder, inner, side=0, labels=("x",)):
    names = "".join(f"<label><name>{name}</name></label>" for name in labels)
    size = f'width="{side or 12}" height="{side or 8}"'
    meta = f"<meta><task><labels>{names}</labels></task></meta>"
    write(folder / "annotations.xml", f"<annotations><version>1.1</version>{meta}"
          f'<image id="0" name="a.png" {size}>{inner}</image></annotations>')  # fmt: skip


def datumaro(folder, size):
    own = {"id": 1, "type": "polygon", "label_id": 0, "z_order": 0, "points": [1, 1, 5, 1, 5, 5]}
    item = {"id": "a", "annotations": [own], "image": {"path": "a.png", "size": ["H", "W"]}}
    content = {"info": {}, "categories": {"label": {"labels": [{"name": "x"}]}}, "items": [item]}
    write(folder / "annotations/default.json", json.dumps(content).replace('["H", "W"]', size))


def coco(folder, categories=1, outline=(1, 1, 5, 1, 5, 5), side=0, copies=1):
    image = {"id": 1, "file_name": "a.png", "width": side or 12, "height": side or 8}
    own = [{"id": n, "image_id": 1, "category_id": 0, "segmentation": [outline]} for n in range(copies)]
    named = [{"id": number, "name": f"c{number}"} for number in range(categories)]
    write(folder / "labels.json", {"images": [image], "annotations": own, "categories": named})


def labelbox(folder, labels):
    data = {"id": "r", "external_id": "a.png", "row_data": "http://x/a.png"}
    write(folder / "export.ndjson", {"data_row": data, "projects": {"p": {"name": "p", "labels": labels}}})


def yolo(folder, text, names=""):
    write(folder / "a.txt", text)
    write(folder / "data.yaml", f"train: .\nval: .\n{names}")


FRO = [[(-1) ** number * 900_000, number] for number in range(40)]
MASK = {"label": "x", "points": [[0, 0], [SIDE, SIDE]], "shape_type": "mask"}
CLASS = {"label": "x", "points": [[0, 0], [5, 0], [5, 5]], "shape_type": "polygon"}
RECTANGLE = f'<mask label="x" rle="0, {WIDE**2}" left="0" top="0" width="{WIDE}" height="{WIDE}" z_order="0"/>'
EXPORTS = {
    "labelme, a mask of noise": (lambda at: labelme(at, [{**MASK, "mask": noise()}], SIDE), "12x8 pixels"),
    "labelme, an outline to and fro": (lambda at: labelme(at, [{**CLASS, "points": FRO}]), "pixels long"),
    "labelme, a name that no file has": (lambda at: labelme(at, [CLASS], name="a" * 999), ""),
    "labelme, half a character": (lambda at: labelme(at, [{**CLASS, "label": "\ud800"}]), "half a character"),
    "supervisely, a mask of noise": (lambda at: supervisely(at, SIDE, SIDE, noise()), "12x8 pixels"),
    "supervisely, a side of infinity": (lambda at: supervisely(at, float("inf"), 12, ""), "its size is no pair"),
    "supervisely, a negative side": (lambda at: supervisely(at, -1, 12, ""), "its size is no pair"),
    "supervisely, a side of 2^63": (lambda at: supervisely(at, 2**63, 12, ""), "its size is no pair"),
    "supervisely, a class id that is a list": (
        lambda at: supervisely(at, 8, 12, "", classTitle=None, classId=[1]),
        "class",
    ),
    "darwin, runs of a large photo": (lambda at: darwin(at, [0, WIDE**2 - 1, 1, 1], WIDE), "12x8 pixels"),
    "darwin, runs of a larger one": (lambda at: darwin(at, [1, 60_000**2], 60_000), "at most"),
    "label studio, a brush": (
        lambda at: label_studio(at, WIDE, {"rle": brush(4 * WIDE**2)}, "brushlabels"),
        "12x8 pixels",
    ),
    "cvat, a mask": (lambda at: cvat(at, RECTANGLE * 9, WIDE), "12x8 pixels"),
    "cvat, 100,000 labels": (
        lambda at: cvat(at, '<polygon label="1" points="1,1;5,1;5,5"/>', labels=range(100_000)),
        "classes",
    ),
    "cvat, runs that wrap around": (
        lambda at: cvat(at, RECTANGLE.replace(f"0, {WIDE**2}", ",".join([str(2**62)] * 4))),
        "its runs cover",
    ),
    "darwin, runs that wrap around": (
        lambda at: darwin(at, [1, 2**62, 0, 2**62, 1, 2**62, 0, 2**62 + 96], 12),
        "its runs cannot be used",
    ),
    "datumaro, a side of infinity": (lambda at: datumaro(at, "[1e400, 12]"), None),
    "datumaro, a side of 2^70": (lambda at: datumaro(at, f"[{2**70}, 12]"), None),
    "coco, 100,000 categories": (lambda at: coco(at, 100_000), "at most 255"),
    "coco, an outline to and fro": (
        lambda at: coco(at, outline=[v for x, y in FRO for v in (x / 9000 % 99, y)] * 9000),
        "pixels long",
    ),
    "labelbox, labels that are a number": (lambda at: labelbox(at, 1.5), "but photos that nobody"),
    "labelbox, objects that are a number": (
        lambda at: labelbox(at, [{"annotations": {"objects": 1.5}}]),
        "no object in its 1 photo",
    ),
    "labelme, a folder with half a character": (lambda at: labelme(at, [CLASS], name="\ud800/b.png"), ""),
    "yolo, a name of infinity": (lambda at: yolo(at, "0 0 0 1 0 1 1\n", "names: {1e400: a}\n"), "keys of `names`"),
    "yolo, class 10^9": (lambda at: yolo(at, "1000000000 0 0 1 0 1 1\n"), "classes"),
}  # fmt: skip


AGAIN = pytest.param("supervisely, a mask of noise", marks=pytest.mark.slow("as labelme's"))


@pytest.mark.parametrize("name", [AGAIN if name in AGAIN.values else name for name in EXPORTS])
def test_exports(tmp_path, name):
    """The photo has 12x8 pixels, and what says otherwise is found before anything of that size is painted."""
    make, says = EXPORTS[name]
    folder = tmp_path / "export"
    place = folder / ("img" if "supervisely" in name else "images/default" if "datumaro" in name else "")
    place.mkdir(exist_ok=True, parents=True)
    Image.new("RGB", (12, 8)).save(place / "a.png")
    make(folder)
    codes = {0} if says is None else {0, 2} if not says else {2}
    text = attack("data", "import", folder, tmp_path / "out", cwd=tmp_path, codes=codes, memory=GIB)
    assert (says or "") in text
