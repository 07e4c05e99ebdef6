"""VIA's project files and region exports, by their content."""

from collections.abc import Iterator
from typing import Any

from recyclecli.coco import Tree
from recyclecli.types import Layout

METADATA = "_via_img_metadata"  # of a project; a region export is what a project has there
HEADER = "region_shape_attributes"  # a column of a CSV export


def recognise(tree: Tree) -> Iterator[Layout]:
    """All files of VIA as one layout: people keep one for each of the folders train and val."""
    files = [name for name, content in tree.jsons() if is_regions(content) or is_project(content)]
    files += [name for name in tree.few(".csv") if HEADER in tree.head(name).partition("\n")[0]]
    if files:
        yield Layout("via", f"{files[0]} holds regions of VIA", "content", options={"files": tuple(files)})


def is_project(content: Any) -> bool:
    """Whether JSON is a whole project, as VIA 2 saves it."""
    return isinstance(content, dict) and METADATA in content


def is_regions(content: Any) -> bool:
    """Whether JSON maps photos to their regions, as VIA 1 and 2 export them."""
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(photo, dict) and {"filename", "regions"} <= photo.keys() for photo in content.values())
    )
