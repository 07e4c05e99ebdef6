"""Labelbox's exports, by their content: a row for each photo, in lines or in one list, in old ones as CSV too."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree, parse_json

from recyclecli.types import Layout

LABELBOX_SUFFIXES = (".ndjson", ".jsonl", ".json")
OLD = ("Labeled Data", "Label")  # keys, or columns, of the first version
GEOMETRIES = frozenset({"polygon", "mask", "bbox", "line", "point"})  # of lines that are made to be imported there


def recognise(tree: Tree) -> Iterator[Layout]:
    """All files of Labelbox as one layout."""
    files = [name for name in tree.few(*LABELBOX_SUFFIXES) if is_row(_first(tree, name))]
    files += [name for name in tree.few(".csv") if all(key in _header(tree, name) for key in OLD)]
    if files:
        yield Layout("labelbox", f"{files[0]} holds rows of Labelbox", "content", options={"files": tuple(files)})


def _header(tree: Tree, name: str) -> list[str]:
    return [cell.strip('" ') for cell in tree.head(name).partition("\n")[0].strip().split(",")]


def _first(tree: Tree, name: str) -> Any:
    """The first row of a file, as far as its head tells."""
    content = tree.glimpse(name)
    if content is None:
        try:
            content = parse_json(tree.head(name).lstrip().partition("\n")[0])
        except ValueError:
            return None
    return content[0] if isinstance(content, list) and content else content


def is_row(row: Any) -> bool:
    """Whether JSON is what Labelbox says of one photo, or of one object where that is to be imported there."""
    if not isinstance(row, dict):
        return False
    if isinstance(row.get("data_row"), dict):
        return "projects" in row or "media_attributes" in row
    return all(key in row for key in OLD) or is_imported(row)


def is_imported(row: Any) -> bool:
    """Whether a row is an object that is made to be imported into Labelbox."""
    return isinstance(row.get("dataRow"), dict) and not GEOMETRIES.isdisjoint(row)


def tools_of(content: Any) -> list[str]:
    """Names of an ontology's tools with an area, in its order; none where JSON is no ontology."""
    tools = content.get("tools") if isinstance(content, dict) else None
    found = [one for one in (tools if isinstance(tools, list) else []) if isinstance(one, dict) and "tool" in one]
    areas = ("polygon", "superpixel", "segmentation", "raster-segmentation")
    return [str(one["name"]) for one in found if str(one["tool"]).lower() in areas and one.get("name")]
