"""Images per second of a training of ours, of a hand-written loop with its tricks, and of the contest team's loop."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from PIL import Image
from recycle_coco import paint
from recycle_engine import api
from recycle_engine.input_shape import training_window
from recycle_engine.training.data import loader_workers
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from gpu.figures import note
from gpu.settings import settings
from gpu.steps.speed import UNETPP
from gpu.timing import synchronize
from gpu.training import data, fitted, timed
from recyclecli.types import IGNORE, ModelContext, Source

SAME = {"data.scale": None, "loss": "ce", "aug": ["flip"], "train.ema": 0.99, "train.grad_clip": 1.0}
CONTEST_WORKERS = 4
EPOCHS = 3  # of each loop, the first of which is not counted


class Photos(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Photos as bytes with masks that are kept, or as floats with masks painted at every access."""

    def __init__(self, source: Source, repeated: int, contest: bool) -> None:
        self.source, self.repeated, self.contest = source, repeated, contest
        self.size = training_window(source, settings().size)[::-1]  # width, height: as many pixels as ours
        self.masks: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self.source) * self.repeated

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        index %= len(self.source)
        record = self.source.record(index)
        photo = Image.open(record.file).convert("RGB").resize(self.size, Image.Resampling.BILINEAR)
        if self.contest or index not in self.masks:
            mask, _ = paint(record.annotations, record.height, record.width, 0)
            self.masks[index] = np.array(Image.fromarray(mask).resize(self.size, Image.Resampling.NEAREST))
        mask, image = self.masks[index], np.asarray(photo)
        if self.contest:
            return torch.from_numpy((image.astype(np.float32) / 255).transpose(2, 0, 1).copy()), torch.from_numpy(mask)
        if torch.rand(()) < 0.5:
            image, mask = image[:, ::-1], mask[:, ::-1]
        return torch.from_numpy(image.copy()).permute(2, 0, 1), torch.from_numpy(mask.copy())


def hand_written(model: nn.Module, loader: DataLoader[Any], device: str) -> Iterator[float]:
    """Images per second of each epoch of a loop as one would write it with our tricks."""
    model = model.to(device).to(memory_format=torch.channels_last).train()
    rule = get_ema_multi_avg_fn(0.99)  # type: ignore[no-untyped-call]
    average = AveragedModel(model, multi_avg_fn=rule, use_buffers=True)
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.01)
    while True:
        began, seen = time.perf_counter(), 0
        for image, mask in loader:
            image = image.to(device, non_blocking=True).float().div_(255).contiguous(memory_format=torch.channels_last)
            mask = mask.to(device, non_blocking=True).long()
            with torch.autocast(device, torch.bfloat16):
                logits = model(image)
            loss = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.update_parameters(model)
            seen += len(image)
        synchronize()
        yield seen / (time.perf_counter() - began)


def contests(model: nn.Module, loader: DataLoader[Any], device: str, classes: int) -> Iterator[float]:
    """The same of the contest team's: 32 bits, Adam, a confusion matrix in numpy with its scores at each step."""
    model = model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    while True:
        began, seen, counts = time.perf_counter(), 0, np.zeros((classes, classes))
        for image, mask in loader:
            output = model(image.to(device))
            loss = F.cross_entropy(output, mask.long().to(device), ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            for said, true in zip(output.argmax(1).cpu().numpy(), mask.numpy(), strict=True):
                known = true < classes
                pairs = classes * true[known].astype(int) + said[known]
                counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
            hit = np.diag(counts)
            np.nanmean(hit / np.maximum(counts.sum(1) + counts.sum(0) - hit, 1))
            seen += len(image)
        synchronize()
        yield seen / (time.perf_counter() - began)


def main() -> None:
    """Time ours, then the two loops, on the same photos, model and size of batch."""
    check = settings()
    (values,) = fitted([("", {**UNETPP, **SAME, **({"model": "linknet"} if check.small else {})})]).values()
    line = timed(values)
    ours = statistics.median(epoch.rate for epoch in line.epochs[1:] or line.epochs)
    source = api.split({**data(), **values}).train
    batch, names = int(values["train.batch_size"]), source.class_names
    options = {"encoder": values["model.encoder"], "weights": "none"}
    for title, contest, workers, bar in (
        ("hand-written loop", False, loader_workers(None), "0.97"),
        ("contest's loop", True, CONTEST_WORKERS if check.cuda else 0, "2.5"),
    ):
        model = api.registry().build("model", values["model"], options, ModelContext(len(names), pretrained=False))
        photos = Photos(source, 1 if check.small else max(1, batch // 4), contest)
        loader = DataLoader(
            photos, batch, shuffle=True, drop_last=True, num_workers=workers, pin_memory=check.cuda and not contest,
            persistent_workers=workers > 0,
        )  # fmt: skip
        given = model, loader, check.device
        loop = contests(*given, len(names)) if contest else hand_written(*given)
        rates = [next(loop) for _ in range(2 if check.small else EPOCHS)]
        rate = statistics.median(rates[1:])
        note(f"training {values['model']}: ours against the {title}", f"{ours:.1f} and {rate:.1f} images/s")
        note(f"ours against the {title}, ratio", f"{ours / rate:.2f}", bar)


if __name__ == "__main__":
    main()
