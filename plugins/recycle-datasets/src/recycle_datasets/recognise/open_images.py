"""Tables of Open Images' masks, by their headings."""

from collections.abc import Iterator

from recycle_coco import Tree

from recyclecli.types import Layout

HEADINGS = ("MaskPath", "ImageID", "LabelName")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All tables as one layout."""
    files = tuple(name for name in tree.few(".csv") if is_table(tree.head(name, 512)))
    if files:
        yield Layout("open-images", f"{files[0]} names masks of Open Images", "content", options={"files": files})


def is_table(text: str) -> bool:
    """Whether a text begins with the headings."""
    heads = [head.strip() for head in text.partition("\n")[0].split(",")]
    return {*HEADINGS} <= {*heads}
