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
from recyclecli.cli.options import (
    Data,
    Dataset,
    Device,
    Fold,
    Force,
    JsonPath,
    Mode,
    Out,
    Seed,
    Size,
    Strict,
    TrainJson,
    ValJson,
    Workers,
    data_root,
    data_settings,
)

if TYPE_CHECKING:
    from recyclecli.engine.offline import Made
    from recyclecli.plugins import Offer, Registry


def write(
    number: Annotated[int, typer.Option("--aug-num", min=1, max=999_999, help="How many new photos.")],
    mode: Mode = "add",
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    fold: Fold = None,
    train_json: TrainJson = None,
    val_json: ValJson = None,
    out: Out = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the set.  [default: the augmentation's]")] = None,
    size: Size = None,
    device: Device = "cpu",
    workers: Workers = None,
    strict: Strict = False,
    seed: Seed = 0,
    force: Force = False,
    **options: Any,
) -> None:
    """Write new photos with their labels, made from the training photos alone: NAME.json and NAME/."""
    from recyclecli import api

    settings = data_settings(data, dataset, json_path, train_json, val_json, fold)
    part = options.pop("part")
    made = api.augment(part, number, settings, out, name, seed, mode, (), size, device, workers, strict, force)
    show_made(made, mode, data_root(data), fold, train_json, val_json)


def look(
    out: Annotated[Path, typer.Option("--out", help="The PNG.")] = Path("preview.png"),
    count: Annotated[int, typer.Option("--count", min=1, max=60, help="How many photos.")] = 8,
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    fold: Fold = None,
    train_json: TrainJson = None,
    val_json: ValJson = None,
    size: Size = None,
    device: Device = "cpu",
    seed: Seed = 0,
    force: Force = False,
    **options: Any,
) -> None:
    """Draw training photos with their labels, before and after."""
    from recyclecli import api

    settings = data_settings(data, dataset, json_path, train_json, val_json, fold)
    if size is not None:
        settings["data.size"] = size
    print(api.preview(options.pop("part"), out, settings, count, seed, device, force))


def show_made(
    made: Made,
    mode: str,
    root: Path,
    fold: int | None,
    train_json: list[str] | None,
    val_json: list[str] | None,
) -> None:
    """The file, what is in it, what was skipped, and how to train with it."""
    from recyclecli.errors import listed

    counts = listed((f"{name} {count}" for name, count in made.classes.items()), 20)
    pasted = f", {made.pasted} objects of other photos: {counts}" if made.pasted else ""
    print(f"{made.photos} new photos{pasted}", file=sys.stderr)
    if made.skipped:
        print(f"skipped {len(made.skipped)} photo(s) that cannot be read:", file=sys.stderr)
        for why in list(made.skipped.values())[:5]:
            print(f"  {why}", file=sys.stderr)
    usual = [f"kfold_{fold or 0}_{part}.json" for part in ("train", "val")]
    if not val_json and all((root / name).is_file() for name in usual):
        train_json, val_json = usual[:1], usual[1:]
    if train_json and val_json:
        new = made.file.name if made.file.parent == root else f"{made.file}@{made.file.parent}"
        words = ["recycle", "train", "--data", str(root)]
        for flag, names in (("--train-json", [*(train_json if mode == "self" else []), new]), ("--val-json", val_json)):
            for name in names:
                words += [flag, name]
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
    """A command that runs `run` with the options of a component as further flags."""
    signature = inspect.signature(run, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    taken = {flag for one in own for flag in _flags(one)}
    component = offer.component
    further = parameters(component, taken, getattr(component, "offline", None) or {})

    def command(**values: Any) -> None:
        options = given(component, values)
        kept = {one.name: values[one.name] for one in own}
        run(**kept, part={"name": name, **options})

    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    command.__signature__ = signature.replace(parameters=[*keywords, *further])  # type: ignore[attr-defined]
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
