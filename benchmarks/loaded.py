"""What a loaded model takes for one photo, against the bare model with its resizing.

    python benchmarks/loaded.py [RUN]

Without a run an FPN of the default recipe is trained for one epoch on the sample set. In turn, photo by photo of 20 of
512x512 pixels: the bare model (resized, through the model, resized back, the largest class), the loaded model given
the pixels, given the file, and the page's own answer without the network. Medians, and their ratio (bar: 1.15).
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from recycle_coco import read_photo
from recycle_engine import api
from recycle_engine.checkpoint import load_trained
from recycle_engine.runs import Run
from recycle_serve.answer import answer_of
from recycle_serve.model import Model
from torch.nn import functional as F

PHOTOS, SIDE, ROUNDS = 20, 512, 3


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        api.sample(folder / "data", images=PHOTOS + 4)
        run = api.find_run(sys.argv[1]) if len(sys.argv) > 1 else _trained(folder)
        files = sorted((folder / "data").rglob("*.jpg"))[:PHOTOS]
        for file in files:
            with Image.open(file) as image:
                photo = image.convert("RGB").resize((SIDE, SIDE))
            photo.save(file, quality=92)
        measure(run, files)


def _trained(folder: Path) -> Run:
    settings = {"data.root": folder / "data", "train.epochs": 1, "data.size": SIDE}
    return api.train(settings, runs=folder / "runs").run


def measure(run: Run, files: list[Path]) -> None:
    """Time each way on each photo, in turn."""
    trained = load_trained(api.registry(), run.best)
    served = Model(api.registry(), run, api.recipe_of(run), "cpu")
    size = trained.size

    @torch.inference_mode()
    def bare(file: Path, pixels: np.ndarray) -> np.ndarray:
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float().div_(255)
        image = F.interpolate(image, (size, size), mode="bilinear", antialias=True, align_corners=False)
        logits = trained.model(image.contiguous(memory_format=torch.channels_last))
        logits = logits[0] if isinstance(logits, tuple) else logits
        full = F.interpolate(logits, pixels.shape[:2], mode="bilinear", align_corners=False)
        return full.argmax(1)[0].to(torch.uint8).numpy()

    with api.load(run, api.pipeline(), "cpu") as model:
        ways = {
            "bare model": bare,
            "loaded, pixels": lambda _, pixels: model(pixels),
            "loaded, pixels, no confidence": lambda _, pixels: model(pixels, confidence=False),
            "loaded, file": lambda file, _: model(file),
            "loaded, file, objects": lambda file, _: model(file).objects,
            "page": lambda file, _: answer_of(
                served, served.predict(read_photo(file), served.pipeline(["plain"], 9)), served.pipeline(["plain"], 9)
            ),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for file in files:
                pixels = read_photo(file)
                for way, call in ways.items():
                    began = time.perf_counter()
                    call(file, pixels)
                    taken[way].append(time.perf_counter() - began)
    floor = statistics.median(taken["bare model"])
    print(f"{len(files)} photos of {SIDE}x{SIDE}, model at {size}, {torch.get_num_threads()} threads")
    for way, times in taken.items():
        print(f"  {way:30} {1000 * statistics.median(times):7.1f} ms  {statistics.median(times) / floor:.2f}")


if __name__ == "__main__":
    main()
