"""Where recyclecli calls a plugin's part: whose it is, and what its contract is, as `recyclecli.parts` states it.

An error names the part that broke its contract; one that a part raises carries the part, for whoever reports it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING, Any

from recyclecli.errors import RecycleError
from recyclecli.printable import short_repr

if TYPE_CHECKING:
    from recyclecli.plugins import Registry
    from recyclecli.types import Kind


NOTED = "recycle_part"  # attribute of an error: the distribution, and the end of the sentence


class PluginFault(RecycleError):
    """A part broke its contract: a bug of its package."""

    exit_code = 70


@dataclass(frozen=True, slots=True)
class PluginPart:
    """A component of a plugin, as messages name it; as a context it is to blame for what is raised within.

    The innermost of several contexts is.

    Attributes:
        kind: of the component.
        qualified: `name@distribution`.
        version: of the distribution.
    """

    kind: Kind
    qualified: str
    version: str

    @classmethod
    def of(cls, registry: Registry, kind: Kind, name: str) -> PluginPart:
        """The component that `name` means; RecycleError where it means none."""
        offer = registry.find(kind, name)
        return cls(kind, offer.qualified, offer.plugin.version)

    def __str__(self) -> str:
        return f"{self.kind} {self.qualified}"

    @property
    def distribution(self) -> str:
        """The package that it comes from."""
        return self.qualified.partition("@")[2]

    def fault(self, expected: str, found: str) -> PluginFault:
        """The error that says what the contract asks for, and what came."""
        return PluginFault(
            f"a bug of the plugin {self.distribution} {self.version}: {self}: expected {expected}; found {found}",
            f"report it to the authors of {self.distribution}, with this text and the command; or take another "
            f"{self.kind}",
        )

    def check(self, holds: bool, expected: str, found: str) -> None:
        """Raise the error where something does not hold."""
        if not holds:
            raise self.fault(expected, found)

    def of_type(self, value: Any, form: type[Any], what: str) -> None:
        """Raise the error where a value is not of a type."""
        if not isinstance(value, form):
            raise self.fault(f"{what} to be {form.__name__}", typed(value))

    def __enter__(self) -> PluginPart:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if type(error) is SystemExit:
            raise self.ended(error) from error
        if error is not None:
            blame(error, self)

    def ended(self, end: SystemExit) -> PluginFault:
        """The error that says that a part ended the program; subclasses of SystemExit are Lightning's signals."""
        return self.fault("an error, or that it goes on", f"the end of the program: sys.exit({end.code!r})")


def blame(error: BaseException, part: PluginPart) -> None:
    """Note on an error which part raised it, unless one is noted: `recyclecli.cli.app` reports it so."""
    vars(error).setdefault(NOTED, (part.distribution, f", in {part}"))


def as_raised(error: Exception) -> RecycleError:
    """An error as one that another process can hand on: that of a part names it; raised again where nobody's it is."""
    if isinstance(error, RecycleError):
        return error
    owner, where = getattr(error, NOTED, (None, ""))
    if not where:
        raise error
    text = f"{type(error).__name__}: {error}{where}"
    fault = PluginFault(f"a bug of the plugin {owner}: {text}", f"report it to the authors of {owner}, with this text")
    fault.__cause__ = error
    return fault


OWNER = "recycle_owner"  # attribute of what another library calls: a callback, an optimizer


def own(built: Any, part: PluginPart) -> None:
    """Let `blamed_frames` know whose an object is that another library calls."""
    setattr(built, OWNER, part)


@contextmanager
def blamed_frames() -> Iterator[None]:
    """What is raised within by a method of an object that `own` was told of is its part's."""
    try:
        yield
    except (Exception, SystemExit) as error:
        for frame, _ in reversed([*walk_tb(error.__traceback__)]):
            part = getattr(frame.f_locals.get("self"), "__dict__", {}).get(OWNER)
            if isinstance(part, PluginPart) and type(error) is SystemExit:
                raise part.ended(error) from error
            if isinstance(part, PluginPart):
                blame(error, part)
            if part or str(frame.f_globals.get("__name__")).startswith("recycle"):  # or it is our own
                break
        raise


def typed(value: Any) -> str:
    """The type of a value, and the value where that is short: `float 0.5`, `None`."""
    if value is None:
        return "None"
    name = type(value).__name__
    if isinstance(value, (bool, int, float, str)):
        return f"{name} {short_repr(value)}"
    return f"{name} of {len(value)}" if isinstance(value, (tuple, list, dict)) else name
