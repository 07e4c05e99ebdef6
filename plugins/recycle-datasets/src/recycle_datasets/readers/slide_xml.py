"""The `slide-xml` dataset: an XML file for each photo, of ASAP or of Aperio's ImageScope."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.folders import names_of
from recycle_datasets.labels import UNNAMED_CLASS, Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import photo_of, source
from recycle_datasets.recognise.slide_xml import recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recycle_datasets.xmls import parse_xml
from recyclecli.types import DatasetContext, RecycleError

ASAP_AREAS = ("polygon", "spline", "rectangle")  # kinds of ASAP
IMAGESCOPE_SKIPPED = {"2": "ellipses", "3": "arrows", "4": "lines"}  # numbers of ImageScope's that are no outlines
UNNAMED_GROUPS = ("", "none", "description")


def open_slide_xml(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of XML files that are called as these, those without an outline too.

    Polygons of ASAP are of the class of their group, regions of ImageScope of the name, or the attribute, of their
    layer; what names none is an `object`. A region that ImageScope marks as negative is a hole in its layer. The
    smaller is on top, as the tools keep no order. Points are pixels of the photo as EXIF turns it. Classes stand in
    the order of ASAP's groups, others behind them by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    tree = Tree(context.root)
    names = options.files or names_of(tree, context, recognise, "files", "ASAP or ImageScope", "xml/")
    labels, places = Labels(context.root / names[0]), PhotoIndex(tree.photos)
    groups: dict[str, None] = {}
    for name in names:
        folder = name.rstrip("/")
        files = tree.folders.get("" if folder == "." else folder, ()) if name.endswith("/") else (name,)
        for file in (one for one in files if one.lower().endswith(".xml")):
            reader = _SlideReader(labels, str(context.root / file))
            try:
                parse_xml(context.root / file, reader.start, reader.end)
            except RecycleError as error:
                labels.faults.append((str(context.root / file), str(error.args[0])))
                continue
            if not reader.is_slide:
                labels.left_out["XML files of something else"] += 1
                continue
            groups |= reader.groups
            stem = PurePosixPath(file).stem
            photo = places.by_stem([PurePosixPath(file).parent], stem) or places.by_any_stem(stem) or stem
            split = nearest_split(PurePosixPath(file).parent)
            labels.photos.append(photo_of(photo, reader.shapes, None, split, str(context.root / file)))
    return source(context, labels, "ASAP or ImageScope", [*groups, *sorted_names(labels.photos)])


class _SlideReader:
    """Gathers the outlines of a file, element by element.

    Args:
        labels: what is no outline is counted there.
        where: the file, for faults.

    Attributes:
        shapes: the outlines.
        groups: classes in ASAP's order.
        is_slide: whether the file is one of these.
    """

    def __init__(self, labels: Labels, where: str) -> None:
        self.shapes: list[Shape] = []
        self.groups: dict[str, None] = {}
        self.is_slide = False
        self._labels, self._where = labels, where
        self._name = self._kind = ""
        self._negative = False
        self._points: list[tuple[str, str]] = []
        self._holes: list[list[float]] = []
        self._first = 0  # of the layer's shapes

    def start(self, path: tuple[str, ...], attributes: Mapping[str, str]) -> None:
        """An element begins."""
        match path[-1]:
            case "ASAP_Annotations" | "Annotations":
                self.is_slide = True
            case "Annotation":
                self._name = attributes.get("PartOfGroup", attributes.get("Name", ""))
                self._kind = attributes.get("Type", "") if path[0] == "ASAP_Annotations" else ""
                self._points, self._holes, self._first = [], [], len(self.shapes)
            case "Attribute" if path[-2:-1] == ("Attributes",) and self._name.lower() in UNNAMED_GROUPS:
                self._name = attributes.get("Name", "")
                if self._name.lower() in UNNAMED_GROUPS:
                    self._name = attributes.get("Value", "")
            case "Region":
                self._kind, self._points = attributes.get("Type", "0"), []
                self._negative = attributes.get("NegativeROA") == "1"
            case "Vertex" | "Coordinate":
                self._points.append((attributes.get("X", ""), attributes.get("Y", "")))
            case "Group" if (name := attributes.get("Name", "")).lower() not in UNNAMED_GROUPS:
                self.groups[name] = None

    def end(self, path: tuple[str, ...], _: str) -> None:
        """An element ends."""
        if path[-1] == "Region":
            self._region()
        elif path[-1] == "Annotation" and path[0] == "ASAP_Annotations":
            if self._kind.lower() in ASAP_AREAS:
                self._add()
            else:
                self._labels.left_out["points" if self._kind in ("Dot", "PointSet") else "outlines of other kinds"] += 1
        elif path[-1] == "Annotation" and self._holes:
            own = self.shapes[self._first :]
            self.shapes[self._first :] = [Shape(one.name, one.outlines, self._holes) for one in own]

    def _region(self) -> None:
        if self._kind in IMAGESCOPE_SKIPPED:
            self._labels.left_out[IMAGESCOPE_SKIPPED[self._kind]] += 1
        elif self._negative:
            self._holes.append(self._outline())
        else:
            self._add()

    def _outline(self) -> list[float]:
        return self._labels.outline(self._points, f"{self._where}, outline {len(self.shapes) + 1}")

    def _add(self) -> None:
        name = self._name.strip()
        self.shapes.append(Shape(UNNAMED_CLASS if name.lower() in UNNAMED_GROUPS else name, [self._outline()]))
