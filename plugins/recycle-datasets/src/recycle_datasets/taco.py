"""The `taco` dataset: TACO's annotations with its categories mapped to materials."""

import csv
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from recycle_coco import BACKGROUND, IGNORE_CATEGORY, CocoSource, find_annotation_file, is_background, read_text
from recycle_coco.crowds import Crowds
from recycle_coco.table import CsvRows

from recycle_datasets import TacoOptions
from recycle_datasets.coco_export import read_export
from recyclecli.types import IGNORE, DatasetContext, Record, RecycleError

MATERIALS = (
    "General trash",
    "Paper",
    "Paper pack",
    "Metal",
    "Glass",
    "Plastic",
    "Styrofoam",
    "Plastic bag",
    "Battery",
    "Clothing",
)


def open_taco(options: TacoOptions, context: DatasetContext) -> CocoSource:
    """TACO's photos in `context.root` with the annotations of `context.split`, or annotations.json.

    Raises:
        RecycleError: see `CocoSource`; a mapping that is no table, or lacks a category.
    """
    mapping = read_mapping(options.mapping)
    if options.files and context.split is None:
        export = read_export(context.root, options.files, context.drop_unreadable)
        source = TacoSource(context.root, export.file, mapping, options.crowds, export.content)
        source.splits, source.left_out = export.splits, export.left_out
        return source
    file = find_annotation_file(context.root) if context.split is None else context.root / Path(context.split)
    return TacoSource(context.root, file, mapping, options.crowds)


class TacoSource(CocoSource):
    """A COCO file whose categories are changed to materials, painted by COCO's rule.

    Args:
        root: the folder that `file_name`s are relative to.
        file: the COCO file.
        mapping: category name to material; `ignore` and `Background` may be materials, too.
        crowds, content: see `CocoSource`.

    Raises:
        RecycleError: see `CocoSource`; categories that the mapping lacks.
    """

    def __init__(
        self,
        root: Path,
        file: Path,
        mapping: dict[str, str],
        crowds: Crowds = "auto",
        content: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, file, crowds=crowds, content=content)
        categories = {category["id"]: category["name"] for category in self.document["categories"]}
        unknown = [name for name in categories.values() if name not in mapping]
        if unknown:
            raise RecycleError(
                f"{file}: category {', '.join(map(repr, unknown[:5]))} is not in the mapping",
                "add a line `category,material` to a copy of it and name that as option `mapping`",
            )
        own = [name for name in mapping.values() if name not in (*MATERIALS, BACKGROUND, IGNORE_CATEGORY)]
        materials = (BACKGROUND, *MATERIALS, *dict.fromkeys(own))
        label_of = {name: label for label, name in enumerate(materials)} | {IGNORE_CATEGORY: IGNORE}
        before = self.class_names  # Background, then the categories by id
        table = {label: label_of[mapping[name]] for label, name in enumerate(before) if name in mapping}
        table |= {IGNORE: IGNORE} | ({} if 0 in table else {0: 0})
        self._records = [_mapped_record(record, table) for record in self._records]
        self.class_names = materials
        self.document = _mapped_document(
            self.document, {key: mapping[name] for key, name in categories.items()}, label_of
        )


def read_mapping(file: Path | None = None) -> dict[str, str]:
    """Category name to material, of a CSV with the columns category and material; the packaged one by default.

    Raises:
        RecycleError: it cannot be read, or names a category twice or without a material.
    """
    try:
        packaged = files("recycle_datasets") / "taco.csv"
        text = packaged.read_text(encoding="utf-8") if file is None else read_text(file)
        rows = [
            (row["category"].strip(), _material(row["material"]))
            for row in CsvRows(text.splitlines(), skipinitialspace=True)
        ]
    except (csv.Error, KeyError, AttributeError) as error:
        raise RecycleError(
            f"{file} is no table of category,material: {error!r}", "copy recycle_datasets/taco.csv and edit it"
        ) from error
    mapping = dict(rows)
    if len(mapping) < len(rows) or not all(mapping.values()) or not mapping:
        raise RecycleError(f"{file}: a category occurs twice or has no material", "give each category one line")
    return mapping


def _material(text: str) -> str:
    return BACKGROUND if is_background(text) else text.strip()


def _mapped_record(record: Record, table: dict[int, int]) -> Record:
    return replace(record, annotations=tuple(replace(one, label=table[one.label]) for one in record.annotations))


def _mapped_document(content: dict[str, Any], named: dict[int, str], label_of: dict[str, int]) -> dict[str, Any]:
    """The COCO content with the materials as categories; what is to be ignored becomes a crowd."""
    ids = label_of | {IGNORE_CATEGORY: len(label_of) - 1}
    annotations = []
    for one in content["annotations"]:
        material = named[one["category_id"]]
        crowd = {"iscrowd": 1} if material == IGNORE_CATEGORY else {}
        annotations.append(one | {"category_id": ids[material]} | crowd)
    used = set(named.values())
    categories = [
        {"id": number, "name": name, "supercategory": name}
        for name, number in ids.items()
        if name in used or name not in (BACKGROUND, IGNORE_CATEGORY)
    ]
    return content | {"annotations": annotations, "categories": categories}
