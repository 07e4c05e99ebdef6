"""The `yolo` dataset: segmentation labels as ultralytics keeps them."""

import math
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recycle_datasets import YoloOptions
from recycle_datasets.folders import checked_names, lines_of, photos_in
from recyclecli.coco import BACKGROUND, is_background, paint, photo_size, read_photo, read_text, read_yaml
from recyclecli.types import Annotation, DatasetContext, LabelFaults, Record, RecycleError, Sample

SPLITS = ("train", "val", "test")
SLACK = 0.01  # how far outside 0..1 a point may lie, as in ultralytics

Line = tuple[int, list[float]]  # class number, and x1 y1 x2 y2 ... in shares of the photo's sides


class YoloSource:
    """Photos with one polygon per line of their label files; class number c is label c + 1.

    A class that `is_background` is label 0 instead. A photo without a label file shows nothing.

    Args:
        options: the YAML file's name, class names.
        context: `split` is a key of the YAML file, a folder of photos or a text file that lists them.

    Attributes:
        splits: `train`, `val` and `test`, as far as the YAML file names them, to indices of their photos.

    Raises:
        RecycleError: no photos, or a YAML file that cannot be used. LabelFaults: lines that cannot be used.
    """

    def __init__(self, options: YoloOptions, context: DatasetContext) -> None:
        self._root = context.root
        data = _data_of(context.root / options.data)
        photos = _photos(context, data)
        self._files = list(dict.fromkeys(photo for found in photos.values() for photo in found))
        places = {file: index for index, file in enumerate(self._files)}
        self.splits = {key: tuple(places[photo] for photo in photos[key]) for key in SPLITS if key in photos}
        labels = [_label_file(file, context.root) for file in self._files]
        faults: list[tuple[str, str]] = []
        self._lines = [_lines(file, faults) if file.exists() else [] for file in labels]
        missing = sum(not file.is_file() for file in labels)
        if missing == len(labels):
            _refuse_beside(self._files, labels)
        if missing:
            print(f"note: {missing} of {len(labels)} photos have no label file: they show no object", file=sys.stderr)
        numbers = [number for lines in self._lines for number, _ in lines]
        names = _names(options.names, data, context.root, max(numbers, default=0))
        self.class_names = checked_names(
            (BACKGROUND, *(name for name in names if not is_background(name))), context.root
        )
        self._labels = [0 if is_background(name) else self.class_names.index(name) for name in names]
        known = f"there are {len(names)} names (0 to {len(names) - 1})"
        for file, lines in zip(labels, self._lines, strict=True):
            unknown = sorted({number for number, _ in lines if number >= len(names)})
            faults += [(str(file), f"it holds class {number}, but {known}") for number in unknown]
        if faults:
            remedy = f"a line is: class x1 y1 x2 y2 x3 y3 ..., points in 0..1; {options.data} names all classes"
            raise LabelFaults(faults, remedy)
        self._records: dict[int, Record] = {}

    def __len__(self) -> int:
        return len(self._files)

    def record(self, index: int) -> Record:
        """The size is the photo's, its EXIF rotation applied; see `Source`."""
        if index not in self._records:
            file = self._files[index]
            height, width = photo_size(file)
            annotations = tuple(
                Annotation(
                    number, self._labels[name], [(np.reshape(points, (-1, 2)) * (width, height)).ravel().tolist()]
                )
                for number, (name, points) in enumerate(self._lines[index], start=1)
            )
            file_name = file.relative_to(self._root).as_posix()
            self._records[index] = Record(file, file_name, height, width, annotations)
        return self._records[index]

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return Sample(self.read_photo(index), *self.read_labels(index))

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB, without the labels."""
        record = self.record(index)
        return read_photo(record.file, record.height, record.width)

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask (H, W) uint8 and instances (H, W) int32, without the photo."""
        record = self.record(index)
        return paint(record.annotations, record.height, record.width)


def _data_of(file: Path) -> dict[str, Any]:
    """The YAML file's content, empty where there is none."""
    if not file.exists():
        return {}
    content = read_yaml(file)
    if not isinstance(content, dict):
        raise RecycleError(f"{file} is no mapping of names and folders", "see docs/convert.md for an example")
    other = next((key for key in ("validation", "valid") if content.get(key)), None)  # as others spell it
    return content if content.get("val") or other is None else {**content, "val": content[other]}


def _names(stated: tuple[str, ...] | None, data: dict[str, Any], root: Path, largest: int) -> list[str]:
    """Class names by number."""
    names: Any = stated if stated is not None else data.get("names")
    if names is None and (root / "classes.txt").is_file():
        return lines_of(root / "classes.txt")
    if names is None:
        return [f"class-{number}" for number in range(largest + 1)]
    if isinstance(names, dict):
        try:
            names = {int(number): name for number, name in names.items()}
        except (TypeError, ValueError):
            names = None
        if names is None or sorted(names) != list(range(len(names))):
            raise RecycleError(f"{root}: the keys of `names` are not 0, 1, 2 ...", "number the classes from 0 on")
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list | tuple) or not names:
        raise RecycleError(f"{root}: `names` is no list of class names", "list the classes under `names`")
    return [str(name) for name in names]


def _photos(context: DatasetContext, data: dict[str, Any]) -> dict[str, list[Path]]:
    """The photos of each split that the YAML file names, or under "" those of the split or of the folder `images`."""
    root, split = context.root, context.split
    base = root / str(data.get("path") or "")
    base = base if base.is_dir() and base.resolve().is_relative_to(root.resolve()) else root
    keys = [key for key in SPLITS if data.get(key)]
    if split is None and keys:
        there = {key: [place for place in _listed(data[key]) if _place(str(place), base).exists()] for key in keys}
        gone = [key for key in keys if not there[key]]
        for key in gone if len(gone) < len(keys) and "train" not in gone else ():
            print(f"note: {key}: {data[key]} is not there: {root} has no {key} photos", file=sys.stderr)
            keys.remove(key)
        return {key: _all_at(there[key] or _listed(data[key]), base, root) for key in keys}
    if split is None:
        return {"": _all_at(["images"], base, root)}
    if split in keys:
        return {"": _all_at(_listed(data[split]), base, root)}
    if (root / split).exists() or (root / "images" / split).exists():
        return {"": _all_at([split if (root / split).exists() else f"images/{split}"], root, root)}
    raise RecycleError(f"{root} has no split {split!r}", f"splits: {', '.join(keys) or 'none is named'}")


def _all_at(places: Iterable[Any], base: Path, root: Path) -> list[Path]:
    return list(dict.fromkeys(photo for place in places for photo in _photos_at(str(place), base, root)))


def _place(place: str, base: Path) -> Path:
    """The folder or text file that the YAML file names."""
    found = base / place
    if not found.exists() and place.startswith("../"):  # as Roboflow writes it, and ultralytics reads it
        found = base / place[3:]
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _photos_at(place: str, base: Path, root: Path) -> Iterable[Path]:
    """The photos of a folder, or of a text file with a path per line."""
    found = _place(place, base)
    if found.suffix != ".txt":
        photos = photos_in(found)
    else:
        photos = []
        for line in lines_of(found):
            choices = [found.parent / line, base / line]
            photos.append(next((choice for choice in choices if choice.is_file()), choices[0]))
    return [_inside(photo, root, found) for photo in photos]


def _inside(photo: Path, root: Path, place: Path) -> Path:
    plain = Path(*[part for part in photo.parts if part != "."])
    if ".." in plain.parts:
        plain = plain.resolve()
    if not plain.is_relative_to(root):
        raise RecycleError(f"{place}: photo {photo} is not in {root}", "move it inside, or pass its folder as --data")
    return plain


def _label_file(photo: Path, root: Path) -> Path:
    """Where ultralytics looks: the last folder `images` becomes `labels`, the suffix .txt."""
    inside = PurePosixPath(photo.relative_to(root).as_posix())
    parts = list(inside.parent.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return root.joinpath(*parts, inside.stem + ".txt")


def _refuse_beside(photos: list[Path], labels: list[Path]) -> None:
    """Refuse label files that lie beside the photos, where nobody looks for them."""
    beside = [photo for photo, label in zip(photos, labels, strict=True) if photo.with_suffix(".txt").is_file()]
    if beside:
        moved = dict.fromkeys((photo.parent, label.parent) for photo, label in zip(photos, labels, strict=True))
        lines = [
            f"mkdir -p {quote(str(there))} && mv {quote(str(here))}/*.txt {quote(str(there))}/" for here, there in moved
        ]
        raise RecycleError(
            f"none of {len(photos)} photos has a label file as {labels[0]}, but {len(beside)} have one beside them, as "
            f"{beside[0].with_suffix('.txt')}",
            " && ".join(lines),
        )


def _lines(file: Path, faults: list[tuple[str, str]]) -> list[Line]:
    """Class number and points of each line; what is wrong with others is added to `faults`."""
    found = []
    for number, line in enumerate(read_text(file).split("\n"), start=1):
        if line.strip():
            if fault := _fault(line.split()):
                faults.append((f"{file}, line {number}", fault))
            else:
                first, *rest = map(float, line.split())
                found.append((int(first), rest))
    return found


def _fault(parts: list[str]) -> str:
    """What is wrong with a line, empty when nothing is."""
    try:
        first, *rest = map(float, parts)
    except ValueError:
        return "it holds something that is no number"
    if not all(map(math.isfinite, (first, *rest))):
        return "it holds NaN or infinity"
    if first < 0 or first != int(first):
        return f"{parts[0]} is no class number"
    if len(rest) == 4:
        return "it is a box, not a polygon: a detection label says nothing about pixels"
    if len(rest) < 6 or len(rest) % 2:
        return f"{len(rest)} numbers after the class are no polygon of three points or more"
    if min(rest) < -SLACK or max(rest) > 1 + SLACK:
        return f"{min(rest) if min(rest) < -SLACK else max(rest):g} is not within 0..1"
    return ""
