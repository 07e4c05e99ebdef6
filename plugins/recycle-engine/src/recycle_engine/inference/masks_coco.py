"""Masks that were written, as a COCO document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import connected_pieces, has_background, open_photo
from recycle_data.coco_document import assemble, mask_regions
from recycle_data.progress import track


def coco_of(class_names: tuple[str, ...], names: Sequence[str], masks: Sequence[Path]) -> dict[str, Any]:
    """A COCO document of masks, each connected piece an object."""
    background = has_background(class_names)

    def photos() -> Iterator[Any]:
        for name, file in track(list(zip(names, masks, strict=True)), len(names), "writing COCO"):
            with open_photo(file, "mask") as (image, _):
                labels = np.asarray(image)
            pieces = connected_pieces(labels, int(background))
            yield name, *labels.shape, mask_regions(labels, pieces, background)

    return assemble(class_names, photos())
