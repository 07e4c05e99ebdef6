"""Reading what a stranger may have written: regular files alone, of bounded size, depth and expansion."""

from recyclecli.reading.json import parse_json, read_json
from recyclecli.reading.regular import MissingFile, open_regular, read_bytes, read_text
from recyclecli.reading.tree import tree_fault
from recyclecli.reading.yaml import parse_yaml, read_yaml

__all__ = [
    "MissingFile",
    "open_regular",
    "parse_json",
    "parse_yaml",
    "read_bytes",
    "read_json",
    "read_text",
    "read_yaml",
    "tree_fault",
]
