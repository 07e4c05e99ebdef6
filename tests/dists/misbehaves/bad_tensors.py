"""Losses, models and augmentations, by what they give."""

import sys

import torch
from torch import nn
from torch.nn import functional as F


class Loss(nn.Module):
    def __init__(self, give):
        super().__init__()
        self.give = give

    def forward(self, logits, mask):
        return self.give(logits, mask)


LOSSES = {
    "good-loss": lambda logits, mask: F.cross_entropy(logits, mask, ignore_index=255),
    "gives-float": lambda logits, mask: 0.5,
    "gives-none": lambda logits, mask: None,
    "gives-numpy": lambda logits, mask: logits.detach().mean().numpy(),
    "gives-dict": lambda logits, mask: {"loss": logits.mean()},
    "gives-tuple": lambda logits, mask: (logits.mean(), {}),
    "detached": lambda logits, mask: logits.mean().detach(),
    "new-leaf": lambda logits, mask: torch.tensor(0.5, requires_grad=True),
    "unreduced": lambda logits, mask: F.cross_entropy(logits, mask, ignore_index=255, reduction="none"),
    "per-photo": lambda logits, mask: logits.flatten(1).mean(1),
    "one-element": lambda logits, mask: logits.mean()[None],
    "whole-number": lambda logits, mask: logits.mean().long(),
    "nan-loss": lambda logits, mask: logits.mean() * float("nan"),
    "inf-loss": lambda logits, mask: logits.mean().abs() / 0,
    "other-device": lambda logits, mask: logits.mean().to("meta"),
    "raises-loss": lambda logits, mask: 1 / 0,
    "exits-loss": lambda logits, mask: sys.exit(3),
}


class Model(nn.Module):
    def __init__(self, classes, give):
        super().__init__()
        self.head = nn.Conv2d(3, classes, 1)
        self.give = give

    def forward(self, image):
        return self.give(self.head(image), self.training)


def half(logits):
    return F.avg_pool2d(logits, 2)


MODELS = {
    "good-model": lambda logits, training: logits,
    "good-aux": lambda logits, training: (logits, logits * 2) if training else logits,
    "half-size": lambda logits, training: half(logits),
    "twice-k": lambda logits, training: torch.cat([logits, logits], 1),
    "gives-dict-of": lambda logits, training: {"out": logits},
    "gives-list": lambda logits, training: [logits, logits],
    "three-outputs": lambda logits, training: (logits, logits, logits),
    "one-output": lambda logits, training: (logits,),
    "gives-no-logits": lambda logits, training: None,
    "aux-other-k": lambda logits, training: (logits, logits[:, :1]),
    "aux-half-size": lambda logits, training: (logits, half(logits)),
    "aux-none": lambda logits, training: (logits, None),
    "aux-dict": lambda logits, training: (logits, {}),
    "labels": lambda logits, training: logits.argmax(1),
    "whole-numbers": lambda logits, training: logits.long(),
    "channels-last": lambda logits, training: logits.movedim(1, -1),
    "one-photo": lambda logits, training: logits[:1],
    "flat": lambda logits, training: logits.flatten(2),
    "detached-logits": lambda logits, training: logits.detach(),
    "softmax": lambda logits, training: logits.softmax(1),
    "elsewhere": lambda logits, training: logits.to("meta"),
    "numpy-logits": lambda logits, training: logits.detach().numpy(),
    "eval-half-size": lambda logits, training: logits if training else half(logits),
    "eval-dict": lambda logits, training: logits if training else {"out": logits},
    "eval-nan": lambda logits, training: logits if training else logits * float("nan"),
    "train-nan": lambda logits, training: logits * float("nan") if training else logits,
    "raises-model": lambda logits, training: {}["key"],
}


def changed(batch, **fields):
    return batch._replace(**fields)


AUGMENTATIONS = {
    "good-aug": lambda batch: changed(batch, image=batch.image.flip(-1), mask=batch.mask.flip(-1)),
    "returns-none": lambda batch: None,
    "returns-tuple": lambda batch: tuple(batch),
    "returns-image": lambda batch: batch.image,
    "image-x255": lambda batch: changed(batch, image=batch.image * 255),
    "image-negative": lambda batch: changed(batch, image=batch.image - 1),
    "image-nan": lambda batch: changed(batch, image=batch.image / 0 - batch.image / 0),
    "image-bytes": lambda batch: changed(batch, image=(batch.image * 255).byte()),
    "image-double": lambda batch: changed(batch, image=batch.image.double()),
    "image-numpy": lambda batch: changed(batch, image=batch.image.numpy()),
    "image-cropped": lambda batch: changed(batch, image=batch.image[..., 1:]),
    "image-gray": lambda batch: changed(batch, image=batch.image.mean(1, keepdim=True)),
    "mask-float": lambda batch: changed(batch, mask=batch.mask.float()),
    "mask-bytes": lambda batch: changed(batch, mask=batch.mask.byte()),
    "mask-label-200": lambda batch: changed(batch, mask=batch.mask * 0 + 200),
    "mask-negative": lambda batch: changed(batch, mask=batch.mask * 0 - 1),
    "mask-one-hot": lambda batch: changed(batch, mask=F.one_hot(batch.mask.clamp(max=2), 3).movedim(-1, 1)),
    "instances-long": lambda batch: changed(batch, instances=batch.instances.long()),
    "instances-negative": lambda batch: changed(batch, instances=batch.instances - 9),
    "drops-photo": lambda batch: type(batch)(*(part[1:] for part in batch)),
    "other-order": lambda batch: changed(batch, ids=batch.ids.flip(0)),
    "ids-none": lambda batch: changed(batch, ids=None),
    "raises-aug": lambda batch: [][1],
}


class Origins:
    def __init__(self, told):
        self.told = told

    def __call__(self, batch):
        return batch

    def origins(self):
        return self.told


def made(form, give):
    return lambda options, context: form(give)


ORIGINS = {"origins-none": None, "origins-too-few": [], "origins-numbers": [{1: 2}]}
globals().update({name.replace("-", "_"): made(Loss, give) for name, give in LOSSES.items()})
globals().update({name.replace("-", "_"): made(lambda give: give, give) for name, give in AUGMENTATIONS.items()})
globals().update({name.replace("-", "_"): made(Origins, told) for name, told in ORIGINS.items()})
for name, give in MODELS.items():
    globals()[name.replace("-", "_")] = lambda options, context, give=give: Model(context.num_classes, give)
LOSSES |= {"function": None, "class-loss": None}
MODELS |= {"no-module": None}
AUGMENTATIONS |= {**ORIGINS, "no-call": None}


def function(options, context):
    return lambda logits, mask: logits.mean()


def class_loss(options, context):
    return Loss


def no_module(options, context):
    return lambda image: image


def no_call(options, context):
    return 3
