"""Reading what a stranger may have written: regular files alone, of bounded size, depth and expansion."""

from recyclecli.reading.regular import SMALL, MissingFile, open_regular, read_bytes, read_text
from recyclecli.reading.yaml import parse_yaml, read_yaml

__all__ = ["SMALL", "MissingFile", "open_regular", "parse_yaml", "read_bytes", "read_text", "read_yaml"]
