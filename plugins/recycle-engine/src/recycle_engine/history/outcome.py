"""Two small files of a run: that its training is over, and what `recycle eval` said of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from recycle_coco.json import parse_json
from recycle_data.owned import Owned

from recycle_engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.locks import held
from recyclecli.reading import MissingFile, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from recycle_engine.judge.scores import Evaluation

MAX_OUTCOME_BYTES = 2**20  # bytes of each that are read

OutcomeT = TypeVar("OutcomeT", bound="_Form")
OutcomeShare = Annotated[float, Field(ge=0, le=1)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    format: Literal[1] = 1


class End(_Form):
    """A training that is over, after so many epochs."""

    epochs: Annotated[int, Field(ge=1)]


class KeptScore(BaseModel):
    """A score with its 95 % interval over photos, see `recycle_engine.judge.scores.Estimate`."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    value: OutcomeShare
    low: OutcomeShare | None = None
    high: OutcomeShare | None = None


class KeptScores(_Form):
    """What `recycle eval` said of a run on its validation photos, with its own pipeline."""

    photos: int
    pipeline: str
    miou_dataset: KeptScore | None
    miou_image: KeptScore | None
    miou_256: KeptScore | None
    boundary_iou: KeptScore | None


def keep_end(run: Run, epochs: int) -> None:
    """Note that the training is over, after so many epochs."""
    Owned(run.folder).write_text(run.end, End(epochs=epochs).model_dump_json() + "\n")


def read_end(run: Run) -> End | None:
    """What `keep_end` wrote; None where it did not.

    Raises:
        RecycleError: the file cannot be used.
    """
    return _read(run.end, End)


def weights_now(run: Run) -> tuple[int, int]:
    """What tells the run's best weights from later ones: bytes, and when they were written."""
    try:
        found = run.best.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def keep_scores(run: Run, result: Evaluation, pipeline: str, weights: tuple[int, int]) -> None:
    """Keep what a run's own pipeline scored on its validation photos, where that can be done.

    Nothing is kept while another process works on the run, where it has other weights by now, or where its folder may
    not be written: the scores are computed, and that must not fail.

    Args:
        run: the run.
        result: the scores.
        pipeline: in words.
        weights: what `weights_now` gave before they were used.
    """
    scores = {name: getattr(result, name) for name in KeptScores.model_fields if hasattr(result, name)}
    if result.miou_256.value != result.miou_256.value:
        scores["miou_256"] = None  # all photos are ignored
    kept = KeptScores.model_validate({**scores, "pipeline": pipeline})
    with suppress(RecycleError), held(run.folder):
        if weights_now(run) != weights:
            return
        owned = Owned(run.folder)
        owned.refuse_foreign([run.scores])
        owned.write_text(run.scores, kept.model_dump_json(indent=1) + "\n")
        owned.finish()


def read_scores(run: Run) -> KeptScores | None:
    """What `keep_scores` wrote; None where it did not.

    Raises:
        RecycleError: the file cannot be used.
    """
    return _read(run.scores, KeptScores)


def _read(file: Path, form: type[OutcomeT]) -> OutcomeT | None:
    try:
        return form.model_validate(parse_json(read_bytes(file, MAX_OUTCOME_BYTES)))
    except MissingFile:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        cause = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
        raise RecycleError(f"{file} cannot be used: {cause}", "remove it") from error
    except ValueError as error:
        raise RecycleError(f"{file} is no JSON: {error}", "remove it") from error
