"""Training on a GPU: images per second, how busy it is, and how long it waits for photos.

    python benchmarks/gpu_training.py ../shared/data/recycle-trash-pseudo

UNet++ with EfficientNet-b5 from scratch at 512x512, bf16, channels_last and torch.compile, photos read
and labels painted by loading processes, flips and crops as by default. The first epoch, which
compiles, is left out. Utilisation is what nvidia-smi says, once a second; the wait is the share of the
time between the end of a step and the start of the next one. Bars: above 90 %, and no wait to speak of.
"""

import argparse
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import torch
from lightning.pytorch.callbacks import Callback
from recycle_engine import api


class Watch(Callback):
    """Seconds of each epoch, those in which the loop waits for the loader, and the GPU's utilisation meanwhile."""

    def __init__(self):
        self.rates, self.waits, self.busy = [], [], []
        self._watching = False

    def on_train_start(self, trainer, pl_module):
        loader, watch, self._waited = trainer.train_dataloader, self, 0.0

        class Timed(type(loader)):
            def __iter__(self):
                batches = super().__iter__()
                while True:
                    began = time.perf_counter()
                    try:
                        batch = next(batches)
                    except StopIteration:
                        return
                    watch._waited += time.perf_counter() - began
                    yield batch

        loader.__class__ = Timed

    def on_train_epoch_start(self, trainer, pl_module):
        self._began = time.perf_counter()
        self._waited, self._photos = 0.0, 0
        if trainer.current_epoch == 1:
            self._watching = True
            threading.Thread(target=self._sample, daemon=True).start()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self._photos += len(batch.ids)
        if batch_idx + 1 == trainer.num_training_batches:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            took = time.perf_counter() - self._began
            self.rates.append(self._photos / took)
            self.waits.append(self._waited / took)

    def on_train_end(self, trainer, pl_module):
        self._watching = False

    def _sample(self):
        while self._watching and torch.cuda.is_available():
            query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
            query += ["--id", f"GPU-{torch.cuda.get_device_properties().uuid}"]
            (share,) = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
            if share.isdecimal():  # a part of a GPU does not tell
                self.busy.append(int(share))
            time.sleep(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--encoder", default="efficientnet-b5")
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    watch = Watch()
    settings = {
        "data.root": arguments.data.absolute(),
        "data.size": arguments.size,
        "model": "unetpp",
        "model.encoder": arguments.encoder,
        "model.weights": "none",
        "train.epochs": arguments.epochs,
        "train.batch_size": arguments.batch_size,
        "train.compile": not arguments.no_compile,
        "train.deterministic": False,
    }
    with tempfile.TemporaryDirectory() as folder:
        api.train(settings, runs=folder, callbacks=[watch])
    print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: on the processor")
    print(f"{statistics.median(watch.rates[1:]):.1f} images/s in the median of {len(watch.rates) - 1} epochs")
    print(f"waiting for photos: {statistics.median(watch.waits[1:]):.1%} of the time")
    if watch.busy:
        print(f"utilisation {statistics.median(watch.busy):.0f} % in the median, validation included")


if __name__ == "__main__":
    main()
