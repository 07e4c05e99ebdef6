"""Markdown: tables, and docstrings as text with lists and code."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

LISTS = ("Args", "Attributes", "Raises")
SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Example):$")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; `|` and line ends in cells are taken care of."""
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str, language: str = "python") -> str:
    """A fenced block."""
    return f"```{language}\n{text.strip()}\n```"


class _Bare(str):
    """An annotation that is shown without quotes."""

    __repr__ = str.__str__


def signature(function: Callable[..., Any], name: str = "") -> str:
    """`name(argument: type = default) -> type`, without `self`, an argument a line where it is long."""
    found = inspect.signature(function)
    bare = [
        one.replace(annotation=_Bare(one.annotation) if isinstance(one.annotation, str) else one.annotation)
        for one in found.parameters.values()
        if one.name != "self"
    ]
    gives = _Bare(found.return_annotation) if isinstance(found.return_annotation, str) else found.return_annotation
    whole = f"{name}{found.replace(parameters=bare, return_annotation=gives)}"
    if len(whole) <= 88 or not bare:
        return whole
    return f"{name}(\n" + "".join(f"    {one},\n" for one in bare) + f") -> {gives}"


def docstring(of: Any) -> str:
    """An object's docstring in Markdown: sections become lists, indented examples fenced code."""
    lines = (inspect.getdoc(of) or "").split("\n")
    made: list[str] = []
    while lines:
        head = SECTION.match(lines[0])
        if head:
            body, lines = _body(lines[1:])
            made += ["", *_section(head[1], body), ""]
        elif lines[0].startswith("    "):
            body, lines = _body(lines)
            made += ["", code("\n".join(body)), ""]
        else:
            made.append(re.sub(r"^\.\. versionadded:: (.+)", r"Since version \1.", lines.pop(0)))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(made)).strip()


def _body(lines: list[str]) -> tuple[list[str], list[str]]:
    """The indented lines at the start, moved to the left, and the rest."""
    count = next((n for n, line in enumerate(lines) if line and not line.startswith("    ")), len(lines))
    return [line[4:] for line in lines[:count]], lines[count:]


def _section(name: str, body: list[str]) -> list[str]:
    if name == "Example":
        return [code("\n".join(body))]
    if name == "Returns":
        return ["Returns: " + " ".join(line.strip() for line in body).strip()]
    items: list[str] = []
    for line in body:
        if line and not line.startswith(" "):
            key, _, meaning = line.partition(": ")
            items.append(f"- `{key}`: {meaning}" if meaning else f"- {line}")
        elif line:
            items[-1] += " " + line.strip()
    return [f"{name}:", "", *items]
