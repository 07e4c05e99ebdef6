"""What readers of labelling tools fill in: photos with their shapes, what is left out, and faults."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import check_size, length_fault, parse_loose_json, read_large, resolve_file, size_fault

from recycle_datasets.areas import side_of
from recycle_datasets.outlines import Shape
from recyclecli.types import RecycleError, counted

UNNAMED_CLASS = "object"  # of what nothing names
FAULTY: list[float] = []  # an outline in the place of one that cannot be used, known by its identity
MAX_ANNOTATION_BYTES = 2**31  # bytes of an annotation file
DOUBTED_PHOTO_PIXELS = 2**26  # pixels of a size that is not believed without its photo
FARTHEST = 2**20  # pixels of a coordinate; filling a polygon takes memory by its extent


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo with its objects.

    Attributes:
        name: as the tool writes it; the photo is looked for by it.
        shapes: in the tool's order.
        height, width: as the tool states them; None where it does not.
        split: `train`, `val` or `test`, where the tool names one.
        origin: the annotation file that it comes from, for messages.
        embedded: reads the photo's file out of the labels, where it is not in the folder.
    """

    name: str
    shapes: Sequence[Shape]
    height: int | None = None
    width: int | None = None
    split: str = ""
    origin: str = ""
    embedded: Callable[[], bytes] | None = None


@dataclass(slots=True)
class Labels:
    """What was read of a tool's files, on its way to a `ShapeSource`.

    Attributes:
        file: the annotation file or folder, for messages.
        names: class names in the tool's order; those that only shapes name are added behind them.
        photos: in the tool's order.
        left_out: what is no labelled area, or not there, to how many.
        faults: labels that cannot be used, as where and what.
    """

    file: Path
    names: list[str] = field(default_factory=list)
    photos: list[LabelledPhoto] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def outline(self, points: Any, where: str, scale: tuple[float, float] = (1, 1)) -> list[float]:
        """Points as x1 y1 x2 y2 ..., of pairs, of {x, y} or of a flat list; `FAULTY` and a fault where they are none.

        Args:
            points: as the file has them.
            where: the file and the object, for the fault.
            scale: width and height of what 1 is.
        """
        try:
            if points and isinstance(points[0], Mapping):
                points = [(point["x"], point["y"]) for point in points]
            values = np.asarray(points, float).reshape(-1, 2)
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            values = np.full((1, 2), math.nan)
        if not np.isfinite(values).all():
            self.faults.append((where, "its points are no pairs of finite numbers"))
            return FAULTY
        flat: list[float] = (values * scale).ravel().tolist()
        if flat and max(map(abs, flat)) > FARTHEST:
            self.faults.append((where, f"its points reach {max(map(abs, flat)):g}, far outside any photo"))
            return FAULTY
        if fault := length_fault(flat):
            self.faults.append((where, fault))
            return FAULTY
        return flat

    def size(
        self, height: Any, width: Any, where: str, photo: tuple[Path, str] | None = None
    ) -> tuple[int, int] | None:
        """A photo's height and width as a file states them, in whole pixels; None where it states none.

        Before masks of this size are painted: a size that no photo may have is a fault, too.

        Args:
            height, width: numbers, or texts of numbers.
            where: the file and the photo, for the fault.
            photo: the root and the place of its file, where that is known, whose size a large one is compared with.

        Raises:
            RecycleError: the photo has another size, or cannot be read, and a large one is stated; else `record` says
                so.
        """
        rows, columns = side_of(height), side_of(width)
        if rows is None or columns is None:
            return None
        if fault := size_fault({"height": rows, "width": columns}):
            self.faults.append((where, fault[1]))
            return None
        if photo is not None and is_file(*photo):
            try:
                check_size(resolve_file(*photo), rows, columns)
            except RecycleError:
                if rows * columns > DOUBTED_PHOTO_PIXELS:
                    raise
        return rows, columns

    def json(self, file: Path) -> Any:
        """The value of a JSON file; None and a fault where it is none."""
        try:
            return parse_loose_json(read_large(file), file)
        except ValueError as error:
            self.faults.append((str(file), f"it is not valid JSON: {error}"))
            return None

    def refuse_no_area(self, remedy: str) -> None:
        """Raise RecycleError where no photo has a shape, with what there is instead; faults are said first."""
        if self.photos and not self.faults and not any(photo.shapes for photo in self.photos):
            raise RecycleError(f"{self.file} holds no labelled area{self.instead()}", remedy)

    def instead(self) -> str:
        """What there is in the place of labelled areas, as the end of a sentence that says that there are none."""
        if held := ", ".join(f"{what} ({count:,})" for what, count in self.left_out.items() if count):
            return f", but {held}"
        return f": no object in its {counted(len(self.photos), 'photo')}" if self.photos else ": it names no photo"


def is_file(root: Path, place: str) -> bool:
    """Whether a file lies at a place inside the root; names that no file can have are none."""
    try:
        return resolve_file(root, place).is_file()
    except (RecycleError, OSError, ValueError):
        return False


def merged(labels: Iterable[Labels], file: Path) -> Labels:
    """Several files' labels as one, in their order."""
    whole = Labels(file)
    for one in labels:
        whole.names = list(dict.fromkeys([*whole.names, *one.names]))
        whole.photos += one.photos
        whole.left_out += one.left_out
        whole.faults += one.faults
    return whole


def sorted_names(photos: Iterable[LabelledPhoto]) -> list[str]:
    """The classes of the shapes in the order of their names, for tools that keep no order."""
    return sorted({shape.name for photo in photos for shape in photo.shapes})


def json_of(file: Path, remedy: str) -> Any:
    """The value of a JSON file.

    Raises:
        RecycleError: it is none, or cannot be read.
    """
    try:
        return parse_loose_json(read_large(file), file)
    except ValueError as error:
        raise RecycleError(f"{file} is not valid JSON: {error}", remedy) from error
