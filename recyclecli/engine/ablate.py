"""The gate on a run: every installed inference trick, and what its sibling runs say about retraining."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from recyclecli import __version__
from recyclecli.data.splits import Split, make_split, trained_on
from recyclecli.engine.checkpoint import read_card
from recyclecli.engine.evaluate import count, count_together
from recyclecli.engine.members import Member
from recyclecli.engine.pipeline import VIEWS, WINDOWS, WITHOUT_AVERAGE, Pipeline, joined, write_choice
from recyclecli.engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.judge.compare import WORTH, compare
from recyclecli.judge.gate import Choice, Names, Score, Trick, choose, cross_fit, judged
from recyclecli.judge.ledger import Ledger
from recyclecli.judge.scores import Metric
from recyclecli.plugins import Registry
from recyclecli.recipe import ListedPart, Recipe, resolve
from recyclecli.types import PostprocessorComponent, Source


@dataclass(frozen=True, slots=True)
class Ablation:
    """What the gate says about a run.

    Attributes:
        photos: judged on.
        metric: that decides.
        worth: the smallest gain worth having.
        tricks: inference tricks, each alone against the bare run.
        retrained: what retraining changed, by the runs beside this one.
        choice: which tricks go into the pipeline, and its scores.
        pipeline: what `predict` uses from now on.
    """

    photos: int
    metric: Metric
    worth: float
    tricks: tuple[Trick, ...]
    retrained: tuple[Trick, ...]
    choice: Choice
    pipeline: Pipeline

    def as_dict(self) -> dict[str, Any]:
        """For --json and pipeline.json."""
        scores = {key: getattr(self.choice, key) for key in ("base", "score", "cross_fitted")}
        return {
            "photos": self.photos,
            "metric": self.metric,
            "worth": self.worth,
            "pipeline": self.pipeline.as_dict(),
            **{key: {"value": one.value, "low": one.low, "high": one.high} for key, one in scores.items()},
            "tricks": [trick.as_dict() for trick in self.tricks],
            "retrained": [trick.as_dict() for trick in self.retrained],
        }


def ablate(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    how: str,
    metric: Metric = "miou_dataset",
    worth: float = WORTH,
    groups: Sequence[int] | None = None,
    only: Sequence[str] = (),
    retrained: bool = True,
    search: Sequence[str] = (),
) -> Ablation:
    """Judge every trick and write the chosen pipeline into the run.

    Args:
        registry: the installed components.
        run: a run with weights.
        recipe: its recipe.
        source: labelled photos that it has not trained on.
        how: where they come from, for pipeline.json.
        metric: the score that decides.
        worth: the smallest gain worth having.
        groups: a number for each photo; those of one number are drawn together.
        only: names of the tricks to try; all when empty.
        retrained: whether to look at the runs beside this one, too.
        search: post-processors whose options are searched for, too; each is judged as what its best
            options on four fifths of the photos give on the last.

    Raises:
        RecycleError: an unknown trick, one without options to search, or a photo that cannot be read.
    """
    tricks = installed_tricks(registry, run, recipe)
    for name in (*only, *search):
        if name not in tricks:
            raise RecycleError(f"no trick is called {name!r}", f"there are {', '.join(tricks)}")
    tricks = {name: trick for name, trick in tricks.items() if not only or name in (*only, *search)}
    print(f"trying {', '.join(tricks)} on {len(source)} photos: {how}", file=sys.stderr)
    variants = {name: _variants(registry, tricks[name]) for name in search}
    several = [one for each in variants.values() for one in each]
    base, *ledgers = count(registry, run, recipe, source, [Pipeline(), *tricks.values(), *several])
    searched = ledgers[len(tricks) :]
    for name, each in variants.items():
        found, searched = searched[: len(each)], searched[len(each) :]
        best, fair = cross_fit(partial(_best, found), found.__getitem__, len(source), metric, groups)
        ledgers[list(tricks).index(name)], tricks[name] = fair, each[best]
        (part,) = tricks[name].post
        print(f"the best of {len(each)} for {name}: {_short(part.model_dump(exclude_none=True))}", file=sys.stderr)

    def together(sets: Sequence[Names]) -> list[Ledger]:
        print(f"trying together: {'; '.join(' + '.join(names) for names in sets)}", file=sys.stderr)
        return count(registry, run, recipe, source, [joined(tricks, names) for names in sets])

    answers, choice = choose(base, dict(zip(tricks, ledgers, strict=False)), together, metric, worth, groups)
    arms = sibling_arms(registry, run, recipe, source) if retrained else {}
    others = _retrained(registry, base, source, arms, metric, worth, groups)
    pipeline = joined(tricks, choice.kept)
    result = Ablation(len(source), metric, worth, tuple(answers), tuple(others), choice, pipeline)
    step = read_card(run.best).get("step")
    write_choice(run, pipeline, {"recyclecli": __version__, "step": step, "chosen_on": how, **result.as_dict()})
    return result


def installed_tricks(registry: Registry, run: Run, recipe: Recipe) -> dict[str, Pipeline]:
    """Each inference trick alone: views, post-processors that can be built, the weights without average.

    A post-processor that the recipe names is tried with the recipe's options.
    """
    tricks: dict[str, Pipeline] = {view: Pipeline(views=(view,)) for view in VIEWS}
    tricks |= {name: Pipeline(window=window) for name, window in WINDOWS.items()}
    named = {part.name.partition("@")[0]: part for part in recipe.post}
    for offer in registry.offers("postprocessor"):
        name = offer.component.name
        if offer.missing():
            print(f"{name} is not tried: pip install {' '.join(offer.missing())}", file=sys.stderr)
            continue
        alone = sum(name == other.component.name for other in registry.offers("postprocessor")) == 1
        label = name if alone else offer.qualified
        tricks[label] = Pipeline(post=(named.get(name, ListedPart(name=label)),))
    if run.raw.is_file() and read_card(run.raw).get("step") == read_card(run.best).get("step"):
        tricks[WITHOUT_AVERAGE] = Pipeline(weights="raw")
    return tricks


def _best(ledgers: Sequence[Ledger], score: Score) -> int:
    return max(range(len(ledgers)), key=lambda place: score(ledgers[place]))


def _variants(registry: Registry, trick: Pipeline) -> list[Pipeline]:
    """A post-processor with its options as they are, and with all combinations of those worth trying."""
    if not trick.post:
        raise RecycleError(f"{trick} has no options to search", "search a post-processor: densecrf")
    (part,) = trick.post
    component = registry.find("postprocessor", part.name).component
    values = component.search if isinstance(component, PostprocessorComponent) else {}
    if not values:
        raise RecycleError(f"{part.name} names no options worth searching", "leave it out of --search")
    combinations = (dict(zip(values, one, strict=True)) for one in product(*values.values()))
    return [trick, *(Pipeline(post=(part.model_copy(update=one),)) for one in combinations)]


def sibling_arms(registry: Registry, run: Run, recipe: Recipe, source: Source) -> dict[str, list[tuple[Run, Recipe]]]:
    """The runs beside `run` that are judged on the same photos, by what they changed; `` is its own arm.

    What they learned from may differ: made photos, pseudo-labels. Two runs of one seed are one: the
    second adds no chance. Runs without weights, that have trained on photos of `source`, or whose recipe or
    data can no longer be read, are left out.
    """
    learned, judged_on = _photos(make_split(registry, recipe.data, recipe.seed))
    own = _settings(recipe) | {"photos learned from": learned}
    arms: dict[str, list[tuple[Run, Recipe]]] = {"": [(run, recipe)]}
    for file in sorted(run.folder.parent.glob("*/recipe.yaml")):
        other = Run(file.parent)
        if other.folder == run.folder or not other.best.is_file():
            continue
        try:
            settings = resolve(registry, file)
            split = make_split(registry, settings.data, settings.seed)
        except RecycleError as error:
            print(f"{other.folder.name} is left out: {error.args[0]}", file=sys.stderr)
            continue
        learned, photos = _photos(split)
        if photos != judged_on or trained_on(split, source):
            continue
        theirs = _settings(settings) | {"photos learned from": learned}
        changed = [key for key in sorted({*own, *theirs}) if own.get(key) != theirs.get(key)]
        arm = arms.setdefault(", ".join(f"{key}={theirs.get(key)}" for key in changed), [])
        if settings.seed not in [known.seed for _, known in arm]:
            arm.append((other, settings))
    return arms


def _photos(split: Split) -> tuple[str, frozenset[str]]:
    """How many photos are learned from, with a mark of which and how often; the files that are judged on."""
    judged_on = frozenset(os.path.realpath(split.val.record(index).file) for index in range(len(split.val)))
    drawn = [(os.path.realpath(split.train.record(index).file), weight) for index, weight in enumerate(split.weights)]
    mark = hashlib.sha256(json.dumps(sorted(drawn)).encode()).hexdigest()[:6]
    return f"{len(drawn)} ({mark})", judged_on


def _settings(recipe: Recipe) -> dict[str, str]:
    """Every setting that retraining would change, flat, as text."""
    train = {f"train.{key}": value for key, value in recipe.train.model_dump(mode="json").items()}
    tree = recipe.model_dump(mode="json", include={"model", "loss", "aug"}, exclude_none=True)
    model = {f"model.{key}": value for key, value in tree["model"].items()}
    parts = {key: [_short(part) for part in tree[key]] for key in ("loss", "aug")}
    values: dict[str, Any] = {"data.size": recipe.data.size, **model, **parts, **train}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _short(part: dict[str, Any]) -> str:
    options = " ".join(f"{key}={value}" for key, value in part.items() if key != "name")
    return f"{part['name']} {options}".strip()


def _retrained(
    registry: Registry,
    own: Ledger,
    source: Source,
    arms: Mapping[str, list[tuple[Run, Recipe]]],
    metric: Metric,
    worth: float,
    groups: Sequence[int] | None,
) -> list[Trick]:
    """What other settings and other photos changed, and what the mean of the runs that changed only the seed does.

    `own` is what the first run of the arm `` says, bare.
    """
    if sum(map(len, arms.values())) < 2:
        return []
    ledgers: dict[str, list[Ledger]] = {}
    for name, runs in arms.items():
        print(f"{name or 'as this run'}: {', '.join(run.folder.name for run, _ in runs)}", file=sys.stderr)
        others = runs if name else runs[1:]
        counted = (count(registry, run, recipe, source, [Pipeline()]) for run, recipe in others)
        ledgers[name] = [ledger for (ledger,) in counted]
    base = [own, *ledgers.pop("")]
    found = compare(base, ledgers, metric, worth, groups) if ledgers else []
    if len(base) > 1:
        members = [Member(run.best, Pipeline()) for run, _ in arms[""]]
        together = count_together(registry, members, "soft", arms[""][0][1], source)
        found += compare(base[0], {f"mean of {len(base)} seeds": together}, metric, worth, groups)
    return [judged(one, worth) for one in found]
