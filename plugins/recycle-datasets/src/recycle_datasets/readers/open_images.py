"""The `open-images` dataset: Open Images' masks of single objects with their table, as CVAT writes them, too."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
from PIL import Image
from recycle_coco import Tree, read_loose_text, resolve_file
from recycle_coco.table import read_table

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import photo_of, rows_of, size_of, source
from recycle_datasets.recognise.open_images import recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext, RecycleError

DESCRIPTIONS = re.compile(r"class-descriptions.*\.csv$", re.IGNORECASE)
MISSING_MASKS = "masks that are not there"


def open_open_images(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of the tables' rows, each row an object with a mask of its own.

    A mask of another size than its photo is scaled by the nearest pixel, as Open Images means it; it is of the photo
    as EXIF turns it. The smaller is on top. Classes stand in the order of class-descriptions.csv, where they are used
    or few; rows without a mask's file are counted.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Open Images", "masks.csv")
    labels = Labels(context.root / files[0])
    places = PhotoIndex(tree.photos)
    names = _descriptions(context.root, tree)
    found: dict[str, tuple[str, list[Shape]]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for file, split in zip(files, splits_of(files), strict=True):
        for number, row in rows_of(context.root / file, read_table(context.root / file)):
            photo, mask = str(row.get("ImageID") or "").strip(), str(row.get("MaskPath") or "").strip()
            place = places.by_any_stem(photo) or places.exact_base(photo)
            shapes = found.setdefault(place or f"{photo}.jpg", (split, []))[1]
            own = places.exact_base(Path(mask.replace("\\", "/")).name)
            if not own:
                labels.left_out[MISSING_MASKS] += 1
            elif place:
                key = str(row.get("LabelName") or "").strip()
                size = size_of(context.root, place, sizes)
                try:
                    shapes += _shapes(context.root, names.get(key, key) or "object", own, size)
                except RecycleError as error:
                    labels.faults.append((f"{context.root / file}, line {number}", str(error.args[0])))
    labels.photos = [photo_of(place, shapes, None, split, "") for place, (split, shapes) in found.items()]
    used = sorted_names(labels.photos)
    order = [name for name in names.values() if name in used or len(names) <= WHOLE_NAME_LIST]
    return source(context, labels, "Open Images", [*order, *used])


WHOLE_NAME_LIST = 100  # names: a longer list is that of the whole of Open Images


def _descriptions(root: Path, tree: Tree) -> dict[str, str]:
    """Names of classes by their codes."""
    for name in tree.ending(".csv"):
        if DESCRIPTIONS.search(name):
            rows = csv.reader(StringIO(read_loose_text(root / name)))
            return {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[0] != "LabelName"}
    return {}


def _shapes(root: Path, name: str, mask: str, size: tuple[int, int] | None) -> Iterator[Shape]:
    """The object of a mask; none where its photo cannot be read, which its record says."""
    if size is None:
        return
    height, width = size
    pixels = numbers_of(resolve_file(root, mask)) != 0
    if pixels.shape != (height, width):
        pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST))
    yield Shape(name, rle=placed(pixels, 0, 0, height, width))
