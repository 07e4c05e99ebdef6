"""VIA's project files and region exports, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recyclecli.types import Layout

PROJECT_METADATA = "_via_img_metadata"  # of a project; a region export is what a project has there
SHAPE_COLUMN = "region_shape_attributes"  # a column of a CSV export


def recognise(tree: Tree) -> Iterator[Layout]:
    """All files of VIA as one layout: people keep one for each of the folders train and val."""
    found = [name for name, content in tree.jsons() if _is_via(content)]
    found += [name for name in tree.few(".csv") if _is_table(tree, name)]
    folders = {name.rpartition("/")[0] for name in found}
    inside = [name for name in tree.ending(".json", ".csv") if name.rpartition("/")[0] in folders]
    files = [name for name in inside if _is_table(tree, name) or _is_via(tree.glimpse(name))]
    if files:
        yield Layout("via", f"{files[0]} holds regions of VIA", "content", options={"files": tuple(files)})


def _is_table(tree: Tree, name: str) -> bool:
    return name.lower().endswith(".csv") and SHAPE_COLUMN in tree.head(name).partition("\n")[0]


def _is_via(content: Any) -> bool:
    """Whether JSON, or its beginning, is VIA's: the last photo may be cut off."""
    if isinstance(content, dict) and len(content) > 1 and not is_project(content) and not is_version_3(content):
        content = dict([*content.items()][:-1])
    return is_project(content) or is_regions(content) or is_version_3(content)


def is_project(content: Any) -> bool:
    """Whether JSON is a whole project, as VIA 2 saves it."""
    return isinstance(content, dict) and PROJECT_METADATA in content


def is_version_3(content: Any) -> bool:
    """Whether JSON is a project of VIA 3."""
    keys = ("project", "file", "view", "metadata", "attribute")
    return (
        isinstance(content, dict)
        and sum(isinstance(content.get(key), dict) for key in keys) > 2
        and ("VIA" in str(content.get("project")) or "vid_list" in str(content.get("project")))
    )


def is_regions(content: Any) -> bool:
    """Whether JSON maps photos to their regions, as VIA 1 and 2 export them."""
    return (
        isinstance(content, dict)
        and bool(content)
        and all(
            isinstance(photo, dict) and "filename" in photo and isinstance(photo.get("regions"), list | dict)
            for photo in content.values()
        )
    )
