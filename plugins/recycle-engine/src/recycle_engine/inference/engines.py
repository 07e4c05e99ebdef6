"""Running an exported model in the place of torch: the loader of its exporter, behind the same interface."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path
from shlex import join, quote
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco.json import read_json
from recycle_coco.once import warn_once
from recycle_data.boundary import PluginPart
from recycle_data.owned import Owned
from torch import nn

from recycle_engine.boundary import build
from recycle_engine.boundary_arrays import CheckedExporter
from recycle_engine.checkpoint import TrainedModel
from recycle_engine.runs import EXPORT_CARD, Run
from recyclecli.errors import RecycleError, join_limited
from recyclecli.plugins import Registry
from recyclecli.reading import open_regular
from recyclecli.types import ExporterContext

log = logging.getLogger("recycle.engine")

TORCH, AUTO = "torch", "auto"
CARD_FORMAT = 2
QUARTER_TURNS = ("rot90", "rot270")  # views that exchange height and width
AGREEMENT = 0.999  # least share of the pixels of photos that get the label that torch gives them


def digest_of(weights: Path) -> str:
    """SHA-256 of a checkpoint, which the card of its export holds."""
    with open_regular(weights) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def engine_of(registry: Registry, weights: Path, views: Collection[str], asked: str, precision: str) -> str:
    """What runs these weights: `torch`, or the exporter that loads their export.

    Args:
        registry: the installed components.
        weights: a checkpoint of a run.
        views: that the pipeline has, see `recycle_engine.pipeline.VIEWS`.
        asked: `torch`, `auto`, or an exporter's name. `auto` takes the export in the run's folder where it is of
            these weights and fits, else torch.
        precision: of the arithmetic; exports compute as they were written.

    Raises:
        RecycleError: an exporter is asked for, and the run has no such export, or it does not fit; with the remedy.
    """
    if asked == TORCH:
        return TORCH
    run = Run(weights.parent.parent)
    fault, remedy, engine = _fault(registry, run, weights, views, asked, precision)
    if not fault:
        if asked == AUTO:
            warn_once(log, f"note: {run.folder} is run by its export, {engine}")
        return engine
    if asked == AUTO:
        if (run.exported / EXPORT_CARD).is_file():
            warn_once(log, f"note: {run.folder} is run by torch: {fault}")
        return TORCH
    raise RecycleError(f"{quote(str(run.folder))} cannot be run by {asked}: {fault}", remedy)


def _fault(
    registry: Registry, run: Run, weights: Path, views: Collection[str], asked: str, precision: str
) -> tuple[str, str, str]:
    """What speaks against the export in the run's folder, with the remedy, and the exporter that wrote it."""
    again = f"recycle export {quote(str(run.folder))}"
    if asked != AUTO:
        registry.find("exporter", asked)
        again += f" --format {asked}"
    if not (run.exported / EXPORT_CARD).is_file():
        return "it has no export", again, ""
    aside = f"mv {quote(str(run.exported))} {quote(f'{run.exported}-aside')} && {again}"
    if fault := _foreign(run.exported, [EXPORT_CARD]):
        return fault, aside, ""
    card = _card(run.exported)
    engine = str(card.get("engine"))
    if asked not in (AUTO, engine, engine.partition("@")[0]):
        return f"its export is one of {engine}", f"{again} --force", engine
    offers = registry.matching("exporter", engine)
    if not offers:
        return f"the exporter {engine} is not installed", f"pip install {quote(engine.partition('@')[2])}", engine
    if missing := offers[0].missing():
        return f"the exporter {engine} needs {join_limited(missing)}", f"pip install {join(missing)}", engine
    if fault := _foreign(run.exported, _exporter(registry, engine, card).files.values()):
        return fault, aside, engine
    if card.get("weights") != digest_of(weights):
        return "its export is of other weights", f"{again} --force", engine
    if precision not in ("32", "auto"):
        fault = "an export computes in the precision that it was written in"
        return fault, "leave out --precision, or take --engine torch", engine
    fixed = _fixed(card)
    height, width = card["window"]
    other = [view for view in views if view.startswith("scale") or (view in QUARTER_TURNS and height != width)]
    if fixed and other:
        return f"its export takes {width}x{height} pixels alone, not {other[0]}", "take --engine torch", engine
    return "", "", engine


def run_by(registry: Registry, trained: TrainedModel, weights: Path, engine: str) -> TrainedModel:
    """The same with its model run by the loader of an exporter, see `engine_of`."""
    if engine == TORCH:
        return trained
    folder = Run(weights.parent.parent).exported
    card = _card(folder)
    loaded = _exporter(registry, engine, card).load(folder)
    shape = replace(trained.shape, multiple=0) if _fixed(card) else trained.shape
    return replace(trained, model=_Loaded(loaded), shape=shape, part=PluginPart.of(registry, "exporter", engine))


def _exporter(registry: Registry, engine: str, card: dict[str, Any]) -> CheckedExporter:
    """The exporter of an export with this card."""
    names = tuple(card["class_names"])
    exporter, part = build(registry, "exporter", engine, {}, ExporterContext(names, tuple(card["window"]), card))
    return CheckedExporter(part, exporter, len(names))


def _foreign(folder: Path, names: Iterable[str]) -> str:
    """Which files of an export are not as the record of its folder says, so that somebody else put them there."""
    there = [folder / name for name in names if os.path.lexists(folder / name)]
    own = Owned(folder).own(there)
    foreign = [file.name for file in there if file not in own]
    return f"in its export this is not as recycle wrote it: {join_limited(foreign)}" if foreign else ""


def _card(folder: Path) -> dict[str, Any]:
    """The card of an export.

    Raises:
        RecycleError: it cannot be read, or is none.
    """
    again = "export the run again, with --force"
    card: Any = read_json(folder / EXPORT_CARD, again)
    if not isinstance(card, dict) or not {"dynamic_axes", "size"} <= card.keys():
        raise RecycleError(f"{folder / EXPORT_CARD} is no card of an export", again)
    return {"window": [card["size"], card["size"]], **card}  # format 1, of recyclecli 0.1, was of squares


def _fixed(card: dict[str, Any]) -> bool:
    """Whether the export takes photos of one height and width alone."""
    return len(card["dynamic_axes"]) < 3


class _Loaded(nn.Module):
    """An exported model as one of torch's."""

    def __init__(self, run: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        super().__init__()
        self._run = run

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits (N, K, H, W) of (N, 3, H, W) float32 in 0..1, on its device."""
        logits = self._run(np.ascontiguousarray(image.float().cpu().numpy()))
        return torch.from_numpy(np.require(logits, requirements="W")).to(image.device)  # a stranger's may be read-only
