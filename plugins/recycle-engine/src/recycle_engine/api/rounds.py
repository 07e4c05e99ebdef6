"""Self-training as a function: rounds of labelling and training, under the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, path_of, registry
from recycle_data.pseudo import USUAL, Sureness
from recycle_data.workspace import in_workspace

from recycle_engine.api.evaluation import compare
from recycle_engine.api.judged import judged_photos
from recycle_engine.api.pseudo import PSEUDO_FILE, label_with, labelling
from recycle_engine.api.runs import find_run, recipe_of
from recycle_engine.api.same_recipe import refuse_another_recipe

if TYPE_CHECKING:
    from recycle_data.pseudo import PseudoLabels
    from recycle_data.splits import Split

    from recycle_engine.judge.compare import Comparison
    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run
    from recyclecli.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Round:
    """One round of self-training.

    Attributes:
        labels: the COCO file of this round.
        made: what is in it, and which photos are not.
        run: the student.
        against: the student against its teacher, on the first teacher's validation photos.
    """

    labels: Path
    made: PseudoLabels
    run: Run
    against: Comparison

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "labels": str(self.labels),
            **self.made.as_dict(),
            "run": str(self.run.folder),
            "against": self.against.as_dict(),
        }


@in_workspace
def self_train(
    run: Run | Place,
    images: Place,
    rounds: int,
    out: Place,
    weight: float = 1.0,
    settings: Mapping[str, Any] = {},
    runs: Place | None = None,
    wanted: Sureness = USUAL,
    pipeline: Pipeline | None = None,
    data: Place | None = None,
    force: bool = False,
    **machine: Any,
) -> list[Round]:
    """Alternate pseudo-labelling and training a student, as long as it gains.

    Each student has the first teacher's recipe and learns from the start. The gate compares it with its
    teacher on the first one's validation photos; the first that is not better ends it. The same call
    may be repeated, also after an interruption: what is labelled and trained stays.

    Args:
        run: the first teacher.
        images: photos without labels.
        rounds: at most so many.
        out: folder for each round's labels.
        weight: sampling weight of pseudo-labelled photos; true labels have 1.
        settings: recipe keys that differ from the teacher's.
        runs: folder of the students, TEACHER-pseudo1 and so on; that of the teacher when left out.
        wanted, pipeline, data, force, machine: see `pseudo_label`.

    Raises:
        RecycleError: labels or a student are there that another call made, or see `pseudo_label`.
    """
    from recycle_data.coco_lists import write_lists
    from recycle_data.workspace import split_of

    from recycle_engine.inference.photos import root_of
    from recycle_engine.run_recipe import resolve_run
    from recycle_engine.runs import Run
    from recyclecli.types import KINDS

    teacher = first = find_run(run)
    recipe = recipe_of(first)
    split = split_of(recipe.data, recipe.seed)
    root = str(root_of(path_of(images), path_of(data) if data else None).absolute())
    done: list[Round] = []
    for number in range(1, rounds + 1):
        place = path_of(out) / f"round-{number}"
        with labelling(images, place / PSEUDO_FILE, data, force, again=True) as (labels, there):
            made = label_with([teacher], [first], images, labels, there, wanted, pipeline, data, force, **machine)
        # only now: lists of another teacher's photos lie here no more than its labels do
        true = write_lists(split.train, path_of(out), "train", split.weights)
        val = write_lists(split.val, path_of(out), "val")
        pseudo = {"root": root, "json": str(labels.absolute()), "weight": weight}
        keys: dict[str, Any] = {
            "data.dataset": "coco",
            "data.classes": {},
            "data.json_path": true[0]["json"],
            "data.fold": None,
            "data.split": "auto",
            "data.fingerprint": None,
            "data.train": [*true, pseudo],
            "data.val": [{"root": entry["root"], "json": entry["json"]} for entry in val],
        }
        asked = resolve_run(registry(), first.recipe, {**keys, **settings}, KINDS)
        student = Run(path_of(runs or first.folder.parent) / f"{first.folder.name}-pseudo{number}")
        _train(student, asked, split_of(asked.data, asked.seed))
        (against,) = compare([f"{teacher.folder}+plain", f"{student.folder}+plain"], judged_photos(student)[0])
        done.append(Round(labels, made, student, against))
        if against.difference.verdict != "better":
            break
        teacher = student
    return done


def _train(student: Run, wanted: Recipe, split: Split) -> None:
    """Train a student, or go on with it where it was begun; one that is trained stays as it is."""
    from recycle_engine.training.train import ended, resume, train

    if not student.recipe.is_file():
        train(registry(), wanted, split, student.folder.name, student.folder.parent)
        return
    own = refuse_another_recipe(student, wanted, split)
    if student.last.exists() or ended(student, own) is None:
        resume(registry(), own, split, student)
