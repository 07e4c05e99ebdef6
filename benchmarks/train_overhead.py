"""Images per second of `recycle train`, of a hand-written loop with its tricks, and of the contest's loop.

    python benchmarks/train_overhead.py ../shared/data/recycle-trash-pseudo

Same photos, model, batch size and number of steps. The contest's loop computes in 32 bits, the other two in
--precision and, if told, with torch.compile. The hand-written loop does what ours does: channels_last, labels
kept in memory, flips, cross-entropy, AdamW, clipping, an average of the weights. The contest's loop is written
after the contest team's: polygons painted at every access, float photos, Adam, and a confusion matrix in numpy
with its scores at each step. Epochs take turns, so that a drift of the machine hits all; the bars are 0.97 of
the one and twice the other.
"""

import argparse
import contextlib
import copy
import io
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
from pycocotools.coco import COCO
from recycle_engine import api
from timm.optim import create_optimizer_v2
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

BATCH = 8


class Photos(Dataset):
    """Photos and masks scaled to size x size, as a loop's own dataset would do it; masks are kept."""

    def __init__(self, source, size):
        self.source, self.size = source, (size, size)
        self.masks = {}

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        if index not in self.masks:
            mask = Image.fromarray(self.source.read(index).mask).resize(self.size, Image.Resampling.NEAREST)
            self.masks[index] = np.array(mask)
        photo = Image.open(self.source.record(index).file).convert("RGB")
        image = np.array(photo.resize(self.size, Image.Resampling.BILINEAR))
        mask = self.masks[index]
        if torch.rand(()) < 0.5:
            image, mask = image[:, ::-1].copy(), mask[:, ::-1].copy()
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(mask)


def plain_epochs(model, source, size, precision, compiled):
    """A generator of epochs of a loop as one would write it by hand; yields images per second."""
    model = model.to(memory_format=torch.channels_last).train()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
    forward = torch.compile(model) if compiled else model
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.01)
    loader = DataLoader(Photos(source, size), batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        began, seen = time.perf_counter(), 0
        for image, mask in loader:
            image = image.float().div_(255).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
                loss = F.cross_entropy(forward(image), mask.long(), ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.update_parameters(model)
            seen += len(image)
        yield seen / (time.perf_counter() - began)


class Painted(Dataset):
    """Photos as floats and masks painted from their polygons, each time anew."""

    def __init__(self, file, root, size):
        with contextlib.redirect_stdout(io.StringIO()):
            self.coco = COCO(str(file))
        self.root, self.size = root, (size, size)
        self.images = self.coco.loadImgs(self.coco.getImgIds())
        self.label_of = {number: label for label, number in enumerate(sorted(self.coco.getCatIds()), start=1)}

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        entry = self.images[index]
        photo = Image.open(self.root / entry["file_name"]).convert("RGB").resize(self.size, Image.Resampling.BILINEAR)
        image = np.asarray(photo).astype(np.float32) / 255.0
        mask = np.zeros((entry["height"], entry["width"]))
        annotations = self.coco.loadAnns(self.coco.getAnnIds(imgIds=entry["id"]))
        for one in sorted(annotations, key=lambda one: one["area"], reverse=True):
            mask[self.coco.annToMask(one) == 1] = self.label_of[one["category_id"]]
        mask = Image.fromarray(mask.astype(np.uint8)).resize(self.size, Image.Resampling.NEAREST)
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(np.array(mask)).long()


def contest_epochs(model, file, root, size, classes):
    """A generator of epochs of the contest team's loop, written anew; yields images per second."""
    model = model.to(memory_format=torch.contiguous_format).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    loader = DataLoader(Painted(file, root, size), batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        began, seen = time.perf_counter(), 0
        counts = np.zeros((classes, classes))
        for image, mask in loader:
            output = model(image)
            loss = F.cross_entropy(output, mask)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            said, true = output.argmax(1).numpy(), mask.numpy()
            for one, other in zip(true, said, strict=True):
                known = (one >= 0) & (one < classes)
                pairs = classes * one[known].astype(int) + other[known]
                counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
            with np.errstate(divide="ignore", invalid="ignore"):
                hit = np.diag(counts)
                np.nanmean(hit / (counts.sum(1) + counts.sum(0) - hit))
                np.nanmean(hit / counts.sum(1))
            seen += len(image)
        yield seen / (time.perf_counter() - began)


class Interleave(Callback):
    """Times each training epoch of ours, and runs one of each other loop after it."""

    def __init__(self, source, file, size, precision, compiled) -> None:
        self.source, self.file, self.size, self.precision, self.compiled = source, file, size, precision, compiled
        self.ours: list[float] = []
        self.plain: list[float] = []
        self.contest: list[float] = []

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        model = copy.deepcopy(pl_module.model)
        self.plain_loop = plain_epochs(model, self.source, self.size, self.precision, self.compiled)
        root, classes = self.source.record(0).file.parents[1], len(self.source.class_names)
        self.contest_loop = contest_epochs(copy.deepcopy(pl_module.model), self.file, root, self.size, classes)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx) -> None:
        if batch_idx + 1 == trainer.num_training_batches:  # before validation starts and files are written
            self.ours.append(trainer.num_training_batches * BATCH / (time.perf_counter() - self.began))

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.plain.append(next(self.plain_loop))
        self.contest.append(next(self.contest_loop))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=21)
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--model", default="unet")
    parser.add_argument("--precision", default="32", help="of ours and of the hand-written loop: 32 or bf16-mixed")
    parser.add_argument("--compile", action="store_true", help="ours and the hand-written loop with torch.compile")
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
            "model": arguments.model,
            "train.precision": arguments.precision,
            "train.compile": arguments.compile,
            "data.workers": 0,
            "data.scale": None,
            "loss": "ce",
            "aug": ["flip"],
            "train.epochs": arguments.epochs,
            "train.batch_size": BATCH,
            "train.ema": 0.99,
            "train.schedule": {"name": "constant", "warmup": 0},
            "train.deterministic": False,
        }
        precision, compiled = arguments.precision, arguments.compile
        interleave = Interleave(api.split(settings).train, learned, arguments.size, precision, compiled)
        api.train(settings, runs=folder, callbacks=[interleave])
    print(f"recycle train {statistics.median(interleave.ours[1:]):.2f} images/s")
    for name, bar, rates in (("plain loop", 0.97, interleave.plain), ("contest's loop", 2, interleave.contest)):
        pairs = [first / second for first, second in zip(interleave.ours[1:], rates[1:], strict=True)]
        print(f"{name} {statistics.median(rates[1:]):.2f} images/s; ratio {statistics.median(pairs):.3f} (bar {bar})")
        print(f"  pairs {', '.join(f'{pair:.3f}' for pair in pairs)}")


if __name__ == "__main__":
    main()
