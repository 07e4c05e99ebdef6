"""Whether the pixels of a JPEG are all there: libjpeg fills what is damaged, and PIL keeps its warnings to itself.

An export embeds this file in its run.py, so it needs numpy and Pillow and nothing of ours.
"""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image

SCAN, END_OF_IMAGE, RESTARTS, INTERVAL, HUFFMAN_TABLES = 0xDA, 0xD9, range(0xD0, 0xD8), 0xDD, 0xC4
SEQUENTIAL, PROGRESSIVE = (0xC0, 0xC1), 0xC2
FRAMES = frozenset(range(0xC0, 0xD0)) - {HUFFMAN_TABLES, 0xC8, 0xCC}
STOP = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends the data of a scan
RESTART = re.compile(rb"\xff([\xd0-\xd7])")
TRAILING_BYTES = 4  # bytes behind the last pixel that some cameras leave
PAD = b"\xff\x00" * 9  # what the decoder looks ahead for; it is no code of a JPEG
ZEROS, MANY_ZEROS = bytes(64), bytes(256)  # what a sound scan does not hold in a row
BLANK = 254  # of a canvas that is decoded to


class _Picture:
    """What a JPEG states of its first picture.

    Attributes:
        kind: the marker of its frame.
        height, width: in pixels.
        rates: sampling of each component, across and down.
        scans: where the data of each lies, the components that it has, its lowest frequency.
        interval: units of 8 x 8 pixels, or as many as sampling asks for, between marks; 0 for no marks.
        flat: the codes of equal pixels may be zeros.
    """

    def __init__(self) -> None:
        self.kind = self.height = self.width = self.interval = 0
        self.rates: dict[int, tuple[int, int]] = {}
        self.scans: list[tuple[slice, tuple[int, ...], int]] = []
        self.flat = True


def jpeg_fault(data: bytes) -> str:
    """What is damaged in a JPEG that PIL decodes all the same; "" where nothing is known to be.

    The data of a sequential JPEG must end with its last pixel, and the marks within be there in order: it is decoded
    at an eighth of the size for that, in a third of the time of the whole. Of a progressive JPEG the first scans must
    be there, and no scan may be zeros for a while. What else is damaged shows in the photo, and is not known here.

    Args:
        data: the file.
    """
    try:
        picture = _described(data)
    except (IndexError, ValueError):
        return ""  # PIL says what is wrong with the head
    if not picture.scans or not picture.height:
        return ""
    if picture.kind == PROGRESSIVE:
        return _progressive_fault(data, picture)
    part, components, _ = picture.scans[0]
    if picture.kind not in SEQUENTIAL or len(picture.scans) > 1 or len(components) < len(picture.rates):
        return ""
    if not picture.flat and data.find(ZEROS, part.start, part.stop) >= 0:
        return "a part of the file is zeros"
    return _marks_fault(data, picture, part) or _end_fault(data, part)


def _described(data: bytes) -> _Picture:
    found, place = _Picture(), 2
    while place < len(data) - 3 and data[place] == 0xFF and (marker := data[place + 1]) != END_OF_IMAGE:
        if marker == 0xFF or marker in RESTARTS:
            place += 1 if marker == 0xFF else 2
            continue
        body = data[place + 4 : place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")]
        place += 4 + len(body)
        if marker == INTERVAL:
            found.interval = int.from_bytes(body[:2], "big")
        elif marker == HUFFMAN_TABLES:
            while body:  # a kind, how many codes there are of each length, and what they mean
                found.flat &= body[17] == 0
                body = body[17 + sum(body[1:17]) :]
        elif marker in FRAMES:
            found.kind, found.height, found.width = marker, *(int.from_bytes(body[k : k + 2], "big") for k in (1, 3))
            found.rates = {body[k]: (body[k + 1] >> 4, body[k + 1] & 15) for k in range(6, 6 + 3 * body[5], 3)}
        elif marker == SCAN:
            components = tuple(body[1 + 2 * k] for k in range(body[0]))
            stop = STOP.search(data, place)
            end = stop.start() if stop else len(data)
            found.scans.append((slice(place, end), components, body[1 + 2 * body[0]]))
            place = end
    return found


def _progressive_fault(data: bytes, picture: _Picture) -> str:
    begun = {component for _, components, lowest in picture.scans if lowest == 0 for component in components}
    if begun < picture.rates.keys():
        return "the file ends early"
    zeros = any(lowest and data.find(MANY_ZEROS, part.start, part.stop) >= 0 for part, _, lowest in picture.scans)
    return "a part of the file is zeros" if zeros else ""


def _marks_fault(data: bytes, picture: _Picture, part: slice) -> str:
    """Marks between the parts of a scan that are missing, or not in order."""
    marks = [found[0] - RESTARTS[0] for found in RESTART.findall(data, part.start, part.stop)]
    if not picture.interval:
        return "marks of its parts stand where it has none" if marks else ""
    across, down = (max(rate[k] for rate in picture.rates.values()) for k in (0, 1))
    if len(picture.rates) == 1:
        across = down = 1
    units = -(-picture.width // (8 * across)) * -(-picture.height // (8 * down))
    expected = -(-units // picture.interval) - 1
    if marks != [number % 8 for number in range(len(marks))] or not expected <= len(marks) <= expected + 1:
        return f"its {expected} marks between parts are not there in order"
    return ""


def _end_fault(data: bytes, part: slice) -> str:
    """Whether the last row of pixels waits for the end of the data, and is there with it."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft("L", (1, 1))
        kind, extents, _, options = image.tile[0]
        canvas = Image.new(image.mode, image.size, (BLANK,) * len(image.getbands()))
        decoder = Image._getdecoder(image.mode, kind, options, getattr(image, "decoderconfig", ()))
        decoder.setimage(canvas.im, extents)
        begin, left, waits = max(part.start, part.stop - TRAILING_BYTES), b"", []
        for piece in (data[:begin], data[begin : part.stop] + PAD):
            left, used = left + piece, 1
            while left and used > 0:
                used, _ = decoder.decode(left)
                left = left[max(0, used) :]
            waits.append(bool((np.asarray(canvas)[-1] == BLANK).all()))
        decoder.cleanup()
    if waits[1]:
        return "the data of its last pixels is missing"
    return "" if waits[0] else "it holds data of more pixels than it has"
