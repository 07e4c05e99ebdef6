"""QuPath's GeoJSON, one file for each photo, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "qupath", is_geojson, "objects of QuPath", (".geojson", ".json"))


def is_geojson(content: Any) -> bool:
    """Whether JSON, or its beginning, is of QuPath's objects: a collection of features, or a list of them."""
    features = features_of(content)[:5]
    return bool(features) and all(
        isinstance(one.get("geometry"), dict)
        and isinstance(one.get("properties"), dict)
        and not {"classification", "objectType", "object_type", "isLocked"}.isdisjoint(one["properties"])
        for one in features
    )


def features_of(content: Any) -> list[dict[str, Any]]:
    """The features of GeoJSON; [] where it is none."""
    if isinstance(content, dict):
        content = [content] if content.get("type") == "Feature" else content.get("features")
    return [one for one in dicts(content) if one.get("type") == "Feature"]
