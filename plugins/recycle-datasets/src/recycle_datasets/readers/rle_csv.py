"""The `rle-csv` dataset: tables of run lengths, a row for each object or class of a photo, as of Kaggle."""

import csv
import logging
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from recycle_coco import Tree
from recycle_coco.rle import of_bounds
from recycle_coco.table import read_table

from recycle_datasets import RunsOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import names_of
from recycle_datasets.labels import UNNAMED_CLASS, Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import numbered, photo_of, rows_of, size_of, source
from recycle_datasets.readers.rle_photos import RowPhotos
from recycle_datasets.recognise.rle_csv import columns, recognise
from recycle_datasets.shapes import ShapeSource, none_there
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext, RecycleError

log = logging.getLogger("recycle.datasets")

PROBED_ROWS = 20  # rows by which the way of the runs is told
EMPTY = ("", "-1", "nan", "NaN")
PHOTOS_WITHOUT_ROW = "photos that no row names"


def open_rle_csv(options: RunsOptions, context: DatasetContext) -> ShapeSource:
    """The photos that tables name, those without runs too.

    Runs are pairs of the first pixel, counted from 1, and a length. They go down the columns (Airbus, Severstal, salt,
    iMaterialist), or along the rows (Carvana, UW-Madison, Sartorius): the way that gives the smoother outlines, which
    is printed. They are of the photo as EXIF turns it. The class is a column, or the end of the photo's name behind the
    last `_` (a.jpg_Fish); classes that are numbers stand in their order and are called class-1 ..., others by name. The
    smaller is on top. Photos beside these that no row names are counted: tables differ in whether they name photos
    without objects.

    Raises:
        RecycleError: see `ShapeSource`; no such file, no labelled area, or a row that can mean several photos.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "run lengths", "train.csv")
    labels = Labels(context.root / files[0])
    photos, rows = RowPhotos(context.root, tree.photos), options.order == "rows"
    found: dict[str, tuple[str, list[Shape]]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    described, there = _described(context.root, tree), frozenset(tree.photos)
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    for file, split in zip(files, splits_of(files), strict=True):
        text = read_table(context.root / file)
        heads = columns(text[: 2**16])
        if heads is None:
            raise RecycleError(
                f"{context.root / file} is no table of photos and runs", "name it as ImageId,EncodedPixels"
            )
        photo_head, runs_head, class_head = heads
        photos.look_for((_cell(row, photo_head) for _, row in rows_of(context.root / file, text)), context.root / file)
        along = _along_rows(context.root, photos, text, photo_head, runs_head) if options.order == "auto" else None
        if along is not None:
            rows, way = along, "along the rows" if along else "down the columns"
            log.warning(
                f"note: {context.root / file}: the runs are taken to go {way}; -o data.dataset.order=rows or columns"
            )
        for number, row in rows_of(context.root / file, text):
            key, called = _cell(row, photo_head), _cell(row, class_head)
            place = photos.find(key)
            if not place and "_" in key and not called:
                name, _, end = key.rpartition("_")
                place = photos.find(name)
                key, called = (name, end) if place or PurePosixPath(name).suffix else (key, "")
            if (number_of := called.partition("_")[0]) in described:
                called = number_of  # behind it iMaterialist puts numbers of attributes
            shapes = found.setdefault(place or key, (split, []))[1]
            runs = _cell(row, runs_head)
            if runs in EMPTY or not place:
                continue
            size = size_of(context.root, place, sizes)
            if size is None:
                continue  # its record says why
            try:
                shapes.append(Shape(called or UNNAMED_CLASS, rle=_rle(runs, *size, rows)))
            except (ValueError, OverflowError) as error:
                labels.faults.append((f"{context.root / file}, line {number}", str(error)))
    if found and not any(place in there for place in found):
        raise none_there(context.root, labels.file, [*found])
    folders = {place.rpartition("/")[0] for place in found if place in there}
    unnamed = sum(place not in found and place.rpartition("/")[0] in folders for place in tree.photos)
    labels.left_out.update({PHOTOS_WITHOUT_ROW: unnamed} if unnamed else {})
    labels.photos = [photo_of(place, shapes, None, split, "") for place, (split, shapes) in found.items()]
    names = numbered(labels, described)
    return source(context, labels, "the labelling tool", names)


def _cell(row: Mapping[str, str | None], head: str) -> str:
    return str(row.get(head) or "").strip()


def _along_rows(root: Path, photos: RowPhotos, text: str, photo: str, runs: str) -> bool | None:
    """Whether the first masks have shorter outlines where their runs go along the rows; None where there is no mask."""
    edges, tried = {True: 0, False: 0}, 0
    for _, row in rows_of(root, text):
        key, found = _cell(row, photo), _cell(row, runs)
        place = photos.find(key) or photos.find(key.rpartition("_")[0])
        size = size_of(root, place, {}) if place and found not in EMPTY else None
        if size is None:
            continue
        try:
            for way in edges:
                mask = _drawn(found, *size, way)
                edges[way] += sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in (0, 1))
        except (ValueError, OverflowError):
            continue  # who reads the row says so
        tried += 1
        if tried == PROBED_ROWS:
            break
    return edges[True] < edges[False] if tried else None


def _rle(text: str, height: int, width: int, rows: bool) -> Mapping[str, object]:
    """The pixels of runs as a COCO RLE; see `_bounds`."""
    if rows:
        return placed(_drawn(text, height, width, rows), 0, 0, height, width)
    first, ends = _bounds(text, height * width)
    order = np.argsort(first[ends > first], kind="stable")
    first, ends = first[ends > first][order], np.maximum.accumulate(ends[ends > first][order])
    apart = first[1:] > ends[:-1]  # runs that overlap or meet are one
    bounds = np.column_stack([first[np.append(True, apart)[: len(first)]], ends[np.append(apart, True)[: len(ends)]]])
    return of_bounds(bounds, height, width)


def _drawn(text: str, height: int, width: int, rows: bool) -> NDArray[np.bool_]:
    """The pixels (H, W) of runs; see `_bounds`."""
    drawn = np.zeros(height * width, bool)
    for start, end in zip(*(each.tolist() for each in _bounds(text, height * width)), strict=True):
        drawn[start:end] = True
    return drawn.reshape(height, width) if rows else drawn.reshape(width, height).T


def _bounds(text: str, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run begins and ends among so many pixels.

    Raises:
        ValueError: they are none, or reach out of the photo.
    """
    pairs = np.array(text.split(), np.int64).reshape(-1, 2)
    first, length = pairs[:, 0] - 1, pairs[:, 1]
    least, most = pairs.min(initial=1), max(first.max(initial=0), length.max(initial=0))
    if least < 0 or first.min(initial=0) < 0 or most > size:  # is looked at before the sum, which may wrap around
        raise ValueError(f"its runs reach out of {size} pixels")
    if (first + length > size).any():
        raise ValueError(f"its runs reach pixel {int((first + length).max())} of {size}")
    return first, first + length


def _described(root: Path, tree: Tree) -> dict[str, str]:
    """Names of numbered classes, of label_descriptions.json as of iMaterialist."""
    for name in tree.named("label_descriptions.json"):
        content = tree.glimpse(name)
        listed = content.get("categories") if isinstance(content, dict) else None
        if isinstance(listed, list):
            return {str(one.get("id")): str(one.get("name")) for one in listed if isinstance(one, dict)}
    return {}
