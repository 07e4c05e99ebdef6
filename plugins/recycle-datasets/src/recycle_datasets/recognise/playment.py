"""Playment's jobs (GT Studio, TELUS Ground Truth Studio), by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "playment", is_playment, "jobs of Playment")


def is_playment(content: Any) -> bool:
    """Whether JSON, or its beginning, is of jobs with their answers."""
    return bool(answer_of(first_of(content))[1])


def answer_of(job: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job with what was drawn, by kind; the latter is empty where there is no such thing."""
    for one in (job, job.get("data")):
        if not isinstance(one, dict):
            continue
        for key, known in (("maker_response", PLAYMENT_SHAPES), ("annotations", PLAYMENT_SHAPES - {"raster"})):
            found = one.get(key)
            if isinstance(found, dict) and found and found.keys() <= known:
                return {**job, **one}, found
    return {}, {}


PLAYMENT_SHAPES = frozenset(
    ("rectangles", "polygons", "landmarks", "lines", "cuboids", "raster", "video2d", "video_2d")
)
"""What may be drawn."""
