import os
from pathlib import Path

from recyclecli import hookimpl
from recyclecli.types import Command, NamedRecipe


def how():
    return os.environ.get("ACME_HOW", "")


@hookimpl
def recycle_commands():
    if how() == "epilog":
        yield Command(("odd",), "acme:odd", "Odd", epilog=Path("x"))
    yield Command(("fine",), "", "A group \ud800 whose line UTF-8 cannot hold")


@hookimpl
def recycle_recipes():
    if how() == "package":
        yield NamedRecipe("gone", "acme_not_there:gone.yaml", "Of a package that is not there")
    if how() == "file":
        yield NamedRecipe("gone", "json:gone.yaml", "Without its file")
    if how() == "default":
        yield NamedRecipe("default", "acme_records_broken:gone.yaml", "In the place of ours")
