"""The export of a run in any format: its files beside a card, once they are compared with torch."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_data.boundary import PluginPart
from recycle_data.letterbox import fit_image
from recycle_data.output_folder import refuse_output_folder
from recycle_data.owned import RECORD, Owned, interrupted
from recycle_data.shown_paths import absolute_paths, shown_text
from recycle_engine.boundary_arrays import CheckedExporter
from recycle_engine.checkpoint import TrainedModel, load_trained
from recycle_engine.inference.engines import AGREEMENT, CARD_FORMAT, digest_of
from recycle_engine.input_shape import InputShape
from recycle_engine.runs import EXPORT_CARD, Run
from torch import nn

from recyclecli import __version__
from recyclecli.errors import RecycleError, RunFailed, join_limited
from recyclecli.files import PART, sweep_below
from recyclecli.locks import WITHIN
from recyclecli.plugins import Registry
from recyclecli.private import map_texts
from recyclecli.types import ExporterContext

log = logging.getLogger("recycle.export")

Loaded = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export left behind, and how near it is to torch.

    Attributes:
        files: the model's, by what each is.
        card: what they hold, as JSON.
        facts: what the exporter says of them: `shape` of the input `image`, a text where any number is taken, and
            further ones.
        photos: how many the two were compared on.
        agreement: share of the photos' pixels, at the model's size, with equal labels, 0..1.
        largest_difference: of the logits of any of these pixels.
    """

    files: Mapping[str, Path]
    card: Path
    facts: Mapping[str, Any]
    photos: int
    agreement: float
    largest_difference: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        compared = {key: getattr(self, key) for key in ("photos", "agreement", "largest_difference")}
        files = {what: str(file) for what, file in {**self.files, "card": self.card}.items()}
        return {**files, **self.facts, **compared}


class _Logits(nn.Module):
    """A model without the aux logits that some give beside the logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        output: Any = self.model(image)
        logits: torch.Tensor = output[0] if isinstance(output, tuple) else output
        return logits


@torch.no_grad()
def export(
    registry: Registry,
    run: Run,
    out: Path,
    photos: Iterable[NDArray[np.uint8]],
    force: bool = False,
    form: str = "onnx",
    options: Mapping[str, Any] | None = None,
) -> ExportResult:
    """Write a run's best weights in a format into `out`, with card.json.

    The input `image` is (N, 3, H, W) float32 RGB in 0..1, not normalised; the output `logits` is
    (N, K, H, W) float32.

    Args:
        registry: the installed components.
        run: a run with weights.
        out: a folder that appears when all is checked.
        photos: (H, W, 3) uint8 RGB of any size, at least one, to compare the export and torch on.
        force: replace an earlier export.
        form: the exporter.
        options: its own.

    Raises:
        RecycleError: the run has no weights, `out` exists, a package is missing, no such exporter or option.
        RunFailed: the model cannot be written, or more than one pixel in a thousand gets another label.
            Nothing is left then.
    """
    offer = registry.find("exporter", form)
    checked = registry.options("exporter", form, options or {})
    factory = offer.factory()
    trained = load_trained(registry, run.best)
    card = {"format": CARD_FORMAT, "engine": offer.qualified, **_card(trained), "weights": digest_of(run.best)}
    card = map_texts(card, partial(shown_text, base=run.folder, places=absolute_paths(card)))
    of = PluginPart.of(registry, "exporter", form)
    with of:
        built = factory(checked, ExporterContext(trained.class_names, trained.shape.window, card))
    exporter = CheckedExporter(of, built, len(trained.class_names))
    owned, place = Owned(out), out / EXPORT_CARD
    names = set(exporter.files.values())
    _refuse_other(out, names)
    ours = (out / name for name in sorted({EXPORT_CARD, *names}))
    owned.refuse_overwrite(ours, force or interrupted(out / f"{EXPORT_CARD}{PART}"))
    log.info(f"exporting to {offer.qualified}, then comparing with torch")
    model, name = _Logits(trained.model).eval(), trained.part.qualified.partition("@")[0]
    with tempfile.TemporaryDirectory(prefix="recycle-") as folder:
        scratch = Path(folder)
        try:
            facts = {**exporter.write(model, scratch)}
        except RunFailed as error:
            raise RunFailed(f"model {name} cannot be exported: {error.args[0]}", error.remedy) from error
        written = sorted(file.name for file in scratch.iterdir())
        fixed = any(isinstance(side, int) for side in facts["shape"][2:])
        window = trained.shape.window
        fits = all(side in (own, str(side)) for side, own in zip(facts["shape"][2:], window, strict=True))
        of.check(fits, f"the training window's {window[0]} and {window[1]}, or texts", f"{facts['shape'][2:]}")
        shape = replace(trained.shape, multiple=0) if fixed else trained.shape
        count, agreement, difference = _compare(model, exporter.load(scratch), shape, photos)
        if not agreement >= AGREEMENT:
            raise RunFailed(
                f"the {name} that {offer.qualified} exported gives {agreement:.4%} of the pixels of {count} photos "
                f"the label that torch gives them; {AGREEMENT:.1%} are needed (logits differ by {difference:.2g})",
                "train longer if the model is undecided everywhere, or choose another model or another --format",
            )
        files = {what: out / name for what, name in exporter.files.items() if name in written}
        done = ExportResult(files, place, facts, count, agreement, difference)
        with owned.begun(place, files.values(), force):
            owned.remove(out / name for name in names - {*written})
            for name in written:
                with owned.atomic_path(out / name) as part:
                    shutil.copyfile(scratch / name, part)
            owned.write_json(place, {**_complete(card, done), "multiple": shape.multiple}, indent=1)
    return done


def _refuse_other(out: Path, files: Set[str]) -> None:
    """Refuse a place that is no folder, or holds anything but an export."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RecycleError(f"{out} is a link or a file, no folder", "choose another --out")
    refuse_output_folder(out)
    sweep_below(out)
    known = {*files, EXPORT_CARD, RECORD, f"{EXPORT_CARD}{PART}", WITHIN, f"{WITHIN}.json"}
    held = sorted(file.name for file in out.iterdir() if file.name not in known) if out.is_dir() else []
    if held:
        raise RecycleError(f"{out} holds {join_limited(held)}, which is no export", "choose another --out")


def _compare(
    model: nn.Module, loaded: Loaded, shape: InputShape, photos: Iterable[NDArray[np.uint8]]
) -> tuple[int, float, float]:
    """Photos, share of their pixels with equal labels, largest difference of logits."""
    count = pixels = equal = 0
    largest = 0.0
    for photo in photos:
        (rows, columns), frame = shape.whole(photo.shape[0], photo.shape[1])
        seen = fit_image(photo, (rows, columns), frame)
        image = torch.tensor(seen).permute(2, 0, 1)[None].float().div(255)
        wanted = model(image).numpy()[0, :, :rows, :columns]
        given = loaded(image.numpy())[0, :, :rows, :columns]
        count, pixels = count + 1, pixels + rows * columns
        equal += int((wanted.argmax(0) == given.argmax(0)).sum())
        largest = max(largest, float(np.abs(wanted - given).max()))
    return count, equal / pixels, largest


def _framing(shape: InputShape) -> str:
    height, width = shape.window
    if not shape.multiple:
        return f"the photo scaled to fit into {width}x{height}"
    return (
        f"the photo scaled to a longer side of {shape.size} in a frame of multiples of {shape.multiple}, "
        "or scaled to fit into the input's shape where that is fixed"
    )


def _card(trained: TrainedModel) -> dict[str, Any]:
    """What a program needs to use the model, whatever the format."""
    buffers = dict(trained.model.named_buffers())
    inside = {name: buffers[name].flatten().tolist() for name in ("mean", "std") if name in buffers}
    return {
        "recyclecli": __version__,
        "class_names": list(trained.class_names),
        "palette": [list(color) for color in trained.palette],
        "model": trained.card["model"],
        "size": trained.shape.size,
        "window": list(trained.shape.window),
        "multiple": trained.shape.multiple,
        "input": {
            "name": "image",
            "dtype": "float32",
            "content": f"RGB in 0..1, not normalised; {_framing(trained.shape)}, black to its right and below",
        },
        "output": {
            "name": "logits",
            "dtype": "float32",
            "content": "scores before softmax; the largest is the label, an index into class_names and palette",
        },
        "normalisation": {"where": "inside the model", **inside},
    }


def _complete(card: Mapping[str, Any], done: ExportResult) -> dict[str, Any]:
    """The card with what is known once the model is written and compared."""
    facts = dict(done.facts)
    shape = list(facts.pop("shape"))
    return {
        **card,
        **facts,
        "dynamic_axes": [side for side in shape if isinstance(side, str)],
        "input": {**card["input"], "shape": shape},
        "output": {**card["output"], "shape": [shape[0], len(card["class_names"]), *shape[2:]]},
        "checked": {
            "against": f"torch {torch.__version__}",
            "photos": done.photos,
            "agreement": done.agreement,
            "largest_difference": done.largest_difference,
        },
    }
