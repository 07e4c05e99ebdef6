"""labelme's JSON files, one for each photo, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recyclecli.types import Layout

EMBEDDED = '"imageData"'  # the photo in base64: only labelme and what follows it writes that


def recognise(tree: Tree) -> Iterator[Layout]:
    """All folders with JSON files of labelme as one layout."""
    files = [name for name, content in tree.jsons() if is_labelme(content) or _is_cut_off(tree, name, content)]
    folders = dict.fromkeys(name.rpartition("/")[0] or "." for name in files)
    if files:
        yield Layout("labelme", f"{files[0]} holds shapes of labelme", "content", options={"folders": tuple(folders)})


def is_labelme(content: Any) -> bool:
    """Whether JSON, or its beginning, is labelme's of one photo."""
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        return False
    shapes = content["shapes"]
    shaped = bool(shapes) and all(isinstance(one, dict) and {"label", "points"} <= one.keys() for one in shapes[:1])
    return "imagePath" in content or EMBEDDED.strip('"') in content or shaped


def _is_cut_off(tree: Tree, name: str, content: Any) -> bool:
    """Whether the embedded photo comes first and hides the shapes."""
    return isinstance(content, dict | None) and EMBEDDED in tree.head(name)
