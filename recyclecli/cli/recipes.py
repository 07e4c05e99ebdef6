"""`recycle recipes list` and `show`"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from recyclecli.cli.candidates import installed, recipes
from recyclecli.cli.group import OpenGroup
from recyclecli.cli.once import Once
from recyclecli.cli.options import AsJson


class Recipes(OpenGroup):
    """The group that strangers' commands about recipes join, too."""

    path = ("recipes",)


app = typer.Typer(cls=Recipes, no_args_is_help=True, help="List and show recipes for `recycle train --recipe`.")


@app.command("list", cls=Once, epilog="Example: `recycle recipes list`")
def list_recipes(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the installed recipes: name, package, purpose."""
    found = installed(ctx).recipes
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False))
        return
    widths = [max((len(getattr(one, key)) for one in found), default=0) for key in ("name", "distribution")]
    for one in found:
        print(f"{one.name:{widths[0]}}  {one.distribution:{widths[1]}}  {one.summary}")


@app.command(cls=Once, epilog="Example: `recycle recipes show contest > recipe.yaml`")
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of a recipe, such as contest.", autocompletion=recipes)],
) -> None:
    """Print a recipe as its package wrote it, to start your own from."""
    from recyclecli.manifest import file_of
    from recyclecli.reading import read_text

    print(read_text(file_of(name, installed(ctx).recipe_files())), end="")
