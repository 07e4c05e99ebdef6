"""Label Studio's tasks as JSON, JSON-MIN, CSV and TSV, by their content."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_coco import Tree

from recyclecli.types import Layout

ANNOTATED = ("annotations", "completions", "predictions", "drafts", "total_annotations")  # completions: before 1.0
MINIMAL = ("annotator", "annotation_id", "lead_time", "created_at", "updated_at")  # of each record of JSON-MIN
REGION = ("original_width", "polygonlabels", "brushlabels", "ellipselabels", "rectanglelabels", "keypointlabels")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All files of Label Studio below a folder as one layout: of a project, of parts of it, or one for each task."""
    chosen = {*tree.few(".json"), *[name for name in tree.files if _is_number(name)]}
    folders = {name.rpartition("/")[0] for name in chosen if is_label_studio(tree.glimpse(name))}
    named = {*tree.ending(".json"), *chosen}
    files = [
        name for name in tree.files
        if name in named and name.rpartition("/")[0] in folders and is_label_studio(tree.glimpse(name))
    ]  # fmt: skip
    files += [name for name in tree.few(".csv", ".tsv") if is_table(tree.head(name))]
    if files:
        yield Layout(
            "label-studio", f"{files[0]} holds tasks of Label Studio", "content", options={"files": tuple(files)}
        )


def is_table(text: str) -> bool:
    """Whether a table is a CSV or TSV export: the records of JSON-MIN, regions as JSON in their cells."""
    heads = text.partition("\n")[0].replace("\t", ",").replace('"', "").strip().split(",")
    return sum(key in heads for key in MINIMAL) >= 4 and any(key in text for key in REGION)


def _is_number(name: str) -> bool:
    """Whether a file is called by a number alone, as Label Studio calls what it puts into a storage."""
    return name.rpartition("/")[2].isdecimal()


def is_label_studio(content: Any) -> bool:
    """Whether JSON, or its beginning, is a task, a stored annotation, or a list of tasks or records of JSON-MIN."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and (is_task(first) or is_stored(first) or is_minimal(first))


def is_task(one: Mapping[str, Any]) -> bool:
    """Whether an object is a task with what was labelled in it, or its beginning."""
    if isinstance(one.get("data"), dict) and any(key in one for key in ANNOTATED):
        return True
    found = [list_ for key in ANNOTATED[:2] if isinstance(list_ := one.get(key), list)]
    return any(isinstance(one, dict) and isinstance(one.get("result"), list) for list_ in found for one in list_)


def is_stored(one: Mapping[str, Any]) -> bool:
    """Whether an object is an annotation with its task in it, as Label Studio puts it into a storage."""
    task = one.get("task")
    return isinstance(one.get("result"), list) and isinstance(task, dict) and isinstance(task.get("data"), dict)


def is_minimal(one: Mapping[str, Any]) -> bool:
    """Whether an object is a record of JSON-MIN: the data of a task, and regions by the name of their tag."""
    regions = [value[0] for value in one.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    shown = any(key in region for region in regions for key in REGION)
    return shown or sum(key in one for key in MINIMAL) >= 4
