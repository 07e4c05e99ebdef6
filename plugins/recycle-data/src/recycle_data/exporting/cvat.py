"""Labels as CVAT reads them: `CVAT for images 1.1`, to be uploaded to a task with the same photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from recycle_data.exporting.names import legal
from recycle_data.exporting.runs import lengths_in, stretches
from recycle_data.owned import Owned

if TYPE_CHECKING:
    from recycle_data.exporting import Labelled

CVAT_FILE, CVAT_LABELS = "annotations.xml", "labels.json"


def write(owned: Owned, photos: Iterable[Labelled], colors: Mapping[str, tuple[int, int, int]]) -> None:
    """Write annotations.xml, each object as a mask on a level of its own, and labels.json for a new task's labels."""
    labels = [
        {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*color), "type": "mask"} for name, color in colors.items()
    ]
    owned.write_json(owned.base / CVAT_LABELS, [{**label, "attributes": []} for label in labels], indent=1)
    with owned.atomic_path(owned.base / CVAT_FILE) as part, part.open("w", encoding="utf-8") as out:
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
                found = stretches(one.rle, photo.name)
                left, top = int(found[:, 1].min()), int(found[0, 0])
                width, height = int(found[:, 2].max()) - left, int(found[-1, 0]) + 1 - top
                box = f'left="{left}" top="{top}" width="{width}" height="{height}"'
                lengths = lengths_in(found, left, top, height, width).tolist()
                runs = f'rle="{", ".join(map(str, lengths))}" {box}'
                out.write(
                    f'    <mask label={quoteattr(one.name)} source="file" occluded="0" {runs} z_order="{level}" />\n'
                )
            out.write("  </image>\n")
        out.write("</annotations>\n")
