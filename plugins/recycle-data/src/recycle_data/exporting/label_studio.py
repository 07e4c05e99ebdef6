"""Labels as Label Studio reads them: tasks with brush masks, and the labelling interface for a project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from recycle_data.exporting.names import legal
from recycle_data.owned import Owned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recycle_data.exporting import Labelled, Role

FILE, CONFIG = "tasks.json", "config.xml"
LOCAL = "/data/local-files/?d="  # of photos in a folder that Label Studio serves
FROM, TO = "label", "image"
WORD = 8  # bits of a value
SIZES = (3, 4, 8, 16)  # bits that the length of a run may have


def write(
    owned: Owned,
    photos: Iterable[Labelled],
    colors: Mapping[str, tuple[int, int, int]],
    role: Role,
    prefix: str,
) -> None:
    """Write tasks.json, a task a line, and config.xml; see `export_labels`."""
    tags = "".join(
        f'    <Label value={quoteattr(legal(name))} background="#{"{:02x}{:02x}{:02x}".format(*color)}"/>\n'
        for name, color in colors.items()
    )
    owned.write_text(
        owned.base / CONFIG,
        f'<View>\n  <Image name="{TO}" value="${TO}" zoom="true"/>\n'
        f'  <BrushLabels name="{FROM}" toName="{TO}">\n{tags}  </BrushLabels>\n</View>\n',
    )
    with owned.whole(owned.base / FILE) as part, part.open("w", encoding="utf-8") as out:
        for number, photo in enumerate(photos):
            out.write(("[" if number == 0 else ",") + "\n" + json.dumps(_task(photo, role, prefix), ensure_ascii=False))
        out.write("\n]\n")


def _task(photo: Labelled, role: Role, prefix: str) -> dict[str, Any]:
    address = (prefix or LOCAL) + quote(photo.name)
    result = []
    for number, one in enumerate(photo.objects, start=1):
        mask = np.zeros((photo.height, photo.width), bool)
        rows, columns = one.pixels.shape
        mask[one.top : one.top + rows, one.left : one.left + columns] = one.pixels
        size = {"original_width": photo.width, "original_height": photo.height, "image_rotation": 0}
        value = {"format": "rle", "rle": brush(mask), "brushlabels": [one.name]}
        score = {} if one.score is None else {"score": one.score}
        tag = {"id": f"r{number}", "type": "brushlabels", "from_name": FROM, "to_name": TO}
        result.append({**tag, **size, **score, "value": value})
    said = {"model_version": "recycle"} if role == "predictions" else {}
    return {"data": {TO: address}, role: [{**said, "result": result}]}


def brush(mask: NDArray[np.bool_]) -> list[int]:
    """(H, W) bool as the bytes of Label Studio's run-length code of its four-channel picture.

    The code (@thi.ng/rle-pack): 32 bits for the number of values, 5 for the bits of one less 1, four times 4 for the
    bits that a length may have less 1; then for each run a 1, 2 bits for which of these, the length less 1, the value.
    """
    flat = mask.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], edges])
    lengths = 4 * np.diff(np.concatenate([starts, [flat.size]]))
    bits = [f"{4 * flat.size:032b}{WORD - 1:05b}", *(f"{size - 1:04b}" for size in SIZES)]
    most = 2 ** SIZES[-1]
    for length, inside in zip(lengths.tolist(), flat[starts].tolist(), strict=True):
        value = "1" * WORD if inside else "0" * WORD
        while length > 0:
            run = min(length, most)
            length -= run
            which = next(place for place, size in enumerate(SIZES) if run <= 2**size)
            bits.append(f"1{which:02b}{run - 1:0{SIZES[which]}b}{value}")
    text = "".join(bits)
    whole = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2)
    return list(whole.to_bytes(-(-len(text) // 8), "big"))
