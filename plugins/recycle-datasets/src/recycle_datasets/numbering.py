"""Whether names by number fit the numbers that masks hold: counted from 0, or from 1 with 0 for what is no class."""

import json
import logging
import re
import shlex
from collections.abc import Iterable, Mapping

from recycle_coco import BACKGROUND, is_background

from recyclecli.types import IGNORE, RecycleError

log = logging.getLogger("recycle.datasets")

MAX_NOTED_CLASSES = 8  # classes that a note names
UNQUOTED_YAML = re.compile(r"(?!(?i:true|false|null)$)[^\W\d][\w-]*( [\w-]+)*")  # needs no quotes in YAML


def check_numbering(names: Mapping[int, str], present: Iterable[int], where: object, whole: bool = True) -> None:
    """Say what numbers are taken for where names leave it open, and refuse what cannot be told.

    Args:
        names: value to name, the values 0, 1, 2 ...
        present: the values that occur, read until 0 is among them.
        where: what names them, for messages.
        whole: all masks of the set are looked at; of a part of them some classes may be absent.

    Raises:
        RecycleError: no mask holds 0, and the names may be meant from 0 or from 1 on.
    """
    held: set[int] = set()
    for value in present:
        held |= {value} - {IGNORE}
        if value == 0:
            break
    taken, below = _listed(names), is_background(names[0])
    if 0 in held:
        if not below:
            shifted = {0: BACKGROUND, **{value + 1: name for value, name in names.items()}}
            log.warning(
                f"note: {where} names no background: {taken}; where 0 is none of these, "
                f"name each value: {named_values(shifted)}"
            )
        return
    largest = max(held, default=0)
    if not held or largest > len(names) or (len(held) == 1 and largest < len(names) and not below):
        return  # nothing is labelled, or nothing to tell apart, or said by value
    higher = named_values({value + 1: name for value, name in names.items()})
    numbers = ", ".join(map(str, sorted(held)))
    ground = ", the background" if below else ""
    text = f"no mask holds 0{ground}: they hold {numbers}, and {where} names {taken}"
    remedy = f"where the numbers are one above the names: {higher}"
    if whole and (not below or largest == len(names)):
        as_named = f"; where they are as named: {named_values(names)}" if largest < len(names) else ""
        raise RecycleError(text, remedy + as_named)
    log.warning(f"note: {text}; {remedy}")


def note_unused(names: Mapping[int, str], present: Iterable[int]) -> None:
    """Name the classes whose value no mask holds, the background excepted."""
    held = set(present)
    unused = {value: name for value, name in names.items() if value not in held and not is_background(name)}
    if unused:
        more = len(unused) - MAX_NOTED_CLASSES
        shown = dict([*unused.items()][:MAX_NOTED_CLASSES])
        log.warning(f"note: no mask holds {_listed(shown)}{f' and {more} more' if more > 0 else ''}")


def named_values(names: Mapping[int, str]) -> str:
    """The option that names each value, quoted for a shell."""
    quoted = {
        value: name if UNQUOTED_YAML.fullmatch(name) else json.dumps(name, ensure_ascii=False)
        for value, name in names.items()
    }
    table = _listed(quoted, ": ")
    return "-o " + shlex.quote(f"data.dataset.values={{{table}}}")


def _listed(names: Mapping[int, str], mark: str = " ") -> str:
    return ", ".join(f"{value}{mark}{name}" for value, name in names.items())
