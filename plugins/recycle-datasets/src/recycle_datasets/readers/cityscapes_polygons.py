"""The `cityscapes-polygons` dataset: NAME_gtFine_polygons.json for each photo, from which Cityscapes paints masks."""

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
from recycle_coco import IGNORE_CATEGORY, Tree, decode, rasterise

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import LabelledPhoto, Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import documents, photo_of, source
from recycle_datasets.recognise.cityscapes_polygons import POLYGONS_END, is_polygons, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.known import CITYSCAPES
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

GROUP_END = "group"  # what a label ends in where single things cannot be told apart
IGNORED_LABELS = frozenset({"out of roi", "ego vehicle", "rectification border", "license plate"})
UNCOUNTED = frozenset(
    {
        *("unlabeled", "static", "dynamic", "ground", "parking", "rail track", "guard rail", "bridge", "tunnel"),
        *("polegroup", "caravan", "trailer"),
    }
)


def open_cityscapes_polygons(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of polygon files, NAME_leftImg8bit for NAME_gtFine_polygons.json.

    Polygons are drawn in their order, the later over the earlier; `deleted` ones are counted. Where all labels are of
    Cityscapes, its 19 classes that count are the classes, and all else, also what nobody labelled, is ignored;
    elsewhere each label is a class, by name. The stated size tells whether the photo was labelled turned, as EXIF says,
    or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "Cityscapes"):
        file = str(context.root / name)
        if not is_polygons(content):
            labels.left_out["JSON files without polygons"] += content is not None
            continue
        base = PurePosixPath(name).name.removesuffix(POLYGONS_END)
        stem = base.removesuffix("_gtFine").removesuffix("_gtCoarse")
        found = (places.by_any_stem(one) for one in (f"{stem}_leftImg8bit", stem, base))
        place = next(filter(None, found), f"{stem}_leftImg8bit.png")
        size = labels.size(content["imgHeight"], content["imgWidth"], file, (context.root, place))
        shapes = []
        for number, one in enumerate(dicts(content["objects"]), start=1):
            called = str(one.get("label") or "").strip()
            if one.get("deleted") or not called:
                labels.left_out["deleted objects" if called else "objects without a label"] += 1
            else:
                outline = labels.outline(one.get("polygon"), f"{file}, object {number}")
                shapes.append(Shape(called, [outline], level=number))
        labels.photos.append(photo_of(place, shapes, size, split, file))
    own = [name for name, _ in CITYSCAPES.values()]
    used = {shape.name for photo in labels.photos for shape in photo.shapes}
    known = {*own, *(name + GROUP_END for name in own), *IGNORED_LABELS, *UNCOUNTED}
    if used <= known and used & {*own}:
        labels.photos = [_counted(photo, own) for photo in labels.photos]
        return source(context, labels, "Cityscapes", own)
    return source(context, labels, "the labelling tool")


def _counted(photo: LabelledPhoto, own: list[str]) -> LabelledPhoto:
    """A photo of which 19 classes count, and all else is ignored."""
    if photo.height is None or photo.width is None:
        return replace(photo, shapes=[])  # no photo has the size that is stated, which is a fault
    ignored = np.ones((photo.height, photo.width), bool)
    shapes = []
    for one in photo.shapes:
        name = one.name.removesuffix(GROUP_END)
        if rle := rasterise([list(outline) for outline in one.outlines], photo.height, photo.width):
            ignored[decode(rle).view(bool)] = name not in own
        if name in own:
            shapes.append(replace(one, name=name))
    return replace(photo, shapes=[*shapes, Shape(IGNORE_CATEGORY, rle=placed(ignored, 0, 0, *ignored.shape))])
