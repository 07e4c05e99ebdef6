"""Reading what a stranger may have written: regular files alone, of bounded size."""

from recyclecli.reading.regular import SMALL, MissingFile, open_regular, read_bytes, read_text

__all__ = ["SMALL", "MissingFile", "open_regular", "read_bytes", "read_text"]
