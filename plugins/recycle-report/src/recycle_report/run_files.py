"""What the report reads of env.json."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from recycle_coco.json import read_json
from recycle_engine.runs import Run

from recyclecli.errors import RecycleError
from recyclecli.reading import MissingFile

log = logging.getLogger("recycle.report")


class _Environment(BaseModel):
    """What the report shows of env.json."""

    model_config = ConfigDict(frozen=True)
    recyclecli: str = "?"
    python: str = "?"
    packages: dict[str, str] = {}
    devices: list[str] = []
    plugins: dict[str, str] = {}


def read_environment(run: Run) -> Mapping[str, Any]:
    """What the run was trained with; empty where it was not written, and with a note where it cannot be used."""
    try:
        return _Environment.model_validate(read_json(run.env, "")).model_dump()
    except MissingFile:
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        cause = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    except RecycleError as error:
        cause = str(error.args[0])
    log.warning(f"note: {run.env} is left out of the report: {cause}")
    return {}
