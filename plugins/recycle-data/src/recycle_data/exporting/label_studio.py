"""Labels as Label Studio reads them: tasks with brush masks, and the labelling interface for a project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from recycle_data.exporting.names import legal
from recycle_data.exporting.runs import lengths_in, stretches
from recycle_data.owned import Owned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recycle_data.exporting import Labelled, Role

TASKS_FILE, CONFIG_FILE = "tasks.json", "config.xml"
LOCAL_FILES_URL = "/data/local-files/?d="  # of photos in a folder that Label Studio serves
FROM, TO = "label", "image"
BITS_PER_VALUE = 8  # bits of a value
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
        owned.base / CONFIG_FILE,
        f'<View>\n  <Image name="{TO}" value="${TO}" zoom="true"/>\n'
        f'  <BrushLabels name="{FROM}" toName="{TO}">\n{tags}  </BrushLabels>\n</View>\n',
    )
    with owned.atomic_path(owned.base / TASKS_FILE) as part, part.open("w", encoding="utf-8") as out:
        for number, photo in enumerate(photos):
            out.write(("[" if number == 0 else ",") + "\n")
            out.writelines(_task(photo, role, prefix))
        out.write("\n]\n")


def _task(photo: Labelled, role: Role, prefix: str) -> Iterator[str]:
    """The JSON of a task, object by object: their codes may take far more memory than their labels."""
    said = {"model_version": "recycle"} if role == "predictions" else {}
    task = {"data": {TO: (prefix or LOCAL_FILES_URL) + quote(photo.name)}, role: [{**said, "result": []}]}
    head, _, tail = json.dumps(task, ensure_ascii=False).rpartition("[]")
    yield head + "["
    for number, one in enumerate(photo.objects, start=1):
        size = {"original_width": photo.width, "original_height": photo.height, "image_rotation": 0}
        lengths = lengths_in(stretches(one.rle, photo.name), 0, 0, photo.height, photo.width)
        value = {"format": "rle", "rle": brush(lengths), "brushlabels": [one.name]}
        score = {} if one.score is None else {"score": one.score}
        tag = {"id": f"r{number}", "type": "brushlabels", "from_name": FROM, "to_name": TO}
        yield ", " * (number > 1) + json.dumps({**tag, **size, **score, "value": value}, ensure_ascii=False)
    yield "]" + tail


def brush(runs: NDArray[np.int64]) -> list[int]:
    """Runs of a photo, the first of pixels outside, as Label Studio's run-length code of its four-channel picture.

    The code (@thi.ng/rle-pack): 32 bits for the number of values, 5 for the bits of one less 1, four times 4 for the
    bits that a length may have less 1; then for each run a 1, 2 bits for which of these, the length less 1, the value.
    """
    bits = [f"{4 * int(runs.sum()):032b}{BITS_PER_VALUE - 1:05b}", *(f"{size - 1:04b}" for size in SIZES)]
    most = 2 ** SIZES[-1]
    for number, length in enumerate((4 * runs).tolist()):
        value = "1" * BITS_PER_VALUE if number % 2 else "0" * BITS_PER_VALUE
        full, rest = divmod(length, most)
        bits.append(f"1{len(SIZES) - 1:02b}{most - 1:0{SIZES[-1]}b}{value}" * full)
        if rest:
            which = next(place for place, size in enumerate(SIZES) if rest <= 2**size)
            bits.append(f"1{which:02b}{rest - 1:0{SIZES[which]}b}{value}")
    text = "".join(bits)
    whole = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2)
    return list(whole.to_bytes(-(-len(text) // 8), "big"))
