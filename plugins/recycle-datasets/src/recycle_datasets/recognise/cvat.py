"""CVAT's XML of images and of videos, by its content."""

import re
from collections.abc import Iterator

from recycle_coco import Tree

from recyclecli.types import Layout

BEFORE = r"<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\])?\s*>|\s+"
ROOT = re.compile(rf"(?:{BEFORE})*<annotations\b", re.DOTALL)
CVAT_MARK = re.compile(r"<image\s[^>]*\bname=|<track\s[^>]*\blabel=|<meta>\s*<(?:task|job|project)>")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All XML files of CVAT below a folder as one layout: one for each task, or for each of the folders of splits."""
    folders = {name.rpartition("/")[0] for name in tree.few(".xml") if is_cvat(tree.head(name))}
    files = [name for name in tree.ending(".xml") if name.rpartition("/")[0] in folders and is_cvat(tree.head(name))]
    if files:
        yield Layout("cvat", f"{files[0]} holds images of CVAT", "content", options={"files": tuple(files)})


def is_cvat(head: str) -> bool:
    """Whether the beginning of an XML file is CVAT's."""
    return ROOT.match(head) is not None and CVAT_MARK.search(head) is not None
