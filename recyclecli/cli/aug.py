"""`recycle aug ...`: a command for each installed augmentation, with its options as flags."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from recyclecli.cli.flags import given, parameters
from recyclecli.cli.groups import Making, Trained, flat
from recyclecli.cli.options import Force, Seed, data_root

if TYPE_CHECKING:
    from recyclecli.engine.offline import Made
    from recyclecli.plugins import Offer, Registry


@flat
def write(
    *,
    number: Annotated[int, typer.Option("--aug-num", min=1, max=999_999, help="How many new photos.")],
    part: dict[str, Any],
    trained: Trained,
    making: Making,
) -> None:
    """Write new photos with their labels, made from the training photos alone: NAME.json and NAME/."""
    from recyclecli import api

    show_made(api.augment(part, number, trained.settings, **making.keywords), trained, making)


@flat
def look(
    *,
    part: dict[str, Any],
    out: Annotated[Path, typer.Option("--out", help="The PNG.")] = Path("preview.png"),
    count: Annotated[int, typer.Option("--count", min=1, max=60, help="How many photos.")] = 8,
    size: Annotated[int, typer.Option("--size", min=32, max=4096, help="Fit photos into SIZExSIZE.")] = 512,
    device: Annotated[str, typer.Option("--device", help="Torch device.")] = "cpu",
    trained: Trained,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw training photos with their labels, before and after."""
    from recyclecli import api

    print(api.preview(part, out, {**trained.settings, "data.size": size}, count, seed, device, force))


def show_made(made: Made, trained: Trained, making: Making) -> None:
    """The file, what is in it, what was skipped, and how to train with it."""
    from recyclecli.errors import listed

    counts = listed((f"{name} {count}" for name, count in made.classes.items()), 20)
    pasted = f", {made.pasted} objects of other photos: {counts}" if made.pasted else ""
    print(f"{made.photos} new photos{pasted}", file=sys.stderr)
    if made.skipped:
        print(f"skipped {len(made.skipped)} photo(s) that cannot be read:", file=sys.stderr)
        for why in list(made.skipped.values())[:5]:
            print(f"  {why}", file=sys.stderr)
    learned, judged = trained.files
    if learned and judged:
        root, folder = data_root(trained.data), made.file.parent
        new = made.file.name if folder == root else f"{made.file}@{folder}"
        words = ["recycle", "train", "--data", str(root)]
        for name in [*(learned if making.mode == "self" else []), new]:
            words += ["--train-json", name]
        for name in judged:
            words += ["--val-json", name]
        print(f"next: {shlex.join(words)}", file=sys.stderr)
    print(made.file)


class Augmentations(TyperGroup):
    """A command for each augmentation that declares itself usable offline, found when one is asked for."""

    run: Callable[..., None] = staticmethod(write)
    example = "Example: `recycle aug {name} --aug-num 1500`"
    offline_only = True

    def list_commands(self, ctx: Any) -> list[str]:
        """The command's own, then the augmentations'."""
        offers = _registry().offers("augmentation")
        names = [offer.component.name for offer in offers]
        taken = [
            offer for offer in offers if not self.offline_only or getattr(offer.component, "offline", None) is not None
        ]
        unique = [one.component.name if names.count(one.component.name) == 1 else one.qualified for one in taken]
        return [*super().list_commands(ctx), *unique]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command that an augmentation's name, bare or as `name@distribution`, makes."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        from recyclecli.errors import RecycleError

        registry = _registry()
        try:
            offer = registry.find("augmentation", cmd_name)
        except RecycleError:
            if ctx.resilient_parsing:
                return None
            raise
        return _command(offer, cmd_name, self.run, self.example)


class Previews(Augmentations):
    """A command for each augmentation that draws what it does."""

    run = staticmethod(look)
    example = "Example: `recycle aug preview {name}`"
    offline_only = False


def _registry() -> Registry:
    from recyclecli.plugins import discover

    return discover()


def _command(offer: Offer, name: str, run: Callable[..., None], example: str) -> Any:
    """A command that runs `run` with the options of a component as further flags, together its `part`."""
    own = [one for one in inspect.signature(run).parameters.values() if one.name != "part"]
    taken = {flag for one in own for flag in _flags(one)}
    component = offer.component
    further = parameters(component, taken, getattr(component, "offline", None) or {})

    def command(**values: Any) -> None:
        run(**{one.name: values[one.name] for one in own}, part={"name": name, **given(component, values)})

    command.__signature__ = inspect.Signature([*own, *further])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in [*own, *further]}
    command.__doc__ = f"{component.summary}.\n\n{inspect.getdoc(run)}"
    app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    app.command(name, epilog=example.format(name=name))(command)
    return typer.main.get_command(app)


def _flags(parameter: inspect.Parameter) -> tuple[str, ...]:
    """The flags of one of a command's own parameters."""
    option = parameter.annotation.__metadata__[0]
    return (option.default, *(option.param_decls or ()))


app = typer.Typer(cls=Augmentations, no_args_is_help=True, help="Make new photos of the training photos.")
app.add_typer(
    typer.Typer(cls=Previews, no_args_is_help=True, help="Draw what an augmentation does, before and after."),
    name="preview",
)
