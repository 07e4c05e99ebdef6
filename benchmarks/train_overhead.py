"""Images per second of `recycle train` against a plain hand-written PyTorch loop.

    python benchmarks/train_overhead.py ../shared/data/recycle-trash-pseudo

Same photos, model, batch size, optimizer, precision and number of steps; no augmentation and no
weight average on either side. Epochs alternate between the two, so that a drift of the machine
hits both; the bar is 0.95 of the loop.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from pathlib import Path

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from PIL import Image
from timm.optim import create_optimizer_v2
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from recyclecli import api

BATCH = 8


class Photos(Dataset):
    """Photos and masks scaled to size x size, as a loop's own dataset would do it."""

    def __init__(self, source, size):
        self.source, self.size = source, (size, size)

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        photo = self.source.read(index)
        image = Image.fromarray(photo.image).resize(self.size, Image.Resampling.BILINEAR)
        mask = Image.fromarray(photo.mask).resize(self.size, Image.Resampling.NEAREST)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1), torch.from_numpy(np.array(mask))


def plain_epochs(model, source, size):
    """A generator of epochs of a loop as one would write it by hand; yields images per second."""
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.01)
    loader = DataLoader(Photos(source, size), batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        began, seen = time.perf_counter(), 0
        for image, mask in loader:
            image = image.float().div_(255).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(image), mask.long(), ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen += len(image)
        yield seen / (time.perf_counter() - began)


class Interleave(Callback):
    """Times each training epoch of ours, and runs one of the plain loop after it."""

    def __init__(self, source, size) -> None:
        self.source, self.size = source, size
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.plain = plain_epochs(copy.deepcopy(pl_module.model), self.source, self.size)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if batch_idx + 1 == trainer.num_training_batches:  # before validation starts and files are written
            self.ours.append(trainer.num_training_batches * BATCH / (time.perf_counter() - self.began))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.theirs.append(next(self.plain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=21)
    parser.add_argument("--size", type=int, default=192)
    arguments = parser.parse_args()
    root = arguments.data.absolute()
    with tempfile.TemporaryDirectory() as folder:
        api.kfold(root, n=3, out=folder)
        learned, judged = Path(folder) / "kfold_0_val.json", Path(folder) / "one.json"  # a third; one photo
        content = json.loads((Path(folder) / "kfold_0_train.json").read_text())
        content["images"] = content["images"][:1]
        shown = content["images"][0]["id"]
        content["annotations"] = [one for one in content["annotations"] if one["image_id"] == shown]
        judged.write_text(json.dumps(content))
        settings = {
            "data.root": root,
            "data.train": [{"root": root, "json": str(learned)}],
            "data.val": [{"root": root, "json": str(judged)}],
            "data.size": arguments.size,
            "data.workers": 0,
            "train.epochs": arguments.epochs,
            "train.batch_size": BATCH,
            "train.ema": 0,
            "train.schedule": "constant",
            "train.warmup": 0,
            "train.deterministic": False,
        }
        interleave = Interleave(api.split(settings).train, arguments.size)
        api.train(settings, runs=folder, callbacks=[interleave])
    ours, theirs = (statistics.median(rates[1:]) for rates in (interleave.ours, interleave.theirs))
    pairs = [first / second for first, second in zip(interleave.ours[1:], interleave.theirs[1:], strict=True)]
    print(f"recycle train {ours:.2f} images/s, plain loop {theirs:.2f} images/s")
    print(f"ratio {statistics.median(pairs):.3f} (pairs {', '.join(f'{pair:.3f}' for pair in pairs)}; bar 0.95)")


if __name__ == "__main__":
    main()
