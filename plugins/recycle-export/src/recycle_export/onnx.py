"""A run as ONNX: a folder that colours photos without recyclecli, checked against torch."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco import jpeg, pixels
from recycle_data.fit import fit_image, fitted_size
from recycle_data.owned import RECORD, Owned, interrupted
from recycle_engine.checkpoint import Trained, load_trained
from recycle_engine.runs import Run
from torch import nn

from recyclecli import __version__
from recyclecli.errors import RecycleError, RunFailed, listed
from recyclecli.files import PART, sweep_below
from recyclecli.locks import WITHIN
from recyclecli.plugins import Registry
from recyclecli.private import absolute_paths, map_texts, shown_text

if TYPE_CHECKING:
    import onnxruntime

FORMAT = 1
OPSET = 18
NEEDED = ("onnx", "onnxruntime", "onnxscript")
AGREEMENT = 0.999  # least share of pixels that get the label that torch gives them
TOLERANCE = 1e-3  # largest difference of logits on noise of another size, as a share of the largest logit
SOURCE = Path(__file__).with_name("onnx_run.py")
READER, WHOLE = (re.compile(rf"^from recycle_coco\.{name} import .*\n", re.MULTILINE) for name in ("pixels", "jpeg"))
HEAD = "from __future__ import annotations\n"
MODEL, CARD, SCRIPT = "model.onnx", "card.json", "run.py"
FILES = {MODEL, f"{MODEL}.data", CARD, SCRIPT}
LARGEST = 2_000_000_000  # bytes of weights within model.onnx; ONNX wants more than 2 GiB beside it, in .data


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export left behind, and how near it is to torch.

    Attributes:
        model, card, script: the files.
        opset: of ONNX.
        exporter: torch's `torchscript` or `dynamo`.
        shape: of the input `image`; a text where any number is taken.
        photos: how many the two were compared on.
        agreement: share of the photos' pixels, at the model's size, with equal labels, 0..1.
        largest_difference: of the logits of any of these pixels.
    """

    model: Path
    card: Path
    script: Path
    opset: int
    exporter: str
    shape: tuple[int | str, ...]
    photos: int
    agreement: float
    largest_difference: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}


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
    registry: Registry, run: Run, out: Path, photos: Iterable[NDArray[np.uint8]], force: bool = False
) -> Exported:
    """Write a run's best weights as `out`/model.onnx, with card.json and run.py.

    The input `image` is (N, 3, H, W) float32 RGB in 0..1, not normalised; the output `logits` is
    (N, K, H, W) float32. N is any number; so are H and W where the exported model, tried at
    other sizes, gives what torch gives, else they are the training size.

    Args:
        registry: the installed components.
        run: a run with weights.
        out: a folder that appears when all is checked.
        photos: (H, W, 3) uint8 RGB of any size, at least one, to compare ONNX and torch on.
        force: replace an earlier export.

    Raises:
        RecycleError: the run has no weights, `out` exists, a package is missing.
        RunFailed: torch cannot export the model, or more than one pixel in a thousand gets another
            label. Nothing is left then.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise RecycleError(f"exporting needs {listed(missing)}", "pip install 'recyclecli[export]'")
    trained = load_trained(registry, run.best)
    owned, place = Owned(out), out / MODEL
    _refuse_other(out)
    owned.refuse_overwrite((out / name for name in sorted(FILES)), force or interrupted(out / f"{SCRIPT}{PART}"))
    with tempfile.TemporaryDirectory(prefix="recycle-") as folder:
        scratch = Path(folder)
        exporter, shape = _write_model(trained, scratch / MODEL)
        count, agreement, difference = _compare(trained, _session(scratch / MODEL), photos)
        if not agreement >= AGREEMENT:
            raise RunFailed(
                f"the exported {trained.card['model']['name']} gives {agreement:.4%} of the pixels of {count} photos "
                f"the label that torch gives them; {AGREEMENT:.1%} are needed (logits differ by {difference:.2g})",
                "train longer if the model is undecided everywhere, or export another model",
            )
        done = Exported(place, out / CARD, out / SCRIPT, OPSET, exporter, shape, count, agreement, difference)
        card = _card(trained, done)
        card = map_texts(card, partial(shown_text, base=run.folder, places=absolute_paths(card)))
        _describe(scratch / MODEL, card)
        models = sorted(file.name for file in scratch.iterdir())  # with more than 2 GB of weights there are two
        with owned.begun(done.script, [done.card, *(out / name for name in models)], force):
            owned.remove(out / name for name in FILES - {*models, CARD, SCRIPT})
            for name in models:
                with owned.whole(out / name) as part:
                    shutil.copyfile(scratch / name, part)
            owned.write_json(done.card, card, indent=1)
            owned.write_bytes(done.script, _script().encode())
    return done


def _script() -> str:
    """run.py, with the reader of photos embedded in the place of its import."""
    whole, reader = (Path(file).read_text("utf-8").partition(HEAD)[2] for file in (jpeg.__file__, pixels.__file__))
    reader = WHOLE.sub(lambda _: whole.strip() + "\n\n", reader)
    return READER.sub(lambda _: reader.strip() + "\n\n", SOURCE.read_text("utf-8"))


def _refuse_other(out: Path) -> None:
    """Refuse a place that is no folder, or holds anything but an export."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RecycleError(f"{out} is a link or a file, no folder", "choose another --out")
    sweep_below(out)
    known = {*FILES, RECORD, f"{SCRIPT}{PART}", WITHIN, f"{WITHIN}.json"}
    held = sorted(file.name for file in out.iterdir() if file.name not in known) if out.is_dir() else []
    if held:
        raise RecycleError(f"{out} holds {listed(held)}, which is no export", "choose another --out")


def _write_model(trained: Trained, file: Path) -> tuple[str, tuple[int | str, ...]]:
    """Export with the first way that works; the exporter, and the shape of its input.

    TorchScript's exporter goes first: it takes a second where dynamo's takes ten, and it leaves
    height and width free for most models. Dynamo's knows more operations.
    """
    import onnx

    model, size = _Logits(trained.model).eval(), trained.size
    example = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    heavy = sum(value.nbytes for value in model.state_dict().values()) > LARGEST
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["logits"], "opset_version": OPSET}
    free, batch = {0: "batch", 2: "height", 3: "width"}, {0: "batch"}
    dynamo = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "external_data": heavy, "verbose": False}
    ways: list[tuple[str, tuple[int | str, ...], dict[str, Any]]] = [
        ("torchscript", ("batch", 3, "height", "width"), {"dynamic_axes": {"image": free, "logits": free}}),
        ("torchscript", ("batch", 3, size, size), {"dynamic_axes": {"image": batch, "logits": batch}}),
        ("dynamo", ("batch", 3, size, size), dynamo),
    ]
    reason = ""
    for exporter, shape, keywords in ways:
        sides = [(size, size), *([(33, 57), (2 * size + 13, size + 50)] if "height" in shape else [])]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.onnx.export(model, (example,), file, dynamo=exporter == "dynamo", **names, **keywords)
            if exporter == "dynamo":
                _without_traces(file)
            onnx.checker.check_model(file)
            reason = _differs(model, _session(file), sides)
        except (OSError, MemoryError):
            raise
        except Exception as raised:  # the exporters, the checker and the runtime have errors of their own
            error: BaseException = raised
            while error.__cause__ is not None:  # dynamo's wraps it in advice
                error = error.__cause__
            reason = str(error).strip() or type(error).__name__
        if not reason:
            return exporter, shape
    raise RunFailed(
        f"model {trained.card['model']['name']} cannot be exported: {reason.splitlines()[0]}",
        "export a run of another architecture or encoder",
    )


def _without_traces(file: Path) -> None:
    """Remove from each node of an ONNX file where torch saw it: lines of code with the paths of this machine."""
    import onnx

    stored = onnx.load(file, load_external_data=False)
    for node in (*stored.graph.node, *(node for function in stored.functions for node in function.node)):
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(stored, file)


def _describe(file: Path, card: dict[str, Any]) -> None:
    """Write into the model's metadata what one who has model.onnx alone needs: texts, and the rest as JSON."""
    import onnx

    stored = onnx.load(file, load_external_data=False)
    stored.doc_string = "Materials of a photo, pixel by pixel: the label is the argmax of logits over its second axis."
    kept = {key: card[key] for key in ("recyclecli", "class_names", "palette", "size", "normalisation")}
    kept |= {"input": card["input"]["content"], "output": card["output"]["content"]}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in kept.items()}
    onnx.helper.set_model_props(stored, texts)
    onnx.save(stored, file)


def _differs(model: nn.Module, session: onnxruntime.InferenceSession, sides: list[tuple[int, int]]) -> str:
    """Where ONNX and torch differ on one and on three images of noise of these sizes; "" for nowhere."""
    chance = torch.Generator().manual_seed(1)
    for height, width in sides:
        for number in (1, 3):
            image = torch.rand(number, 3, height, width, generator=chance)
            wanted: NDArray[np.float32] = model(image).numpy()
            (given,) = session.run(["logits"], {"image": image.numpy()})
            if given.shape != wanted.shape:
                return f"its output is {given.shape}, torch's {wanted.shape}"
            difference = np.abs(given - wanted).max()
            if not difference <= TOLERANCE * np.abs(wanted).max():
                return f"its logits of {width}x{height} pixels differ from torch's by {difference:.2g}"
    return ""


def _session(file: Path) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors are raised; its warnings are about what it optimises
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _compare(
    trained: Trained, session: onnxruntime.InferenceSession, photos: Iterable[NDArray[np.uint8]]
) -> tuple[int, float, float]:
    """Photos, share of their pixels with equal labels, largest difference of logits."""
    model = _Logits(trained.model).eval()
    count = pixels = equal = 0
    largest = 0.0
    for photo in photos:
        rows, columns = fitted_size(photo.shape[0], photo.shape[1], trained.size)
        image = torch.from_numpy(np.stack([fit_image(photo, trained.size)])).permute(0, 3, 1, 2).float().div(255)
        wanted = model(image).numpy()[0, :, :rows, :columns]
        given = session.run(["logits"], {"image": image.numpy()})[0][0, :, :rows, :columns]
        count, pixels = count + 1, pixels + rows * columns
        equal += int((wanted.argmax(0) == given.argmax(0)).sum())
        largest = max(largest, float(np.abs(wanted - given).max()))
    return count, equal / pixels, largest


def _card(trained: Trained, done: Exported) -> dict[str, Any]:
    """What a program needs to use model.onnx."""
    buffers = dict(trained.model.named_buffers())
    inside = {name: buffers[name].flatten().tolist() for name in ("mean", "std") if name in buffers}
    shape = list(done.shape)
    return {
        "format": FORMAT,
        "recyclecli": __version__,
        "class_names": list(trained.class_names),
        "palette": [list(color) for color in trained.palette],
        "model": trained.card["model"],
        "size": trained.size,
        "opset": done.opset,
        "exporter": done.exporter,
        "dynamic_axes": [side for side in shape if isinstance(side, str)],
        "input": {
            "name": "image",
            "shape": shape,
            "dtype": "float32",
            "content": "RGB in 0..1, not normalised; the photo fitted into size x size, black to its right and below",
        },
        "output": {
            "name": "logits",
            "shape": [shape[0], len(trained.class_names), *shape[2:]],
            "dtype": "float32",
            "content": "scores before softmax; the largest is the label, an index into class_names and palette",
        },
        "normalisation": {"where": "inside the model", **inside},
        "checked": {
            "against": f"torch {torch.__version__}",
            "photos": done.photos,
            "agreement": done.agreement,
            "largest_difference": done.largest_difference,
        },
    }
