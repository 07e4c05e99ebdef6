"""The `sagemaker` dataset: output manifests of Amazon SageMaker Ground Truth with the masks beside them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import Tree, is_background, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import LINKED_MASKS, base_of, lines, photo_of, source
from recycle_datasets.recognise.sagemaker import is_entry, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext, RecycleError

MAP = "internal-color-map"


def open_sagemaker(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a manifest's lines, each with a mask of colours that the line's internal-color-map names.

    Photos and masks are looked for by the last parts of their addresses. A colour that the map lacks is the
    background. Masks are of the photo as EXIF turns it. Classes stand in the order of the map's numbers.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "SageMaker Ground Truth", "output.manifest")
    labels.file, places = context.root / files[0], PhotoIndex(tree.photos)
    names: dict[str, None] = {}
    for file, split in zip(files, splits_of(files), strict=True):
        for where, line in lines(labels, context.root / file):
            if not is_entry(line):
                continue
            photo = base_of(line["source-ref"])
            mask, colors = _mask(line)
            names |= {name: None for name, _ in colors if not is_background(name)}
            if not mask:
                labels.left_out["photos with boxes, tags or no label"] += 1
                continue
            own = places.exact_base(mask) or places.exact_base(mask.replace(":", "_"))
            if not own:
                labels.left_out[LINKED_MASKS] += 1
                continue
            try:
                shapes = list(_shapes(resolve_file(context.root, own), colors))
            except RecycleError as error:
                labels.faults.append((where, str(error.args[0])))
                continue
            labels.photos.append(photo_of(places.exact_base(photo) or photo, shapes, None, split, where))
    return source(context, labels, "Ground Truth", names)


def _mask(line: Mapping[str, Any]) -> tuple[str, list[tuple[str, int]]]:
    """The name of a line's mask and what its colours are; "" where it has none."""
    for key, about in line.items():
        found = about.get(MAP) if isinstance(about, dict) else None
        if isinstance(found, dict):
            entries = sorted(found.items(), key=lambda item: (not item[0].isdecimal(), len(item[0]), item[0]))
            named = [(str(one.get("class-name")).strip(), one.get("hex-color")) for _, one in entries if _is_dict(one)]
            colors = [(name, int(str(color).lstrip("#"), 16)) for name, color in named if _is_hex(color)]
            mask = line.get(key.removesuffix("-metadata")) or line.get(key.removesuffix("-metadata") + "-ref")
            return base_of(mask), colors
    return "", []


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_hex(color: Any) -> bool:
    text = str(color).lstrip("#")
    return len(text) == 6 and all(one in "0123456789abcdefABCDEF" for one in text)


def _shapes(file: Path, colors: list[tuple[str, int]]) -> Iterator[Shape]:
    """A shape of each class that the mask shows."""
    codes = codes_of(file)
    for name, code in colors:
        shown = codes == code
        if not is_background(name) and np.any(shown):
            yield Shape(name, rle=placed(np.asarray(shown), 0, 0, *codes.shape))
