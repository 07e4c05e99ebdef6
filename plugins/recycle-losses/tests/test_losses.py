import pytest
import torch
from recycle_losses import CrossEntropyOptions, DiceOptions, FocalOptions
from recycle_losses.ce import CrossEntropy
from recycle_losses.dice import Dice
from recycle_losses.focal import Focal
from torch.nn import functional as F

from recyclecli.testing import CLASSES, LossConformance, random_batch
from recyclecli.types import IGNORE, LossContext


class TestCe(LossConformance):
    name = "ce"


class TestFocal(LossConformance):
    name = "focal"


class TestDice(LossConformance):
    name = "dice"


CONTEXT = LossContext(CLASSES, lambda: (1, 1, 1, 1, 1))


def case():
    torch.manual_seed(1)
    return torch.randn(2, len(CLASSES), 64, 64), random_batch().mask


def test_ce_is_torchs_mean_over_labelled_pixels():
    logits, mask = case()
    ours = CrossEntropy(CrossEntropyOptions(label_smoothing=0.1), CONTEXT)(logits, mask)
    torch.testing.assert_close(ours, F.cross_entropy(logits, mask, ignore_index=IGNORE, label_smoothing=0.1))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_is_the_papers_sum(gamma):
    logits, mask = case()
    total, count = 0.0, 0
    probabilities = logits.double().softmax(1)
    for n, row, column in (mask != IGNORE).nonzero().tolist():
        p = float(probabilities[n, mask[n, row, column], row, column])
        total -= (1 - p) ** gamma * torch.tensor(p).double().log().item()
        count += 1
    ours = Focal(FocalOptions(gamma=gamma), CONTEXT)(logits, mask)
    assert float(ours) == pytest.approx(total / count, rel=1e-4)


def test_dice_is_one_minus_mean_overlap_of_present_classes():
    logits, mask = case()
    probabilities = logits.double().softmax(1)
    terms = []
    for label in range(len(CLASSES)):
        truth = (mask == label).double()
        if truth.sum() == 0:
            continue
        p = probabilities[:, label] * (mask != IGNORE)
        terms.append(1 - (2 * (p * truth).sum() + 1.0) / (p.sum() + truth.sum() + 1.0))
    ours = Dice(DiceOptions(), CONTEXT)(logits, mask)
    assert float(ours) == pytest.approx(float(torch.stack(terms).mean()), rel=1e-5)
