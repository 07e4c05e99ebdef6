"""The photos of a labelling tool's export as a source: found by name, shapes by class name."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from recycle_coco import (
    BACKGROUND,
    IGNORE_CATEGORY,
    check_size,
    is_background,
    locate,
    paint,
    photo_size,
    read_photo,
    resolve_file,
)
from recycle_coco.overfull import refuse_overfull
from recycle_coco.paths import Folders

from recycle_datasets.folders import checked_names, photos_there, say_moved
from recycle_datasets.labels import FAULTY, LabelledPhoto, Labels
from recycle_datasets.outlines import segmentation
from recycle_datasets.recognise.folder_names import looks_masked, never_masked
from recyclecli.types import IGNORE, Annotation, LabelFaults, Record, RecycleError, Sample, counted

MISSING = "photos that are not there"
LABELLED_TWICE = "photos that are labelled twice in the same way"
DROPPED = "labels that cannot be used"


class ShapeSource:
    """The photos of a labelling tool's export as a `Source`.

    Sizes that the tool states decide whether it labelled the photo as EXIF turns it or as it is stored; where it
    states none, the turned one. A class that `is_background` is label 0.

    Args:
        root: the folder that names are relative to.
        labels: what was read.
        drop: labels that cannot be used are left out and counted; photos that cannot be read show it in `record`.

    Attributes:
        splits: `train`, `val` and `test`, as far as the tool names them, to indices of photos.
        left_out: what its files hold besides, to how many.

    Raises:
        RecycleError: none of the photos is there, a name means several, or the classes cannot be used. LabelFaults:
            shapes that cannot be used.
    """

    def __init__(self, root: Path, labels: Labels, drop: bool = False) -> None:
        if labels.faults and drop:
            labels.left_out[DROPPED] += len(labels.faults)
            labels.photos = [_without_faulty(photo) for photo in labels.photos]
        elif labels.faults:
            raise LabelFaults(labels.faults, "correct them in the labelling tool, and export again")
        if not labels.photos:
            raise RecycleError(f"{labels.file} names no photo", "export again, with the photos that are labelled")
        self._root = root
        self.left_out = Counter(labels.left_out)
        places = self._places(labels)
        self._photos = self._once(
            [(place, photo) for place, photo in zip(places, labels.photos, strict=True) if place], labels.file
        )
        used = dict.fromkeys(shape.name for photo in labels.photos for shape in photo.shapes)
        names = list(dict.fromkeys([*labels.names, *used]))
        self.class_names = checked_names(
            (BACKGROUND, *(name for name in names if not is_background(name) and name != IGNORE_CATEGORY)), labels.file
        )
        label_of = {name: label for label, name in enumerate(self.class_names)}
        label_of |= {name: 0 for name in names if is_background(name)}
        self._label_of = {**label_of, IGNORE_CATEGORY: IGNORE}
        found: dict[str, list[int]] = {}
        for index, (_, photo) in enumerate(self._photos):
            if photo.split:
                found.setdefault(photo.split, []).append(index)
        self.splits = {split: tuple(indices) for split, indices in found.items()}
        self._records: dict[int, Record] = {}

    def __len__(self) -> int:
        return len(self._photos)

    @property
    def places(self) -> list[str]:
        """Where the photos lie, relative to the root."""
        return [place for place, _ in self._photos]

    def record(self, index: int) -> Record:
        """See `Source`."""
        if index not in self._records:
            self._records[index] = self._record(index)
        return self._records[index]

    def _record(self, index: int) -> Record:
        place, photo = self._photos[index]
        file = resolve_file(self._root, place)
        if photo.height and photo.width:
            height, width = photo.height, photo.width
            with self._file(index) as whole:
                check_size(whole, height, width)
        else:
            with self._file(index) as whole:
                height, width = photo_size(whole)
        for rle in (shape.rle for shape in photo.shapes if shape.rle is not None):
            if list(rle["size"]) != [height, width]:
                raise RecycleError(
                    f"{file} is {width}x{height} pixels, and a mask of it {rle['size'][1]}x{rle['size'][0]}",
                    "export the labels at the size of these photos",
                )
        annotations = tuple(
            Annotation(number, self._label_of[shape.name], segmentation(shape, height, width), level=shape.level)
            for number, shape in enumerate(photo.shapes, start=1)
        )
        refuse_overfull(file, annotations)
        return Record(file, place, height, width, annotations)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        return Sample(self.read_photo(index), *self.read_labels(index))

    def read_photo(self, index: int) -> NDArray[np.uint8]:
        """Image (H, W, 3) uint8 RGB, without the labels."""
        _, photo = self._photos[index]
        with self._file(index) as file:
            return read_photo(file, photo.height, photo.width)

    def read_labels(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Mask (H, W) uint8 and instances (H, W) int32, without the photo."""
        record = self.record(index)
        return paint(record.annotations, record.height, record.width)

    def _places(self, labels: Labels) -> list[str]:
        """Where each photo lies, relative to the root; "" for one that is not there."""
        names = [photo.name for photo in labels.photos]
        located = locate(self._root, names)
        photos = _without_masks(located.doubtful)
        doubtful = {name: found for name, found in located.doubtful.items() if name not in photos}
        located = replace(located, found={**located.found, **photos}, doubtful=doubtful)
        located.refuse_doubtful(labels.file)
        places = [located.found.get(name, name) for name in names]
        files = Folders(self._root)
        say_moved(labels.file, {name: place for name, place in located.found.items() if files.hold(place)})
        there = [
            place if photo.embedded is not None or files.hold(place) else ""
            for place, photo in zip(places, labels.photos, strict=True)
        ]
        missing = [name for name, place in zip(names, there, strict=True) if not place]
        if len(missing) == len(names):
            raise none_there(self._root, labels.file, names)
        self.left_out.update({MISSING: len(missing)} if missing else {})
        return there

    @contextmanager
    def _file(self, index: int) -> Iterator[Path]:
        """The photo's file; one that is in the labels alone is written for the time being."""
        place, photo = self._photos[index]
        file = resolve_file(self._root, place)
        if photo.embedded is None or file.is_file():
            yield file
            return
        with TemporaryDirectory() as folder:
            file = Path(folder, file.name)
            file.write_bytes(photo.embedded())
            try:
                yield file
            except RecycleError as error:
                cause = str(error.args[0]).replace(f"photo {file}", str(file)).replace(str(file), "the photo in it")
                raise RecycleError(f"{photo.origin}: {cause}", f"put {place} into {self._root}") from error

    def _once(self, photos: list[tuple[str, LabelledPhoto]], file: Path) -> list[tuple[str, LabelledPhoto]]:
        """Each photo once: what is labelled twice in the same way is left out, in other ways refused."""
        first: dict[str, LabelledPhoto] = {}
        doubled: dict[str, list[str]] = {}
        for place, photo in photos:
            known = first.setdefault(place, photo)
            if known is photo:
                continue
            if known.shapes == photo.shapes:
                self.left_out[LABELLED_TWICE] += 1
            else:
                doubled[place] = list(dict.fromkeys(one.origin for one in (known, photo) if one.origin))
        if doubled:
            files = list(dict.fromkeys(name for names in doubled.values() for name in names))
            where = f", in {' and '.join(files[:3])}" if len(files) > 1 else ""
            raise RecycleError(
                f"{file}: {', '.join(map(repr, [*doubled][:3]))} is labelled more than once, in different ways{where}",
                "move one of them out of the folder" if len(files) > 1 else "keep one of them in the export",
            )
        return [*first.items()]


def none_there(root: Path, file: Path, names: Sequence[str]) -> RecycleError:
    """What to raise where none of the photos that labels name is there, with what is there instead."""
    what = photos_there(root)
    return RecycleError(
        f"{file}: of its {counted(len(names), 'photo')} none is in {root}, as {names[0]!r}: {what}",
        "put the photos into that folder, under these names; tools often export labels alone",
    )


def photos_among(places: Sequence[str]) -> list[str]:
    """Those of several places that do not lie in a folder of masks; folders that hold all of them say nothing."""
    shared = len(posixpath.commonpath([posixpath.dirname(place) for place in places]))
    return [place for place in places if not _is_mask(place[shared:].lstrip("/"))]


def _without_faulty(photo: LabelledPhoto) -> LabelledPhoto:
    """A photo without the shapes that an outline is missing of."""
    shapes = [one for one in photo.shapes if not any(part is FAULTY for part in (*one.outlines, *one.holes))]
    return replace(photo, shapes=shapes)


def _without_masks(doubtful: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Names that can mean several photos, of which a single one does not lie in a folder of masks."""
    several = {id(places): places for places in doubtful.values()}  # many names share theirs
    photos_of = {key: photos_among(places) for key, places in several.items()}
    photos = {name: photos_of[id(places)] for name, places in doubtful.items()}
    times = Counter(places[0] for places in photos.values() if len(places) == 1)
    return {name: places[0] for name, places in photos.items() if len(places) == 1 and times[places[0]] == 1}


def _is_mask(place: str) -> bool:
    folder = place.rpartition("/")[0]
    return looks_masked(folder.split("/")) or never_masked(folder)
