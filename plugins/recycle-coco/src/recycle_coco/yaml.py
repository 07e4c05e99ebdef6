"""YAML whose aliases stay small when they are spelled out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.errors import RecycleError
from recyclecli.reading import read_text

if TYPE_CHECKING:
    from ruamel.yaml.nodes import Node, ScalarNode

MAX_YAML_CHARACTERS = 2**16  # characters of a text: the parser takes seconds for so many
SPELLED_OUT = 2**20  # characters and values once each alias is replaced by what it stands for
MAX_YAML_DEPTH = 64  # lists and mappings inside each other
MAX_DIGITS = 20  # characters of a whole number: 64 bits have no more


def parse_yaml(text: str) -> Any:
    """The value of a YAML 1.2 text.

    Raises:
        ValueError: no YAML; too long, too deep, or too large once its aliases are spelled out; or a value that
            its tag does not fit, such as a date without such a day.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if len(text) > MAX_YAML_CHARACTERS:
        raise ValueError(f"it has {len(text)} characters, and {MAX_YAML_CHARACTERS} are read")
    loader = YAML(typ="safe", pure=True)
    try:
        node = loader.compose(text)
        if node is None:
            return None
        size = _size(node, {}, 0)
        if size > SPELLED_OUT:
            raise ValueError(f"its aliases stand for {size:.3g} values and characters, and {SPELLED_OUT} are read")
        return loader.constructor.construct_document(node)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # the constructors raise whatever Python's int, date and bytes raise
        raise ValueError(str(error) or type(error).__name__) from error


def read_yaml(file: Path, read: Callable[[Path], str] = read_text) -> Any:
    """The value of a YAML file, with or without a byte order mark.

    Args:
        file: where it is.
        read: gives its text.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read` and `parse_yaml`.
    """
    text = read(file)
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise RecycleError(f"{file} is not YAML: {error}", "correct the line or value that it names") from error


def _size(node: Node, known: dict[int, int], depth: int) -> int:
    """Values and characters of a node with its aliases spelled out; each node is visited once.

    An alias in a composed document is the node that it stands for; `known` has 0 for a node that is being measured.
    """
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    if isinstance(node, ScalarNode):
        _check_scalar(node)
        return 1 + len(node.value)
    if id(node) in known:
        if not known[id(node)]:
            raise ValueError(f"an alias stands for what it lies in (line {node.start_mark.line + 1})")
        return known[id(node)]
    if depth == MAX_YAML_DEPTH:
        raise ValueError(f"it is nested more than {MAX_YAML_DEPTH} deep (line {node.start_mark.line + 1})")
    known[id(node)] = 0
    inner: list[Node] = []
    if isinstance(node, SequenceNode):
        inner = node.value
    elif isinstance(node, MappingNode):
        inner = [one for pair in node.value for one in pair]
    known[id(node)] = 1 + sum(_size(one, known, depth + 1) for one in inner)
    return known[id(node)]


def _check_scalar(node: ScalarNode) -> None:
    text, line = node.value, node.start_mark.line + 1
    if len(text) > MAX_DIGITS and str(node.tag).endswith(":int"):
        raise ValueError(f"a number of {len(text)} digits (line {line}); 64 bits are read")
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"a text with NUL or half a character (line {line})")
