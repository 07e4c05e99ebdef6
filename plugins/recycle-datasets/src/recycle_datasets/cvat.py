"""The `cvat` dataset: CVAT's own XML, version 1.1, for images and for videos."""

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from recycle_coco import Tree, photos_below, split_called
from recycle_coco.paths import Folders

from recycle_datasets import CvatOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.bitmaps import placed, whole_runs
from recycle_datasets.folders import names_of
from recycle_datasets.labels import LabelledPhoto, Labels, merged
from recycle_datasets.outlines import Shape
from recycle_datasets.recognise.cvat import recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recycle_datasets.xmls import parse_xml
from recyclecli.types import DatasetContext, RecycleError

CVAT_AREAS = ("polygon", "mask", "ellipse")
CVAT_SKIPPED = {
    "box": "boxes",
    "polyline": "lines",
    "points": "points",
    "tag": "tags",
    "cuboid": "cuboids",
    "skeleton": "skeletons",
}
FRAME_NUMBER = re.compile(r"(?:.*?)(\d+)")  # frame_000012
LARGEST_BOX = 2**28  # pixels of a mask
DRAW = "draw outlines or masks in CVAT, and export as CVAT for images 1.1"


def open_cvat(options: CvatOptions, context: DatasetContext) -> ShapeSource:
    """The photos of CVAT's XML files: one for each task or job, or one of a project.

    Polygons, masks and ellipses are labelled areas, as in CVAT's own export of masks. What has a higher `z_order` is on
    top, of equal ones the smaller. CVAT states the sizes of the photos as EXIF turns them; older versions those of the
    files. Labels are in the order of the file's `meta`, without the points of skeletons. Subsets called as splits
    are splits. Tracks of a video are read where its frames lie there as photos (`frame_000012.png`).

    Raises:
        RecycleError: see `ShapeSource`; no such file, none of CVAT, no labelled area, or a video without its frames.
    """
    files = options.files or names_of(Tree(context.root), context, recognise, "files", "CVAT", "annotations.xml")
    parts = [_read(context.root, name, split) for name, split in zip(files, splits_of(files), strict=True)]
    labels = merged(parts, context.root / files[0])
    labels.refuse_no_area(DRAW)
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _read(root: Path, name: str, split: str) -> Labels:
    """One file."""
    reader = _CvatReader(root, name, split)
    parse_xml(root / name, reader.start, reader.end)
    if not reader.is_cvat:
        raise RecycleError(f"{root / name} is no XML file of CVAT", "export it from CVAT as CVAT for images 1.1")
    if reader.frames:
        reader.add_frames()
    return reader.labels


class _CvatReader:
    """Takes the elements of one file.

    Attributes:
        labels: what was read.
        frames: shapes of a video by the number of the frame.
    """

    def __init__(self, root: Path, name: str, split: str) -> None:
        self.root = root
        self.file = root / name
        self.folder = PurePosixPath(name).parent
        self.split = split
        self.labels = Labels(self.file)
        self.frames: dict[int, list[Shape]] = {}
        self.is_cvat = False
        self._known: set[str] = set()  # labels
        self._sublabel = False
        self._label = ""
        self._image: Mapping[str, str] = {}
        self._photo = ""  # where its file lies
        self._stated: tuple[int, int] | None = None  # its height and width
        self._shapes: list[Shape] = []
        self._track = ""
        self._size: dict[str, int] = {}  # of the frames of a video
        self._files = Folders(root)
        self._folders: dict[str, list[str]] = {}  # of a subset, where its photos may lie, and where they should

    def start(self, path: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if path == ("annotations",):
            self.is_cvat = True
        elif path == ("annotations", "image"):
            self._image, self._shapes = attributes, []
            name, subset = attributes.get("name", "").replace("\\", "/"), attributes.get("subset", "")
            self._photo = self._place(name, subset) if name else ""
            sides = attributes.get("height"), attributes.get("width")
            self._stated = self.labels.size(*sides, f"{self.file}: {name}", (self.root, self._photo))
        elif path == ("annotations", "track"):
            self._track = attributes.get("label", "")
        elif path[:2] == ("annotations", "image") and len(path) == 3:
            if shape := self._shape(path[-1], attributes.get("label", ""), attributes, self._image.get("name", "")):
                self._shapes.append(shape)
        elif path[:2] == ("annotations", "track") and len(path) == 3:
            self._add_tracked(path[-1], attributes)

    def end(self, path: tuple[str, ...], text: str) -> None:
        """An element ends."""
        if path == ("annotations", "image"):
            self._add_image()
        elif path[-3:] == ("labels", "label", "name"):
            self._label = text
        elif path[-3:] == ("labels", "label", "parent"):
            self._sublabel = bool(text)
        elif path[-2:] == ("labels", "label"):
            if self._label and not self._sublabel and self._label not in self._known:
                self._known.add(self._label)
                self.labels.names.append(self._label)
            self._label, self._sublabel = "", False
        elif path[-2:-1] == ("original_size",) and text.isdecimal() and len(text) < 10:
            self._size[path[-1]] = int(text)

    def add_frames(self) -> None:
        """The frames of a video that lie there as photos, with their shapes; what is outside of them is not shown."""
        found: dict[int, str] = {}
        for file in photos_below(self.file.parent):
            if match := FRAME_NUMBER.fullmatch(file.stem):
                found.setdefault(int(match[1]), file.relative_to(self.root).as_posix())
        if not found.keys() & self.frames.keys():
            raise RecycleError(
                f"{self.file} holds tracks of a video, and its frames are not there as photos, as frame_000000.png",
                "export from CVAT as CVAT for images 1.1, with its images, or put the frames beside the file",
            )
        for number in sorted({*found} | {*self.frames}):
            name = found.get(number, f"frame_{number:06d}.png")
            self._add(name, self.frames.get(number, []), self._size.get("height"), self._size.get("width"), self.split)

    def _add_image(self) -> None:
        if not self._photo:
            self.labels.faults.append((f"{self.file}: image {self._image.get('id')}", "it has no name"))
            return
        split = split_called(self._image.get("subset", "")) or self.split
        height, width = self._stated or (None, None)
        self._add(self._photo, self._shapes, height, width, split)

    def _add(self, name: str, shapes: list[Shape], height: int | None, width: int | None, split: str) -> None:
        self.labels.photos.append(LabelledPhoto(name, shapes, height or None, width or None, split, str(self.file)))

    def _place(self, name: str, subset: str) -> str:
        """Where CVAT puts a photo: below images/ and its subset, or where its name says."""
        if subset not in self._folders:
            own = () if subset in ("", "default") else (subset,)
            inner = [PurePosixPath(*parts) for parts in (("images", subset), ("images", *own), own, ("images",), ())]
            places = [(folder / one).as_posix() for folder in (self.folder, PurePosixPath()) for one in inner]
            self._folders[subset] = [*dict.fromkeys(places), self.folder.joinpath(*own).as_posix()]
        *folders, last = self._folders[subset]
        name = PurePosixPath(name).as_posix()
        there = (folder for folder in folders if self._files.hold(_joined(folder, name)))
        return _joined(next(there, last), name)

    def _add_tracked(self, kind: str, attributes: Mapping[str, str]) -> None:
        """A shape of a track in one frame; where it is outside, the object is not seen any more."""
        frame = self._number(attributes.get("frame", ""), f"track {self._track}", "frame")
        if frame is None or attributes.get("outside") == "1":
            return
        shapes = self.frames.setdefault(frame, [])
        if shape := self._shape(kind, self._track, attributes, f"frame {frame}"):
            shapes.append(shape)

    def _shape(self, kind: str, label: str, attributes: Mapping[str, str], photo: str) -> Shape | None:
        """A labelled area; what is none is counted, what cannot be used is a fault."""
        if kind not in CVAT_AREAS:
            self.labels.left_out[CVAT_SKIPPED.get(kind, f"elements <{kind}>")] += 1
            return None
        where = f"{self.file}: {photo}, {kind} {label}"
        if not label:
            self.labels.faults.append((where, "it has no label"))
            return None
        level = self._number(attributes.get("z_order", "0"), where, "z_order") or 0
        if kind == "polygon":
            pairs = [pair.split(",") for pair in attributes.get("points", "").split(";")]
            return Shape(label, [self.labels.outline(pairs, where)], level=level)
        try:
            if kind == "ellipse":
                x, y, across, down = (float(attributes[key]) for key in ("cx", "cy", "rx", "ry"))
                corners = ellipse(x, y, across, down, float(attributes.get("rotation", 0)))
                return Shape(label, [self.labels.outline(corners, where)], level=level)
            return Shape(label, rle=self._mask(attributes), level=level)
        except (KeyError, ValueError, OverflowError) as error:
            self.labels.faults.append((where, f"its numbers cannot be used: {error}"))
            return None

    def _mask(self, attributes: Mapping[str, str]) -> Mapping[str, object]:
        """The pixels of a mask in the photo: CVAT's counts run row by row through its box, outside first."""
        left, top, width, height = (int(float(attributes[key])) for key in ("left", "top", "width", "height"))
        frame = self._size.get("height"), self._size.get("width")
        photo = self._stated or self.labels.size(*frame, str(self.file))
        if photo is None:
            raise ValueError("its photo states no size, or none that a photo has")
        if not 0 < height * width <= LARGEST_BOX:
            raise ValueError(f"a box of {width}x{height}")
        counts = whole_runs([*map(int, attributes["rle"].split(","))], height * width)
        flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
        return placed(np.pad(flat, (0, height * width - len(flat))).reshape(height, width), left, top, *photo)

    def _number(self, text: str, where: str, what: str) -> int | None:
        """A whole number; a fault where it is another text, None also where there is none."""
        try:
            return int(float(text)) if text else None
        except (ValueError, OverflowError):
            self.labels.faults.append((f"{self.file}: {where}", f"its {what} is no number: {text[:20]!r}"))
            return None


def _joined(folder: str, name: str) -> str:
    return name if folder == "." else posixpath.join(folder, name)
