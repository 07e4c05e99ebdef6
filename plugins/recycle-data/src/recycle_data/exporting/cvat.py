"""Labels as CVAT reads them: `CVAT for images 1.1`, to be uploaded to a task with the same photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from recycle_data.exporting.names import legal
from recycle_data.owned import Owned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recycle_data.exporting import Labelled

FILE, LABELS = "annotations.xml", "labels.json"


def write(owned: Owned, photos: Iterable[Labelled], colors: Mapping[str, tuple[int, int, int]]) -> None:
    """Write annotations.xml, each object as a mask on a level of its own, and labels.json for a new task's labels."""
    labels = [
        {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*color), "type": "mask"} for name, color in colors.items()
    ]
    owned.write_json(owned.base / LABELS, [{**label, "attributes": []} for label in labels], indent=1)
    with owned.whole(owned.base / FILE) as part, part.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta><task><labels>\n'
        )
        for label in labels:
            name, color = escape(legal(label["name"])), label["color"]
            out.write(f"    <label><name>{name}</name><color>{color}</color><type>mask</type></label>\n")
        out.write("  </labels></task></meta>\n")
        for number, photo in enumerate(photos):
            size = f'width="{photo.width}" height="{photo.height}"'
            out.write(f'  <image id="{number}" name={quoteattr(legal(photo.name))} {size}>\n')
            for level, one in enumerate(photo.objects):
                height, width = one.pixels.shape
                box = f'left="{one.left}" top="{one.top}" width="{width}" height="{height}"'
                runs = f'rle="{", ".join(map(str, runs_of(one.pixels)))}" {box}'
                out.write(
                    f'    <mask label={quoteattr(one.name)} source="file" occluded="0" {runs} z_order="{level}" />\n'
                )
            out.write("  </image>\n")
        out.write("</annotations>\n")


def runs_of(pixels: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of (h, w) bool row by row, the first of pixels outside, maybe 0."""
    flat = np.concatenate([[False], pixels.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    lengths: list[int] = np.diff(np.concatenate([[0], edges, [pixels.size]])).tolist()
    return lengths
