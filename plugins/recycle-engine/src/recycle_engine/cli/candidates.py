"""What completion offers of runs, scores and the recipe's keys. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from recycle_data.cli.candidates import assignments, components

from recyclecli.cli.candidates import Named, installed

if TYPE_CHECKING:
    from recyclecli.manifest import Setting
    from recyclecli.recipe import Recipe
    from recyclecli.types import Kind


def runs(ctx: typer.Context) -> list[str]:
    """Offers the runs in runs/, and the last."""
    from recycle_engine.runs import RUNS, runs_in

    names = [folder.name for folder in runs_in(Path(ctx.params.get("runs") or RUNS))]
    return ["last", *names] if names else []


def runs_with_tricks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offers runs, and after a run's `+` what `RUN+TRICK+TRICK` may be made of."""
    run, plus, _ = incomplete.rpartition("+")
    return [f"{run}+{trick}" for trick in [*inference_tricks(ctx), "plain"]] if plus else runs(ctx)


def inference_tricks(ctx: typer.Context) -> list[str]:
    """Offers what `recycle ablate` tries on a run."""
    from recycle_engine.pipeline import VIEWS, WINDOWS, WITHOUT_AVERAGE

    return [*VIEWS, *WINDOWS, WITHOUT_AVERAGE, *installed(ctx).of("postprocessor")]


def views() -> list[str]:
    """Offers the test-time views."""
    from recycle_engine.pipeline import VIEWS

    return list(VIEWS)


def metrics() -> list[str]:
    """Offers the scores that `--metric` takes."""
    from recycle_engine.judge.scores import METRICS

    return list(METRICS)


def train_setting(name: str) -> Callable[[], list[str]]:
    """Offers the values of a key of the recipe's section `train`."""

    def offer() -> list[str]:
        from recyclecli.discovery import setting_of
        from recyclecli.settings import TrainSection

        return list(setting_of(name, TrainSection.model_fields[name]).choices)

    return offer


def engines(ctx: typer.Context) -> Named:
    """Offers what runs a model: torch, and the formats that exporters load."""
    return [("torch", "the checkpoint"), ("auto", "an export that fits, else torch"), *components("exporter")(ctx)]


def recipe_keys(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the recipe's keys, `model.encoder=`, and after the `=` the values that are known."""
    return assignments(_recipe_keys(ctx, incomplete), incomplete)


def _recipe_keys(ctx: typer.Context, incomplete: str) -> Iterator[tuple[str, Setting]]:
    """Keys of the recipe, and of the components that the command line, the recipe's file or the defaults name.

    The options of one loss alone have a short form, which gives way to the one with its name once that is typed.
    """
    from recycle_data.recipe_tree import PART_KEYS

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
            if f"{section}.{name}" not in {*PART_KEYS, "train.callbacks"}:
                yield f"{section}.{name}", setting_of(name, field)
    typed = {"model": "plugin", "data.dataset": "dataset", "train.optimizer": "optimizer"}
    named = {key: part.bare for key, _, part in recipe.parts()}
    slots: dict[str, tuple[Kind, list[str]]] = {
        place: (kind, [flags.get(typed.get(place, "")) or named[place]]) for place, kind in PART_KEYS.items()
    }
    for section, kind in LISTS.items():
        slots[section] = kind, flags.get(section) or [part.bare for part in getattr(recipe, section)]
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
            short = key == "loss" and not incomplete.startswith(f"{key}.{name}.")
            alone = len(names) == 1 and (short or key in PART_KEYS)
            for setting in offered[name].settings if name in offered else ():
                if (kind, setting.name) == ("model", "encoder"):
                    setting = replace(setting, choices=(*setting.choices, *_brought_encoders(ctx)))
                yield f"{key}.{setting.name}" if alone else f"{key}.{name}.{setting.name}", setting


def _brought_encoders(ctx: typer.Context) -> list[str]:
    """The encoders that packages bring, as recipes name them: with the package where several bring one."""
    brought = {(name, one.distribution) for one in installed(ctx).of("model").values() for name in one.encoders}
    names = [name for name, _ in brought]
    return sorted(f"tu-{name}" if names.count(name) == 1 else f"tu-{name}@{by}" for name, by in brought)


def _recipe(ctx: typer.Context, name: Any) -> Recipe | None:
    """A recipe by name or file, unchecked against what is installed; `default` where it cannot be read."""
    from pydantic import ValidationError
    from recycle_data.resolve import unchecked

    from recyclecli.errors import RecycleError

    named = installed(ctx).recipe_files()
    for choice in (name, None):
        try:
            return unchecked(choice, named)
        except (RecycleError, ValidationError):  # `recycle train` will say it
            continue
    return None
