"""Texts as programs of Windows write them: UTF-16, and the 8-bit code pages of China and of the West."""

from __future__ import annotations

import codecs
import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from recycle_coco import yaml
from recycle_coco.json import parse_json
from recyclecli.errors import RecycleError
from recyclecli.reading import SMALL, read_bytes

log = logging.getLogger("recycle.coco")

BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
CHINESE, WESTERN = "gb18030", "cp1252"
NON_ASCII = re.compile(rb"[\x80-\xff]+")  # what is no ASCII
UTF16_BYTES = 32  # bytes by which UTF-16 is known that has no mark
CODE_PAGE_BYTES = 2**20  # bytes by which code pages are told apart


def decode_text(data: bytes, file: Path | None = None, cut: bool = False) -> str:
    """The text in bytes of whatever encoding: by its mark, UTF-8, UTF-16 without a mark, else a code page.

    Args:
        data: the bytes.
        file: where they stand; that it is read by a code page is logged, once a folder.
        cut: the bytes may end within a character.

    Raises:
        UnicodeDecodeError: no text of any of them.
    """
    errors = "ignore" if cut else "strict"
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors)
    for place, encoding in enumerate(("utf-16-be", "utf-16-le")):
        if _is_wide(data[place:UTF16_BYTES:2], data[1 - place : UTF16_BYTES : 2]):
            return data.decode(encoding, errors)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        encoding = _code_page(data)
        text = data.decode(encoding, errors)
    if file is not None:
        _say(file.parent, file.suffix.lower(), "GBK" if encoding == CHINESE else "Windows-1252")
    return text


def read_loose_text(file: Path, most: int = SMALL) -> str:
    """The text of a regular file in whatever encoding `decode_text` knows; line ends become a newline.

    Raises:
        RecycleError: see `read_bytes`; or the file is no text.
    """
    return loose_text(read_bytes(file, most), file)


def loose_text(data: bytes, file: Path) -> str:
    """The text of a file's bytes, see `read_loose_text`; raises the same."""
    try:
        text = decode_text(data, file)
    except UnicodeDecodeError as error:
        raise RecycleError(f"{file} is no text: {error}", "save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_loose_json(data: bytes, file: Path) -> Any:
    """The value of a JSON text in whatever encoding `decode_text` knows; see `parse_json`.

    Raises:
        ValueError: no JSON, or no text.
    """
    try:
        return parse_json(data)
    except UnicodeDecodeError:
        return parse_json(decode_text(data, file))


def read_yaml(file: Path) -> Any:
    """The value of a YAML file in whatever encoding `decode_text` knows.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read_loose_text` and `recycle_coco.yaml.parse_yaml`.
    """
    return yaml.read_yaml(file, read_loose_text)


def _is_wide(high: bytes, low: bytes) -> bool:
    """Whether bytes are, by turns, 0 and mostly ASCII."""
    return (
        len(high) > 1
        and not any(high)
        and sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in low) * 4 >= 3 * len(low)
    )


def _code_page(data: bytes) -> str:
    """In Chinese texts bytes above ASCII come in pairs, in those of the West mostly one by one."""
    runs = NON_ASCII.findall(data[:CODE_PAGE_BYTES])
    if sum(len(run) % 2 == 0 for run in runs) * 2 > len(runs):
        try:
            codecs.getincrementaldecoder(CHINESE)().decode(data)
            return CHINESE
        except UnicodeDecodeError:
            pass
    return WESTERN


@lru_cache(256)
def _say(folder: Path, suffix: str, encoding: str) -> None:
    log.warning(f"note: {suffix or 'a file'} in {folder} is no UTF-8 text and is read as {encoding}")
