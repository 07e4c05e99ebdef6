"""pipeline.json, which `recycle ablate` writes into a run: its form, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from recycle_coco.json import read_json

from recyclecli.errors import RecycleError
from recyclecli.recipe import MOST_PARTS, ListedPart

CHOICE_FORMAT = 1
LARGEST_WINDOW = 16.0  # times the training size
CHOICE_REMEDY = "remove it, or run recycle ablate again"

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PipelineSchema(_Form):
    """The pipeline itself; see `recycle_engine.pipeline.Pipeline`."""

    weights: Literal["best", "raw"]
    views: tuple[str, ...]
    post: tuple[ListedPart, ...] = Field(max_length=MOST_PARTS)
    window: float = Field(0, ge=0, le=LARGEST_WINDOW)


class _Score(_Form):
    value: Number


class _DifferenceSchema(_Form):
    value: Number | None
    low: Number | None
    high: Number | None
    q: Number | None


class _Comparison(_Form):
    difference: _DifferenceSchema


class _Trick(_Form):
    name: str
    answer: Literal["keep", "drop", "not enough data"]
    why: str
    comparison: _Comparison


class _Choice(_Form):
    """What `predict`, `eval` and the report take from the file."""

    format: Literal[1]
    pipeline: PipelineSchema
    chosen_on: str = ""
    metric: str = ""
    photos: int = 0
    min_effect: Number = 0
    cross_fitted: _Score | None = None
    tricks: tuple[_Trick, ...] = ()
    retrained: tuple[_Trick, ...] = ()


def read_choice_file(file: Path) -> tuple[PipelineSchema, dict[str, Any]]:
    """The chosen pipeline, and all that the file holds, with a default for what it leaves out.

    Raises:
        RecycleError: it cannot be read, or is not what `recycle ablate` writes.
    """
    content = read_json(file, CHOICE_REMEDY)
    if isinstance(content, dict) and content.get("format") != CHOICE_FORMAT:
        raise RecycleError(f"{file} cannot be used: another format", CHOICE_REMEDY)
    if isinstance(content, dict) and "worth" in content:  # as 0.1 called it
        content["min_effect"] = content.pop("worth")
    try:
        choice = _Choice.model_validate(content)
        return choice.pipeline, choice.model_dump(mode="json") | content
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise RecycleError(f"{file} cannot be used: {key}: {first['msg']}", CHOICE_REMEDY) from error
