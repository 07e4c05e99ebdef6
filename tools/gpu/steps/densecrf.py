"""The dense CRF: milliseconds a photo, and the agreement of the GPU with the CPU and with pydensecrf where it is there.

The probabilities are what a model might say of the photos: the labels, and noise.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_engine import api

from gpu.figures import note
from gpu.settings import settings
from gpu.timing import seconds_of
from gpu.training import data

BATCH = 8
BAR = "20 ms, 99 %"


def guesses(mask: NDArray[np.integer[Any]], classes: int, seed: int) -> NDArray[np.float32]:
    """Probabilities (K, H, W) whose largest is mostly that of the label; all are alike where it is 255."""
    scores = np.random.default_rng(seed).gumbel(size=(classes, *mask.shape))
    scores += 3.0 * (mask == np.arange(classes)[:, None, None])
    shares = np.exp(scores - scores.max(0))
    return np.ascontiguousarray(shares / shares.sum(0), np.float32)


def main() -> None:
    """Refine a batch each way."""
    check = settings()
    source = api.split(data()).train
    names = list(source.class_names)
    batch = api.read_batch(source, range(min(BATCH, len(source))), check.size)
    images = [image.permute(1, 2, 0).mul(255).byte().contiguous().numpy() for image in batch.image]
    given = [guesses(mask.numpy(), len(names), seed) for seed, mask in enumerate(batch.mask)]
    ways: dict[str, dict[str, Any]] = {"cpu": {"device": "cpu"}}
    if find_spec("pydensecrf"):
        ways["pydensecrf"] = {"implementation": "pydensecrf"}
    if check.cuda:
        ways["cuda"] = {"device": "cuda"}
    for iterations in (5, 10):
        results = {}
        for name, options in ways.items():
            one = api.build_postprocessor("densecrf", names, {"guard_area": 0, "iterations": iterations, **options})
            refine = getattr(one, "batch", lambda *both: [one(*pair) for pair in zip(*both, strict=True)])  # noqa: B023
            refine(images, given)
            took = seconds_of(lambda: results.update({name: np.stack(refine(images, given))}))  # noqa: B023
            agreeing = (results[name].argmax(1) == results["cpu"].argmax(1)).mean()
            largest = np.abs(results[name] - results["cpu"]).max()
            alike = (
                "" if name == "cpu" else f", {agreeing:.4%} of labels as on the CPU, probabilities within {largest:.1e}"
            )
            what = f"dense CRF, {iterations} iterations, {len(names)} classes, {check.size}x{check.size}, {name}"
            note(what, f"{1e3 * took / len(images):.1f} ms a photo{alike}", BAR if name == "cuda" else "")


if __name__ == "__main__":
    main()
