"""What completion offers for an argument or option: names from the manifest, the recipe and runs/. No torch."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from recyclecli.manifest import Manifest, Setting
    from recyclecli.recipe import Recipe
    from recyclecli.types import Kind

Named = list[tuple[str, str]]
"""Values with what they mean."""

COMPLETION_WAIT, HELP_WAIT = 2.0, 30.0  # seconds for the manifest, where it has to be made first


def installed(ctx: typer.Context) -> Manifest:
    """What is installed, looked up once for a command line."""
    from recyclecli.manifest import known

    if "manifest" not in ctx.meta:
        ctx.meta["manifest"] = known(COMPLETION_WAIT if ctx.resilient_parsing else HELP_WAIT)
    manifest: Manifest = ctx.meta["manifest"]
    return manifest


def installed_here(ctx: typer.Context) -> Manifest:
    """What is installed, found in this process where no other could: plugins are loaded then."""
    from importlib.metadata import entry_points

    from recyclecli.discovery import discover, manifest_of
    from recyclecli.manifest import fingerprint
    from recyclecli.records import GROUP

    points = entry_points(group=GROUP)
    if installed(ctx).fingerprint != fingerprint(points):
        ctx.meta["manifest"] = manifest_of(discover(), points)
    return installed(ctx)


def fixed(choices: Sequence[str]) -> Callable[[], list[str]]:
    """Offers these values."""
    return lambda: list(choices)


def components(kind: Kind) -> Callable[[typer.Context], Named]:
    """Offers the installed components of a kind."""

    def offer(ctx: typer.Context) -> Named:
        return [(name, one.summary) for name, one in installed(ctx).of(kind).items()]

    return offer


def layouts(ctx: typer.Context) -> Named:
    """Offers the layouts of labels that the installed datasets recognise."""
    return [(name, text) for one in installed(ctx).components for name, text in one.layouts.items()]


def all_components(ctx: typer.Context) -> Named:
    """Offers the installed components of every kind."""
    return [(one.name, f"{one.kind}: {one.summary}") for one in installed(ctx).components]


def packages(ctx: typer.Context) -> list[str]:
    """Offers the installed plugin packages."""
    return list(installed(ctx).packages)


def runs(ctx: typer.Context) -> list[str]:
    """Offers the runs in runs/, and the last."""
    names = [file.parent.name for file in Path(ctx.params.get("runs") or "runs").glob("*/recipe.yaml")]
    return ["last", *sorted(names)] if names else []


def runs_with_tricks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offers runs, and after a run's `+` what `RUN+TRICK+TRICK` may be made of."""
    run, plus, _ = incomplete.rpartition("+")
    return [f"{run}+{trick}" for trick in [*inference_tricks(ctx), "plain"]] if plus else runs(ctx)


def inference_tricks(ctx: typer.Context) -> list[str]:
    """Offers what `recycle ablate` tries on a run."""
    from recyclecli.engine.pipeline import VIEWS, WINDOWS, WITHOUT_AVERAGE

    return [*VIEWS, *WINDOWS, WITHOUT_AVERAGE, *installed(ctx).of("postprocessor")]


def views() -> list[str]:
    """Offers the test-time views."""
    from recyclecli.engine.pipeline import VIEWS

    return list(VIEWS)


def metrics() -> list[str]:
    """Offers the scores that `--metric` takes."""
    from recyclecli.judge.scores import METRICS

    return list(METRICS)


def recipes(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the installed recipes, and files of YAML."""
    files = Path().glob(f"{glob.escape(incomplete)}*")
    found = [(str(file), "") for file in files if file.suffix in (".yaml", ".yml")]
    return [(one.name, one.summary) for one in installed(ctx).recipes] + found


def train_setting(name: str) -> Callable[[], list[str]]:
    """Offers the values of a key of the recipe's section `train`."""

    def offer() -> list[str]:
        from recyclecli.discovery import setting_of
        from recyclecli.settings import TrainSection

        return list(setting_of(name, TrainSection.model_fields[name]).choices)

    return offer


def recipe_keys(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the recipe's keys, `model.encoder=`, and after the `=` the values that are known."""
    return _assignments(_recipe_keys(ctx), incomplete)


def dataset_keys(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the options of the dataset that `--from` names."""
    dataset = installed(ctx).of("dataset").get(str(ctx.params.get("origin")))
    return _assignments(((one.name, one) for one in dataset.settings) if dataset else (), incomplete)


def dataset_options(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the options of the dataset that `--dataset` names, as keys of the recipe."""
    dataset = installed(ctx).of("dataset").get(str(ctx.params.get("dataset") or "coco"))
    settings = dataset.settings if dataset else ()
    return _assignments(((f"data.dataset.{one.name}", one) for one in settings), incomplete)


def _assignments(keys: Any, incomplete: str) -> Named:
    wanted, equals, _ = incomplete.partition("=")
    if not equals:
        return [(f"{key}=", setting.help) for key, setting in keys]
    return [
        (f"{key}={value}", "")
        for key, setting in keys
        if key == wanted
        for value in (("true", "false") if setting.form == "flag" else setting.choices)
    ]


def _recipe_keys(ctx: typer.Context) -> Iterator[tuple[str, Setting]]:
    """Keys of the recipe, and of the components that the command line, the recipe's file or the defaults name."""
    from recyclecli.discovery import setting_of
    from recyclecli.manifest import Setting
    from recyclecli.recipe import LISTS, Recipe

    flags = ctx.params
    if (recipe := _recipe(ctx, flags.get("recipe"))) is None:
        return
    earlier = dict(text.partition("=")[::2] for text in flags.get("option") or ())
    yield "seed", setting_of("seed", Recipe.model_fields["seed"])
    for section in ("data", "train"):
        for name, field in type(getattr(recipe, section)).model_fields.items():
            if name != "dataset":
                yield f"{section}.{name}", setting_of(name, field)
    slots: dict[str, tuple[Kind, list[str]]] = {
        "data.dataset": ("dataset", [flags.get("dataset") or recipe.data.dataset.name]),
        "model": ("model", [flags.get("plugin") or recipe.model.name]),
    }
    for section, kind in LISTS.items():
        slots[section] = kind, flags.get(section) or [part.name for part in getattr(recipe, section)]
    for key, (kind, chosen) in slots.items():
        offered = installed(ctx).of(kind)
        yield (
            key,
            Setting(
                name=key, help=f"the {kind}", form="text", metavar="NAME", default="", choices=tuple(sorted(offered))
            ),
        )
        names = [earlier[key]] if key in earlier else chosen
        for name in names:
            alone = len(names) == 1 and key in ("data.dataset", "model", "loss")
            for setting in offered[name].settings if name in offered else ():
                yield f"{key}.{setting.name}" if alone else f"{key}.{name}.{setting.name}", setting


def _recipe(ctx: typer.Context, name: Any) -> Recipe | None:
    """A recipe by name or file, unchecked against what is installed; `default` where it cannot be read."""
    from pydantic import ValidationError

    from recyclecli.errors import RecycleError
    from recyclecli.resolve import unchecked

    named = installed(ctx).recipe_files()
    for choice in (name, None):
        try:
            return unchecked(choice, named)
        except (RecycleError, ValidationError):  # `recycle train` will say it
            continue
    return None
