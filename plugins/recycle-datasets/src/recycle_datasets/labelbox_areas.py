"""The labelled areas of Labelbox's objects: polygons, outlines as text, and masks in the file or beside the photos."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from recycle_coco import resolve_file

from recycle_datasets.bitmaps import placed, png_mask
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recyclecli.types import RecycleError

LABELBOX_SKIPPED = {
    "bounding_box": "boxes",
    "bbox": "boxes",
    "line": "lines",
    "point": "points",
    "cuboid": "cuboids",
}
LINKED_MASKS_OF = "masks that are links to "
RING = re.compile(r"\(([^()]+)\)")  # of a WKT polygon
ID = 20  # characters of an id in a link


@dataclass(frozen=True, slots=True)
class Areas:
    """Reads the areas of objects.

    Attributes:
        labels: what is no area is counted there, and what cannot be used is a fault.
        root: the folder.
        places: the photos and masks in it.
    """

    labels: Labels
    root: Path
    places: PhotoIndex

    def by_class(self, where: str, label: Mapping[str, Any]) -> Iterator[Shape]:
        """The outlines of the oldest exports: by class a WKT text, or a list of outlines."""
        for name, value in label.items():
            if isinstance(value, str) and "POLYGON" in value.upper():
                for part in re.split(r"\)\s*\)\s*,", value):
                    rings = [re.findall(r"[-+\d.eE]+", ring) for ring in RING.findall(part + "))")]
                    outer, *holes = [
                        self.labels.outline(ring if len(ring) % 2 == 0 else ["odd"], where) for ring in rings
                    ] or [[]]
                    yield Shape(name, [outer], holes)
            elif isinstance(value, list) and all(isinstance(one, dict | list) for one in value):
                for one in value:
                    points = one.get("geometry") if isinstance(one, dict) else one
                    if isinstance(points, list) and len(points) > 2:
                        yield Shape(name, [self.labels.outline(points, where)])
                    else:
                        self.labels.left_out["points and lines"] += 1
            else:
                self.labels.left_out["tags"] += 1

    def shapes(self, where: str, objects: Iterable[Any]) -> Iterator[Shape]:
        """The labelled areas among objects; all else is counted as left out."""
        for number, one in enumerate(objects, start=1):
            if not isinstance(one, dict):
                self.labels.faults.append((f"{where}, object {number}", "it is no object"))
                continue
            name = str(one.get("name") or one.get("title") or one.get("value") or "")
            mask = next((one[key] for key in ("mask", "composite_mask") if isinstance(one.get(key), dict)), None)
            polygon = one.get("polygon")
            kind = next((what for key, what in LABELBOX_SKIPPED.items() if key in one), None)
            if not polygon and mask is None and kind:
                self.labels.left_out[kind] += 1
            elif not name:
                self.labels.faults.append((f"{where}, object {number}", "it names no class"))
            elif polygon:
                rings = (
                    polygon if isinstance(polygon, list) and isinstance(polygon[0], list) and polygon[0] else [polygon]
                )
                rings = [polygon] if rings and _is_pair(rings[0]) else rings
                outlines = [self.labels.outline(ring, f"{where}, object {number}") for ring in rings]
                yield Shape(name, outlines, even_odd=True)
            elif mask is not None or one.get("instanceURI"):
                yield from self._mask(f"{where}, object {number}", name, one, mask or one)
            else:
                self.labels.left_out["objects of other kinds"] += 1

    def _mask(self, where: str, name: str, one: Mapping[str, Any], mask: Mapping[str, Any]) -> Iterator[Shape]:
        """A mask that is in the file or lies in the folder; a link is counted as left out."""
        link = str(mask.get("url") or mask.get("instanceURI") or "")
        text = mask.get("png") or (link if link.startswith("data:") else None)
        place = self._beside(one, link) if text is None else ""
        try:
            if text is not None:
                pixels = png_mask(text)
            elif place:
                pixels = _drawn(resolve_file(self.root, place), mask.get("color_rgb"))
            else:
                self.labels.left_out[LINKED_MASKS_OF + (urlsplit(link).hostname or "a server")] += 1
                return
        except (ValueError, RecycleError) as error:
            self.labels.faults.append((where, f"its mask cannot be read: {error.args[0]}"))
            return
        yield Shape(name, rle=placed(pixels, 0, 0, *pixels.shape))

    def _beside(self, one: Mapping[str, Any], link: str) -> str:
        """The file of a mask, called by an id of its object or as a part of its link; "" for none."""
        parts = PurePosixPath(urlsplit(link).path).parts
        stems = [one.get("feature_id"), one.get("featureId"), *(part for part in reversed(parts) if len(part) >= ID)]
        return next(
            filter(None, (self.places.by_any_stem(PurePosixPath(str(stem)).stem) for stem in stems if stem)), ""
        )


def _drawn(file: Path, color: Any) -> NDArray[np.bool_]:
    """The pixels of a mask of one object, or those of its colour in a mask of several.

    Raises:
        RecycleError: it cannot be read.
        ValueError: the colour is none.
    """
    codes = codes_of(file)
    if color is None:
        return np.asarray(codes != 0)
    try:
        red, green, blue = (int(part) for part in color)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"{color!r} is no colour") from error
    return np.asarray(codes == (red << 16 | green << 8 | blue))


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, int | float) for one in value)
