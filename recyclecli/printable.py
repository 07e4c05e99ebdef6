"""Text that a terminal or a page shows as it stands: no escape sequences, no bidirectional controls."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from reprlib import Repr
from shutil import get_terminal_size
from textwrap import fill
from typing import Any, TextIO, cast

from recyclecli.private import without_passwords

_HIDDEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
_CONTROLS = re.compile(f"[{_HIDDEN}]")
_STYLED = re.compile(  # colours, the cursor and erased lines: what rich writes around text that is clean already
    rf"(\x1b\[(?:[\d;]*m|\?25[lh]|\d*[AK])|\r)|[{_HIDDEN}]"
)


def printable(text: str) -> str:
    r"""`text` with each control character as `\uXXXX`; line feeds and tabs stay.

    Controls are those of C0 and C1, of direction and of format, line separators and lone surrogates. The
    escape is JSON's, so JSON stays valid and means the same.
    """
    return _CONTROLS.sub(_escaped, text)


def one_line(text: str) -> str:
    r"""`text` as `printable` gives it, with line feeds and tabs escaped, too: for a name within a message."""
    return printable(text).replace("\n", r"\u000a").replace("\t", r"\u0009")


def shown(text: str) -> str:
    """`text` as it may be shown: `printable`, and without the passwords of URLs."""
    return printable(without_passwords(text))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


class PrintableStream:
    """A text stream that writes what is `shown` of a text to another.

    A bar that returns to the start of its line (tqdm's) still may, at the beginning of what it writes. rich finds
    `rich_proxied_file`, through which its own colours pass; see `recyclecli.console`.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what is `shown`; the number of characters given."""
        start = "\r" if text.startswith("\r") and self._stream.isatty() else ""
        self._stream.write(start + shown(text[len(start) :]))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    @property
    def rich_proxied_file(self) -> TextIO:
        """The stream to which rich writes its rendered text."""
        inner = getattr(self._stream, "rich_proxied_file", None)  # that of a live bar, which has taken our place
        return cast(TextIO, getattr(inner, "rich_proxied_file", inner) or _StyledStream(self._stream))


class _StyledStream(PrintableStream):
    """Lets the sequences of rich's own pass."""

    def write(self, text: str) -> int:
        self._stream.write(_STYLED.sub(lambda match: match[1] or _escaped(match), without_passwords(text)))
        return len(text)

    @property
    def rich_proxied_file(self) -> TextIO:
        return cast(TextIO, self)


@contextmanager
def printable_streams() -> Iterator[None]:
    """Have all that is printed within the block be printable, on stdout and on stderr."""
    before = sys.stdout, sys.stderr
    for stream in before:  # of an encoding that lacks some letters, as ASCII does
        with suppress(OSError):  # a pipe that was put in the place of a file
            getattr(stream, "reconfigure", dict)(errors="backslashreplace")
    sys.stdout, sys.stderr = (cast(TextIO, PrintableStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def short_repr(value: object) -> str:
    """A value as Python writes it, in at most some 200 characters however large it is, for a message."""
    return _SHORT.repr(value)


class _Short(Repr):
    """reprlib's, which fails for whole numbers of more digits than Python prints."""

    def repr_int(self, value: int, level: int) -> str:
        """The number, or how many bits it has."""
        return super().repr_int(value, level) if value.bit_length() < 1024 else f"a number of {value.bit_length()} bits"


_SHORT = _Short()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 120


def at_words(text: str) -> str:
    """`text` for stderr: a terminal would end its lines within words. What may hold a line to paste stays whole."""
    if not sys.stderr.isatty() or "recycle " in text:
        return text
    width = get_terminal_size().columns
    lines = (fill(line, width, break_long_words=False, break_on_hyphens=False) for line in text.splitlines())
    return "\n".join(lines)
