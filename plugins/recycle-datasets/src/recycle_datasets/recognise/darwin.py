"""V7's Darwin JSON, by the content of its files."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise import folders_of
from recyclecli.types import Layout

LATEST = "latest"  # the release that is taken where several lie there


def recognise(tree: Tree) -> Iterator[Layout]:
    """All folders of annotation files as one layout, those of other releases of the same photos left out."""
    found = folders_of(tree, is_annotation)
    if not found:
        return
    releases = {folder: _release(folder) for folder in found}
    names = sorted({release for release in releases.values() if release})
    taken = LATEST if LATEST in names else names[-1] if names else ""
    folders = [folder or "." for folder in found if releases[folder] in ("", taken)]
    more = f"; of {len(names)} releases {taken} is taken" if len(names) > 1 else ""
    first = found["" if folders[0] == "." else folders[0]]
    yield Layout("darwin", f"{first} is Darwin JSON{more}", "content", options={"folders": tuple(folders)})


def is_annotation(content: Any) -> bool:
    """Whether JSON is the annotation of one item, of Darwin 2.0 or of 1.0."""
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        return False
    item, image = content.get("item"), content.get("image")
    if isinstance(item, dict):
        return "name" in item and ("slots" in item or "source_info" in item or "path" in item)
    named = all(isinstance(one, dict) and "name" in one for one in content["annotations"][:20])
    return isinstance(image, dict) and "filename" in image and named


def _release(folder: str) -> str:
    """The release that a folder is of, as `darwin dataset pull` lays them; "" for none."""
    _, there, after = f"/{folder}/".rpartition("/releases/")
    return after.partition("/")[0] if there else ""
