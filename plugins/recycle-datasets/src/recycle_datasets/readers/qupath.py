"""The `qupath` dataset: annotations of QuPath as GeoJSON, a file for each photo by its name."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import documents, photo_of, source
from recycle_datasets.recognise.qupath import features_of, is_geojson, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

QUPATH_SKIPPED = {"Point": "points", "MultiPoint": "points", "LineString": "lines", "MultiLineString": "lines"}


def open_qupath(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos that GeoJSON files are called after.

    Polygons with holes, and several of one object, are labelled areas; the smaller is on top. Coordinates are pixels
    of the photo as it is stored or turned, QuPath states no size: the turned one is taken. Classes are the
    classifications, by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "QuPath"):
        file = context.root / name
        if content is None or (not is_geojson(content) and features_of(content)):
            labels.left_out["GeoJSON files of something else"] += content is not None
            continue
        stem = PurePosixPath(name).stem
        folder = PurePosixPath(name).parent
        place = places.by_stem([folder], stem) or places.by_any_stem(stem) or places.exact_base(stem) or stem
        shapes: list[Shape] = []
        for number, one in enumerate(features_of(content), start=1):
            shapes += _shapes(labels, f"{file}, feature {number}", one)
        labels.photos.append(photo_of(place, shapes, None, split, str(file)))
    return source(context, labels, "QuPath")


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled areas of a feature; all else is counted as left out."""
    geometry, about = one.get("geometry"), one.get("properties")
    kind = str(geometry.get("type")) if isinstance(geometry, dict) else "None"
    name = about.get("classification") if isinstance(about, dict) else None
    if isinstance(name, dict):
        listed = name.get("names")
        name = name.get("name") or ": ".join(map(str, listed if isinstance(listed, list) else []))
    if kind not in ("Polygon", "MultiPolygon"):
        labels.left_out[QUPATH_SKIPPED.get(kind, f"features of type {kind}")] += 1
    elif not name:
        labels.left_out["annotations without a classification"] += 1
    else:
        found = geometry.get("coordinates") if isinstance(geometry, dict) else None
        parts = [found] if kind == "Polygon" else found
        for part in parts if isinstance(parts, list) else []:
            rings = [labels.outline(ring, where) for ring in (part if isinstance(part, list) else [])]
            yield Shape(str(name).strip(), rings[:1], rings[1:])
