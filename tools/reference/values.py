"""Types, ranges and defaults of settings, in the words of YAML."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAMES = {int: "integer", float: "number", str: "text", bool: "true or false", Path: "path", NoneType: "null"}

LIMITS = ("ge", "gt", "le", "lt")


def kind(annotation: Any) -> str:
    """`list of number`, `integer or null`, `` `soft`, `hard` ``."""
    if annotation in NAMES:
        return NAMES[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return f"{kind(arguments[0])} ({limits(getattr(arguments[1], 'metadata', ()))})"
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, UnionType):
        return " or ".join(kind(argument) for argument in arguments)
    if origin is tuple and arguments[-1] is not ...:
        return "list of " + ", ".join(kind(argument) for argument in arguments)
    if origin in (tuple, list, frozenset, set):
        return f"list of {kind(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of {kind(arguments[0])} to {kind(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "component" if "name" in annotation.model_fields else "section"
    raise TypeError(f"no words for the type {annotation!r}")


def limits(metadata: Any) -> str:
    """`0 to 1`, `above 0`, or nothing, from a field's constraints."""
    found = {key: getattr(one, key) for one in metadata for key in LIMITS if getattr(one, key, None) is not None}
    low = _number(found["ge"]) if "ge" in found else f"above {_number(found['gt'])}" if "gt" in found else ""
    high = _number(found["le"]) if "le" in found else f"below {_number(found['lt'])}" if "lt" in found else ""
    if low and high:
        return f"{low} to {high}"
    if low:
        return low if low.startswith("above") else f"{low} or more"
    return f"up to {high}" if high else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def default(field: FieldInfo) -> str:
    """The default as it would be written in a recipe."""
    return "required" if field.is_required() else f"`{written(field.get_default(call_default_factory=True))}`"


def written(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, BaseModel):
        return written(value.model_dump(mode="json", exclude_defaults=True))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(written(one) for one in value) + "]"
    if isinstance(value, (str, Path)):
        return str(value) or '""'
    return json.dumps(value)
