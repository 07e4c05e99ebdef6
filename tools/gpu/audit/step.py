"""A training step and a validation step of the default recipe, audited: all but the backward pass and the optimizer.

The average of the weights is brought up to date as after a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace

import torch
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.training.ema import weight_average
from recycle_engine.training.fit import build_module
from recycle_engine.training.module import SegmentationModule
from recycle_kit.testing import random_source
from torch import nn
from torch.optim.swa_utils import AveragedModel

from gpu.audit.case import Call, Case
from gpu.audit.watch import Watch
from recyclecli.types import Batch

PHOTOS = 4
TINY = {"model.encoder": "tu-test_efficientnet", "model.weights": "none", "train.callbacks": [], "train.loggers": []}


def steps(size: int) -> Iterator[Case]:
    """The default recipe, with a tiny encoder."""
    yield Case(f"steps of the default recipe, {PHOTOS} photos of {size}x{size}", partial(_steps, size))


def _steps(size: int) -> Call:
    registry = api.registry()
    recipe = resolve(registry, None, {**TINY, "data.size": size})
    photos = Split(random_source(PHOTOS, size), random_source(2, size), (1.0,) * PHOTOS, "drawn", recipe.data)
    module = build_module(registry, recipe, photos, pretrained=False)
    module.log = lambda *values, **named: None  # type: ignore[method-assign, assignment]
    _step(module, size, "cpu")  # what parts give is looked at once
    average = weight_average(recipe.train)
    assert average is not None
    average._average_model = AveragedModel(module)
    average.on_fit_start(None, module)

    def call(watch: Watch) -> None:
        # `module.to` cannot put tensors without values in the place of others
        for one in (*module.modules(), *average._average_model.module.modules()):
            for tensors in (one._parameters, one._buffers):
                for name, tensor in tensors.items():
                    if tensor is not None:
                        moved = tensor.to("cuda")
                        tensors[name] = nn.Parameter(moved) if isinstance(tensor, nn.Parameter) else moved
        module._confusion.to("cuda")
        module._val_loss.to("cuda")
        watch.forget()
        _step(module, size, "cuda")
        for number in (1, 2):
            average.on_train_batch_end(SimpleNamespace(global_step=number), module, None, None, 0)

    return call


def _step(module: SegmentationModule, size: int, device: str) -> None:
    """One of a training, and one of its validation."""
    batch = SimpleNamespace(current=SimpleNamespace(ready=1))
    progress = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=batch))
    trainer = SimpleNamespace(
        world_size=1, accumulate_grad_batches=1, current_epoch=0, global_rank=0, global_step=1, fit_loop=progress
    )
    labels = torch.zeros(PHOTOS, size, size, dtype=torch.uint8, device=device)
    colors = labels[:, None].expand(-1, 3, -1, -1)
    given = Batch(colors, labels, labels.int(), torch.arange(PHOTOS, device=device))
    with torch.no_grad():
        for training, step in ((True, module.training_step), (False, module.validation_step)):
            module._trainer = SimpleNamespace(**vars(trainer), training=training)  # type: ignore[assignment]
            step(module.on_after_batch_transfer(given, 0), 0)
