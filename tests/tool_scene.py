"""What tests of tools' exports share: two photos of three classes, their truth by slicing, and how it is written."""

import base64
import io
import json

import numpy as np
from labelled import box, photo
from PIL import Image

NEWER = (
    "ango",
    "detectron2",
    "diffgram",
    "eiseg",
    "hugging-face",
    "playment",
)  # components that test_newer_tools.py tries
HEIGHT, WIDTH = 24, 32
NAMES = ("paper", "metal", "glass")  # of tools that keep an order; no object is of glass
SCENE = {
    "a": (("paper", (2, 2, 20, 20)), ("metal", (8, 8, 14, 14))),  # the smaller on top
    "b": (("metal", (4, 4, 28, 20)), ("paper", (20, 10, 24, 16))),
}
COLORS = {"paper": (128, 0, 0), "metal": (0, 128, 0), "glass": (0, 0, 128)}


def drawn(area):
    """The pixels (H, W) of a rectangle."""
    left, top, right, bottom = area
    found = np.zeros((HEIGHT, WIDTH), bool)
    found[top:bottom, left:right] = True
    return found


def truth(names):
    """The masks of the scene, the later object over the earlier."""
    found = {}
    for key, objects in SCENE.items():
        found[key] = np.zeros((HEIGHT, WIDTH), np.uint8)
        for name, area in objects:
            found[key][drawn(area)] = names.index(name) + 1
    return found


def photos(folder, suffix="jpg", end=""):
    for key in SCENE:
        photo(folder / f"{key}{end}.{suffix}", HEIGHT, WIDTH)


def write(file, content, encoding="utf-8"):
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    file.write_bytes(text.encode(encoding))


def picture(file, values):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(file)


def flat(area):
    return [float(value) for point in box(*area) for value in point]


def points(area, across=1, down=1):
    return [{"x": x / across, "y": y / down} for x, y in box(*area)]


def shares(area):
    return [value / (HEIGHT if place % 2 else WIDTH) for place, value in enumerate(flat(area))]


def png(mask):
    out = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def colored(key, names=NAMES):
    values = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for name, area in SCENE[key]:
        values[drawn(area)] = COLORS[name]
    return values


def runs(mask):
    """Kaggle's runs: first pixel from 1 on and length, down the columns."""
    line = np.concatenate([[0], mask.T.ravel().astype(np.int8), [0]])
    begins, ends = (np.flatnonzero(np.diff(line) == step) for step in (1, -1))
    return " ".join(f"{begin + 1} {end - begin}" for begin, end in zip(begins, ends, strict=True))


def by_photo(found):
    """Masks as lists, by the photo's key."""
    bases = {name: name.removesuffix("_json/img.png").rpartition("/")[2].partition(".")[0] for name in found}
    return {bases[name].removesuffix("_leftImg8bit"): mask.tolist() for name, mask in found.items()}


def expected(names):
    """What `by_photo` is to be."""
    if names == ("object",):  # all are of one class
        return {key: (mask > 0).astype(int).tolist() for key, mask in truth(NAMES).items()}
    return {key: mask.tolist() for key, mask in truth(NAMES if names[0] == "class-1" else names).items()}
