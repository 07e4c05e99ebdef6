"""Clean data sets, and one fault of each kind to plant into them.

Written without a look at the detectors, and sharing no code with them: `test_recall.py` holds one against the other.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as tools

Content = dict[str, Any]
Where = tuple[str, ...]  # a finding must mention one of these
NAMES = ("Paper", "Metal", "Glass", "Plastic", "Carton")
ORIENTATION = 0x0112
PLANTS: dict[str, Callable[[Path, Content, np.random.Generator], Where]] = {}
PHOTO_CODES: set[str] = set()  # need the photos themselves
SPLIT_CODES: set[str] = set()  # are written as train.json and val.json
MASK_CODES: set[str] = set()  # are planted into `clean_masks`
YOLO_CODES: set[str] = set()  # are planted into a YOLO set of the photos


# ---------------------------------------------------------------- clean sets


def clean(root: Path, seed: int, images: int = 8) -> Content:
    """Write a COCO set without a fault, photos and annotations.json; its content."""
    rng = np.random.default_rng([1, seed])
    names = NAMES[: int(rng.integers(3, 5))]
    content: Content = {
        "images": [],
        "annotations": [],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
    }
    (root / "images").mkdir(parents=True, exist_ok=True)
    half = 0
    for number, photo in enumerate(_photos(rng, images)):
        width, height = photo.size
        suffix = pick(rng, ["jpg", "png"])
        image = {
            "id": 101 + number,
            "file_name": f"images/photo-{101 + number}.{suffix}",
            "width": width,
            "height": height,
        }
        photo.save(root / image["file_name"], quality=92)
        content["images"].append(image)
        half = 0 if number == images // 2 else half
        for annotation in _objects(rng, image):
            annotation.update(id=1001 + len(content["annotations"]), category_id=1 + half % len(names))
            content["annotations"].append(annotation)
            half += 1
    save(root, content)
    return content


def clean_masks(root: Path, seed: int, photos: int = 6) -> Content:
    """Write a folder of photos and index masks without a fault; its class names and photo stems."""
    rng = np.random.default_rng([2, seed])
    names = ["Background", *NAMES[: int(rng.integers(2, 5))]]
    (root / "images").mkdir(parents=True, exist_ok=True)
    (root / "masks").mkdir(exist_ok=True)
    (root / "classes.txt").write_text("\n".join(names) + "\n")
    stems = []
    for number, photo in enumerate(_photos(rng, photos)):
        stems.append(f"photo-{101 + number}")
        photo.save(root / "images" / f"{stems[-1]}.jpg", quality=92)
        values = [2 + number % (len(names) - 2), 1 + number % (len(names) - 1), *([255] if number % 2 else [])]
        mask = Image.new("L", photo.size, 0)
        for shape, value in zip(_separate(rng, *photo.size, len(values), 0.0), values, strict=False):
            ImageDraw.Draw(mask).polygon(_pairs(shape), fill=value)
        if rng.random() < 0.5:
            mask = _paletted(mask)
        mask.save(root / "masks" / f"{stems[-1]}.png")
    return {"names": names, "photos": stems}


def pick(rng: np.random.Generator, items: Any) -> Any:
    """One of `items`, at random."""
    return items[int(rng.integers(len(items)))]


def save(root: Path, content: Content, name: str = "annotations.json") -> None:
    """Write COCO content."""
    (root / name).write_text(json.dumps(content))


def _photos(rng: np.random.Generator, count: int) -> list[Image.Image]:
    """Smooth photos that look unlike each other; the first of each half is square, no other is."""
    photos: list[Image.Image] = []
    looks: list[tuple[Any, ...]] = []
    while len(photos) < count:
        width, height = (int(side) for side in rng.integers(64, 161, 2))
        if len(photos) in (0, count // 2):
            height = width
        elif abs(width - height) < 8:
            continue
        coarse = Image.fromarray(rng.integers(15, 225, (5, 5, 3), np.uint8))
        photo = coarse.resize((width, height), Image.Resampling.BICUBIC)
        look = _look(photo)
        if all(_unlike(look, other) for other in looks):
            photos.append(photo)
            looks.append(look)
    return photos


def _look(photo: Image.Image) -> tuple[Any, ...]:
    gray = photo.convert("L")
    thumb = np.asarray(gray.resize((9, 9), Image.Resampling.BOX)).astype(float)
    return thumb, thumb[:, 1:] > thumb[:, :-1], thumb[1:] > thumb[:-1], thumb > np.median(thumb)


def _unlike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    alike = [float(np.mean(mine == theirs)) for mine, theirs in zip(one[1:], other[1:], strict=True)]
    return max(alike) < 0.68 and abs(np.corrcoef(one[0].ravel(), other[0].ravel())[0, 1]) < 0.5


# ---------------------------------------------------------------- shapes


def _ring(rng: np.random.Generator, x: float, y: float, across: float, down: float) -> list[float]:
    """A convex polygon: points of an ellipse in the order of their angles."""
    count = int(rng.integers(6, 11))
    angles = (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * math.pi / count + rng.uniform(0, 6)
    points = np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], 1)
    return [float(value) for value in points.round(2).ravel()]


def _separate(rng: np.random.Generator, width: int, height: int, count: int, overlap: float) -> list[list[float]]:
    """Up to `count` polygons inside the photo that share at most `overlap` of the smaller one's pixels."""
    shapes: list[list[float]] = []
    drawn: list[Any] = []
    for _ in range(60):
        across, down = rng.uniform(6, max(9, min(width, height) / 5), 2)
        shape = _ring(
            rng, rng.uniform(across + 2, width - across - 2), rng.uniform(down + 2, height - down - 2), across, down
        )
        pixels = _draw([shape], width, height)
        common = [(pixels & other).sum() / min(pixels.sum(), other.sum()) for other in drawn]
        if len(shapes) < count and max(common, default=0) <= overlap:
            shapes.append(shape)
            drawn.append(pixels)
    return shapes


def _pairs(part: list[float]) -> list[tuple[float, float]]:
    return list(zip(part[::2], part[1::2], strict=True))


def _draw(parts: list[list[float]], width: int, height: int) -> np.ndarray:
    canvas = Image.new("1", (width, height))
    for part in parts:
        ImageDraw.Draw(canvas).polygon(_pairs(part), fill=1)
    return np.array(canvas)


def _shoelace(part: list[float]) -> float:
    points = np.array(part).reshape(-1, 2)
    following = np.roll(points, -1, 0)
    return abs(float((points[:, 0] * following[:, 1] - points[:, 1] * following[:, 0]).sum())) / 2


def _box(parts: list[list[float]]) -> list[float]:
    points = np.concatenate([np.array(part).reshape(-1, 2) for part in parts])
    low, high = points.min(0), points.max(0)
    return [round(float(value), 2) for value in (*low, *(high - low))]


def _polygon(image: Content, *parts: list[float]) -> Content:
    return {
        "image_id": image["id"],
        "segmentation": [list(part) for part in parts],
        "area": round(sum(_shoelace(part) for part in parts), 2),
        "bbox": _box(list(parts)),
        "iscrowd": 0,
    }


def _runs(pixels: np.ndarray) -> list[int]:
    """Uncompressed counts: column by column, from a run of zeros."""
    flat = pixels.astype(np.int8).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, flat.size]).tolist()
    return [0, *counts] if flat[0] else counts


def _rle(pixels: np.ndarray, packed: bool) -> Content:
    if packed:
        counts: Any = tools.encode(np.asfortranarray(pixels, np.uint8))["counts"].decode()
    else:
        counts = _runs(pixels)
    return {"size": [int(side) for side in pixels.shape], "counts": counts}


def _drawn(image: Content, pixels: np.ndarray, packed: bool) -> Content:
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    left, top = int(columns[0]), int(rows[0])
    return {
        "image_id": image["id"],
        "segmentation": _rle(pixels, packed),
        "area": int(pixels.sum()),
        "bbox": [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top],
        "iscrowd": 0,
    }


def _objects(rng: np.random.Generator, image: Content) -> list[Content]:
    width, height = image["width"], image["height"]
    shapes: list[list[float]] = []
    while len(shapes) < 2:
        shapes = _separate(rng, width, height, int(rng.integers(2, 5)), 0.3)
    annotations = []
    for shape in shapes:
        form = pick(rng, ["polygon"] * 5 + ["counts", "packed"])
        if form == "polygon":
            annotations.append(_polygon(image, shape))
            continue
        pixels = _draw([shape], width, height)
        if rng.random() < 0.5:  # a hole, which an RLE may have
            x, y = np.array(shape).reshape(-1, 2).mean(0)
            pixels[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2] = False
        annotations.append(_drawn(image, pixels, form == "packed"))
    if len(annotations) == 4 and all(isinstance(each["segmentation"], list) for each in annotations[2:]):
        parts = [each["segmentation"][0] for each in annotations[2:]]
        if not (_draw(parts[:1], width, height) & _draw(parts[1:], width, height)).any():
            annotations[2:] = [_polygon(image, *parts)]  # one object in two parts
    return annotations


# ---------------------------------------------------------------- what plants use


def plant(code: str, *kinds: set[str]) -> Callable[[Any], Any]:
    """Register a plant of `code`, which writes its files itself."""

    def register(function: Any) -> Any:
        PLANTS[code] = function
        for kind in kinds:
            kind.add(code)
        return function

    return register


def plant_label(code: str) -> Callable[[Any], Any]:
    """Register a plant that changes the content only; annotations.json is written afterwards."""

    def register(function: Any) -> Any:
        def planted(root: Path, content: Content, rng: np.random.Generator) -> Where:
            where: Where = function(content, rng)
            save(root, content)
            return where

        PLANTS[code] = planted
        return function

    return register


def plant_split(code: str, *kinds: set[str]) -> Callable[[Any], Any]:
    """Register a plant of two splits; train.json and val.json are written afterwards."""

    def register(function: Any) -> Any:
        def planted(root: Path, content: Content, rng: np.random.Generator) -> Where:
            train, val = halves(content)
            where: Where = function(root, train, val, rng)
            save(root, train, "train.json")
            save(root, val, "val.json")
            return where

        PLANTS[code] = planted
        for kind in (SPLIT_CODES, *kinds):
            kind.add(code)
        return function

    return register


def halves(content: Content) -> tuple[Content, Content]:
    """The content as a training and a validation part, each with all its categories."""
    middle = len(content["images"]) // 2
    parts = []
    for images in (content["images"][:middle], content["images"][middle:]):
        held = {image["id"] for image in images}
        annotations = [each for each in content["annotations"] if each["image_id"] in held]
        parts.append(copy.deepcopy(content | {"images": images, "annotations": annotations}))
    return parts[0], parts[1]


def _image(content: Content, image_id: int) -> Content:
    return next(image for image in content["images"] if image["id"] == image_id)


def _of(image: Content) -> Where:
    return str(image["id"]), Path(image["file_name"]).name


def _one(content: Content, rng: np.random.Generator) -> Content:
    return pick(rng, content["annotations"])


def _outline(content: Content, rng: np.random.Generator) -> Content:
    """An annotation that is one polygon."""
    whole = [
        each
        for each in content["annotations"]
        if isinstance(each["segmentation"], list) and len(each["segmentation"]) == 1
    ]
    return pick(rng, whole)


def _pixels(content: Content, annotation: Content) -> np.ndarray:
    image = _image(content, annotation["image_id"])
    shape = annotation["segmentation"]
    if isinstance(shape, list):
        return _draw(shape, image["width"], image["height"])
    if isinstance(shape["counts"], list):
        shape = tools.frPyObjects(shape, *shape["size"])
    return tools.decode(shape).astype(bool)


def _add(content: Content, rng: np.random.Generator, annotation: Content, at: int | None = None) -> str:
    """Append an annotation under a new id and of some category; the id."""
    new = {"id": max(each["id"] for each in content["annotations"]) + 1}
    category = {"category_id": pick(rng, content["categories"])["id"]}
    content["annotations"].insert(len(content["annotations"]) if at is None else at, new | category | annotation)
    return str(new["id"])


def _square(x: float, y: float, across: float, down: float) -> list[float]:
    return [x, y, x + across, y, x + across, y + down, x, y + down]


def _enter(content: Content, rng: np.random.Generator, name: str, width: int, height: int) -> Content:
    """A new image entry with one object."""
    image = {"id": 900 + len(content["images"]), "file_name": f"images/{name}", "width": width, "height": height}
    content["images"].append(image)
    x, y = int(rng.integers(4, width - 30)), int(rng.integers(4, height - 30))
    _add(content, rng, _polygon(image, _square(x, y, 20, 18)))
    return image


# ---------------------------------------------------------------- the file's lists


@plant_label("duplicate-image-id")
def _(content: Content, rng: np.random.Generator) -> Where:
    first, second = rng.choice(len(content["images"]), 2, replace=False)
    one, other = content["images"][first], content["images"][second]
    if rng.random() < 0.5:
        content["annotations"] = [each for each in content["annotations"] if each["image_id"] != other["id"]]
        other["id"] = one["id"]
    else:
        content["images"].insert(second, one | {"file_name": "images/again.jpg"})
    return (str(one["id"]),)


@plant_label("duplicate-file-name")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = pick(rng, content["images"])
    other = _enter(content, rng, "again.jpg", one["width"], one["height"])
    name = Path(one["file_name"]).name
    other["file_name"] = pick(rng, ["images/", "images/", "./images/", "images/../images/", "images//"]) + name
    return name, str(other["id"])


@plant_label("invalid-image-size")
def _(content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    for key in pick(rng, [["width"], ["height"], ["width", "height"]]):
        image[key] = pick(rng, [0, -1, -image[key]])
    return _of(image)


@plant_label("file-outside-root")
def _(content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    name = Path(image["file_name"]).name
    image["file_name"] = pick(rng, ["../", "/data/", "images/../../", "../../images/"]) + name
    return _of(image)


@plant_label("duplicate-category-id")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = pick(rng, content["categories"])
    content["categories"].insert(int(rng.integers(len(content["categories"]) + 1)), {"id": one["id"], "name": "Foil"})
    return str(one["id"]), one["name"], "Foil"


@plant_label("duplicate-category-name")
def _(content: Content, rng: np.random.Generator) -> Where:
    one, number = pick(rng, content["categories"]), len(content["categories"]) + 1
    content["categories"].append({"id": number, "name": one["name"]})
    _one(content, rng)["category_id"] = number
    return (one["name"],)


def _renumber(content: Content, new: Callable[[int], int]) -> None:
    for category in content["categories"]:
        category["id"] = new(category["id"])
    for annotation in content["annotations"]:
        annotation["category_id"] = new(annotation["category_id"])


@plant_label("shifted-category-ids")
def _(content: Content, rng: np.random.Generator) -> Where:
    offset = pick(rng, [-1, 1, 2, 9, 100])
    _renumber(content, lambda old: old + offset)
    return str(1 + offset), "annotations.json"


@plant_label("sparse-category-ids")
def _(content: Content, rng: np.random.Generator) -> Where:
    after, gap = int(rng.integers(1, len(content["categories"]))), int(rng.integers(1, 50))
    _renumber(content, lambda old: old + gap if old > after else old)
    return str(after + 1), str(after + 1 + gap), "annotations.json"


@plant_label("loose-number")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    key = pick(rng, ["image_id", "category_id", "iscrowd", "area"])
    one[key] = str(one[key]) if key == "area" or rng.random() < 0.5 else float(one[key])
    return (str(one["id"]),)


@plant_label("similar-category-name")
def _(content: Content, rng: np.random.Generator) -> Where:
    one, number = pick(rng, content["categories"]), len(content["categories"]) + 1
    name = pick(rng, ["{} ", "{}_", "{}", "{}\u200b"]).format(one["name"]).swapcase()
    content["categories"].append({"id": number, "name": name})
    _one(content, rng)["category_id"] = number
    return (repr(name),)


@plant_label("void-category")
def _(content: Content, rng: np.random.Generator) -> Where:
    name = pick(rng, ["void", "Unlabelled", "_ignore_", "don't care", "Background (none)"])
    content["categories"].append({"id": len(content["categories"]) + 1, "name": name})
    _one(content, rng)["category_id"] = len(content["categories"])
    return (repr(name),)


@plant_label("untidy-category-name")
def _(content: Content, rng: np.random.Generator) -> Where:
    category = pick(rng, content["categories"])
    category["name"] = pick(rng, [" {}", "{} ", "\t{}", "{}\n"]).format(category["name"])
    return (str(category["id"]),)


@plant_label("project-category")
def _(content: Content, rng: np.random.Generator) -> Where:
    content["categories"].append({"id": 0, "name": "sorting", "supercategory": "none"})
    if rng.random() < 0.5:
        content["categories"][0]["supercategory"] = "sorting"
    else:
        content["info"] = {"url": "https://example.org/team/sorting"}
    return ("sorting",)


@plant_label("only-background")
def _(content: Content, rng: np.random.Generator) -> Where:
    shapes = [None, [], [[3, 3, 9, 9]], [[-9, -9, -2, -9, -2, -2]], [[0.1, 0.1, 0.9, 0.1, 0.9, 0.9]]]
    shape = pick(rng, [*shapes, ()])
    if shape == ():
        content["annotations"].clear()
    for annotation in content["annotations"]:
        annotation["segmentation"] = shape
    return ("annotations", "annotation")


@plant_label("too-many-classes")
def _(content: Content, rng: np.random.Generator) -> Where:
    first = len(content["categories"]) + 1
    last = int(rng.integers(255, 1204))
    content["categories"] += [{"id": identity, "name": f"other {identity}"} for identity in range(first, last + 1)]
    return (f"{last + 1} classes",)


@plant_label("unused-category")
def _(content: Content, rng: np.random.Generator) -> Where:
    if rng.random() < 0.5:
        content["categories"].append({"id": len(content["categories"]) + 1, "name": "Foil"})
        return ("Foil",)
    unused, instead = rng.permutation(len(content["categories"]))[:2] + 1
    _renumber_objects(content, int(unused), int(instead))
    return (content["categories"][unused - 1]["name"],)


def _renumber_objects(content: Content, old: int, new: int) -> None:
    for annotation in content["annotations"]:
        if annotation["category_id"] == old:
            annotation["category_id"] = new


@plant_label("unlabelled-image")
def _(content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    content["annotations"] = [each for each in content["annotations"] if each["image_id"] != image["id"]]
    return _of(image)


# ---------------------------------------------------------------- annotations


@plant_label("duplicate-annotation-id")
def _(content: Content, rng: np.random.Generator) -> Where:
    first, second = rng.choice(len(content["annotations"]), 2, replace=False)
    content["annotations"][first]["id"] = content["annotations"][second]["id"]
    return (str(content["annotations"][second]["id"]),)


@plant_label("unknown-image")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    one["image_id"] = pick(rng, [0, -1, 5000, f"{one['image_id']}.jpg", "photo"])
    return (str(one["id"]),)


@plant_label("unknown-category")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    one["category_id"] = pick(rng, [0, -1, len(content["categories"]) + 1, 99])
    return (str(one["id"]),)


@plant_label("loose-points")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    part = one["segmentation"][0]
    pairs = [list(pair) for pair in _pairs(part)]
    one["segmentation"] = pick(rng, [0, 1, 2, 3])
    one["segmentation"] = [part, pairs, [pairs], [list(map(str, part))]][one["segmentation"]]
    return (str(one["id"]),)


@plant_label("malformed-segmentation")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    image = _image(content, one["image_id"])
    part = one["segmentation"][0]
    place = int(rng.integers(len(part)))
    one["segmentation"] = pick(
        rng,
        [
            *([[*part[:place], bad, *part[place + 1 :]]] for bad in (math.nan, math.inf, -math.inf, "12", None, [3])),
            [part[:-1]],
            [part, part[:place] + part[place + 1 :]],
            "polygon",
            7,
            [{"points": part}],
            {"size": [image["height"], image["width"]]},
            {"points": part},
        ],
    )
    return (str(one["id"]),)


@plant_label("malformed-field")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    if rng.random() < 0.5:
        one["area"] = pick(rng, ["12 px", "large", math.nan, math.inf, -math.inf, [one["area"]], {}, 1e300])
    else:
        one["provenance"] = pick(
            rng, ["photo.jpg", {"file_name": "photo.jpg"}, ["photo.jpg"], [{"annotation_id": 1}], 7]
        )
    return (str(one["id"]),)


def _as_rle(content: Content, rng: np.random.Generator) -> tuple[Content, np.ndarray]:
    """Some annotation, its shape now an RLE; and its pixels."""
    one = _one(content, rng)
    pixels = _pixels(content, one)
    one.update(_drawn(_image(content, one["image_id"]), pixels, bool(rng.random() < 0.5)))
    return one, pixels


@plant_label("rle-size")
def _(content: Content, rng: np.random.Generator) -> Where:
    one, pixels = _as_rle(content, rng)
    packed = isinstance(one["segmentation"]["counts"], str)
    height, width = pixels.shape
    kind = pick(rng, ["turned", "stated", "scaled", "padded"])
    if kind == "turned" and height != width:
        one["segmentation"] = _rle(pixels.T, packed)
    elif kind == "stated":
        one["segmentation"]["size"] = [height + 1, width]
    elif kind == "scaled":
        one["segmentation"] = _rle(np.kron(pixels, np.ones((2, 2), bool)), packed)
    else:
        one["segmentation"] = _rle(np.pad(pixels, ((0, int(rng.integers(1, 9))), (0, 1))), packed)
    return (str(one["id"]),)


@plant_label("rle-counts")
def _(content: Content, rng: np.random.Generator) -> Where:
    one, _pixels_of_it = _as_rle(content, rng)
    rle = one["segmentation"]
    if isinstance(rle["counts"], str):
        cut = int(rng.integers(1, 4))
        rle["counts"] = pick(rng, [rle["counts"][:-cut], rle["counts"][: len(rle["counts"]) // 2]])
    else:
        place = int(rng.integers(len(rle["counts"])))
        rle["counts"][place] += int(rng.integers(1, 9))
        rle["counts"] = pick(rng, [rle["counts"], [*rle["counts"][: place + 1], 1]])
        if sum(rle["counts"]) == math.prod(rle["size"]):
            rle["counts"].append(1)
    return (str(one["id"]),)


@plant_label("empty-segmentation")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    nothing = np.zeros_like(_pixels(content, one))
    one["segmentation"] = pick(rng, [[], None, _rle(nothing, False), _rle(nothing, True)])
    if one["segmentation"] is None and rng.random() < 0.5:
        del one["segmentation"]
    one.update(area=0, bbox=[0, 0, 0, 0])
    return (str(one["id"]),)


@plant_label("degenerate-polygon")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    x, y = (int(value) for value in np.array(one["segmentation"][0]).reshape(-1, 2).mean(0))
    right, down = pick(rng, [(1, 0), (0, 1), (1, 1), (2, -1)])
    points = [(x + right * step, y + down * step) for step in (0, 1, 2, 3)]
    flat = pick(rng, [points[:1], points[:2], points[:3], points, [points[0]] * 3, [points[0], points[2]] * 2])
    one["segmentation"].insert(int(rng.integers(2)), [float(value) for point in flat for value in point])
    return (str(one["id"]),)


@plant_label("self-crossing-polygon")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    image = _image(content, one["image_id"])
    x, y, across, down = one["bbox"]
    points = _pairs(one["segmentation"][0])
    kind = pick(rng, ["bow-tie", "eight", "star", "swapped"])
    if kind == "bow-tie":
        points = [(x, y), (x + across, y + down), (x + across, y), (x, y + down)]
    elif kind == "eight":
        angles = (np.arange(12) + 0.5) * math.pi / 6
        points = [(x + across * (1 + math.sin(a)) / 2, y + down * (1 + math.sin(2 * a)) / 2) for a in angles]
    elif kind == "star":
        points = points[:5][::2] + points[:5][1::2]
    else:
        place = int(rng.integers(len(points) - 1))
        points[place], points[place + 1] = points[place + 1], points[place]
    part = [round(value, 2) for point in points for value in point]
    one.update(_polygon(image, part), area=int(_draw([part], image["width"], image["height"]).sum()))
    return (str(one["id"]),)


@plant_label("outside-image")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    image = _image(content, one["image_id"])
    x, y, across, down = one["bbox"]
    side = pick(rng, ["left", "top", "right", "bottom"])
    beyond = float(rng.uniform(4, min(30, 0.6 * (across if side in ("left", "right") else down))))
    shift = {
        "left": (-x - beyond, 0),
        "top": (0, -y - beyond),
        "right": (image["width"] - x - across + beyond, 0),
        "bottom": (0, image["height"] - y - down + beyond),
    }[side]
    moved = np.array(one["segmentation"][0]).reshape(-1, 2) + shift
    one.update(_polygon(image, moved.round(2).ravel().tolist()))
    return (str(one["id"]),)


@plant_label("filled-hole")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _outline(content, rng)
    points = np.array(one["segmentation"][0]).reshape(-1, 2)
    middle = points.mean(0)
    hole = middle + (points - middle) * rng.uniform(0.3, 0.6)
    if rng.random() < 0.5:
        hole = hole[::-1]
    one["segmentation"].insert(int(rng.integers(2)), hole.round(2).ravel().tolist())
    return (str(one["id"]),)


@plant_label("bbox-mismatch")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    x, y, across, down = one["bbox"]
    off = float(rng.uniform(8, 20)) * pick(rng, [-1, 1])
    boxes = [[x + off, y, across, down], [x, y + off, across, down], [x, y, across + abs(off), down]]
    if min(x, y) >= 8:
        boxes += [[x, y, x + across, y + down]] * 2
    one["bbox"] = pick(rng, boxes)
    return (str(one["id"]),)


@plant_label("misplaced-outlines")
def _(content: Content, rng: np.random.Generator) -> Where:
    swapped = rng.random() < 0.5
    for one in content["annotations"]:
        x, y, across, down = one["bbox"]
        one["bbox"] = [y, x, down, across] if swapped else [x / 3, y / 3, across / 3, down / 3]
    return ("annotations",)


@plant_label("area-mismatch")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    factor = float(rng.uniform(1.6, 4))
    one["area"] = round(one["area"] * pick(rng, [factor, 1 / factor, factor, 1 / factor, 0]), 1)
    return (str(one["id"]),)


@plant_label("iscrowd-misuse")
def _(content: Content, rng: np.random.Generator) -> Where:
    kind = pick(rng, ["polygon", "value", "ignore"])
    if kind == "polygon":
        one = _outline(content, rng)
        one["iscrowd"] = 1
    elif kind == "value":
        one = _one(content, rng)
        one["iscrowd"] = pick(rng, [2, -1, 7])
    else:  # a region to ignore must be a crowd
        one, _pixels_of_it = _as_rle(content, rng)
        content["categories"].append({"id": len(content["categories"]) + 1, "name": "ignore"})
        one["category_id"] = len(content["categories"])
    return (str(one["id"]),)


@plant_label("sliver")
def _(content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    width, height = image["width"], image["height"]
    x, y = int(rng.integers(2, width - 12)), int(rng.integers(2, height - 12))
    if rng.random() < 0.4:
        across, down = rng.uniform(1.6, 2, 2)
        sliver = _polygon(image, [round(float(value), 2) for value in _square(x + 0.25, y + 0.25, across, down)])
    else:
        pixels = np.zeros((height, width), bool)
        across, down = pick(rng, [(1, 1), (9, 1), (1, 8), (2, 4), (3, 3), (2, 1)])
        pixels[y : y + down, x : x + across] = True
        sliver = _drawn(image, pixels, bool(rng.random() < 0.5))
    return (_add(content, rng, sliver),)


@plant_label("duplicate-annotation")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    again = copy.deepcopy({key: value for key, value in one.items() if key != "id"})
    if isinstance(again["segmentation"], list) and rng.random() < 0.4:  # the same outline from another point on
        again["segmentation"] = [part[4:] + part[:4] for part in again["segmentation"]]
    at = int(rng.integers(len(content["annotations"])))
    return _add(content, rng, again, at), str(one["id"])


@plant_label("hidden-object")
def _(content: Content, rng: np.random.Generator) -> Where:
    one = _one(content, rng)
    image = _image(content, one["image_id"])
    x, y, across, down = one["bbox"]
    left, top = max(0.0, x - 1), max(0.0, y - 1)
    across, down = min(image["width"], x + across + 1) - left, min(image["height"], y + down + 1) - top
    strips = next(count for count in range(2, 50) if across * down / count < 0.8 * one["area"])  # several smaller ones
    for number in range(strips):
        strip = _square(left + number * across / strips, top, across / strips, down)
        _add(content, rng, _polygon(image, [round(value, 3) for value in strip]))
    if rng.random() < 0.5:  # whatever is stated
        one["area"] = 1.0
    return (str(one["id"]),)


# ---------------------------------------------------------------- splits


@plant_split("photo-in-two-splits")
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    source, target = (train, val) if rng.random() < 0.5 else (val, train)
    image = copy.deepcopy(pick(rng, source["images"]))
    name = Path(image["file_name"]).name
    entry = _enter(target, rng, "again.jpg", image["width"], image["height"])
    entry["file_name"] = pick(rng, ["images/", "images/", "./images/"]) + name
    return (name,)


@plant_split("pasted-from-validation")
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    one, origin = _one(train, rng), pick(rng, val["images"])
    sources = [{"file_name": origin["file_name"], "annotation_id": 1}]
    if rng.random() < 0.4:
        sources.insert(0, {"file_name": pick(rng, train["images"])["file_name"], "annotation_id": 2})
    one["provenance"] = sources
    return str(one["id"]), Path(_image(train, one["image_id"])["file_name"]).name


@plant_split("class-absent-from-split")
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    absent, instead = rng.permutation(len(train["categories"]))[:2] + 1
    _renumber_objects(train if rng.random() < 0.5 else val, int(absent), int(instead))
    return (train["categories"][absent - 1]["name"],)


# ---------------------------------------------------------------- photos


@plant("missing-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    file = root / image["file_name"]
    if rng.random() < 0.5:
        file.unlink()
    else:
        file.rename(file.with_suffix(".gone"))
    return _of(image)


def _damaged(file: Path, rng: np.random.Generator) -> None:
    """Make an image file unreadable."""
    whole = file.read_bytes()
    cut = whole[: int(len(whole) * rng.uniform(0.2, 0.6))]
    file.write_bytes(pick(rng, [cut, cut, b"", b"<!DOCTYPE html><title>404</title>", rng.bytes(len(whole)), whole[:5]]))


@plant("unreadable-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    _damaged(root / image["file_name"], rng)
    return _of(image)


def _load(file: Path) -> Image.Image:
    with Image.open(file) as image:
        image.load()
        return image.copy()


@plant("photo-size", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    file = root / image["file_name"]
    photo = _load(file)
    width, height = photo.size
    changed = [
        photo.resize((width * 2, height * 2)),
        photo.resize((width // 2, height // 2)),
        photo.crop((0, 0, width, height - 1)),
        photo.crop((1, 0, width, height)),
        photo.rotate(90, expand=True) if width != height else photo.resize((width, height + 9)),
    ]
    pick(rng, changed).save(file)
    return _of(image)


def _turned(root: Path, image: Content, orientation: int) -> Where:
    """Save a photo again with an EXIF rotation, its pixels and its entry as they are."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    _load(root / image["file_name"]).save(root / image["file_name"], exif=exif)
    return _of(image)


@plant("exif-ignored", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    oblong = [image for image in content["images"] if image["width"] != image["height"]]
    return _turned(root, pick(rng, oblong), pick(rng, [6, 8]))


@plant("exif-ambiguous", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    squares = [image for image in content["images"] if image["width"] == image["height"]]
    return _turned(root, pick(rng, squares), pick(rng, [3, 6, 8]))


def _copied(root: Path, image: Content, content: Content, rng: np.random.Generator, near: bool) -> Where:
    """The photo once more under another name and with an entry of `content`."""
    file = root / image["file_name"]
    photo = _load(file)
    width, height = photo.size
    name = f"copy-{int(rng.integers(1000))}{file.suffix}"
    kind = pick(rng, ["brighter", "darker"] if near else ["copied", "recompressed", "resized"])
    if kind == "copied":
        shutil.copyfile(file, root / "images" / name)
    else:
        name = name.replace(".png", ".jpg")
        if kind == "resized":
            photo = photo.resize((round(width * 0.9), round(height * 0.9)), Image.Resampling.BILINEAR)
        elif near:
            photo = photo.point(lambda value: min(255, value + 10) if kind == "brighter" else max(0, value - 10))
        photo.save(root / "images" / name, quality=int(rng.integers(60, 86)))
    _enter(content, rng, name, *photo.size)
    return (name,)


@plant("duplicate-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    where = _copied(root, pick(rng, content["images"]), content, rng, near=False)
    save(root, content)
    return where


@plant("near-duplicate-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    where = _copied(root, pick(rng, content["images"]), content, rng, near=True)
    save(root, content)
    return where


@plant_split("duplicate-across-splits", PHOTO_CODES)
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    source, target = (train, val) if rng.random() < 0.5 else (val, train)
    return _copied(root, pick(rng, source["images"]), target, rng, near=False)


@plant_split("near-duplicate-across-splits", PHOTO_CODES)
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    source, target = (train, val) if rng.random() < 0.5 else (val, train)
    return _copied(root, pick(rng, source["images"]), target, rng, near=True)


@plant_split("crop-across-splits", PHOTO_CODES)
def _(root: Path, train: Content, val: Content, rng: np.random.Generator) -> Where:
    source, target = (train, val) if rng.random() < 0.5 else (val, train)
    coarse = Image.fromarray(rng.integers(15, 225, (12, 16, 3), np.uint8))
    photo = coarse.resize((320, 240), Image.Resampling.BICUBIC)
    share = rng.uniform(0.4, 0.85)
    width, height = round(320 * share), round(240 * share)
    left, top = int(rng.integers(0, 321 - width)), int(rng.integers(0, 241 - height))
    cut = photo.crop((left, top, left + width, top + height))
    grown = rng.uniform(0.8, 1.6)
    names = [f"{kind}-{int(rng.integers(1000))}.jpg" for kind in ("whole", "part")]
    for name, content, made in zip(
        names, (source, target), (photo, cut.resize((round(width * grown), round(height * grown)))), strict=True
    ):
        made.save(root / "images" / name, quality=int(rng.integers(75, 96)))
        _enter(content, rng, name, *made.size)
    return (names[1],)


@plant("twelve-bit-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    name = pick(rng, content["images"])["file_name"]
    deep = np.asarray(_load(root / name).convert("L")).astype(np.uint16) * 16
    Image.fromarray(deep).save(root / name, "PNG")
    save(root, content)
    return (name,)


@plant("several-pictures", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    name = pick(rng, content["images"])["file_name"]
    image = _load(root / name).convert("RGB")
    other = image.transpose(Image.Transpose.ROTATE_180)
    image.save(root / name, pick(rng, ["TIFF", "WEBP", "PNG"]), save_all=True, append_images=[other])
    save(root, content)
    return (name,)


@plant("photo-in-two-folders", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    """The other folder is other/."""
    (root / "other/images").mkdir(parents=True)
    save(root, content)
    where = _copied(root, pick(rng, content["images"]), content, rng, near=False)
    (root / "images" / where[0]).rename(root / "other/images" / where[0])
    save(root / "other", {**content, "images": content["images"][-1:], "annotations": []})
    return where


# ---------------------------------------------------------------- folders of masks


def _paletted(mask: Image.Image) -> Image.Image:
    palette = Image.frombytes("P", mask.size, mask.tobytes())
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    return palette


def _some_mask(root: Path, content: Content, rng: np.random.Generator) -> tuple[Path, np.ndarray, Where]:
    """A mask's file, its indices, and what a finding must mention."""
    stem = pick(rng, content["photos"])
    file = root / "masks" / f"{stem}.png"
    return file, np.array(_load(file)), (stem,)


@plant("missing-mask", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, _values, where = _some_mask(root, content, rng)
    if rng.random() < 0.5:
        file.unlink()
    else:
        file.rename(file.with_name(f"mask-{int(rng.integers(99))}.png"))
    return where


@plant("mask-without-photo", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, _values, where = _some_mask(root, content, rng)
    if rng.random() < 0.5:
        (root / "images" / f"{file.stem}.jpg").unlink()
        return where
    shutil.copyfile(file, file.with_name("lone.png"))
    return ("lone",)


@plant("unreadable-mask", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, _values, where = _some_mask(root, content, rng)
    _damaged(file, rng)
    return where


@plant("mask-jpeg", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    if rng.random() < 0.5:  # JPEG under a PNG's name
        Image.fromarray(values).save(file, format="JPEG")
    else:
        Image.fromarray(values).save(file.with_suffix(pick(rng, [".jpg", ".jpeg"])))
        file.unlink()
    return where


@plant("mask-channels", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    indices = Image.fromarray(values)
    kinds = [_paletted(indices).convert("RGB"), _paletted(indices).convert("RGBA"), indices.convert("RGB")]
    pick(rng, [*kinds, indices.convert("LA")]).save(file)
    return where


@plant("mask-size", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    changed = [
        values[::2, ::2],
        np.kron(values, np.ones((2, 2), np.uint8)),
        values[1:],
        np.pad(values, ((0, 0), (0, 3))),
    ]
    if values.shape[0] != values.shape[1]:
        changed.append(values.T)
    Image.fromarray(np.ascontiguousarray(pick(rng, changed))).save(file)
    return where


@plant("mask-unknown-value", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    side, top, left = (int(rng.integers(low, high)) for low, high in ((1, 13), (4, 40), (4, 40)))
    values[top : top + side, left : left + side] = pick(rng, [len(content["names"]), int(rng.integers(20, 255)), 254])
    mask = Image.fromarray(values)
    (_paletted(mask) if rng.random() < 0.5 else mask).save(file)
    return where


@plant("mask-interpolated", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    mask = Image.fromarray(values)
    small = mask.resize([max(8, int(side * rng.uniform(0.3, 0.7))) for side in mask.size], Image.Resampling.NEAREST)
    small.resize(mask.size, pick(rng, [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])).save(file)
    return where


@plant("unusable-set", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    for place, stem in enumerate(content["photos"]):
        mask = Image.fromarray(np.array(_load(root / "masks" / f"{stem}.png")))
        mask.putpalette([part for value in range(256) for part in (value, (value * 7 + place) % 256, 9)])
        mask.save(root / "masks" / f"{stem}.png")
    return ("palettes",)


@plant("mask-255-as-class", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    (root / "classes.txt").write_text("Background\nWaste\n")
    for stem in content["photos"]:
        file = root / "masks" / f"{stem}.png"
        Image.fromarray(np.where(np.array(_load(file)) > 0, 255, 0).astype(np.uint8)).save(file)
    return (*content["photos"], "255")


# ---------------------------------------------------------------- names, sizes and kinds of photos and labels


def _renamed(root: Path, content: Content, rng: np.random.Generator) -> tuple[Path, Where]:
    """The file of a photo that the content names in a folder that is not there, and what a finding must mention."""
    image = pick(rng, content["images"])
    file = root / image["file_name"]
    image["file_name"] = f"elsewhere/{file.name}"
    save(root, content)
    return file, _of(image)


@plant("photo-found-by-name", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    return _renamed(root, content, rng)[1]


@plant("ambiguous-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, where = _renamed(root, content, rng)
    (root / "more").mkdir()
    shutil.copyfile(file, root / "more" / file.name)
    return where


@plant_label("photo-too-large")
def _(content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    image |= {"width": int(rng.integers(20_000, 60_000)), "height": int(rng.integers(10_000, 60_000))}
    return _of(image)


@plant_label("crowds")
def _(content: Content, rng: np.random.Generator) -> Where:
    count = int(rng.integers(1, len(content["annotations"])))
    for annotation in content["annotations"][:count]:
        annotation["iscrowd"] = 1
    return (f"{count} of {len(content['annotations'])}",)


@plant("malformed-label", YOLO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    names = [category["name"] for category in content["categories"]]
    (root / "data.yaml").write_text(json.dumps({"names": names}))
    (root / "labels").mkdir()
    files = [root / "labels" / Path(image["file_name"]).with_suffix(".txt").name for image in content["images"]]
    for file in files:
        file.write_text("0 0.1 0.1 0.5 0.1 0.5 0.5\n" * int(rng.integers(1, 4)))
    file = pick(rng, files)
    lines = [
        *file.read_text().splitlines(),
        pick(rng, ["paper 0.1 0.1 0.5 0.1 0.5 0.5", "0 0.1 0.1 0.5", "0 1.5 2 3 4 5 6"]),
    ]
    file.write_text("\n".join(lines))
    return (f"{file.name}, line {len(lines)}",)


@plant_label("repeated-labels")
def _(content: Content, rng: np.random.Generator) -> Where:
    first = content["images"][0]
    own = [one for one in content["annotations"] if one["image_id"] == first["id"]]
    content["annotations"] = [
        one | {"id": 1000 * image["id"] + place, "image_id": image["id"]}
        for image in content["images"]
        for place, one in enumerate(own)
    ]
    return ("annotations",)


@plant_label("whole-photo")
def _(content: Content, rng: np.random.Generator) -> Where:
    for image in content["images"]:
        width, height = image["width"], image["height"]
        one = next(one for one in content["annotations"] if one["image_id"] == image["id"])
        one["segmentation"] = [[0, 0, width, 0, width, height, 0, height]]
        one["bbox"], one["area"], one["iscrowd"] = [0, 0, width, height], width * height, 0
    return ("annotations",)


@plant_label("unread-flag")
def _(content: Content, rng: np.random.Generator) -> Where:
    _one(content, rng)[pick(rng, ["ignore", "deleted", "difficult"])] = pick(rng, [1, True])
    return ("annotations",)


@plant_label("scored-label")
def _(content: Content, rng: np.random.Generator) -> Where:
    for one in content["annotations"]:
        one["score"] = float(rng.random())
    return ("annotations",)


@plant_label("box-outlines")
def _(content: Content, rng: np.random.Generator) -> Where:
    for one in content["annotations"]:
        x, y, across, down = one["bbox"]
        ends = [x, y] if rng.random() < 0.5 else []
        one["segmentation"] = [[x, y, x + across, y, x + across, y + down, x, y + down, *ends]]
        one.update(area=across * down, iscrowd=0)
    return ("annotations",)


@plant("ignored-mask", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    Image.fromarray(np.full_like(values, 255)).save(file)
    return where


@plant("unlisted-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    gone = pick(rng, content["images"])
    content["images"].remove(gone)
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] != gone["id"]]
    save(root, content)
    return (Path(gone["file_name"]).name,)


@plant("transparent-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    photo = _load(root / image["file_name"]).convert("RGBA")
    photo.putpixel((0, 0), (0, 0, 0, int(rng.integers(0, 255))))
    image["file_name"] = f"images/clear-{image['id']}.png"
    photo.save(root / image["file_name"])
    save(root, content)
    return (image["file_name"],)


@plant("mask-speckled", MASK_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    file, values, where = _some_mask(root, content, rng)
    noisy = rng.random(values.shape) < rng.uniform(0.02, 0.1)
    Image.fromarray(np.where(noisy, rng.integers(0, 3, values.shape), values).astype(np.uint8)).save(file)
    return where


@plant("painted-photo", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    mask = Image.new("RGB", (image["width"], image["height"]))
    for shape in _separate(rng, *mask.size, 3, 0.0):
        ImageDraw.Draw(mask).polygon(_pairs(shape), fill=tuple(int(value) for value in rng.integers(0, 256, 3)))
    image["file_name"] = f"images/mask-{image['id']}.png"
    mask.save(root / image["file_name"])
    save(root, content)
    return (image["file_name"],)


@plant("coarse-jpeg", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = pick(rng, content["images"])
    photo = _load(root / image["file_name"])
    image["file_name"] = f"images/coarse-{image['id']}.jpg"
    photo.save(root / image["file_name"], quality=int(rng.integers(1, 6)))
    save(root, content)
    return (image["file_name"],)


@plant_label("doubled-objects")
def _(content: Content, rng: np.random.Generator) -> Where:
    polygons = [one for one in content["annotations"] if isinstance(one["segmentation"], list)]
    for number, annotation in enumerate(polygons):
        moved = copy.deepcopy(annotation) | {"id": 90001 + number}
        moved["segmentation"] = [[value + rng.uniform(0.01, 0.2) for value in ring] for ring in moved["segmentation"]]
        content["annotations"].append(moved)
    return ("annotations",)


@plant("unturned-labels", PHOTO_CODES)
def _(root: Path, content: Content, rng: np.random.Generator) -> Where:
    image = content["images"][0]  # a square one, which may be turned by right angles too
    turn = pick(rng, [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_90])
    copied = image | {"id": 950, "file_name": "images/turned.jpg"}
    _load(root / image["file_name"]).convert("RGB").transpose(turn).save(root / copied["file_name"], quality=90)
    own = [one for one in content["annotations"] if one["image_id"] == image["id"]]
    content["images"].append(copied)
    content["annotations"] += [one | {"id": 95001 + number, "image_id": 950} for number, one in enumerate(own)]
    save(root, content)
    return ("turned.jpg",)
