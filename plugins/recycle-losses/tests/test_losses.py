import math
from statistics import median

import pytest
import torch
from recycle_kit.testing import CLASSES, LossConformance, random_batch
from torch.nn import functional as F

from recyclecli.plugins import discover
from recyclecli.types import IGNORE, LossContext, RecycleError

COUNTS = (4000, 300, 200, 0, 50)
SHOWN = (4550, 1200, 3000, 0, 90)  # pixels of the photos that show the class
CONTEXT = LossContext(CLASSES, lambda: COUNTS, lambda: SHOWN)
WEIGHTINGS = ("inverse", "median-frequency", "effective-number")


class TestCe(LossConformance):
    name = "ce"


class TestCeWeighted(LossConformance):
    name = "ce"
    options = {"class_weights": "inverse", "label_smoothing": 0.1}


class TestFocal(LossConformance):
    name = "focal"


class TestOhemCe(LossConformance):
    name = "ohem-ce"


class TestBoundaryCe(LossConformance):
    name = "boundary-ce"


class TestDice(LossConformance):
    name = "dice"


class TestJaccard(LossConformance):
    name = "jaccard"


class TestTversky(LossConformance):
    name = "tversky"
    options = {"gamma": 0.75}


class TestLovasz(LossConformance):
    name = "lovasz"


class TestLovaszPerImage(LossConformance):
    name = "lovasz"
    options = {"per_image": True}


def build(name, context=CONTEXT, **options):
    return discover().build("loss", name, options, context)


def case(size=16):
    torch.manual_seed(1)
    return torch.randn(2, len(CLASSES), size, size), random_batch(height=size, width=size).mask


def pixels(logits, mask):
    """(probabilities of a pixel as a list, its label) of all pixels that count."""
    probabilities = logits.double().softmax(1).movedim(1, -1)
    return [(probabilities[n, y, x].tolist(), int(mask[n, y, x])) for n, y, x in (mask != IGNORE).nonzero().tolist()]


def weights_by_hand(name):
    """The published formulas, a class at a time."""
    total = sum(COUNTS)
    seen = [count for count in COUNTS if count]
    frequencies = [n / m for n, m in zip(COUNTS, SHOWN, strict=True) if n]
    formulas = {
        "inverse": lambda n, m: total / n,
        "median-frequency": lambda n, m: median(frequencies) / (n / m),
        "effective-number": lambda n, m: (1 - 0.9999) / (1 - 0.9999 ** (n / min(seen) * 1000)),
    }
    raw = [formulas[name](n, m) if n else 0.0 for n, m in zip(COUNTS, SHOWN, strict=True)]
    mean = sum(raw) / len(seen)
    return [weight / mean for weight in raw]


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_class_weights_are_the_published_formulas(name):
    assert build("ce", class_weights=name).weights.tolist() == pytest.approx(weights_by_hand(name), rel=1e-5)


def test_class_weights_by_name():
    assert build("ce", class_weights={"Metal": 3.0, "Glass": 0}).weights.tolist() == [1, 1, 3, 0, 1]


@pytest.mark.parametrize("weights", [{"Mettal": 2.0}, {"Metal": -1.0}, dict.fromkeys(CLASSES, 0.0)])
def test_wrong_class_weights(weights):
    with pytest.raises(RecycleError, match="class_weights"):
        build("ce", class_weights=weights)


def test_a_training_split_without_labels_has_no_class_weights():
    with pytest.raises(RecycleError, match="no labelled pixel"):
        build("ce", LossContext(CLASSES, lambda: (0,) * 5), class_weights="inverse")


def test_pixels_are_counted_for_computed_weights_alone():
    def count():
        raise AssertionError("counted")

    build("ce", LossContext(CLASSES, count))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_ce_is_torchs_mean_over_labelled_pixels(smoothing):
    logits, mask = case()
    ours = build("ce", label_smoothing=smoothing)(logits, mask)
    torch.testing.assert_close(ours, F.cross_entropy(logits, mask, ignore_index=IGNORE, label_smoothing=smoothing))


def test_weighted_ce_is_torchs_weighted_mean():
    logits, mask = case()
    loss = build("ce", class_weights="inverse")
    theirs = F.cross_entropy(logits.double(), mask, weight=loss.weights.double(), ignore_index=IGNORE)
    assert float(loss(logits, mask)) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("weighting", ["none", "inverse"])
def test_focal_is_the_papers_sum(gamma, weighting):
    logits, mask = case()
    loss = build("focal", gamma=gamma, class_weights=weighting)
    weights = loss.weights.tolist()
    total = sum(-weights[label] * (1 - p[label]) ** gamma * math.log(p[label]) for p, label in pixels(logits, mask))
    count = sum(weights[label] for _, label in pixels(logits, mask))
    assert float(loss(logits, mask)) == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize(("threshold", "keep"), [(0.7, 0.01), (0.1, 0.01), (0.01, 0.3), (0.7, 1.0)])
def test_ohem_is_the_mean_of_the_hard_pixels(threshold, keep):
    logits, mask = case()
    surprise = sorted((-math.log(p[label]) for p, label in pixels(logits, mask)), reverse=True)
    least = math.ceil(keep * len(surprise))
    hard = [s for s in surprise if s >= -math.log(threshold)]
    kept = hard if len(hard) > least else surprise[:least]
    ours = build("ohem-ce", threshold=threshold, keep=keep)(logits, mask)
    assert float(ours) == pytest.approx(sum(kept) / len(kept), rel=1e-4)


@pytest.mark.parametrize("reach", [1.0, 3.0])
def test_boundary_ce_weighs_by_the_steps_to_another_class(reach):
    logits, mask = case()
    loss = build("boundary-ce", amount=4.0, reach=reach)
    emphasis = loss.emphasis(mask)
    edges = []  # of each photo
    for photo in mask:
        edges.append([])
        for v, u in (photo != IGNORE).nonzero().tolist():
            around = photo[max(0, v - 1) : v + 2, max(0, u - 1) : u + 2].flatten().tolist()
            if any(other not in (int(photo[v, u]), IGNORE) for other in around):
                edges[-1].append((v, u))
    total = count = 0.0
    for n, y, x in (mask != IGNORE).nonzero().tolist():
        distance = min((max(abs(v - y), abs(u - x)) for v, u in edges[n]), default=math.inf)
        weight = 1 + 4 * math.exp(-distance / reach) if distance <= math.ceil(4 * reach) else 1.0
        assert float(emphasis[n, y, x]) == pytest.approx(weight, rel=1e-5)
        surprise = -float(logits[n, :, y, x].double().log_softmax(0)[mask[n, y, x]])
        total, count = total + weight * surprise, count + weight
    assert float(loss(logits, mask)) == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "a", "b", "s", "gamma"),
    [
        ("dice", {}, 0.5, 0.5, 0.5, 1),
        ("dice", {"smooth": 10.0}, 0.5, 0.5, 5, 1),
        ("jaccard", {}, 1, 1, 1, 1),
        ("tversky", {}, 0.3, 0.7, 1, 1),
        ("tversky", {"alpha": 0.6, "beta": 0.4, "gamma": 0.75}, 0.6, 0.4, 1, 0.75),
    ],
)
def test_overlap_losses_are_their_ratios(name, options, a, b, s, gamma):
    logits, mask = case()
    said = pixels(logits, mask)
    terms = []
    for label in {truth for _, truth in said}:
        both = sum(p[label] for p, truth in said if truth == label)
        false = sum(p[label] for p, truth in said if truth != label)
        missed = sum(1 - p[label] for p, truth in said if truth == label)
        terms.append((1 - (both + s) / (both + a * false + b * missed + s)) ** gamma)
    assert float(build(name, **options)(logits, mask)) == pytest.approx(sum(terms) / len(terms), rel=1e-4)


def lovasz_by_hand(said):
    """Equation 8 and 9 with Theorem 1's m(i) = D(first i) - D(first i - 1), a class and a pixel at a time."""
    terms = []
    for label in {truth for _, truth in said}:
        errors = sorted(((1 - p[label] if t == label else p[label], t == label) for p, t in said), key=lambda e: -e[0])
        size = sum(is_label for _, is_label in errors)

        def loss(wrong, size=size):  # 1 - IoU when these pixels are wrong
            return 1 - (size - sum(wrong)) / (size + sum(not one for one in wrong))

        steps = [loss([t for _, t in errors[: i + 1]]) - loss([t for _, t in errors[:i]]) for i in range(len(errors))]
        terms.append(sum(error * step for (error, _), step in zip(errors, steps, strict=True)))
    return sum(terms) / len(terms)


def test_lovasz_is_the_papers_extension():
    logits, mask = case()
    assert float(build("lovasz")(logits, mask)) == pytest.approx(lovasz_by_hand(pixels(logits, mask)), rel=1e-4)
    single = [lovasz_by_hand(pixels(logits[n : n + 1], mask[n : n + 1])) for n in range(2)]
    ours = build("lovasz", per_image=True)(logits, mask)
    assert float(ours) == pytest.approx(sum(single) / 2, rel=1e-4)


def test_lovasz_of_hard_labels_is_one_minus_miou():
    _, mask = case()
    said = torch.randint(0, len(CLASSES), mask.shape, generator=torch.Generator().manual_seed(3))
    logits = F.one_hot(said, len(CLASSES)).movedim(-1, 1) * 200.0
    counted, ious = mask != IGNORE, []
    for label in mask[counted].unique():
        both = ((said == label) & (mask == label)).sum()
        either = (((said == label) | (mask == label)) & counted).sum()
        ious.append(float(both / either))
    assert float(build("lovasz")(logits, mask)) == pytest.approx(1 - sum(ious) / len(ious), rel=1e-5)


def test_weights_are_no_part_of_a_checkpoint():
    assert build("ce", class_weights="inverse").state_dict() == {}
