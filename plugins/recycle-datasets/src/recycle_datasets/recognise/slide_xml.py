"""XML files of slides, of ASAP and of Aperio's ImageScope, by their first elements."""

from collections.abc import Iterator

from recycle_coco import Tree

from recyclecli.types import Layout

SLIDE_TAGS = ("<ASAP_Annotations", "<Annotations")  # ASAP's, ImageScope's
POINT_TAGS = ("<Coordinate ", "<Vertex ", "<Region ")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of their folders as one layout."""
    found = [name for name in tree.few(".xml") if is_slide(tree.head(name))]
    if found:
        folders = dict.fromkeys(f"{name.rpartition('/')[0] or '.'}/" for name in found)
        yield Layout("slide-xml", f"{found[0]} holds outlines of a slide", "content", options={"files": tuple(folders)})


def is_slide(text: str) -> bool:
    """Whether the beginning of an XML file is of one slide's outlines."""
    return any(mark in text[:2048] for mark in SLIDE_TAGS) and any(mark in text for mark in POINT_TAGS)
