"""Reading XML of strangers: element by element, without document types, entities and outside files."""

import codecs
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from recycle_coco import decode_text, read_large
from recycle_coco.large import WORTH_OF_XML

from recyclecli.types import RecycleError

DECLARED = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)")
NOT_FILE_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape")  # Python's own
EXPAT_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "utf-16")  # encodings that expat reads
MAX_XML_DEPTH = 64  # elements inside each other
PIECE = 2**20  # bytes that are parsed at a time


class _Refused(Exception):
    """What no labelling tool writes."""


def parse_xml(
    file: Path,
    start: Callable[[tuple[str, ...], Mapping[str, str]], None],
    end: Callable[[tuple[str, ...], str], None] | None = None,
) -> None:
    """Parse a file and call back for each element; no tree is built.

    Args:
        file: the XML file.
        start: called with the names of the elements that are open, the new one last, and its attributes.
        end: called with these names and the element's own text.

    Raises:
        RecycleError: missing, too large, no well-formed XML, or with a document type, which may hold entities.
    """
    open_ones: list[str] = []
    texts: list[list[str]] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        if len(open_ones) == MAX_XML_DEPTH:
            raise _Refused(f"has more than {MAX_XML_DEPTH} elements inside each other")
        open_ones.append(name)
        texts.append([])
        start(tuple(open_ones), attributes)

    def ended(_: str) -> None:
        text = "".join(texts.pop()).strip()
        if end is not None:
            end(tuple(open_ones), text)
        open_ones.pop()

    def told(text: str) -> None:
        if texts:
            texts[-1].append(text)

    def refused(*_: object) -> NoReturn:
        raise _Refused("has a document type, which may hold entities that fill the memory or name other files")

    data, encoding = _encoded(file)
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = started, ended, told
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refused
    view = memoryview(data)
    try:
        for place in range(0, len(view), PIECE):
            parser.Parse(bytes(view[place : place + PIECE]), False)
        parser.Parse(b"", True)
    except _Refused as error:
        raise RecycleError(f"{file} {error}", "export it again from the labelling tool, which writes none") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise RecycleError(
            f"{file} is no well-formed XML: {error}", "export it again from the labelling tool"
        ) from error


def _encoded(file: Path) -> tuple[bytes, str | None]:
    """The bytes of a file that expat can read, and their encoding; None where it finds that out itself."""
    data = read_large(file, WORTH_OF_XML)
    declared = DECLARED.match(data)
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or name in EXPAT_ENCODINGS[1:]:
        return data, None
    try:
        if codecs.lookup(name).name in NOT_FILE_ENCODINGS:
            raise LookupError(name)
        text = data.decode(name if name not in EXPAT_ENCODINGS else "utf-8-sig")
    except (UnicodeError, LookupError):
        try:
            text = decode_text(data, file)
        except UnicodeDecodeError:
            return data, None
    return (data, None) if name in EXPAT_ENCODINGS and text.isascii() else (text.encode(), "utf-8")
