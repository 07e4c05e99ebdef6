"""XML files of one photo each, with polygons or masks: LabelMe's (the web tool, CVAT) and VOC's with polygons."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from recycle_coco import Tree

from recyclecli.types import Evidence, Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of their folders as one layout; files of boxes alone where nothing else may say what the pixels are."""
    kinds = {name: kind_of(tree.head(name)) for name in tree.few(".xml")}
    shaped = [name for name, kind in kinds.items() if kind == "areas"]
    boxed = [name for name, kind in kinds.items() if kind == "boxes"]
    found = shaped or boxed
    if not found or (not shaped and _others(tree)):
        return
    folders = dict.fromkeys(f"{name.rpartition('/')[0] or '.'}/" for name in found)
    evidence: Evidence = "content" if shaped else "folders"
    what = "polygons or masks" if shaped else "boxes alone"
    why = f"{found[0]} is the annotation of one photo, with {what}"
    yield Layout("annotation-xml", why, evidence, options={"files": tuple(folders)})


def kind_of(text: str) -> str:
    """What the beginning of an XML file shows: `areas`, `boxes`, or "" where it is no annotation of one photo."""
    if "<annotation>" not in text[:2048] and "<annotation " not in text[:2048]:
        return ""
    if "<polygon>" in text or "<segm>" in text or "<pt>" in text:
        return "areas"
    return "boxes" if "<bndbox>" in text or "<filename>" in text else ""


def _others(tree: Tree) -> bool:
    """Whether something else may say what the pixels are: JSON files, or pictures of the same names."""
    bases = [PurePosixPath(name).stem for name in tree.photos]
    return bool(tree.ending(".json", ".txt", ".csv")) or len(set(bases)) < len(bases)
