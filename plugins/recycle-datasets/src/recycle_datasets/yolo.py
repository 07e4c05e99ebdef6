"""The `yolo` dataset: segmentation labels as ultralytics, darknet and labelling tools keep them."""

import logging
import posixpath
import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_coco import (
    BACKGROUND,
    Tree,
    is_background,
    paint,
    photo_size,
    read_loose_text,
    read_photo,
    read_yaml,
)
from recycle_coco.labels import numbered_names
from recycle_coco.overfull import refuse_overfull

from recycle_datasets import YoloOptions
from recycle_datasets.areas import is_number
from recycle_datasets.folders import checked_names, lines_of
from recycle_datasets.recognise.yolo import (
    NAME_FILES,
    SPLIT_KEYS,
    darknet,
    descriptions,
    preferred,
    rival,
    splits_named,
    usable,
)
from recycle_datasets.shapes import DROPPED
from recycle_datasets.yolo_boxes import say_oriented, without_boxes
from recycle_datasets.yolo_labels import label_file, label_files, without_photo
from recycle_datasets.yolo_lines import read_lines
from recycle_datasets.yolo_photos import left_over, photos_of
from recyclecli.types import IGNORE, Annotation, DatasetContext, LabelFaults, Record, RecycleError, Sample, counted

log = logging.getLogger("recycle.datasets")

MAX_COUNTED_CLASSES = 2**16  # classes that are counted; 255 are taken


class YoloSource:
    """Photos with one polygon per line of their label files; class number c is label c + 1.

    A class that `is_background` is label 0 instead. A photo without a label file shows nothing. Points are shares of
    the photo as EXIF turns it, as ultralytics reads it. Boxes among outlines are left out; boxes alone are refused.

    Places that the description names are looked for as they stand, then by their last parts, since people's paths are
    those of another machine. Label files lie where ultralytics looks, beside the photos, or anywhere under their names.

    Args:
        options: the name of the file that describes the set, class names.
        context: `split` is a key of the description, a folder of photos or a text file that lists them.

    Attributes:
        splits: `train`, `val` and `test`, as far as the description names them, to indices of their photos.
        left_out: what the label files hold besides, to how many.

    Raises:
        RecycleError: no photos, no label file, boxes alone, or a description that cannot be used. LabelFaults: lines
            that cannot be used.
    """

    def __init__(self, options: YoloOptions, context: DatasetContext) -> None:
        self._root = context.root
        tree = Tree(context.root)
        described, data = _described(tree, options)
        photos = photos_of(context, data, tree, posixpath.dirname(described))
        self._files = list(dict.fromkeys(photo for found in photos.values() for photo in found))
        places = {file: index for index, file in enumerate(self._files)}
        self.splits = {key: tuple(places[photo] for photo in photos[key]) for key in SPLIT_KEYS if key in photos}
        self.left_out = Counter[str]()
        labels = label_files(self._files, tree)
        faults: list[tuple[str, str]] = []
        boxes: list[tuple[str, str]] = []
        self._lines = [read_lines(file, faults, boxes) if file else [] for file in labels]
        every = [line for lines in self._lines for line in lines]
        if every and without_boxes(every) is not every:
            log.warning(f"note: {context.root}: boxes before the outlines of all lines are passed over")
            self._lines = [without_boxes(lines) for lines in self._lines]
        pointless = sum(len(points) < 6 for lines in self._lines for _, points in lines)
        self._lines = [[line for line in lines if len(line[1]) >= 6] for lines in self._lines]
        self._say_missing(labels, tree, context)
        say_oriented(context.root, self._files, self._lines)
        numbers = [number for lines in self._lines for number, _ in lines]
        if boxes and not numbers:
            raise LabelFaults(
                faults + boxes,
                f"{counted(len(boxes), 'label')}, and no outline but boxes: export YOLO segmentation, or masks, from "
                "the labelling tool",
            )
        unnamed = left_over(self._files, labels, tree) if self.splits else 0
        self.left_out += Counter(
            {
                "boxes without an outline": len(boxes),
                "label files whose photo is not there": without_photo(labels, tree),
                "labelled photos that the description does not name": unnamed,
                "outlines of fewer than three points": pointless,
            }
        )
        names = _names(options.names, data, tree, posixpath.dirname(described), max(numbers, default=0))
        self.class_names = checked_names(
            (BACKGROUND, *(name for name in names if not is_background(name))), context.root
        )
        self._labels = [0 if is_background(name) else self.class_names.index(name) for name in names]
        if context.drop_unreadable:
            known_lines = [[line for line in lines if line[0] < len(names)] for lines in self._lines]
            unknown_lines = sum(map(len, self._lines)) - sum(map(len, known_lines))
            self.left_out += Counter({DROPPED: len(faults) + unknown_lines})
            self._lines, faults = known_lines, []
        for file, lines in zip(labels, self._lines, strict=True):
            unknown = sorted({number for number, _ in lines if number >= len(names)})
            faults += [
                (str(file), f"it holds class {number}, and those with names end at {len(names) - 1}")
                for number in unknown
            ]
        if faults:
            remedy = f"a line is: class x1 y1 x2 y2 x3 y3 ..., points in 0..1; {options.data} names all classes"
            raise LabelFaults(faults, remedy)
        self._records: dict[int, Record] = {}

    def _say_missing(self, labels: list[Path | None], tree: Tree, context: DatasetContext) -> None:
        missing = labels.count(None)
        if missing == len(labels) and context.split is None:
            there = [name for name in tree.ending(".txt") if not name.endswith(NAME_FILES)]
            held = f"its .txt files are called {', '.join(map(repr, there[:3]))}" if there else "it holds no .txt file"
            raise RecycleError(
                f"of {counted(len(labels), 'photo')} in {context.root} none has a label file, as "
                f"{label_file(self._files[0], context.root)}: {held}",
                "export the labels as YOLO segmentation again, with a .txt file for each photo",
            )
        if missing:
            log.warning(f"note: no label file, so no object: {missing} of {counted(len(labels), 'photo')}")

    def __len__(self) -> int:
        return len(self._files)

    @property
    def places(self) -> list[str]:
        """Where the photos lie, relative to the root."""
        return [file.relative_to(self._root).as_posix() for file in self._files]

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
            refuse_overfull(file, annotations)
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


def _described(tree: Tree, options: YoloOptions) -> tuple[str, dict[str, Any]]:
    """The file that describes the set, relative to the root, with what it says; "" and nothing where there is none."""
    file, default = tree.root / options.data, YoloOptions.model_fields["data"].default
    is_named = options.data != default or ("data" in options.model_fields_set and file.exists())
    if is_named and not file.exists():
        raise RecycleError(f"{file} does not exist", "name the file that describes the set: -o data.dataset.data=FILE")
    if not is_named:
        found = dict(descriptions(tree))
        groups = list(preferred(usable(tree, found)))
        for name, others in groups:
            if other := rival(found, name, others):
                raise RecycleError(
                    f"{tree.root}: {name} and {other} describe the same photos and name their classes differently",
                    f"say which is right: -o data.dataset.data={name}, or -o data.dataset.data={other}",
                )
        if not file.exists():
            if len(groups) > 1:
                raise RecycleError(
                    f"{tree.root} holds {len(groups)} descriptions: {', '.join(name for name, _ in groups[:5])}",
                    f"say which: -o data.dataset.data={groups[0][0]}",
                )
            return (groups[0][0], found[groups[0][0]]) if groups else ("", {})
    content = darknet(read_loose_text(file)) if file.suffix == ".data" else read_yaml(file)
    if not isinstance(content, dict):
        raise RecycleError(f"{file} is no mapping of names and folders", "see docs/convert.md for an example")
    if content.get("kpt_shape"):
        raise RecycleError(f"{file} describes keypoints, which say nothing about pixels", "export outlines")
    return options.data, splits_named(content)


def _names(stated: tuple[str, ...] | None, data: Mapping[str, Any], tree: Tree, base: str, largest: int) -> list[str]:
    """Class names by number."""
    names: Any = stated if stated is not None else data.get("names")
    root = tree.root
    if isinstance(names, str):
        parts = PurePosixPath(names.replace("\\", "/")).parts
        files = [name for name in tree.files if name.split("/")[-1] == parts[-1]] if parts else []
        near = [name for name in files if name in (posixpath.join(base, *parts), "/".join(parts))] or files
        names = _listed(root / near[0]) if near else None
        if names is None:
            raise RecycleError(f"{root}: `names` is {data.get('names')!r}, no file there", "list the classes there")
    if names is None:
        names = _names_of_file(tree)
    if names is None:
        stated_count = str(data.get("nc"))
        count = int(stated_count) if is_number(stated_count) else 0
        found = [f"class-{number}" for number in range(min(max(largest + 1, count), MAX_COUNTED_CLASSES))]
        option = shlex.quote(f"data.dataset.names=[{', '.join(found[:IGNORE])}]")
        log.warning(
            f"note: {root}: nothing names the classes, which are called by their numbers; name them in their order: "
            f"-o {option}"
        )
        return found
    if isinstance(names, dict):
        try:
            names = {int(number): name for number, name in names.items()}
        except (TypeError, ValueError, OverflowError):
            names = None
        if names is None or min(names, default=0) < 0:
            raise RecycleError(f"{root}: the keys of `names` are not 0, 1, 2 ...", "number the classes from 0 on")
        first = next(number for number in range(len(names) + 1) if number not in names)
        if first < len(names):
            raise RecycleError(
                f"{root}: `names` skips {first}: it names {', '.join(map(str, sorted(names)[:9]))}",
                f"add a line for each number that it skips, as {first}: class-{first}",
            )
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list | tuple) or not names:
        raise RecycleError(f"{root}: `names` is no list of class names", "list the classes under `names`")
    if isinstance(data.get("nc"), int) and data["nc"] != len(names):
        log.warning(
            f"note: {root}: `nc` is {data['nc']}, and the classes are {len(names)}: {', '.join(map(str, names))}"
        )
    if odd := [name for name in names if name is None or isinstance(name, list | dict | bool)]:
        raise RecycleError(f"{root}: `names` holds {odd[0]!r}, no class name", "write the name in quotes")
    return [str(name).strip() for name in names]


def _listed(file: Path) -> list[str]:
    """The class names of a text file, without the numbers from 0 on that may stand before them."""
    lines = lines_of(file)
    numbered = numbered_names(lines)
    return list(numbered.values()) if len(numbered) == len(lines) else lines


def _names_of_file(tree: Tree) -> list[str] | None:
    """The class names of a file beside the labels, where there is one, or several that agree."""
    found = {name: _listed(tree.root / name) for name in (*tree.named(*NAME_FILES), *tree.ending(".names"))}
    found = {name: names for name, names in found.items() if names}
    longest = max(found.values(), key=len, default=None)
    other = next((name for name, names in found.items() if longest and names != longest[: len(names)]), None)
    if longest is not None and other is not None:
        first = next(name for name, names in found.items() if names == longest)
        raise RecycleError(
            f"{tree.root}: {first} and {other} name other classes",
            f"name them: -o 'data.dataset.names=[{', '.join(longest)}]'",
        )
    return longest
