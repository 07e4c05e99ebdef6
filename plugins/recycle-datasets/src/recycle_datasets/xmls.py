"""Reading XML of strangers: element by element, without document types, entities and outside files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from recycle_coco import read_bytes

from recyclecli.types import RecycleError

LARGEST = 2**31  # bytes of an annotation file
DEEPEST = 64  # elements inside each other
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
        if len(open_ones) == DEEPEST:
            raise _Refused(f"has more than {DEEPEST} elements inside each other")
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

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = started, ended, told
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = refused
    data = memoryview(read_bytes(file, LARGEST))
    try:
        for place in range(0, len(data), PIECE):
            parser.Parse(bytes(data[place : place + PIECE]), False)
        parser.Parse(b"", True)
    except _Refused as error:
        raise RecycleError(f"{file} {error}", "export it again from the labelling tool, which writes none") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise RecycleError(
            f"{file} is no well-formed XML: {error}", "export it again from the labelling tool"
        ) from error
