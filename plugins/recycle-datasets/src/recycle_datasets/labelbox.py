"""The `labelbox` dataset: Labelbox's exports as lines of JSON, as one list, and of its first version."""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from recycle_coco import (
    Tree,
    decode_text,
    locate,
    parse_json,
    photo_size,
    read_large,
    resolve_file,
    split_called,
)
from recycle_coco.table import CsvRows, lines_of

from recycle_datasets import LabelboxOptions
from recycle_datasets.folders import names_of, say_moved
from recycle_datasets.labelbox_areas import LINKED_MASKS_OF, Areas
from recycle_datasets.labels import LabelledPhoto, Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.recognise.labelbox import is_imported, is_row, recognise, tools_of
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError

SKIPPED_KEYS = ("skipped", "is_skipped")
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-(?=.)")  # before the name of an uploaded photo


@dataclass(slots=True)
class _Row:
    """What Labelbox says of a photo: names that it may have, its shapes, its height and width, and its split."""

    names: list[str]
    shapes: list[Shape]
    size: tuple[int, int] | None = None
    split: str = ""
    from_below: bool = False  # whether y counts from the lower edge


def open_labelbox(options: LabelboxOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Labelbox's rows that somebody has labelled, those without an object too.

    A photo is looked for by its external id, its global key, the last part of its address and the id of its row.
    Polygons of Labelbox have no holes; masks have. They are read where they are in the file, or lie beside the photos
    as PNG under the feature_id of their object or an id in their link; most exports hold links to them alone. Of
    several labels of a photo in one project, as for a consensus, the first is taken; those of several projects are
    united. Labelbox keeps no order of drawing: the smaller is on top. The size that is stated tells whether the photo
    was labelled turned, as EXIF says, or as it is stored; turned where both have that size, or none is stated. In the
    oldest exports, of outlines by class, y counts from the lower edge. Splits are those of the metadata `split`.
    Classes come in the order of an ontology that lies there as JSON, else by name.

    Raises:
        RecycleError: see `ShapeSource`; no file of Labelbox, or none with an area, as where masks are links.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Labelbox", "export.ndjson")
    labels = Labels(context.root / files[0])
    places = PhotoIndex(tree.photos)
    areas = Areas(labels, context.root, PhotoIndex(tree.ending(".png")))
    rows = [row for name in files for row in _rows(areas, context.root / name, options)]
    labels.photos = list(_photos(context.root, rows, places))
    if not labels.faults and not any(row.shapes for row in rows):
        raise _nothing(labels)
    tools = [name for _, content in tree.jsons() for name in tools_of(content)]
    labels.names = list(dict.fromkeys(tools)) or sorted_names(labels.photos)
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _nothing(labels: Labels) -> RecycleError:
    """What to say where there is no area to read."""
    if any(what.startswith(LINKED_MASKS_OF) for what in labels.left_out):
        return RecycleError(
            f"{labels.file} holds no outline of an area{labels.instead()}: the masks themselves are not in it",
            "export the objects as polygons; or fetch each mask while its link is valid, call it by the feature_id of "
            'its object, and import again: curl -H "Authorization: Bearer $LABELBOX_API_KEY" -o FEATURE_ID.png LINK',
        )
    return RecycleError(
        f"{labels.file} holds no polygon and no mask{labels.instead()}",
        "label polygons or masks; boxes, points and lines say nothing of single pixels",
    )


def _rows(areas: Areas, file: Path, options: LabelboxOptions) -> Iterator[_Row]:
    """The labelled photos of a file."""
    labels = areas.labels
    imported: dict[str, _Row] = {}
    seen = set[str]()
    for where, row in _content(labels, file):
        if not is_row(row):
            labels.faults.append((where, "it is no row of Labelbox"))
        elif is_imported(row):
            _imported(areas, where, row, imported)
        elif "data_row" in row:
            yield from _new(areas, where, row, options.project)
        elif (key := str(row.get("DataRow ID") or row.get("External ID") or row.get("ID"))) in seen:
            labels.left_out["further labels of the same photos"] += 1
        else:
            for found in _old(areas, where, row):
                seen.add(key)
                yield found
    yield from imported.values()


def _content(labels: Labels, file: Path) -> Iterator[tuple[str, Any]]:
    """The rows with where they stand, of lines, of one list or of a table."""
    data = read_large(file).removeprefix(b"\xef\xbb\xbf")
    if not _is_utf8(data):
        try:
            data = decode_text(data, file).encode()
        except UnicodeDecodeError as error:
            labels.faults.append((str(file), f"it is no text: {error.reason} at byte {error.start}"))
            return
    if file.suffix.lower() == ".csv":
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        for number, row in enumerate(CsvRows(lines_of(data.decode("utf-8", "replace"))), start=2):
            yield f"{file}, line {number}", row
        return
    first = data.lstrip().partition(b"\n")[0]
    if not data.lstrip().startswith(b"[") and _is_json(first):
        for number, line in enumerate(BytesIO(data), start=1):
            if line.strip():
                try:
                    yield f"{file}, line {number}", parse_json(line)
                except ValueError as error:
                    labels.faults.append((f"{file}, line {number}", f"it is not valid JSON: {error}"))
        return
    try:
        content = parse_json(data)
    except ValueError as error:
        labels.faults.append((str(file), f"it is not valid JSON: {error}"))
        return
    rows = content if isinstance(content, list) else [content]
    rows.reverse()
    number = 0
    while rows:  # rows are let go of as they are read
        number += 1
        yield f"{file}: row {number}", rows.pop()


def _is_utf8(data: bytes) -> bool:
    try:
        return b"\0" not in data[:4] and data.decode() is not None
    except UnicodeDecodeError:
        return False


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _new(areas: Areas, where: str, row: Mapping[str, Any], project: str | None) -> Iterator[_Row]:
    """A row of the second version: a photo with the labels of its projects."""
    labels = areas.labels
    about = row.get("media_attributes")
    media = about if isinstance(about, dict) else {}
    if not str(media.get("mime_type") or "image").startswith("image"):
        labels.left_out["videos, texts and documents"] += 1
        return
    given = row.get("projects")
    projects = {key: one for key, one in (given if isinstance(given, dict) else {}).items() if isinstance(one, dict)}
    chosen = [one for key, one in projects.items() if project in (None, key, one.get("name"))]
    size = labels.size(media.get("height"), media.get("width"), where)
    objects: list[Any] = []
    labelled = False
    for one in chosen:
        own = [label for label in _list(one.get("labels")) if isinstance(label, dict)]
        done = [label for label in own if not _is_skipped(label)]
        labels.left_out += Counter({"labels that were skipped": len(own) - len(done)})
        labels.left_out += Counter({"further labels of the same photos": len(done) - 1})
        for label in done[:1]:
            labelled = True
            annotations = label.get("annotations")
            objects += _list(annotations.get("objects")) if isinstance(annotations, dict) else []
    if not labelled:
        labels.left_out["photos that nobody has labelled"] += 1
        return
    shapes = list(areas.shapes(where, objects))
    data = row["data_row"]
    names = _names(data.get("external_id"), data.get("global_key"), data.get("row_data"), data.get("id"))
    yield _Row(names, shapes, size, _split(row.get("metadata_fields")))


def _list(value: Any) -> list[Any]:
    """A list, empty where it is none."""
    return value if isinstance(value, list) else []


def _is_skipped(label: Mapping[str, Any]) -> bool:
    details = label.get("label_details")
    return any(one.get(key) is True for one in (label, details) if isinstance(one, dict) for key in SKIPPED_KEYS)


def _names(external: Any, key: Any, address: Any, own: Any) -> list[str]:
    """What a photo may be called, the likeliest first."""
    base = unquote(urlsplit(str(address)).path).rpartition("/")[2] if address else ""
    found = [str(external or ""), str(key or ""), base, UUID.sub("", base), str(own or "")]
    return list(dict.fromkeys(name for name in found if name.strip("/. ")))


def _split(fields: Any) -> str:
    """The split that the metadata name."""
    for field in fields if isinstance(fields, list) else []:
        if isinstance(field, dict) and str(field.get("schema_name") or field.get("name")).lower() == "split":
            value = field.get("value")
            for one in value if isinstance(value, list) else [value]:
                name = (one.get("schema_name") or one.get("name")) if isinstance(one, dict) else one
                if split := split_called(str(name)):
                    return split
    return ""


def _old(areas: Areas, where: str, row: Mapping[str, Any]) -> Iterator[_Row]:
    """A row of the first version: a photo with one label."""
    labels = areas.labels
    label = row["Label"]
    if isinstance(label, str) and label.strip().startswith("{"):
        try:
            label = json.loads(label)
        except ValueError as error:
            labels.faults.append((where, f"its label is not valid JSON: {error}"))
            return
    if row.get("Skipped") in (True, "true", "True") or label in ("Skip", "Skipped"):
        labels.left_out["photos that were skipped"] += 1
        return
    if not isinstance(label, dict) or not label:
        labels.left_out["photos that nobody has labelled"] += 1
        return
    names = _names(row.get("External ID"), row.get("Global Key"), row.get("Labeled Data"), row.get("DataRow ID"))
    names += [str(row["ID"])] if row.get("ID") else []
    if isinstance(label.get("objects"), list):
        yield _Row(names, list(areas.shapes(where, label["objects"])))
    else:
        yield _Row(names, list(areas.by_class(where, label)), from_below=True)


def _imported(areas: Areas, where: str, row: Mapping[str, Any], photos: dict[str, _Row]) -> None:
    """A line that is made to be imported into Labelbox: one object of a photo."""
    data = row["dataRow"]
    names = _names(data.get("externalId"), data.get("globalKey"), None, data.get("id"))
    if names:
        found = photos.setdefault(names[0], _Row(names, []))
        found.shapes += areas.shapes(where, [row])
    else:
        areas.labels.faults.append((where, "it names no photo"))


def _photos(root: Path, rows: Sequence[_Row], places: PhotoIndex) -> Iterator[LabelledPhoto]:
    """The rows as photos where they lie."""
    found: dict[int, str] = {}
    for turn in range(max((len(row.names) for row in rows), default=0)):
        wanted = {
            number: row.names[turn] for number, row in enumerate(rows) if number not in found and row.names[turn:]
        }
        located = locate(root, wanted.values())
        for number, name in wanted.items():
            stem = PurePosixPath(name)
            place = located.found.get(name) or places.exact([PurePosixPath()], name)
            place = place or (name if name in located.doubtful else places.by_any_stem(stem.name))
            if place:
                found[number] = place
    say_moved(root, {rows[number].names[0]: place for number, place in found.items()})
    for number, row in enumerate(rows):
        place = found.get(number, row.names[0] if row.names else "?")
        shapes = row.shapes
        if row.from_below and number in found and shapes:
            height = photo_size(resolve_file(root, place))[0]
            shapes = [_turned_over(shape, height) for shape in shapes]
        stated_height, stated_width = row.size or (None, None)
        yield LabelledPhoto(place, shapes, stated_height, stated_width, row.split)


def _turned_over(shape: Shape, height: int) -> Shape:
    """A shape whose y counted from the lower edge."""
    outlines, holes = (
        [[height - value if place % 2 else value for place, value in enumerate(outline)] for outline in outlines]
        for outlines in (shape.outlines, shape.holes)
    )
    return replace(shape, outlines=outlines, holes=holes)
