"""Predicting 819 photos of 512x512 into the contest's CSV, against the bare model on the same machine.

    OMP_NUM_THREADS=2 python benchmarks/predict.py ../shared/data/recycle-trash-pseudo [--photos 819]

The model of the default recipe, trained one epoch at 512x512. The bare model gets batches that lie in
memory, as many photos, in the same precision, half of them before and half after the prediction, so that
a drift of the machine hits both. Printed: images per second of both and their ratio (bar: 0.9), and
the resident memory a quarter of the way and at the end.
"""

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from recycle_engine import api


class Keeper(Callback):
    """Holds on to the trained model."""

    def on_fit_end(self, trainer, pl_module):
        self.model = pl_module.model


def bare(model, photos, batch, device, precision):
    """Images per second of the model alone."""
    image = torch.rand(batch, 3, 512, 512).to(device).contiguous(memory_format=torch.channels_last)
    half = {"bf16": torch.bfloat16, "16": torch.float16}.get(precision)
    began = time.perf_counter()
    with torch.inference_mode(), torch.autocast(device, half, enabled=half is not None):
        for _ in range(photos // batch):
            model(image)
        if device == "cuda":
            torch.cuda.synchronize()
    return photos // batch * batch / (time.perf_counter() - began)


def resident():
    return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=819)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", default="32")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        settings = {"data.root": arguments.data.absolute(), "data.size": 512, "data.val_fraction": 0.9}
        keeper = Keeper()
        run = api.train({**settings, "train.epochs": 1}, runs=place / "runs", callbacks=[keeper]).run
        model = keeper.model.eval().to(device).to(memory_format=torch.channels_last)
        files = sorted((arguments.data / "images").glob("*"))
        (place / "photos").mkdir()
        for number in range(arguments.photos):
            file = files[number % len(files)].absolute()
            (place / f"photos/{number:04d}{file.suffix}").symlink_to(file)
        warm = bare(model, 3 * arguments.batch, arguments.batch, device, arguments.precision)
        half = arguments.photos // 2
        before = bare(model, half, arguments.batch, device, arguments.precision)
        memory = []
        ended = threading.Event()

        def watch():
            while not ended.wait(1):
                memory.append(resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        api.predict(
            run, place / "photos", submission=place / "s.csv", batch_size=arguments.batch,
            precision=arguments.precision, pipeline=api.pipeline(),
        )  # fmt: skip
        rate = arguments.photos / (time.perf_counter() - began)
        ended.set()
        watcher.join()
        after = bare(model, half, arguments.batch, device, arguments.precision)
    alone = statistics.mean((before, after))
    print(f"warming up {warm:.2f} images/s; bare model {before:.2f} before, {after:.2f} after")
    print(f"recycle predict {rate:.2f} images/s: {rate / alone:.3f} of the bare model (bar 0.9)")
    fourth = len(memory) // 4
    parts = [statistics.median(memory[start : start + fourth]) for start in (fourth, 2 * fourth, 3 * fourth)]
    print(f"memory, medians of the second to the last quarter: {', '.join(f'{part:.0f}' for part in parts)} MiB")


if __name__ == "__main__":
    main()
