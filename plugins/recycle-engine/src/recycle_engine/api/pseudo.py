"""Pseudo-labels as a function."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, path_of, registry
from recycle_data.owned import Owned
from recycle_data.pseudo import USUAL
from recycle_data.pseudo import Sureness as Sureness
from recycle_data.workspace import in_workspace

from recycle_engine.api.inference import members_of, predict_job, with_machine
from recycle_engine.api.runs import find_run
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.files import refuse_overwrite
from recyclecli.locks import held
from recyclecli.reading import open_regular

if TYPE_CHECKING:
    from recycle_data.pseudo import PseudoLabels

    from recycle_engine.inference.auto_precision import AskedPrecision
    from recycle_engine.inference.members import Member
    from recycle_engine.inference.photos import InputPhoto
    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run

log = logging.getLogger("recycle.engine")

PSEUDO_FILE = "pseudo_label.json"
EVERY_PIXEL = Sureness(threshold=0, min_coverage=0)  # every pixel
WORDS = {"members": "models or pipeline", "photos_sha256": "photos", "csv": "submission", "sha256": "submission"}


@in_workspace
def pseudo_label(
    runs: Sequence[Run | Place],
    images: Place,
    out: Place | None = None,
    wanted: Sureness = USUAL,
    pipeline: Pipeline | None = None,
    data: Place | None = None,
    force: bool = False,
    **machine: Any,
) -> tuple[Path, PseudoLabels]:
    """Label photos with models' confident pixels; returns the COCO file, for `train`, and its content.

    Photos that any of the runs is judged on or learned from are left out, also where they were saved anew in
    another size or quality, and what was made of them. An interrupted call may be repeated, and goes on where
    it was.

    Args:
        runs: at least one; several give the mean of their probabilities.
        images: a folder, pattern, COCO file or photo.
        out: the file to write; pseudo_label.json in the folder of the photos when left out.
        wanted: which pixels become labels.
        pipeline: the runs' own when left out.
        data: root of a COCO file's names.
        force: replace files that exist.
        machine: `devices`, `precision` and `batch_size`, see `predict`.

    Raises:
        RecycleError: all photos are left out; `agree` with one model and no view; the file exists; or see `predict`
            and `Sureness.check`.
    """
    found = [find_run(run) for run in runs]
    if not found:
        raise RecycleError("no run is named", "name the run that labels, or several")
    with labelling(images, out, data, force) as (file, there):
        return file, label_with(found, found, images, file, there, wanted, pipeline, data, force, **machine)


@in_workspace
def pseudo_label_csv(
    run: Run | Place,
    images: Place,
    csv: Place,
    out: Place | None = None,
    data: Place | None = None,
    force: bool = False,
) -> tuple[Path, PseudoLabels]:
    """Label photos with all labels of a submission, as the contest's teams did.

    Args:
        run: whose classes the labels are, and whose photos are left out.
        images, out, data, force: see `pseudo_label`.
        csv: the submission.

    Raises:
        RecycleError: the submission lacks a photo or names other classes, or see `pseudo_label`.
    """
    found, place = find_run(run), path_of(csv)
    with labelling(images, out, data, force) as (file, there):
        made = _of_csv(place, _photos(images, data, [found]), _class_names(found))
        with open_regular(place) as handle:
            asked = {"csv": str(place.absolute()), "sha256": hashlib.file_digest(handle, "sha256").hexdigest()}
        return file, _read_again(file, asked) if there else _written(file, asked, made)


def label_with(
    runs: Sequence[Run],
    owners: Sequence[Run],
    images: Place,
    file: Path,
    there: bool,
    wanted: Sureness,
    pipeline: Pipeline | None = None,
    data: Place | None = None,
    force: bool = False,
    devices: str | None = None,
    precision: AskedPrecision = "32",
    batch_size: int | None = None,
) -> PseudoLabels:
    """The labels of photos that none of `owners` knows, written to `file`; read from it where it is `there`.

    The others are those of `pseudo_label`.
    """
    from recycle_data.pseudo import of_folder, pseudo_labels

    from recycle_engine.inference.job import Job
    from recycle_engine.inference.predict import finished

    class_names = _class_names(runs[0])
    wanted.check(class_names)
    photos, work = _photos(images, data, owners), _work(file)
    members = [one for each in members_of(runs, (), pipeline) for one in (_apart(each) if wanted.agree else [each])]
    if wanted.agree and len(members) == 1:
        raise RecycleError(
            f"agree {wanted.agree:g} with one model that sees each photo once, so there is nothing to agree with",
            "add a model (--ensemble-with RUN) or a view (--tta hflip), or leave out --agree",
        )
    job = Job(tuple(members), tuple(photos), work, ("masks", "confidence"), agree=wanted.agree)
    job = with_machine(job, precision, batch_size, devices)
    asked = {**job.as_dict(), **asdict(wanted)}
    if there:
        made = _read_again(file, asked)
        _clear(work)
        return made
    said = (None if force else finished(job)) or predict_job(job, devices, force)
    names = [photo.name for photo in photos if photo.name not in said.failed]
    folders = [str(run.folder.absolute()) for run in runs]
    origin: dict[str, Any] = {"runs": [run.folder.name for run in runs], "folders": folders, "rule": wanted.rule}
    origin |= {"agree": wanted.agree} if wanted.agree else {}
    made = pseudo_labels(lambda: of_folder(work, names, said.masks), class_names, wanted, origin)
    made = _written(file, asked, replace(made, unreadable=said.failed))
    _clear(work)
    return made


@contextmanager
def labelling(
    images: Place, out: Place | None, data: Place | None, force: bool, again: bool = False
) -> Iterator[tuple[Path, bool]]:
    """The file to write, held, and whether it is there: of a call that was ended as it cleaned up, or `again`."""
    from recycle_data.replaced import never_read

    from recycle_engine.inference.photos import root_of

    file = path_of(out) if out else root_of(path_of(images), path_of(data) if data else None) / PSEUDO_FILE
    with held(file):
        there = (again or _work(file).is_dir()) and not force and file.is_file()
        refuse = refuse_overwrite if out else Owned(file.parent).refuse_overwrite  # a name that is ours must be proved
        refuse([] if there else [file], force)
        with never_read(None if there else file):
            yield file, there


def _work(file: Path) -> Path:
    """Where what is predicted for a file of labels lies meanwhile."""
    return file.with_name(file.name + ".predicted")


def _class_names(run: Run) -> tuple[str, ...]:
    from recycle_engine.checkpoint import read_card

    return tuple(read_card(run.best)["class_names"])


def _photos(images: Place, data: Place | None, owners: Sequence[Run]) -> list[InputPhoto]:
    from recycle_engine.inference.photos import find_photos

    return _unseen(owners, find_photos(path_of(images), path_of(data) if data else None))


def _clear(work: Path) -> None:
    """Remove what was predicted, the record last: by it the masks are known to be no photos."""
    Owned(work).clear(work / "predicted.json")


def _written(file: Path, asked: Mapping[str, Any], made: PseudoLabels) -> PseudoLabels:
    """Write labels with what was asked for and what came of it, so that they can be taken again."""
    came = {key: value for key, value in made.as_dict().items() if key != "photos"}
    Owned(file.parent).write_json(file, {"info": {"asked": asked, **came}, **made.document})
    return made


def _read_again(file: Path, asked: Mapping[str, Any]) -> PseudoLabels:
    """The labels of an earlier call; RecycleError where something else was asked for."""
    from recycle_coco.document import load_content
    from recycle_data.pseudo import PseudoLabels

    content = load_content(file)
    info = content.pop("info", None)
    was = info.get("asked", {}) if isinstance(info, dict) else {}
    wanted = json.loads(json.dumps(asked))
    other = [WORDS.get(key, key) for key in {**wanted, **was} if was.get(key) != wanted.get(key)]
    if other:
        raise RecycleError(
            f"{file} was made with other {join_limited(dict.fromkeys(other))}",
            "name another --out, or repeat the earlier call",
        )
    return PseudoLabels(content, info["thresholds"], info["kept"], tuple(info["rejected"]), info["unreadable"])


def _of_csv(file: Path, photos: Sequence[InputPhoto], class_names: tuple[str, ...]) -> PseudoLabels:
    """The labels of a submission, whole."""
    from recycle_data.pseudo import of_submission, pseudo_labels
    from recycle_data.submission import read_submission

    rows = read_submission(file)
    lacking = [photo.name for photo in photos if photo.name not in rows]
    if lacking:
        raise RecycleError(
            f"{file} lacks {counted(len(lacking), 'photo')}: {join_limited(lacking, 3)}", "name its own photos"
        )
    top = max(int(row.max()) for row in rows.values())
    if top >= len(class_names):
        raise RecycleError(
            f"{file} holds label {top}, but the run knows {counted(len(class_names), 'class')}", "name its own run"
        )
    sizes, unreadable = [], {}
    for photo in photos:
        try:
            height, width, _ = photo.read().shape
            sizes.append((photo.name, (height, width)))
        except RecycleError as error:
            unreadable[photo.name] = error.args[0]
    if not sizes:
        raise RecycleError(f"none of {counted(len(photos), 'photo')} can be read: {next(iter(unreadable.values()))}")
    made = pseudo_labels(lambda: of_submission(rows, sizes), class_names, EVERY_PIXEL, {"csv": file.name})
    return replace(made, unreadable=unreadable)


def _apart(member: Member) -> list[Member]:
    """A member for each way that a model sees a photo, so that they can agree or not; together they weigh the same."""
    views = [replace(member.pipeline, views=(view,), alone=True) for view in member.pipeline.views]
    ways = [replace(member.pipeline, views=()), *views]
    return [replace(member, pipeline=way, share=member.share / len(ways)) for way in ways]


def _unseen(runs: Sequence[Run], photos: Sequence[InputPhoto]) -> list[InputPhoto]:
    """The photos that are neither validation nor training photos of a run, in no size or quality, nor made of them."""
    from recycle_data.duplicates import seen
    from recycle_data.identity import files_identities

    from recycle_engine.training_provenance import photos_of_run

    asked = files_identities(photo.file for photo in photos)
    owners: dict[str, str] = {}
    alike: set[str] = set()
    for run in runs:
        known = photos_of_run(registry(), run)
        sides = (("validation", known.judged, known.judged_names), ("training", known.trained, known.trained_names))
        for what, others, names in sides:
            found = seen(asked, others)
            said = f"a {what} photo of {run.folder}"
            owners |= {photos[index].name: said for index in found.equal}
            owners |= {photos[index].name: f"{said}, saved anew" for index in found.resaved}
            alike |= {photos[index].name for index in found.alike}
            named = set(names.tolist())
            owners |= {photo.name: f"made of {said}" for photo in photos if photo.shows & named}
    if owners:
        name, known_as = next(iter(owners.items()))
        log.warning(f"{counted(len(owners), 'photo')} left out, as {name}: {known_as}")
    if others_alike := alike - owners.keys():
        log.warning(f"note: like photos of the run, but not the same: {counted(len(others_alike), 'photo')}")
    if all(photo.name in owners for photo in photos):
        raise RecycleError("every photo is a training or validation photo of the run", "name photos without labels")
    return [photo for photo in photos if photo.name not in owners]
