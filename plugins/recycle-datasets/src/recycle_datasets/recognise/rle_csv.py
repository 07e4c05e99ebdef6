"""Tables of run lengths, as of Kaggle, by their headings."""

import csv
import re
from collections.abc import Iterator

from recycle_coco import Tree

from recyclecli.types import Layout

PHOTO_HEADS = ("imageid", "imageidclassid", "imagelabel", "image", "img", "filename", "file", "id", "imagename",
               "imgid", "imageidx", "photo")  # fmt: skip
RUN_HEADS = ("encodedpixels", "rle", "rlemask", "segmentation", "annotation", "mask", "rles", "encodedmask",
             "maskrle")  # fmt: skip
CLASS_HEADS = ("classid", "class", "label", "classname", "category", "celltype", "labelname", "classids")
NUMBERS_ONLY = re.compile(r"[\d\s]+")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All tables that name photos as one layout, photos or not; submissions, and tables without runs, are none."""
    files = [name for name in tree.few(".csv") if columns(tree.head(name)) and "submission" not in name.lower()]
    if files:
        yield Layout("rle-csv", f"{files[0]} holds run lengths", "content", options={"files": tuple(files)})


def columns(text: str) -> tuple[str, str, str] | None:
    """The headings of photo, runs and class ("" for none) of a table; None where it is none of runs."""
    try:
        rows = list(csv.reader(text.split("\n")[:200]))
    except csv.Error:
        return None
    heads = {re.sub(r"[^a-z]", "", head.lower()): head for head in reversed(rows[0])} if rows else {}
    photo, runs = (next((heads[one] for one in known if one in heads), None) for known in (PHOTO_HEADS, RUN_HEADS))
    if photo is None or runs is None:
        return None
    place = rows[0].index(runs)
    *whole, last = [row[place].strip() if len(row) > place else "" for row in rows[1:]] or [""]
    filled = [cell for cell in whole if cell not in ("", "-1", "nan", "NaN")]
    if not all(NUMBERS_ONLY.fullmatch(cell) and len(cell.split()) % 2 == 0 for cell in filled):
        return None
    if not filled and not (NUMBERS_ONLY.fullmatch(last) and " " in last):  # the end may be cut off
        return None
    return photo, runs, next((heads[one] for one in CLASS_HEADS if one in heads), "")
