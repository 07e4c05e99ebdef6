"""ONNX as an exporter: model.onnx with a script that colours photos without recyclecli."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco import jpeg, pixels, unreadable
from recycle_engine.input_shape import padded
from torch import nn

from recycle_export.options import OnnxOptions
from recyclecli.errors import RecycleError, RunFailed
from recyclecli.types import ExporterContext

if TYPE_CHECKING:
    import onnxruntime

TOLERANCE = 1e-3  # largest difference of logits on noise of another size, as a share of the largest logit
RUN_SCRIPT = Path(__file__).with_name("onnx_run.py")
READER = (jpeg, unreadable, pixels)  # modules, each after those that it needs
IMPORT = re.compile(r"^from recycle_coco\.\w+ import (?:\([^)]*\)|.*)\n", re.MULTILINE)
FUTURE_IMPORT = "from __future__ import annotations\n"
MODEL, SCRIPT = "model.onnx", "run.py"
MAX_INLINE_BYTES = 2_000_000_000  # bytes of weights within model.onnx; ONNX wants more than 2 GiB beside it, in .data


class Onnx:
    """Writes model.onnx and run.py, and loads the former with onnxruntime."""

    files: Mapping[str, str] = {"model": MODEL, "weights": f"{MODEL}.data", "script": SCRIPT}

    def __init__(self, options: OnnxOptions, context: ExporterContext) -> None:
        self._opset = options.opset
        self._context = context

    @torch.no_grad()
    def write(self, model: nn.Module, folder: Path) -> Mapping[str, Any]:
        """The opset, torch's exporter and the shape of the input; see `recyclecli.types.Exporter`."""
        file = folder / MODEL
        exporter, shape = _written(
            model, self._context.window, self._context.card.get("multiple") or 1, self._opset, file
        )
        _describe(file, self._context.card)
        (folder / SCRIPT).write_bytes(script().encode())
        return {"opset": self._opset, "exporter": exporter, "shape": shape}

    def load(self, folder: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """model.onnx of a folder as a function; see `recyclecli.types.Exporter`."""
        file = folder / MODEL
        try:
            session = _session(file)
        except Exception as error:  # of onnxruntime, which has a class for each cause
            raise RecycleError(f"{file} cannot be loaded: {error}", "export the run again, with --force") from error

        def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
            logits: NDArray[np.float32] = session.run(["logits"], {"image": image})[0]
            return logits

        return run


def script() -> str:
    """run.py, with the reader of photos embedded in the place of its imports."""
    parts = [
        IMPORT.sub("", Path(str(module.__file__)).read_text("utf-8").partition(FUTURE_IMPORT)[2]) for module in READER
    ]
    head, *rest = IMPORT.split(RUN_SCRIPT.read_text("utf-8"))
    return "\n\n\n".join([head.rstrip(), *(part.strip() for part in parts), "".join(rest).lstrip()])


def _written(
    model: nn.Module, window: tuple[int, int], multiple: int, opset: int, file: Path
) -> tuple[str, tuple[int | str, ...]]:
    """Export with the first way that works; the exporter, and the shape of its input.

    TorchScript's exporter goes first: it takes a second where dynamo's takes ten, and it leaves
    height and width free for most models. Dynamo's knows more operations.
    """
    import onnx

    example = torch.rand(2, 3, *window, generator=torch.Generator().manual_seed(0))
    heavy = sum(value.nbytes for value in model.state_dict().values()) > MAX_INLINE_BYTES
    names: dict[str, Any] = {"input_names": ["image"], "output_names": ["logits"], "opset_version": opset}
    free, batch = {0: "batch", 2: "height", 3: "width"}, {0: "batch"}
    dynamo = {"dynamic_shapes": ({0: torch.export.Dim("batch")},), "external_data": heavy, "verbose": False}
    ways: list[tuple[str, tuple[int | str, ...], dict[str, Any]]] = [
        ("torchscript", ("batch", 3, "height", "width"), {"dynamic_axes": {"image": free, "logits": free}}),
        ("torchscript", ("batch", 3, *window), {"dynamic_axes": {"image": batch, "logits": batch}}),
        ("dynamo", ("batch", 3, *window), dynamo),
    ]
    reason, longest = "", max(window)
    for exporter, shape, keywords in ways:
        others = [(33, 57), (2 * longest + 13, longest + 50)] if "height" in shape else []
        sides = [window, *(padded(one, multiple) for one in others)]
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
        reason.splitlines()[0],
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


def _describe(file: Path, card: Mapping[str, Any]) -> None:
    """Write into the model's metadata what one who has model.onnx alone needs: texts, and the rest as JSON."""
    import onnx

    stored = onnx.load(file, load_external_data=False)
    stored.doc_string = "Materials of a photo, pixel by pixel: the label is the argmax of logits over its second axis."
    kept = {key: card[key] for key in ("recyclecli", "class_names", "palette", "size", "window", "normalisation")}
    kept |= {key: card[key]["content"] for key in ("input", "output")}
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
