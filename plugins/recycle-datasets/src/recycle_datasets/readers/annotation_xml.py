"""The `annotation-xml` dataset: LabelMe's XML (the web tool, CVAT's LabelMe 3.0), and Pascal VOC's with polygons."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from recycle_coco import Tree, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels, is_file
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.colabeler import numbered
from recycle_datasets.readers.documents import photo_of, source
from recycle_datasets.recognise.annotation_xml import recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recycle_datasets.xmls import parse_xml
from recyclecli.types import DatasetContext, RecycleError

MASK_FOLDERS = ("Masks", "masks", ".")  # folders beside an XML file in which its masks lie
BOX_TAGS = ("bounding_box", "box", "bbox")


@dataclass(slots=True)
class _Object:
    """One <object>."""

    name: str = ""
    deleted: bool = False
    kind: str = ""
    points: list[list[str]] = field(default_factory=list)
    corners: dict[str, str] = field(default_factory=dict)
    mask: str = ""
    boxed: bool = False


@dataclass(slots=True)
class _AnnotationFile:
    """One file."""

    photo: str = ""
    sides: dict[str, str] = field(default_factory=dict)
    objects: list[_Object] = field(default_factory=list)
    is_annotation: bool = False


def open_annotation_xml(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of XML files, those without an object too.

    Polygons (<pt> with <x> and <y>, or <x1>, <y1>, <x2> ...) and masks (a PNG in Masks/ that is drawn where it is not
    0) are labelled areas; deleted objects and boxes are counted. The smaller is on top, as the tools keep no order.
    Classes stand by name. The stated size tells whether the photo was labelled turned, as EXIF says, or as it is
    stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    tree = Tree(context.root)
    names = options.files or names_of(tree, context, recognise, "files", "XML", "Annotations/")
    labels = Labels(context.root / names[0])
    places = PhotoIndex(tree.photos)
    for name in names:
        folder = name.rstrip("/")
        own = "" if folder == "." else folder
        files = tree.folders.get(own, ()) if name.endswith("/") else (name,)
        for file in files:
            if file.lower().endswith(".xml"):
                _read(labels, context.root, file, places)
    return source(context, labels, "the labelling tool")


def _read(labels: Labels, root: Path, name: str, places: PhotoIndex) -> None:
    """One file."""
    found, path = _AnnotationFile(), PurePosixPath(name)
    reader = _AnnotationReader(found)
    try:
        parse_xml(root / name, reader.start, reader.end)
    except RecycleError as error:
        labels.faults.append((str(root / name), str(error.args[0]).removeprefix(f"{root / name} ")))
        return
    if not found.is_annotation:
        labels.left_out["XML files of something else"] += 1
        return
    photo = found.photo.replace("\\", "/").rpartition("/")[2] or path.stem
    near = [path.parent, path.parent.parent, path.parent.parent / "JPEGImages", path.parent.parent / "images"]
    place = places.exact(near, photo) or places.exact_base(photo) or places.by_stem(near, path.stem) or photo
    height, width = (found.sides.get(key, found.sides.get(other)) for key, other in SIZE_TAGS)
    size = labels.size(height, width, str(root / name), (root, place))
    shapes: list[Shape] = []
    for number, one in enumerate(found.objects, start=1):
        shapes += _shapes(labels, f"{root / name}, object {number}", one, root, path.parent)
    labels.photos.append(photo_of(place, shapes, size, nearest_split(path.parent), str(root / name)))


SIZE_TAGS = (("height", "nrows"), ("width", "ncols"))


class _AnnotationReader:
    """Gathers what a file says, element by element.

    Args:
        found: where it is put.
    """

    def __init__(self, found: _AnnotationFile) -> None:
        self._found = found

    def start(self, path: tuple[str, ...], _: Mapping[str, str]) -> None:
        """An element begins."""
        if path == ("annotation",):
            self._found.is_annotation = True
        elif path == ("annotation", "object"):
            self._found.objects.append(_Object())
        elif path[:2] == ("annotation", "object") and path[2:] == ("polygon", "pt"):
            self._found.objects[-1].points.append(["", ""])
        elif path[:2] == ("annotation", "object") and path[2:] == ("bndbox",):
            self._found.objects[-1].boxed = True

    def end(self, path: tuple[str, ...], text: str) -> None:
        """An element ends."""
        if path == ("annotation", "filename"):
            self._found.photo = text
        elif len(path) == 3 and path[1] in ("size", "imagesize"):
            self._found.sides[path[2]] = text
        elif path[:2] == ("annotation", "object") and self._found.objects:
            self._object(self._found.objects[-1], path[2:], text)

    def _object(self, one: _Object, path: tuple[str, ...], text: str) -> None:
        match path:
            case ("name",):
                one.name = text
            case ("deleted",):
                one.deleted = text in ("1", "yes", "true")
            case ("type",):
                one.kind = text.lower()
            case ("polygon", "pt", "x" | "y"):
                one.points[-1][path[2] == "y"] = text
            case ("polygon", key) if key[:1] in ("x", "y") and key[1:].isdecimal():
                one.corners[key] = text
            case ("segm", "mask"):
                one.mask = text


def _shapes(labels: Labels, where: str, one: _Object, root: Path, folder: PurePosixPath) -> Iterator[Shape]:
    """The labelled area of an object; all else is counted as left out."""
    left_out: Counter[str] = labels.left_out
    points = one.points or numbered(one.corners)
    if one.deleted:
        left_out["deleted objects"] += 1
    elif one.kind in BOX_TAGS or not (points or one.mask):
        left_out["boxes" if one.boxed or one.kind in BOX_TAGS else "objects without an outline"] += 1
    elif not one.name:
        left_out["objects without a name"] += 1
    elif points:
        yield Shape(one.name, [labels.outline(points, where)])
    else:
        found = [(folder / place / one.mask).as_posix() for place in MASK_FOLDERS]
        place = next((own for own in found if is_file(root, own)), "")
        if not place:
            labels.faults.append((where, f"its mask {one.mask} is not there"))
            return
        mask = numbers_of(resolve_file(root, place)) != 0
        yield Shape(one.name, rle=placed(np.asarray(mask), 0, 0, *mask.shape))
