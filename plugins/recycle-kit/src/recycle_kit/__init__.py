"""For authors of plugins: new packages, and the tests that their kinds have in common.

`scaffold` writes a package from `templates/`; `testing` and `training` are the conformance classes; `faults` is what
`recycle plugins check` tells.
"""

from collections.abc import Iterable

from recyclecli import hookimpl
from recyclecli.types import Command

COMMANDS = (
    Command(
        ("plugins", "check"),
        "recycle_kit.cli.check:check",
        "For CI: exit code 1 if a plugin does not load, lacks a package, or fails the tests of its kind.",
        epilog="Example: `recycle plugins check`, or with its tests: `recycle plugins check acme-losses`",
    ),
    Command(
        ("plugins", "new"),
        "recycle_kit.cli.new:new",
        "Write a package with one component, command, recipe or check, complete with passing tests.",
        epilog="Example: `recycle plugins new acme-losses --kind loss`",
    ),
)


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    return COMMANDS
