"""Pseudo-labels as functions: one round, or several under the gate."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.api.data import Place, registry
from recyclecli.api.judging import compare, judged_photos
from recyclecli.api.predicting import members_of, predict_job
from recyclecli.api.runs import find_run, recipe_of, train
from recyclecli.errors import RecycleError, listed
from recyclecli.files import refuse_overwrite, write_json

if TYPE_CHECKING:
    from recyclecli.data.pseudo import Made, Rule
    from recyclecli.engine.infer import Precision
    from recyclecli.engine.members import Member
    from recyclecli.engine.photos import Photo
    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.engine.runs import Run
    from recyclecli.judge.compare import Comparison

FILE = "pseudo_label.json"


@dataclass(frozen=True, slots=True)
class Round:
    """One round of self-training.

    Attributes:
        labels: the COCO file of this round.
        made: what is in it.
        run: the student.
        against: the student against the teacher, on the teacher's validation photos.
    """

    labels: Path
    made: Made
    run: Run
    against: Comparison


def pseudo_label(
    runs: Sequence[Run | Place],
    images: Place,
    out: Place | None = None,
    pipeline: Pipeline | None = None,
    rule: Rule = "fixed",
    threshold: float = 0.9,
    named: Mapping[str, float] = {},
    agree: float = 0,
    least: float = 0.1,
    from_csv: Place | None = None,
    data: Place | None = None,
    devices: str | None = None,
    precision: Precision = "32",
    batch: int | None = None,
    force: bool = False,
) -> tuple[Path, Made]:
    """Label photos with what models are sure of; the COCO file, which `train` takes, and what is in it.

    Validation photos of any of the runs, and photos that one trained on, are left out. An interrupted
    call may be repeated, and goes on where it was.

    Args:
        runs: at least one; several give the mean of their probabilities.
        images: a folder, pattern, COCO file or photo.
        out: the file to write; pseudo_label.json in the folder of the photos when left out.
        pipeline: the runs' own when left out.
        rule, threshold, named, least: see `recyclecli.data.pseudo.pseudo_labels`.
        agree: share of the models and views whose label must be the same, 0 to 1.
        from_csv: take the labels of a submission instead of predicting.
        data: root of a COCO file's names.
        devices, precision, batch: see `predict`.
        force: replace files that exist.

    Raises:
        RecycleError: all photos are left out, or see `predict` and `pseudo_labels`.
    """
    from recyclecli.data.pseudo import of_folder, of_submission, pseudo_labels
    from recyclecli.engine.checkpoint import read_card
    from recyclecli.engine.job import Job
    from recyclecli.engine.photos import find_photos, root_of

    found = [find_run(run) for run in runs]
    root = root_of(Path(images), Path(data) if data else None)
    file = Path(out) if out else root / FILE
    refuse_overwrite([file], force)
    photos = _unseen(found, find_photos(Path(images), Path(data) if data else None))
    class_names = tuple(read_card(found[0].best)["class_names"])
    origin: dict[str, Any] = {"runs": [run.folder.name for run in found], "rule": rule}
    if agree:
        origin["agree"] = agree
    if from_csv is not None:
        from recyclecli.coco import photo_size
        from recyclecli.data.submission import read_submission

        rows = read_submission(Path(from_csv))
        lacking = [photo.name for photo in photos if photo.name not in rows]
        if lacking:
            raise RecycleError(f"{from_csv} lacks {len(lacking)} photo(s): {listed(lacking, 3)}", "name its own photos")
        top = max(int(row.max()) for row in rows.values())
        if top >= len(class_names):
            raise RecycleError(f"{from_csv} holds label {top}, and {found[0].folder} knows {len(class_names)} classes")
        sizes = [(photo.name, photo_size(photo.file)) for photo in photos]
        origin = {"csv": Path(from_csv).name}
        made = pseudo_labels(lambda: of_submission(rows, sizes), class_names, "fixed", 0, {}, 0, origin)
    else:
        work = file.with_name(file.name + ".predicted")
        members = [one for member in members_of(found, (), pipeline) for one in (_apart(member) if agree else [member])]
        job = Job(tuple(members), tuple(photos), work, ("masks", "confidence"), agree=agree)
        said = predict_job(job, devices, precision, batch, force)
        for name, fault in said.failed.items():
            print(f"{name} is left out: {fault}", file=sys.stderr)
        names = [photo.name for photo in photos if photo.name not in said.failed]
        made = pseudo_labels(
            lambda: of_folder(work, names, said.masks), class_names, rule, threshold, named, least, origin
        )
    write_json(file, made.document)
    if from_csv is None:
        shutil.rmtree(work)
    return file, made


def _apart(member: Member) -> list[Member]:
    """A member for each way that a model sees a photo, so that they can agree or not."""
    seen = [replace(member.pipeline, views=(view,), alone=True) for view in member.pipeline.views]
    return [replace(member, pipeline=each) for each in (replace(member.pipeline, views=()), *seen)]


def _unseen(runs: Sequence[Run], photos: Sequence[Photo]) -> list[Photo]:
    """The photos that are neither validation nor training photos of a run."""
    from recyclecli.data.splits import make_split

    seen: dict[str, str] = {}
    for run in runs:
        recipe = recipe_of(run)
        split = make_split(registry(), recipe.data, recipe.seed)
        for what, source in (("training", split.train), ("validation", split.val)):
            for index in range(len(source)):
                seen[os.path.realpath(source.record(index).file)] = f"{what} photo of {run.folder}"
    left = [photo for photo in photos if os.path.realpath(photo.file) not in seen]
    if len(left) < len(photos):
        example = next(photo for photo in photos if os.path.realpath(photo.file) in seen)
        print(
            f"{len(photos) - len(left)} photos are left out, as {example.name}: "
            f"a {seen[os.path.realpath(example.file)]}",
            file=sys.stderr,
        )
    if not left:
        raise RecycleError("every photo is a training or validation photo of the run", "name photos without labels")
    return left


def self_train(
    run: Run | Place,
    images: Place,
    rounds: int,
    out: Place,
    weight: float = 1.0,
    settings: Mapping[str, Any] = {},
    runs: Place | None = None,
    **options: Any,
) -> list[Round]:
    """Rounds of labelling photos and training a student on them and the true labels, while it gains.

    Each student has the teacher's recipe and learns from the start. The gate compares it with its
    teacher on the teacher's validation photos; the first that is not better ends it.

    Args:
        run: the first teacher.
        images: photos without labels.
        rounds: at most so many.
        out: folder for each round's labels.
        weight: how often a pseudo-labelled photo is drawn, beside 1 for those with true labels.
        settings: recipe keys that differ from the teacher's.
        runs: folder of the students, TEACHER-pseudo1 and so on; that of the teacher when left out.
        options: of `pseudo_label`.
    """
    from recyclecli.data.listing import write_lists
    from recyclecli.data.splits import make_split
    from recyclecli.engine.photos import root_of

    teacher = first = find_run(run)
    recipe = recipe_of(first)
    split = make_split(registry(), recipe.data, recipe.seed)
    true = write_lists(split.train, Path(out), "train", split.weights)
    held = [{"root": entry["root"], "json": entry["json"]} for entry in write_lists(split.val, Path(out), "val")]
    root = str(root_of(Path(images), Path(options["data"]) if options.get("data") else None).absolute())
    done: list[Round] = []
    for number in range(1, rounds + 1):
        labels, made = pseudo_label([teacher], images, Path(out) / f"round-{number}" / FILE, **options)
        pseudo = {"root": root, "json": str(labels.absolute()), "weight": weight}
        keys: dict[str, Any] = {
            "data.dataset": "coco",
            "data.classes": {},
            "data.json_path": None,
            "data.fold": None,
            "data.split": "auto",
            "data.fingerprint": None,
            "data.train": [*true, pseudo],
            "data.val": held,
        }
        name = f"{first.folder.name}-pseudo{number}"
        student = train({**keys, **settings}, first.recipe, name, runs or first.folder.parent).run
        (against,) = compare([f"{teacher.folder}+plain", f"{student.folder}+plain"], judged_photos(student)[0])
        done.append(Round(labels, made, student, against))
        if against.difference.verdict != "better":
            break
        teacher = student
    return done
