"""`recycle select`"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from recycle_data.cli.options import Dataset, DatasetOption, GroupBy, JsonPath, dataset_settings
from recycle_data.workspace import in_workspace

from recycle_engine.cli.options import MetricName, Models, metric_option
from recyclecli.cli.options import AsJson
from recyclecli.errors import RecycleError, counted


@in_workspace
def select(
    models: Models,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled photos.  [default: the first run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    metric: MetricName = None,
    group_by: GroupBy = None,
    as_json: AsJson = False,
) -> None:
    """Choose models for an ensemble greedily, by the score of their mean on labelled photos."""
    from recycle_engine import api

    if data is None and (json_path or option or dataset != "coco"):
        raise RecycleError("an annotation file or dataset without its folder", "name the folder with --data")
    source = None if data is None else api.open_data(data, json_path, dataset, dataset_settings(option))
    found = api.select(models, source, metric_option(metric) or "miou_dataset", group_by)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    picked = [(model, share) for model, share in zip(models, found.picked, strict=True) if share]
    for model, share in picked:
        print(f"picked {counted(int(share), 'time')}: {model}")
    print(f"{found.score:.4f} on the photos it was chosen on; cross-fitted {found.cross_fitted:.4f}")
    print(f"the best model alone, cross-fitted: {found.best_single:.4f}")
    weights = [word for _, share in picked for word in ("--weight", f"{share:g}")]
    line = shlex.join([*(model for model, _ in picked), *weights])
    print(f"to predict with these, add --images to: recycle ensemble {line}")
