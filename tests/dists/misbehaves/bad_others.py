"""Optimizers, schedules, callbacks and exporters, by what they do."""

import sys
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR

OPTIMIZERS = ("opt-none", "opt-part", "opt-raises")
SCHEDULES = ("rate-none", "rate-empty", "rate-other", "rate-negative", "rate-nan-later", "rate-raises")
CALLBACKS = ("no-callback", "hook-raises", "hook-exits", "stores-code", "end-number", "end-raises")


def opt_none(options, context):
    return None


def opt_part(options, context):
    return torch.optim.SGD(context.groups[0]["params"], lr=0.1)


def opt_raises(options, context):
    class Steps(torch.optim.SGD):
        def step(self, closure=None):
            if closure is not None:
                closure()
            raise ValueError("no step")

    return Steps(context.groups, lr=0.1)


def rate_none(options, context):
    return None


def rate_empty(options, context):
    return []


def rate_other(options, context):
    return LambdaLR(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1), lambda step: 1)


def rate_negative(options, context):
    return LambdaLR(context.optimizer, lambda step: -1)


def rate_nan_later(options, context):
    return LambdaLR(context.optimizer, lambda step: float("nan") if step else 1)


def rate_raises(options, context):
    return LambdaLR(context.optimizer, lambda step: [1][step])


def no_callback(options, context):
    return print


def hook_raises(options, context):
    class Raises(Callback):
        def on_train_batch_end(self, *arguments):
            raise ValueError("no hook")

    return Raises()


def hook_exits(options, context):
    class Exits(Callback):
        def on_train_batch_end(self, *arguments):
            sys.exit("no hook")

    return Exits()


def stores_code(options, context):
    class Stores(Callback):
        def state_dict(self):
            return {"best": Path("x")}

    return Stores()


def end_number(options, context):
    class Number(Callback):
        def on_run_end(self, end):
            return 5

    return Number()


def end_raises(options, context):
    class Raises(Callback):
        def on_run_end(self, end):
            raise ValueError("no end")

    return Raises()


class Exporter:
    files = {"model": "model.bin"}

    def __init__(self, context, **given):
        self.classes = len(context.class_names)
        vars(self).update(given)

    def write(self, model, folder):
        self.writes(folder)
        return self.facts

    def load(self, folder):
        return self.loads(self)

    facts = {"shape": ["n", 3, 32, 32]}

    def writes(self, folder):
        (folder / "model.bin").write_bytes(b"1")

    def loads(self, _):
        return lambda image: np.zeros((len(image), self.classes, *image.shape[2:]), np.float32)


def logits(change):
    return {"loads": lambda self: lambda image: change(Exporter.loads(self, self)(image))}


EXPORTERS = {
    "files-none": {"files": None},
    "files-in-a-folder": {"files": {"model": "../model.bin"}},
    "writes-nothing": {"writes": lambda folder: None},
    "writes-more": {"writes": lambda folder: [(Path(folder) / name).touch() for name in ("model.bin", "more.bin")]},
    "facts-none": {"facts": None},
    "facts-without-shape": {"facts": {}},
    "shape-of-three": {"facts": {"shape": [3, 32, 32]}},
    "shape-of-one-photo": {"facts": {"shape": [1, 3, 32, 32]}},
    "shape-of-another-window": {"facts": {"shape": ["n", 3, 64, 64]}},
    "facts-no-json": {"facts": {"shape": ["n", 3, 32, 32], "level": np.int64(3)}},
    "facts-nan": {"facts": {"shape": ["n", 3, 32, 32], "scale": float("nan")}},
    "loads-none": {"loads": lambda self: None},
    "exported-zeros": {},
    "exported-half": logits(lambda given: given[..., ::2, ::2]),
    "exported-double": logits(lambda given: given.astype(np.float64)),
    "exported-nan": logits(lambda given: given * np.float32("nan")),
    "exported-list": logits(lambda given: given.tolist()),
    "write-raises": {"writes": lambda folder: {}["no"]},
}
for name, given in EXPORTERS.items():
    globals()[name.replace("-", "_")] = lambda options, context, given=given: Exporter(context, **given)
