"""Mask classification after MaskFormer (Cheng et al., 2021), in two layers: queries, each a class and a mask."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional as F

from recyclecli.types import IGNORE, Outputs

QUERIES, WIDTH = 6, 8


class Queries(nn.Module):
    """Logits are the log of the sum over queries of P(class | query) times P(pixel | query)."""

    def __init__(self, options, context):
        super().__init__()
        self.pixels = nn.Sequential(nn.Conv2d(3, WIDTH, 3, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1))
        self.queries = nn.Parameter(torch.randn(QUERIES, WIDTH))
        self.classify = nn.Linear(WIDTH, context.num_classes + 1)  # the last one: no object

    def forward(self, image):
        masks = torch.einsum("qd,ndhw->nqhw", self.queries, self.pixels(image))
        classes = self.classify(self.queries).expand(image.shape[0], -1, -1)
        shares = torch.einsum("nqk,nqhw->nkhw", classes.softmax(-1)[..., :-1], masks.sigmoid())
        return Outputs(shares.clamp(min=1e-6).log(), extras={"classes": classes, "masks": masks})

    def training_loss(self, outputs, batch):
        extras = outputs.extras
        found = [self._of(*each) for each in zip(extras["classes"], extras["masks"], batch.mask, strict=True)]
        return {
            "class": torch.stack([one for one, _ in found]).mean(),
            "mask": torch.stack([m for _, m in found]).mean(),
        }

    def _of(self, classes, masks, labels):
        present = [int(label) for label in labels.unique() if label != IGNORE]
        counted = labels != IGNORE
        truth = (
            torch.stack([(labels == label)[counted] for label in present]).float() if present else masks.new_zeros(0)
        )
        given = masks[:, counted]
        target = torch.full((QUERIES,), classes.shape[-1] - 1, device=classes.device)
        if not present:
            return F.cross_entropy(classes, target), (given * 0).sum() + (masks * 0).sum()
        each = F.binary_cross_entropy_with_logits(
            given[:, None].expand(-1, len(present), -1), truth[None].expand(QUERIES, -1, -1), reduction="none"
        ).mean(-1)
        cost = each - classes.softmax(-1)[:, present]
        rows, columns = linear_sum_assignment(cost.detach().cpu().numpy())
        rows, columns = torch.as_tensor(rows), torch.as_tensor(columns)
        target[rows] = torch.tensor(present, device=classes.device)[columns]
        return F.cross_entropy(classes, target), each[rows, columns].mean()


class Pixels(nn.Module):
    """One convolution, whose outputs and loss are as told."""

    def __init__(self, classes, give=Outputs, lose=None):
        super().__init__()
        self.head = nn.Conv2d(3, classes, 1)
        self.give = give
        if lose:
            self.training_loss = lambda outputs, batch: lose(outputs.logits)

    def forward(self, image):
        return self.give(self.head(image))


def made(**how):
    return lambda options, context: Pixels(context.num_classes, **how)


queries = Queries
own_float = made(lose=lambda logits: {"mask": 0.5})
own_list = made(lose=lambda logits: [logits.mean()])
own_empty = made(lose=lambda logits: {})
own_unreduced = made(lose=lambda logits: {"mask": logits.mean(1)})
own_detached = made(lose=lambda logits: {"mask": logits.mean().detach()})
own_nan = made(lose=lambda logits: {"mask": logits.mean(), "class": logits.mean() * float("nan")})
own_raises = made(lose=lambda logits: {"mask": 1 / 0})
own_elsewhere = made(lose=lambda logits: {"mask": logits.mean().to("meta")})
aux_a_list = made(give=lambda logits: Outputs(logits, [logits]), lose=torch.mean)
extras_a_list = made(give=lambda logits: Outputs(logits, (), [logits]), lose=torch.mean)
no_loss = made()
several_aux = made(give=lambda logits: Outputs(logits, (logits * 2, logits * 3)))


def queries_eval_logits(options, context):
    """Gives logits alone in evaluation, where its loss wants what it gives in training."""

    class Alone(Queries):
        def forward(self, image):
            outputs = super().forward(image)
            return outputs if self.training else outputs.logits

    return Alone(options, context)
