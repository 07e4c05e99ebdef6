"""What is said of a photo, as JSON holds it: materials, things, and the picture that lies over the photo."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_engine.inference.loaded import Result
from recycle_engine.pipeline import Pipeline

from recycle_serve.loaded_run import LoadedRun

STEP = 15  # of 255, by which the confidence of pixels is rounded, for the answer's size
MIN_THING_SHARE = 0.002  # of the photo that a thing must take to be named alone
MAX_THINGS = 12


def answer_of(model: LoadedRun, said: Result, pipeline: Pipeline) -> dict[str, Any]:
    """One run's answer.

    `materials` are the labels that were given, the largest share first; `things` the largest connected
    pieces of one label; `labels` and `sure` the label and the confidence, 0..255, of each pixel, row after
    row, one byte each, as base64 of zlib.
    """
    assert said.confidence is not None
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
                "confidence": float(sums[label] / counts[label]),
            }
            for label in found
        ],
        "things": things(said),
        "labels": _packed(said.labels),
        "sure": _packed(np.round(said.confidence * (255 / STEP)).astype(np.uint8) * np.uint8(STEP)),
    }


def things(said: Result) -> list[dict[str, Any]]:
    """The largest connected pieces: label, share, mean confidence; where it is, in 0..1 of the photo's sides.

    `box` is left, top, right, bottom; `at` the left and top of a pixel of the piece near its middle.
    """
    height, width = said.labels.shape
    named = []
    for piece in said.objects[:MAX_THINGS]:
        if piece.area < MIN_THING_SHARE * said.labels.size:
            break
        left, top, right, bottom = piece.box
        places = np.argwhere(said.pieces[top:bottom, left:right] == piece.number)
        down, across = places[((places - places.mean(0)) ** 2).sum(1).argmin()]
        named.append(
            {
                "label": piece.label,
                "share": piece.area / said.labels.size,
                "confidence": piece.confidence,
                "at": [(left + int(across)) / width, (top + int(down)) / height],
                "box": [left / width, top / height, right / width, bottom / height],
            }
        )
    return named


def agreement(first: LoadedRun, said: Result, second: LoadedRun, other: Result) -> dict[str, Any]:
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
