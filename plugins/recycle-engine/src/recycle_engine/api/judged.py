"""The photos that results are judged on: none that a model has trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco.once import warn_once
from recycle_data.api import Place, open_data, registry
from recycle_data.workspace import in_workspace

from recycle_engine.api.runs import find_run, own_split, recipe_of
from recyclecli.errors import RecycleError, counted, join_limited

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recycle_engine.runs import Run
    from recycle_engine.training_provenance import LearnedPhotos
    from recyclecli.types import Source

log = logging.getLogger("recycle.engine")


@in_workspace
def judged_photos(
    run: Run | Place | None,
    data: Place | None = None,
    json_path: str | None = None,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
) -> tuple[Source, str]:
    """The labelled photos that a run is scored on, and a description of them.

    They are those of `data`, else the run's own validation split; so also where `data` is the run's own folder,
    there as ever or moved.

    Raises:
        RecycleError: the run has trained on some of them.
    """
    from recycle_data.foreground import refuse_nothing
    from recycle_data.label_suspicions import bare
    from recycle_data.workspace import split_of

    if json_path is not None and data is None:
        raise RecycleError("--json-path without --data", "name the folder that its file names are relative to")
    if run is None and data is None:
        raise RecycleError("neither a run nor data is named", "name the labelled photos with --data")
    own = own_split(run, data) if run is not None and data is not None and json_path is None else None
    if own is not None:
        return own.val, f"the run's {len(own.val)} validation photos, in {data}: {own.how}"
    other = None if data is None else open_data(data, json_path, dataset, options)
    if other is not None:
        refuse_nothing(other, f"photo of {data}", validation=True)
        if none := bare(other):
            warn_once(log, f"note: no object in {none} of {counted(len(other), 'photo')}: judged as background alone")
    if run is None:
        assert other is not None
        return other, f"{counted(len(other), 'photo')} of {data}"
    if other is not None:
        refuse_trained_on(run, other)
        return other, f"{counted(len(other), 'photo')} of {data}"
    recipe = recipe_of(run)
    split = split_of(recipe.data, recipe.seed)
    return split.val, f"the run's {len(split.val)} validation photos: {split.how}"


def refuse_trained_on(run: Run | Place, source: Source) -> None:
    """Raise RecycleError where a run, or a member of a soup, has trained on photos that it is to be judged on.

    They are known by what they show, whatever their name, size or quality; those that only look alike, and those that
    are mirrored, turned or inverted, are counted.
    """
    from recycle_data.identity import identities

    from recycle_engine.training_provenance import learned, photos_of_run

    owner, asked = find_run(run), identities(source)
    photos = photos_of_run(registry(), owner)
    found = learned(photos, source, asked)
    if found.same:
        names = [source.record(index).file_name for index in found.same]
        which = join_limited(sorted(names), 3) + (f" ({len(found.resaved)} saved anew)" if found.resaved else "")
        raise RecycleError(
            f"{owner.folder} has trained on {len(names)} of these {counted(len(source), 'photo')}: {which}",
            "judge on photos that it has not seen: a score on others says nothing; without --data "
            "those count that it was validated on",
        )
    _say_flipped(owner, photos, source, asked)
    if found.alike:
        warn_once(
            log,
            f"note: like training photos of {owner.folder}, but not the same: {len(found.alike)} of "
            f"{counted(len(source), 'photo')}",
        )


def say_trained_on(predictions: Path, source: Source) -> None:
    """Warn where a run that made stored predictions, by the record beside them, has trained on photos of `source`.

    Args:
        predictions: a folder of masks, as `recycle predict` wrote it, or a submission.
        source: the photos that they are judged on.
    """
    from recycle_data.identity import identities

    from recycle_engine.training_provenance import learned, photos_of_run

    for run in _makers(predictions):
        photos, asked = photos_of_run(registry(), run), identities(source)
        _say_flipped(run, photos, source, asked)
        if same := learned(photos, source, asked).same:
            names = sorted(source.record(index).file_name for index in same)
            warn_once(
                log,
                f"warning: scores are flattered: {run.folder}, which made {predictions}, has trained on {len(same)} of "
                f"these {counted(len(source), 'photo')}: {join_limited(names, 3)}",
            )


def _say_flipped(run: Run, photos: LearnedPhotos, source: Source, asked: NDArray[np.void]) -> None:
    """Warn of photos of `source`, whose identities are `asked`, that a run has trained on mirrored or turned."""
    from recycle_data.duplicates import turned

    if flipped := turned(asked, photos.trained):
        names = sorted(source.record(index).file_name for index in flipped)
        warn_once(
            log,
            f"warning: scores are flattered: {run.folder} has trained on {len(flipped)} of these "
            f"{counted(len(source), 'photo')}, mirrored, turned or inverted: {join_limited(names, 3)}",
        )


def _makers(predictions: Path) -> list[Run]:
    """The runs that made stored predictions, by the record beside them; none where it or they are elsewhere."""
    from recycle_coco.json import read_json

    from recycle_engine.judge.saved_predictions import JOB_RECORD, RECORD_BYTES
    from recycle_engine.runs import run_around

    own = predictions.with_name(f"{predictions.name}.json")
    places = [own] if predictions.is_file() else [predictions / JOB_RECORD, predictions.parent / JOB_RECORD]
    for place in places:
        with suppress(RecycleError, KeyError, TypeError):  # another program's, or of an earlier version
            members = read_json(place, "", RECORD_BYTES)["members"]
            found = (run_around(Path(member["checkpoint"])) for member in members)
            return list(dict.fromkeys(run for run in found if run is not None))
    return []
