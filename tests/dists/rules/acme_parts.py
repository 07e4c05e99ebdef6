"""What `acme_rules` offers."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from recyclecli.types import IGNORE, Outputs


class Shrinks(nn.Module):
    regulariser = True

    def forward(self, logits, mask):
        labelled = mask != IGNORE
        return (logits.float().square().mean(1) * labelled).sum() / labelled.sum().clamp(min=1)


class Rewards(nn.Module):
    def forward(self, logits, mask):
        total = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE, reduction="sum")
        return -total / (mask != IGNORE).sum().clamp(min=1)


class TwoClasses(Shrinks):
    def forward(self, logits, mask):
        return super().forward(logits[:, [0, 1]], mask)


class Tied(nn.Module):
    """Its two layers have one weight."""

    def __init__(self, classes):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 8, 3, padding=1)
        self.second.weight = self.first.weight
        self.norm, self.head = nn.BatchNorm2d(16), nn.Conv2d(16, classes, 1)

    def forward(self, image):
        return self.head(self.norm(torch.cat([self.first(image), self.second(image.flip(-1)).flip(-1)], 1)))


class Untied(Tied):
    def __deepcopy__(self, memo):
        other = type(self)(self.head.out_channels)
        other.second.weight = nn.Parameter(self.second.weight.detach().clone())
        other.load_state_dict(self.state_dict())
        return other


class Several(Tied):
    aux = tuple

    def forward(self, image):
        logits = super().forward(image)
        return Outputs(logits, self.aux([logits * 2, logits * 3]))


class AuxList(Several):
    aux = list


class Counts(Tied):
    """Its own loss counts objects, which it does not say."""

    reads_instances = False

    def training_loss(self, outputs, batch):
        return {"count": outputs.logits.mean() * batch.instances.max()}


class Hides:
    """Takes objects away, and says that it reads none."""

    reads_instances = False

    def __call__(self, batch):
        return batch._replace(mask=batch.mask.masked_fill(batch.instances == 1, IGNORE), instances=batch.instances * 0)


class OtherChance:
    def __call__(self, batch):
        return batch._replace(image=batch.image * float(np.random.random()))


def in_place(options, context):
    def process(image, shares):
        shares[:] = shares / shares.sum(0)
        return shares

    return process


def keeps(options, context):
    return lambda image, shares: copy.copy(shares)


def hides(options, context):
    return Hides()


def other_chance(options, context):
    return OtherChance()


shrinks, rewards, two_classes = (lambda o, c, form=form: form() for form in (Shrinks, Rewards, TwoClasses))
tied, untied, outputs, aux_list, counts = (
    lambda o, c, form=form: form(c.num_classes) for form in (Tied, Untied, Several, AuxList, Counts)
)
