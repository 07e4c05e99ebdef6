"""What readers of documents share: files and their splits, items that are let go of as they are read, masks in them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, decode_text, parse_json, photo_size, read_bytes, read_large, resolve_file, shape_fault
from recycle_coco.table import CsvRows, lines_of

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed, png_mask
from recycle_datasets.folders import names_of
from recycle_datasets.labels import MAX_ANNOTATION_BYTES, LabelledPhoto, Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split, splits_of
from recyclecli.types import DatasetContext, Layout, RecycleError

NOBODY_LABELLED = "photos that nobody has labelled"
HIDDEN = "hidden regions"
SKIPPED_PHOTOS = "photos that were skipped"
VIDEOS_AND_DOCUMENTS = "videos and documents"
LINKED_MASKS = "masks that are links to a server, and not beside the photos"
MOST_LINES = 1_000_000  # of a file
LINES = (".jsonl", ".ndjson", ".manifest")  # suffixes of files with a JSON value a line

Document = tuple[str, Any, str]  # name of the file in the root, its value, its split


def documents(
    options: FilesOptions,
    context: DatasetContext,
    labels: Labels,
    recognise: Callable[[Tree], Iterable[Layout]],
    tool: str,
    is_own: Callable[[Any], bool] | None = None,
) -> Iterator[Document]:
    """The tool's files, each let go of when the next one is asked for; those that are no JSON are faults.

    Args:
        options: may name files and folders of files.
        context: the root.
        labels: faults are put there, and `file` is set to the first.
        recognise: yields the tool's layout.
        tool: what it is called.
        is_own: whether a value is of the tool; files of other values are left out and counted.

    Raises:
        RecycleError: nothing is recognised, or a file is missing.
    """
    for name, split in _files(options, context, labels, recognise, tool):
        content = _value(labels, context.root / name)
        if is_own is None or is_own(content):
            yield name, content, split
        else:
            labels.left_out[f"JSON files that are none of {tool}"] += content is not None


def _files(
    options: FilesOptions,
    context: DatasetContext,
    labels: Labels,
    recognise: Callable[[Tree], Iterable[Layout]],
    tool: str,
) -> Iterator[tuple[str, str]]:
    """The names of the tool's files, with their splits."""
    tree = Tree(context.root)
    names = options.files or names_of(tree, context, recognise, "files", tool, "export.json")
    labels.file = context.root / names[0]
    splits = dict(zip(names, splits_of(names), strict=True))
    for name in names:
        if not name.endswith("/"):
            yield name, splits[name]
            continue
        folder = name.rstrip("/")
        for file in tree.folders.get("" if folder == "." else folder, ()):
            if file.lower().endswith((".json", ".geojson")):
                yield file, nearest_split(PurePosixPath(folder))


def _value(labels: Labels, file: Path) -> Any:
    """The value of a JSON file, or those of its lines as a list."""
    if file.suffix.lower() not in LINES:
        return labels.json(file)
    return [value for _, value in lines(labels, file)]


def lines(labels: Labels, file: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file's lines with where they stand; lines that are no JSON are faults."""
    data = read_large(file)
    if (count := data.count(b"\n")) > MOST_LINES:
        labels.faults.append((str(file), f"it has {count:,} lines, and at most {MOST_LINES:,} are read: split it"))
        return
    try:
        data.decode()
    except UnicodeDecodeError:
        try:
            data = decode_text(data, file).encode()
        except UnicodeDecodeError as error:
            labels.faults.append((str(file), f"it is no text: {error.reason} at byte {error.start}"))
            return
    for number, line in enumerate(BytesIO(data.removeprefix(b"\xef\xbb\xbf")), start=1):
        if line.strip():
            try:
                yield f"{file}, line {number}", parse_json(line)
            except ValueError as error:
                labels.faults.append((f"{file}, line {number}", f"it is not valid JSON: {error}"))


def entries(labels: Labels, file: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file with where they stand: of its lines, of a list, or the only one."""
    if file.suffix.lower() in LINES or _is_lines(file):
        yield from lines(labels, file)
        return
    content = labels.json(file)
    for number, one in consumed(content if isinstance(content, list) else [content]):
        yield f"{file}, entry {number}", one


def _is_lines(file: Path) -> bool:
    """Whether a file holds a JSON object a line, whatever it is called."""
    with BytesIO(read_bytes(file, MAX_ANNOTATION_BYTES)) as handle:
        first, second = handle.readline().strip(), handle.readline().strip()
    return first[-1:] == b"}" and second[:1] == b"{"


def consumed(items: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list with their places from 1 on; the list is empty afterwards."""
    if not isinstance(items, list):
        return
    items.reverse()
    number = 0
    while items:
        number += 1
        one = items.pop()
        if isinstance(one, dict):
            yield number, one


def pixels(labels: Labels, where: str, name: str, text: Any, level: int = 0) -> Iterator[Shape]:
    """The shape of a PNG in base64 of the whole photo; a fault where it is none."""
    try:
        mask = png_mask(str(text))
    except ValueError as error:
        labels.faults.append((where, f"its mask cannot be read: {error}"))
        return
    yield Shape(name, rle=placed(mask, 0, 0, *mask.shape), level=level)


def source(context: DatasetContext, labels: Labels, tool: str, names: Iterable[str] = ()) -> ShapeSource:
    """What was read, as a source.

    Args:
        context: the root.
        labels: what was read.
        tool: what it is called, for the remedy.
        names: class names in the tool's order; by name where it keeps none.

    Raises:
        RecycleError: see `ShapeSource`; no labelled area, or no labelled photo.
    """
    remedy = f"draw polygons or masks in {tool}, and export again"
    if LINKED_MASKS in labels.left_out:
        remedy = "put the masks that the links lead to into the folder, under the names at the end of the links"
    if not labels.photos and not labels.faults:
        raise RecycleError(f"{labels.file} holds no labelled photo{labels.instead()}", remedy)
    labels.refuse_no_area(remedy)
    labels.names = list(dict.fromkeys([*(name.strip() for name in names)])) or sorted_names(labels.photos)
    return ShapeSource(context.root, labels, context.drop_unreadable)


def base_of(name: Any) -> str:
    """The last part of a path or address, of whatever machine."""
    text = str(name or "").partition("?")[0].replace("\\", "/").rstrip("/")
    return text.rpartition("/")[2]


def photo_of(name: str, shapes: list[Shape], size: tuple[int, int] | None, split: str, origin: str) -> LabelledPhoto:
    """A photo with its shapes, and its size where that is stated."""
    height, width = size or (None, None)
    return LabelledPhoto(name, shapes, height, width, split, origin)


def size_of(root: Path, place: str, known: dict[str, tuple[int, int] | None]) -> tuple[int, int] | None:
    """Height and width of a photo as EXIF turns it; None where it is missing or cannot be read, which `record` says.

    Args:
        root: the folder.
        place: the photo in it.
        known: sizes that were looked up before.
    """
    if place not in known:
        try:
            known[place] = photo_size(resolve_file(root, place))
        except RecycleError:
            known[place] = None
    return known[place]


def rows_of(file: Path, text: str) -> Iterator[tuple[int, dict[str, str | None]]]:
    """The rows of a table with headings, with their lines.

    Raises:
        RecycleError: it is none.
    """
    try:
        yield from enumerate(CsvRows(lines_of(text)), start=2)
    except csv.Error as error:
        raise RecycleError(f"{file} is no table: {error}", "export it again") from error


def rle_of(labels: Labels, where: str, name: str, rle: Any, level: int = 0) -> Iterator[Shape]:
    """The shape of a COCO RLE of the whole photo; a fault where it is none."""
    size = rle.get("size") if isinstance(rle, dict) else None
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int and side > 0 for side in size):
        labels.faults.append((where, "its mask is no RLE with a size"))
    elif fault := shape_fault(rle, {"height": size[0], "width": size[1]}):
        labels.faults.append((where, fault[1]))
    else:
        yield Shape(name, rle={"size": size, "counts": rle["counts"]}, level=level)


def numbered(labels: Labels, described: Mapping[str, str]) -> Iterator[str]:
    """The classes in their order; where all are numbers, shapes are renamed.

    Args:
        labels: what was read.
        described: names by number; others are called `class-` and the number.
    """
    names = sorted_names(labels.photos)
    if not names or not all(name.isdecimal() for name in names):
        yield from names
        return
    called = {name: described.get(name, f"class-{name}") for name in names}
    for place, photo in enumerate(labels.photos):
        shapes = [replace(shape, name=called[shape.name]) for shape in photo.shapes]
        labels.photos[place] = replace(photo, shapes=shapes)
    yield from described.values() or (called[name] for name in sorted(names, key=int))
