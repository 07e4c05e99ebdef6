"""Pseudo-labels as functions: one round, or several under the gate."""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.api.data import Place, registry
from recyclecli.api.judging import compare, judged_photos
from recyclecli.api.predicting import members_of, predict_job, with_machine
from recyclecli.api.runs import find_run, recipe_of, train
from recyclecli.errors import RecycleError, listed
from recyclecli.files import refuse_overwrite, write_json

if TYPE_CHECKING:
    from recyclecli.data.pseudo import Made, Rule
    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.engine.predicting.infer import Precision
    from recyclecli.engine.predicting.members import Member
    from recyclecli.engine.predicting.photos import Photo
    from recyclecli.engine.runs import Run
    from recyclecli.judge.compare import Comparison

FILE = "pseudo_label.json"


@dataclass(frozen=True, slots=True)
class Round:
    """One round of self-training.

    Attributes:
        labels: the COCO file of this round.
        run: the student.
        against: the student against its teacher, on the first teacher's validation photos.
    """

    labels: Path
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
    owner: Run | None = None,
) -> tuple[Path, Made]:
    """Label photos with what models are sure of; the COCO file, which `train` takes, and what is in it.

    Photos that any of the runs is judged on or learned from are left out, also copies of them and what
    was made of them. An interrupted call may be repeated, and goes on where it was.

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
        owner: the run whose photos are left out, in place of the runs'.

    Raises:
        RecycleError: all photos are left out, or see `predict` and `pseudo_labels`.
    """
    from recyclecli.data.pseudo import check_values, of_folder, pseudo_labels
    from recyclecli.engine.checkpoint import read_card
    from recyclecli.engine.predicting.job import Job
    from recyclecli.engine.predicting.photos import find_photos, root_of
    from recyclecli.engine.predicting.predict import finished

    found = [find_run(run) for run in runs]
    class_names = tuple(read_card(found[0].best)["class_names"])
    check_values(class_names, threshold, named, least)
    file = Path(out) if out else root_of(Path(images), Path(data) if data else None) / FILE
    refuse_overwrite([file], force)
    photos = _unseen([owner] if owner else found, find_photos(Path(images), Path(data) if data else None))
    if from_csv is not None:
        made = _of_csv(Path(from_csv), photos, class_names)
        write_json(file, made.document)
        return file, made
    members = [one for each in members_of(found, (), pipeline) for one in (_apart(each) if agree else [each])]
    work = file.with_name(file.name + ".predicted")
    job = with_machine(Job(tuple(members), tuple(photos), work, ("masks", "confidence"), agree=agree), precision, batch)
    said = (None if force else finished(job)) or predict_job(job, devices, force)
    names = [photo.name for photo in photos if photo.name not in said.failed]
    origin: dict[str, Any] = {"runs": [run.folder.name for run in found], "rule": rule}
    origin |= {"agree": agree} if agree else {}
    made = pseudo_labels(lambda: of_folder(work, names, said.masks), class_names, rule, threshold, named, least, origin)
    write_json(file, {"info": {"predicted": job.as_dict()}, **made.document})
    shutil.rmtree(work)
    return file, replace(made, unreadable=said.failed)


def _of_csv(file: Path, photos: Sequence[Photo], class_names: tuple[str, ...]) -> Made:
    """The labels of a submission, whole."""
    from recyclecli.coco import photo_size
    from recyclecli.data.pseudo import of_submission, pseudo_labels
    from recyclecli.data.submission import read_submission

    rows = read_submission(file)
    lacking = [photo.name for photo in photos if photo.name not in rows]
    if lacking:
        raise RecycleError(f"{file} lacks {len(lacking)} photo(s): {listed(lacking, 3)}", "name its own photos")
    top = max(int(row.max()) for row in rows.values())
    if top >= len(class_names):
        raise RecycleError(
            f"{file} holds label {top}, but the run knows {len(class_names)} classes", "name its own run"
        )
    sizes, unreadable = [], {}
    for photo in photos:
        try:
            sizes.append((photo.name, photo.size or photo_size(photo.file)))
        except RecycleError as error:
            unreadable[photo.name] = error.args[0]
    made = pseudo_labels(lambda: of_submission(rows, sizes), class_names, "fixed", 0, {}, 0, {"csv": file.name})
    return replace(made, unreadable=unreadable)


def _apart(member: Member) -> list[Member]:
    """A member for each way that a model sees a photo, so that they can agree or not; together they weigh the same."""
    views = [replace(member.pipeline, views=(view,), alone=True) for view in member.pipeline.views]
    ways = [replace(member.pipeline, views=()), *views]
    return [replace(member, pipeline=way, share=member.share / len(ways)) for way in ways]


def _unseen(runs: Sequence[Run], photos: Sequence[Photo]) -> list[Photo]:
    """The photos that are neither validation nor training photos of a run, no copies of them, and not made of them."""
    from recyclecli.data.splits import make_split

    seen: dict[str, str] = {}
    names: dict[str, str] = {}
    for run in runs:
        recipe = recipe_of(run)
        split = make_split(registry(), recipe.data, recipe.seed)
        for what, source in (("training", split.train), ("validation", split.val)):
            records = [source.record(index) for index in range(len(source))]
            said = f"{what} photo of {run.folder}"
            seen |= {os.path.realpath(record.file): said for record in records}
            names |= {record.file_name: said for record in records}
    sizes: dict[int, list[str]] = {}
    for file in seen:
        if Path(file).is_file():
            sizes.setdefault(Path(file).stat().st_size, []).append(file)

    def whose(photo: Photo) -> str | None:
        place = os.path.realpath(photo.file)
        if place in seen:
            return seen[place]
        if made_of := sorted(photo.shows & names.keys()):
            return f"made of a {names[made_of[0]]}"
        alike = sizes.get(photo.file.stat().st_size, []) if photo.file.is_file() else []
        copies = (other for other in alike if filecmp.cmp(place, other, shallow=False))
        return next((f"copy of a {seen[other]}" for other in copies), None)

    owners = {photo.name: owner for photo in photos if (owner := whose(photo))}
    for name, owner in list(owners.items())[:1]:
        print(f"{len(owners)} photo(s) are left out, as {name}: {owner}", file=sys.stderr)
    if len(owners) == len(photos):
        raise RecycleError("every photo is a training or validation photo of the run", "name photos without labels")
    return [photo for photo in photos if photo.name not in owners]


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

    Each student has the first teacher's recipe and learns from the start. The gate compares it with its
    teacher on the first one's validation photos; the first that is not better ends it. The same call
    may be repeated after an interruption: what is labelled and trained stays.

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
    from recyclecli.engine.predicting.photos import root_of

    teacher = first = find_run(run)
    recipe = recipe_of(first)
    split = make_split(registry(), recipe.data, recipe.seed)
    true = write_lists(split.train, Path(out), "train", split.weights)
    held = [{"root": entry["root"], "json": entry["json"]} for entry in write_lists(split.val, Path(out), "val")]
    root = str(root_of(Path(images), Path(options["data"]) if options.get("data") else None).absolute())
    done: list[Round] = []
    for number in range(1, rounds + 1):
        labels = Path(out) / f"round-{number}" / FILE
        if not labels.is_file():
            pseudo_label([teacher], images, labels, owner=first, **options)
        pseudo = {"root": root, "json": str(labels.absolute()), "weight": weight}
        keys: dict[str, Any] = {
            "data.dataset": "coco",
            "data.classes": {},
            "data.json_path": true[0]["json"],
            "data.fold": None,
            "data.split": "auto",
            "data.fingerprint": None,
            "data.train": [*true, pseudo],
            "data.val": held,
        }
        student = _student({**keys, **settings}, first, f"{first.folder.name}-pseudo{number}", runs)
        (against,) = compare([f"{teacher.folder}+plain", f"{student.folder}+plain"], judged_photos(student)[0])
        done.append(Round(labels, student, against))
        if against.difference.verdict != "better":
            break
        teacher = student
    return done


def _student(keys: Mapping[str, Any], first: Run, name: str, runs: Place | None) -> Run:
    """Train a run of this name, or go on with it."""
    from recyclecli.engine.runs import Run

    run = Run(Path(runs or first.folder.parent) / name)
    if not run.recipe.is_file():
        return train(keys, first.recipe, name, run.folder.parent).run
    from recyclecli.data.splits import make_split
    from recyclecli.engine.training.train import resume

    recipe = recipe_of(run)
    return resume(registry(), recipe, make_split(registry(), recipe.data, recipe.seed), run).run
