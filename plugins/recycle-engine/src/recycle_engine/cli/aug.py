"""`recycle aug ...`: a command for each installed augmentation, with its options as flags."""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from recycle_data.cli.options import data_root
from recycle_data.output_file import PREVIEW_FILE

from recycle_engine.cli.flags import given, parameters
from recycle_engine.cli.groups import DatasetArgs, OfflineArgs, expand_groups
from recyclecli.cli.candidates import installed
from recyclecli.cli.group import OpenGroup
from recyclecli.cli.once import Once
from recyclecli.cli.options import Force, Seed
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_engine.offline_augment.offline import OfflineResult
    from recyclecli.manifest import Offered


@expand_groups
def write(
    *,
    number: Annotated[int, typer.Option("--aug-num", min=1, max=999_999, help="Number of new photos.")],
    part: dict[str, Any],
    trained: DatasetArgs,
    making: OfflineArgs,
) -> None:
    """Write new photos with labels, made from training photos only: NAME.json and NAME/."""
    from recycle_engine import api

    show_made(api.augment(part, number, trained.settings, **making.keywords), trained, making)


@expand_groups
def look(
    *,
    part: dict[str, Any],
    out: Annotated[Path, typer.Option("--out", help="The PNG.")] = Path(PREVIEW_FILE),
    count: Annotated[int, typer.Option("--num", min=1, max=60, help="Number of photos.")] = 8,
    size: Annotated[int, typer.Option("--size", min=32, max=4096, help="Longer side of the photos, in pixels.")] = 512,
    device: Annotated[str, typer.Option("--device", help="Torch device.")] = "cpu",
    trained: DatasetArgs,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw training photos with their labels, before and after."""
    from recycle_engine import api

    print(api.preview(part, out, {**trained.settings, "data.size": size}, count, seed, device, force))


def show_made(made: OfflineResult, trained: DatasetArgs, making: OfflineArgs) -> None:
    """The file, what is in it, what was skipped, and how to train with it."""
    from recyclecli.errors import join_limited

    counts = join_limited((f"{name} {count}" for name, count in made.classes.items()), 20)
    pasted = f", {made.pasted} objects of other photos: {counts}" if made.pasted else ""
    print(f"{made.photos} new photos{pasted}", file=sys.stderr)
    if made.skipped:
        print(f"skipped as unreadable: {counted(len(made.skipped), 'photo')}:", file=sys.stderr)
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


class Augmentations(OpenGroup):
    """A command for each augmentation that declares itself usable offline, beside those that packages put here.

    Help and completion take the names and flags from the manifest, so that no plugin is loaded for
    them; what is run is what is installed now.
    """

    path: tuple[str, ...] = ("aug",)
    run: Callable[..., None] = staticmethod(write)
    example = "Example: `recycle aug {name} --aug-num 1500`"
    offline_only = True

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands, then the augmentations."""
        return [*super().list_commands(ctx), *self._made_of(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command to describe: that of an augmentation as the manifest has it."""
        component = self._made_of(ctx).get(cmd_name)
        return _command(component, cmd_name, self) if component else super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A command to run: that of an augmentation is made of what is installed now."""
        name, *rest = args
        if ctx.resilient_parsing or name.startswith("-") or name in {*self.commands, *self.offered(ctx)}:
            return super().resolve_command(ctx, args)
        self.say_clash(ctx, name)
        if "--help" in rest and (described := self.get_command(ctx, name)) is not None:
            return name, described, rest
        from recyclecli.discovery import discover, offered

        offer = discover().find("augmentation", name)
        return name, _command(offered(offer.component, offer.plugin.distribution), name, self), rest

    def taken(self, ctx: Any) -> dict[str, str]:
        """The augmentations."""
        return {**super().taken(ctx), **{name: f"{name}@{one.distribution}" for name, one in self._all(ctx).items()}}

    def _made_of(self, ctx: Any) -> dict[str, Offered]:
        """Those by what is typed: `NAME@DISTRIBUTION` where a command has the name, too."""
        clashes = {word.partition("@")[0] for word in self.offered(ctx)}
        return {f"{name}@{one.distribution}" if name in clashes else name: one for name, one in self._all(ctx).items()}

    def _all(self, ctx: Any) -> dict[str, Offered]:
        found = installed(ctx).of("augmentation")
        return {name: one for name, one in found.items() if not self.offline_only or one.offline is not None}


class Previews(Augmentations):
    """A command for each augmentation that draws what it does."""

    path = ("aug", "preview")
    run = staticmethod(look)
    example = "Example: `recycle aug preview {name}`"
    offline_only = False


def _command(component: Offered, name: str, group: Augmentations) -> Any:
    """A command that runs the group's function with the options of a component as further flags, its `part`."""
    run = group.run
    own = [one for one in inspect.signature(run).parameters.values() if one.name != "part"]
    taken = {flag for one in own for flag in _flags(one)}
    further = parameters(component, taken)

    def command(**values: Any) -> None:
        run(**{one.name: values[one.name] for one in own}, part={"name": name, **given(component, values)})

    command.__signature__ = inspect.Signature([*own, *further])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in [*own, *further]}
    command.__doc__ = f"{component.summary}.\n\n{inspect.getdoc(run)}"
    app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    app.command(name, cls=Once, epilog=group.example.format(name=name))(command)
    return typer.main.get_command(app)


def _flags(parameter: inspect.Parameter) -> tuple[str, ...]:
    """The flags of one of a command's own parameters."""
    option = parameter.annotation.__metadata__[0]
    return (option.default, *(option.param_decls or ()))


app = typer.Typer(cls=Augmentations, no_args_is_help=True, help="Write augmented copies of the training photos.")
app.add_typer(
    typer.Typer(cls=Previews, no_args_is_help=True, help="Draw what an augmentation does, before and after."),
    name="preview",
)
