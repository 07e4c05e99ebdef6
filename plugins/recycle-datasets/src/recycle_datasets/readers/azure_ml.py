"""The `azure-ml` dataset: JSON lines of Azure Machine Learning's labelling projects and AutoML tables."""

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import base_of, lines, photo_of, size_of, source
from recycle_datasets.recognise.azure_ml import is_point, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext


def open_azure_ml(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of the lines, those without a label too.

    Polygons, in shares of the photo's sides as EXIF turns it, are labelled areas, one object's united; the smaller is
    on top. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Azure ML", "labels.jsonl")
    labels.file, places = context.root / files[0], PhotoIndex(tree.photos)
    for name, split in zip(files, splits_of(files), strict=True):
        for where, line in lines(labels, context.root / name):
            if not is_point(line):
                continue
            base = base_of(line["image_url"])
            place = places.exact_base(base) or base
            height, width = size_of(context.root, place, {}) or (1, 1)  # of a photo that is counted as missing
            shapes = []
            for number, one in enumerate(dicts(line["label"]), start=1):
                called, rings = str(one.get("label") or "").strip(), one.get("polygon")
                if not isinstance(rings, list):
                    labels.left_out["boxes" if "topX" in one else "tags"] += 1
                elif called:
                    rings = rings if any(isinstance(ring, list) for ring in rings) else [rings]
                    at = f"{where}, label {number}"
                    shapes.append(Shape(called, [labels.outline(ring, at, (width, height)) for ring in rings]))
                else:
                    labels.left_out["polygons without a label"] += 1
            labels.photos.append(photo_of(place, shapes, None, split, where))
    return source(context, labels, "Azure ML")
