"""What is said of a photo, as JSON holds it: materials, things, and the picture that lies over the photo."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_coco import connected_pieces
from recycle_engine.judge.calibration import SCALE
from recycle_engine.pipeline import Pipeline
from recycle_engine.predicting.scores import Prediction
from scipy import ndimage

from recycle_serve.model import Model

STEP = 15  # of 255, by which the confidence of pixels is rounded, for the answer's size
LEAST = 0.002  # of the photo that a thing must take to be named alone
THINGS = 12


def answer_of(model: Model, said: Prediction, pipeline: Pipeline) -> dict[str, Any]:
    """One run's answer.

    `materials` are the labels that were given, the largest share first; `things` the largest connected
    pieces of one label; `labels` and `sure` the label and the confidence, 0..255, of each pixel, row after
    row, one byte each, as base64 of zlib.
    """
    counts = np.bincount(said.labels.ravel(), minlength=len(model.class_names))
    sums = np.bincount(said.labels.ravel(), said.confidence.ravel(), len(model.class_names))
    found = [int(label) for label in np.argsort(-counts, kind="stable") if counts[label]]
    return {
        "run": model.name,
        "pipeline": str(pipeline),
        "materials": [
            {
                "label": label,
                "name": model.class_names[label],
                "share": float(counts[label] / said.labels.size),
                "confidence": float(sums[label] / counts[label] / SCALE),
            }
            for label in found
        ],
        "things": things(said, model.first),
        "labels": _packed(said.labels),
        "sure": _packed(np.round(said.confidence / SCALE * (255 / STEP)).astype(np.uint8) * np.uint8(STEP)),
    }


def things(said: Prediction, first: int) -> list[dict[str, Any]]:
    """The largest connected pieces: label, share, mean confidence; where it is, in 0..1 of the photo's sides.

    `box` is left, top, right, bottom; `at` the left and top of a pixel of the piece near its middle.
    """
    pieces = connected_pieces(said.labels, first)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    large = [int(number) for number in np.argsort(-sizes, kind="stable")[:THINGS] if sizes[number] > 0]
    height, width = said.labels.shape
    boxes = ndimage.find_objects(pieces)
    named = []
    for number in large:
        if sizes[number] < LEAST * said.labels.size:
            break
        rows, columns = boxes[number - 1]
        own = pieces[rows, columns] == number
        places = np.argwhere(own)
        top, left = places[((places - places.mean(0)) ** 2).sum(1).argmin()]
        named.append(
            {
                "label": int(said.labels[rows, columns][own][0]),
                "share": float(sizes[number] / said.labels.size),
                "confidence": float(said.confidence[rows, columns][own].mean() / SCALE),
                "at": [(columns.start + int(left)) / width, (rows.start + int(top)) / height],
                "box": [columns.start / width, rows.start / height, columns.stop / width, rows.stop / height],
            }
        )
    return named


def agreement(first: Model, said: Prediction, second: Model, other: Prediction) -> dict[str, Any]:
    """How two runs agree on one photo: shares of its pixels with the same name, with another name, and with a
    name that only one of the runs knows."""
    names = {name: place for place, name in enumerate(dict.fromkeys((*first.class_names, *second.class_names)))}
    left, right = (np.array([names[name] for name in model.class_names]) for model in (first, second))
    shared = np.array([name in first.class_names and name in second.class_names for name in names])
    one, two = left[said.labels], right[other.labels]
    same, known = one == two, shared[one] & shared[two]
    return {
        "same": float(same.mean()),
        "differ": float((~same & known).mean()),
        "incomparable": float((~same & ~known).mean()),
        "only": [[name for name in model.class_names if not shared[names[name]]] for model in (first, second)],
    }


def _packed(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 1)).decode("ascii")
