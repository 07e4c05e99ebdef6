"""Images per second of `recycle train` against a plain hand-written PyTorch loop.

    python benchmarks/train_overhead.py ../shared/data/recycle-trash-pseudo

Same photos in the same order, model, batch size, optimizer, precision and number of steps; no
augmentation and no weight average on either side. Epochs alternate between the two, so that a
drift of the machine hits both; the bar is 0.95 of the loop.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from timm.optim import create_optimizer_v2
from torch.nn import functional as F
from torch.utils.data import DataLoader

from recyclecli.data.sources import Subset
from recyclecli.data.splits import make_split
from recyclecli.engine import train as engine
from recyclecli.engine.data import PhotoDataset, collate
from recyclecli.engine.sampler import EpochSampler
from recyclecli.plugins import discover
from recyclecli.recipe import Recipe, resolve
from recyclecli.types import ModelContext


def plain_epochs(registry, recipe: Recipe, split):
    """A generator of epochs of a loop as one would write it by hand; yields images per second."""
    torch.manual_seed(0)
    model = registry.build("model", recipe.model.name, recipe.model.options, ModelContext(len(split.train.class_names)))
    model = model.to(memory_format=torch.channels_last).train()
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.01)
    sampler = EpochSampler(split.weights, recipe.seed)
    loader = DataLoader(
        PhotoDataset(split.train, recipe.data.size),
        batch_size=recipe.train.batch_size,
        sampler=sampler,
        collate_fn=collate,
        drop_last=True,
    )
    for epoch in range(10**6):
        sampler.set_epoch(epoch)
        began, seen = time.perf_counter(), 0
        for batch in loader:
            image = batch.image.float().div_(255).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(image), batch.mask.long(), ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen += len(image)
        yield seen / (time.perf_counter() - began)


class Interleave(Callback):
    """Times each training epoch of ours, and runs one of the plain loop after it."""

    def __init__(self, plain, batch_size: int) -> None:
        self.plain, self.batch_size = plain, batch_size
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if batch_idx + 1 == trainer.num_training_batches:  # before validation starts
            count = trainer.num_training_batches * self.batch_size
            self.ours.append(count / (time.perf_counter() - self.began))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.theirs.append(next(self.plain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=21)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--photos", type=float, default=0.7, help="share held out, to keep epochs short")
    arguments = parser.parse_args()
    registry = discover()
    flags = {
        "data.root": arguments.data,
        "data.size": arguments.size,
        "data.val_fraction": arguments.photos,
        "data.workers": 0,
        "train.epochs": arguments.epochs,
        "train.ema": 0,
        "train.schedule": "constant",
        "train.warmup": 0,
        "train.deterministic": False,
    }
    recipe = resolve(registry, None, flags)
    split = make_split(registry, recipe.data, recipe.seed)
    split = replace(split, val=Subset(split.val, [0]))  # validation is not part of the comparison
    interleave = Interleave(plain_epochs(registry, recipe, split), recipe.train.batch_size)
    engine.keep_checkpoints = lambda run: [interleave]  # saving is not part of the comparison
    with tempfile.TemporaryDirectory() as folder:
        engine.train(registry, recipe, split, runs=Path(folder))
    ours, theirs = (statistics.median(rates[1:]) for rates in (interleave.ours, interleave.theirs))
    pairs = [first / second for first, second in zip(interleave.ours[1:], interleave.theirs[1:], strict=True)]
    print(f"recycle train {ours:.2f} images/s, plain loop {theirs:.2f} images/s")
    print(f"ratio {statistics.median(pairs):.3f} (pairs {', '.join(f'{pair:.3f}' for pair in pairs)}; bar 0.95)")


if __name__ == "__main__":
    main()
