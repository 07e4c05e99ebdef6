"""Counts, scores, intervals, comparisons and the gate, against independent implementations."""

import math
from copy import deepcopy
from functools import cache
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from recycle_engine.judge import counts as counting
from recycle_engine.judge.calibration import Calibration
from recycle_engine.judge.compare import Difference, _corrected, compare, photos_needed
from recycle_engine.judge.counts import boundary_counts, confusion
from recycle_engine.judge.gate import choose, cross_pick, estimate, judged
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.resample import bootstrap, interval, swap_test
from recycle_engine.judge.scores import METRICS, evaluation, rows_of, score
from scipy.ndimage import binary_erosion

from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE

NAMES = ("Background", "Paper", "Metal", "Glass")


def trials(few, many):
    """A test with few trials, and its slow twin with many."""
    cases = [few, pytest.param(many, marks=pytest.mark.slow("simulates many samples"))]
    return pytest.mark.parametrize("trials", cases)


MASKS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
        lambda shape: st.tuples(
            arrays.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 3, IGNORE])),
            arrays.arrays(np.uint8, shape, elements=st.integers(0, 3)),
        )
    ),
    min_size=1,
    max_size=5,
)


def ledger_of(pairs):
    ledger = PerImageCounts(NAMES)
    for number, (truth, said) in enumerate(pairs):
        ledger.add(f"{number}.jpg", said, truth)
    return ledger


def headline(sums):
    return np.column_stack([score(sums, metric) for metric in METRICS])


class TestScores:
    @settings(max_examples=200, deadline=None)
    @given(MASKS)
    def test_equal_torchmetrics_and_the_plain_formula(self, pairs):
        """With ignored pixels, absent classes and photos that are empty, to 1e-9."""
        from torchmetrics.classification import MulticlassJaccardIndex  # importing it takes seconds

        reference = MulticlassJaccardIndex(4, average=None, ignore_index=IGNORE)
        result = evaluation(ledger_of(pairs))
        truth, said = (np.concatenate([pair[part].ravel() for pair in pairs]) for part in (0, 1))
        seen = truth != IGNORE
        if not seen.any():
            assert result.miou_dataset is None
            assert result.miou_image is None
            return
        reference.update(torch.from_numpy(said).long(), torch.from_numpy(truth).long())
        plain = []
        for label, (entry, other) in enumerate(zip(result.classes, reference.compute().tolist(), strict=True)):
            true, predicted = (truth == label) & seen, (said == label) & seen
            union = (true | predicted).sum()
            if not union:
                assert entry.iou is None
                continue
            plain.append((true & predicted).sum() / union)
            assert entry.iou.value == pytest.approx(plain[-1], abs=1e-9)
            assert entry.iou.value == pytest.approx(other, abs=1e-6)  # torchmetrics computes in float32
            for share, total in ((entry.recall, true), (entry.precision, predicted)):
                assert (share is None) == (not total.any())
                if share:
                    assert share.value == pytest.approx((true & predicted).sum() / total.sum(), abs=1e-9)
        assert result.miou_dataset.value == pytest.approx(np.mean(plain), abs=1e-9)
        each = []
        for true, predicted in pairs:
            own = [
                ((true == k) & (predicted == k)).sum() / union
                for k in range(4)
                if (union := ((true == k) | ((predicted == k) & (true != IGNORE))).sum())
            ]
            each += [np.mean(own)] if own else []
        assert result.miou_image.value == pytest.approx(np.mean(each), abs=1e-9)
        assert result.accuracy == pytest.approx((truth == said)[seen].mean(), abs=1e-12)
        assert np.array(result.confusion).sum() == seen.sum()

    def test_the_three_mious_differ_as_they_are_named(self):
        truth = np.zeros((512, 512), np.uint8)
        truth[::2, ::2] = 1  # all that the reduction to 256x256 sees
        empty = np.zeros_like(truth)
        result = evaluation(ledger_of([(truth, empty), (empty, empty)]))
        assert result.miou_256.value == pytest.approx((0.5 + 0) / 2)
        assert result.miou_dataset.value == pytest.approx((1.75 / 2 + 0) / 2)
        assert result.miou_image.value == pytest.approx(((0.75 + 0) / 2 + 1) / 2)
        assert result.iou == {"Background": 0.875, "Paper": 0.0, "Metal": None, "Glass": None}

    def test_counts_in_bands_as_whole(self, monkeypatch):
        chance = np.random.default_rng(0)
        said, true = chance.integers(0, 3, (2, 37, 11), np.uint8)
        true[0] = IGNORE
        whole = confusion(said, true, 3)
        monkeypatch.setattr(counting, "PIXELS_PER_BAND", 50)
        assert np.array_equal(confusion(said, true, 3), whole)
        assert whole.sum() == 36 * 11

    def test_one_photo_has_no_interval(self):
        result = evaluation(ledger_of([(np.eye(8, dtype=np.uint8), np.zeros((8, 8), np.uint8))]))
        assert result.miou_dataset.low is None
        assert result.as_dict()["miou_dataset"]["low"] is None

    def test_a_group_is_one_draw(self):
        chance = np.random.default_rng(0)
        pairs = [tuple(chance.integers(0, 4, (2, 16, 16), np.uint8)) for _ in range(12)]
        once = evaluation(ledger_of(pairs))
        doubled = evaluation(ledger_of(pairs * 2), groups=[*range(12), *range(12)])
        assert doubled.miou_dataset == once.miou_dataset
        narrower = evaluation(ledger_of(pairs * 2)).miou_dataset
        assert narrower.high - narrower.low < 0.85 * (once.miou_dataset.high - once.miou_dataset.low)

    @pytest.mark.parametrize(
        ("said", "true", "message"),
        [
            (np.zeros((3, 4), np.uint8), np.zeros((4, 3), np.uint8), "the prediction is 4x3 pixels, the truth 3x4"),
            (np.full((2, 2), 4, np.uint8), np.zeros((2, 2), np.uint8), "the prediction holds label 4"),
            (np.zeros((2, 2), np.uint8), np.full((2, 2), 9, np.uint8), "the truth holds label 9"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, said, true, message):
        with pytest.raises(RecycleError, match=message):
            PerImageCounts(NAMES).add("a.jpg", said, true)


class TestBoundary:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 10**6), st.integers(1, 90), st.integers(1, 90), st.sampled_from([1, 500, 2**20]))
    def test_equals_erosion_class_by_class(self, seed, height, width, band):
        """The paper's way: a mask minus its erosion by a 3x3 square, repeated, zeros around the photo."""
        chance = np.random.default_rng(seed)
        step = int(chance.integers(1, 40))
        coarse = chance.integers(0, 4, (2, height // step + 1, width // step + 1), np.uint8)
        true, said = coarse.repeat(step, 1).repeat(step, 2)[:, :height, :width]
        reach = max(1, round(0.02 * np.hypot(height, width)))
        with mock.patch.object(counting, "PIXELS_PER_BAND", band):
            found = boundary_counts(said, true, 4)
        for label in range(4):
            masks = [labels == label for labels in (true, said)]
            edges = [mask & ~binary_erosion(mask, np.ones((3, 3)), iterations=reach) for mask in masks]
            wanted = [(edges[0] & edges[1]).sum(), edges[0].sum(), edges[1].sum()]
            assert found[:, label].tolist() == wanted

    def test_ignored_pixels_count_nowhere(self):
        true = np.zeros((40, 40), np.uint8)
        true[:20] = IGNORE
        said = np.where(true == IGNORE, 3, true).astype(np.uint8)
        found = boundary_counts(said, true, 4)
        assert (found[:, 0] == found[0, 0]).all()
        assert found[:, 1:].sum() == 0


class TestCalibration:
    def test_equals_torchmetrics(self):
        from torchmetrics.classification import MulticlassCalibrationError

        chance = torch.Generator().manual_seed(0)
        logits = torch.randn(6, 4, 16, 16, generator=chance) * 2
        truth = torch.randint(0, 4, (6, 16, 16), generator=chance)
        truth[0, :5] = IGNORE
        reference = MulticlassCalibrationError(4, n_bins=15, norm="l1", ignore_index=IGNORE)
        ours = Calibration()
        for one, labels in zip(logits.softmax(1), truth, strict=True):
            sure, said = one.max(0)
            ours.add((sure * 65535).round().numpy().astype(np.uint16), said.numpy().astype(np.uint8),
                     labels.numpy().astype(np.uint8))  # fmt: skip
        assert ours.error == pytest.approx(float(reference(logits.softmax(1), truth)), abs=2e-4)
        assert sum(pixels for _, _, pixels in ours.bins()) == (truth != IGNORE).sum()

    def test_nothing_counted(self):
        assert Calibration().error is None


def noisy(count, wrong, seed=0, names=NAMES):
    """Photos of 24x24 of which a share `wrong`, another for each photo, is said to be something else."""
    return deepcopy(_noisy(count, wrong, seed, names))


@cache
def _noisy(count, wrong, seed, names):
    chance = np.random.default_rng(seed)
    ledger = PerImageCounts(names)
    for number in range(count):
        own = np.random.default_rng(number)  # the truth depends on the photo alone
        truth = own.integers(0, 4, (3, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        share = np.clip(wrong + own.normal(0, 0.1) + chance.normal(0, 0.02), 0, 1)
        flip = chance.random(truth.shape) < share
        ledger.add(f"{number}.jpg", np.where(flip, (truth + 1) % 4, truth).astype(np.uint8), truth)
    return ledger


class TestResampling:
    def test_the_bootstrap_of_a_mean_has_its_standard_error(self):
        values = np.random.default_rng(0).normal(3, 2, (400, 1))
        drawn = bootstrap(values, lambda sums: sums / 400)
        assert drawn.shape == (2000, 1)
        assert drawn.std() == pytest.approx(values.std() / 20, rel=0.06)
        low, high = interval(drawn)
        assert high[0] - low[0] == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)

    def test_one_seed_one_draw(self):
        rows = rows_of(noisy(30, 0.3))
        assert np.array_equal(bootstrap(rows, headline, 5), bootstrap(rows, headline, 5))
        assert not np.array_equal(bootstrap(rows, headline, 5), bootstrap(rows, headline, 6))

    def test_the_swap_test_equals_all_swaps(self):
        """Ten photos have 1,024 ways to be swapped; the test draws from these."""
        values = np.random.default_rng(1).normal(0.4, 1, 10)
        signs = 1 - 2 * ((np.arange(1024)[:, None] >> np.arange(10)) & 1)
        exact = (np.abs(signs @ values) >= abs(values.sum()) - 1e-12).mean()
        p = swap_test(np.zeros((10, 1)), values[:, None], lambda sums: sums, swaps=20000)
        assert p[0] == pytest.approx(exact, abs=0.012)

    def test_benjamini_hochberg_by_hand(self):
        """Among those that are tested: what has a reason not to be counts for nothing."""
        p, why = (0.01, 0.04, 0.5, 0.03, 0.20), ("", "", "no photos", "", "")
        differences = [Difference(0, 0, 0, one, math.nan, 1, 9, 9, "same", no) for one, no in zip(p, why, strict=True)]
        q = [one.q for one in _corrected(differences, 0.005)]
        assert q == pytest.approx([0.04, 0.16 / 3, math.nan, 0.16 / 3, 0.2], nan_ok=True)
        assert _corrected(differences[2:3], 0.005) == differences[2:3]

    @pytest.mark.parametrize(
        ("trials", "photos"), [(40, 600), pytest.param(200, 3000, marks=pytest.mark.slow("counts 3,000 photos"))]
    )
    def test_intervals_cover(self, trials, photos):
        """Of many samples of 60 photos, about 95 % of the intervals hold the score of all photos."""
        population = noisy(photos, 0.35)
        truth = headline(rows_of(population)[:].sum(0)[None])[0]
        chance = np.random.default_rng(0)
        held = np.zeros(4)
        for _ in range(trials):
            part = population.take(chance.integers(0, photos, 60))
            low, high = interval(bootstrap(rows_of(part), headline, replicates=500))
            held += (low <= truth) & (truth <= high)
        assert (held[:3] / trials > 0.89).all()


class TestCompare:
    def test_a_result_against_itself(self):
        (found,) = compare(noisy(40, 0.3), {"again": noisy(40, 0.3)})
        assert found.difference.value == 0
        assert found.difference.verdict == "same"
        assert found.difference.p == 1

    def test_better_and_worse(self):
        found = compare(noisy(60, 0.3), {"up": noisy(60, 0.2, 1), "down": noisy(60, 0.4, 2)})
        assert [one.difference.verdict for one in found] == ["better", "worse"]
        assert found[0].difference.low > 0.05
        assert found[0].score - found[0].base == pytest.approx(found[0].difference.value)
        assert {one.verdict for one in found[0].classes.values()} == {"better"}

    def test_too_few_photos_is_an_answer(self):
        (found,) = compare(noisy(9, 0.3), {"up": noisy(9, 0.05, 1)})
        assert found.difference.verdict == "not enough data"
        assert "10 at least are needed" in found.difference.why
        assert found.difference.lacking == max(10, found.difference.needed)

    def test_what_few_photos_lack_is_not_the_minimum_alone(self):
        (found,) = compare(noisy(9, 0.3), {"b": noisy(9, 0.3, 1)})
        assert found.difference.lacking == found.difference.needed > 10

    def test_a_rare_class_is_not_judged(self):
        truth = np.zeros((16, 16), np.uint8)
        rare = truth.copy()
        rare[:8] = 3
        pairs = [(rare if number < 4 else truth) for number in range(30)]
        base = ledger_of([(one, np.zeros_like(one)) for one in pairs])
        (found,) = compare(base, {"perfect": ledger_of([(one, one) for one in pairs])})
        assert found.classes["Glass"].verdict == "not enough data"
        assert found.classes["Glass"].why == "shown by 4 photos, 10 at least are needed"
        assert found.classes["Glass"].value == 1

    @trials(8, 20)
    def test_many_nulls_find_nothing(self, trials):
        """Tricks that change nothing but luck: without the correction one in two tables of 20 finds one."""
        base = noisy(80, 0.3)
        others = {str(seed): noisy(80, 0.3, seed) for seed in range(1, trials + 1)}
        found = compare(base, others)
        assert all(one.difference.q >= one.difference.p for one in found)
        assert sum(one.difference.verdict in ("better", "worse") for one in found) <= 1

    def test_what_is_not_paired_is_refused(self):
        with pytest.raises(RecycleError, match="judged on 12 photos"):
            compare(noisy(20, 0.3), {"b": noisy(12, 0.3)})
        with pytest.raises(RecycleError, match="apart, the base"):
            compare(noisy(20, 0.3), {"b": noisy(20, 0.3, names=("a", "b", "c", "d"))})

    @pytest.mark.parametrize("min_effect", [0, -1, float("nan"), 1.5])
    def test_what_is_no_difference(self, min_effect):
        with pytest.raises(RecycleError, match="no difference of scores"):
            compare(noisy(12, 0.3), {"b": noisy(12, 0.3, 1)}, min_effect=min_effect)

    def test_photos_needed(self):
        assert photos_needed(0.08, 0.01) == 503  # ((1.960 + 0.842) * 8)^2


class TestArms:
    def arm(self, wrong, seeds):
        return [noisy(60, wrong + 0.03 * np.random.default_rng(seed).normal(), seed) for seed in seeds]

    def test_two_seeds_are_not_enough(self):
        (found,) = compare(self.arm(0.3, [1, 2, 3]), {"b": self.arm(0.1, [4, 5])})
        assert found.difference.verdict == "not enough data"
        assert "3 are needed" in found.difference.why

    def test_one_seed_against_one_tells_nothing_of_training(self):
        base, other = noisy(60, 0.3), noisy(60, 0.1, 1)
        (found,) = compare(base, {"b": other}, retrained=True)
        assert (found.difference.verdict, found.difference.lacking) == ("not enough data", 0)
        assert "1 seed of one arm, 3 are needed" in found.difference.why
        assert judged(found).answer == "not enough data"
        (weights,) = compare(base, {"b": other})  # of the two sets of weights it tells something
        assert judged(weights).answer == "keep"

    def test_a_large_effect_is_found(self):
        (found,) = compare(self.arm(0.4, [1, 2, 3]), {"b": self.arm(0.1, [4, 5, 6])})
        assert found.difference.verdict == "better"
        assert found.seeds == (3, 3)

    def test_the_spread_of_the_seeds_widens_the_interval(self):
        one = compare(self.arm(0.3, [1]), {"b": self.arm(0.25, [4])})[0].difference
        three = compare(self.arm(0.3, [1, 2, 3]), {"b": self.arm(0.25, [4, 5, 6])})[0].difference
        assert three.high - three.low > 2 * (one.high - one.low)

    @trials(5, 20)
    def test_seeds_alone_are_rarely_an_effect(self, trials):
        """Arms of three seeds of the same recipe; photos pair perfectly, so only seeds differ."""
        kept = 0
        for trial in range(trials):
            seeds = range(10 * trial + 100, 10 * trial + 106)
            arms = self.arm(0.3, seeds)
            (found,) = compare(arms[:3], {"b": arms[3:]}, replicates=200)
            kept += found.difference.verdict in ("better", "worse")
        assert kept <= 0.15 * trials


def best_of(variants):
    """The best variant and its fair counts."""
    first = next(iter(variants.values()))
    pick = lambda score: max(variants, key=lambda name: score(variants[name]))  # noqa: E731
    picks = cross_pick(pick, len(first), "miou_dataset")
    return picks.chosen, picks.fair(variants.__getitem__)


class TestGate:
    def test_keeps_drops_and_waits(self):
        tricks = {"good": noisy(120, 0.2, 1), "bad": noisy(120, 0.4, 2), "none": noisy(120, 0.3)}
        answers, choice = choose(noisy(120, 0.3), tricks, lambda sets: pytest.fail("nothing to join"))
        assert {trick.name: trick.answer for trick in answers} == {"good": "keep", "bad": "drop", "none": "drop"}
        assert choice.kept == ("good",)
        assert choice.cross_fitted.value == pytest.approx(choice.score.value)
        assert choice.base.value < choice.score.value

    def test_tricks_that_hurt_together_are_not_joined(self):
        asked = []

        def together(sets):
            asked.append(list(sets))
            return [noisy(120, 0.35, 7) for _ in sets]

        tricks = {"good": noisy(120, 0.2, 1), "fair": noisy(120, 0.24, 2)}
        _, choice = choose(noisy(120, 0.3), tricks, together)
        assert asked == [[("good", "fair")]]
        assert choice.kept == ("good",)

    @trials(4, 12)
    def test_choosing_among_many_nulls_flatters_but_the_cross_fitted_score_does_not(self, trials):
        """With the gate wide open (every trick kept that looks better) the chosen score is above the truth."""
        from recycle_engine.judge import gate

        flattered, fair = [], []
        for trial in range(trials):
            seeds = range(100 * trial, 100 * trial + 12)
            base = noisy(40, 0.3, 10**6 + trial)
            tricks = {str(seed): noisy(40, 0.3, seed) for seed in seeds}
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(gate, "_kept", lambda found: tuple(one.name for one in found))
                patch.setattr(gate, "compare", lambda base, tricks, *rest: [_Named(name) for name in tricks])
                patch.setattr(gate, "judged", lambda one, min_effect: one)
                _, choice = choose(base, tricks, lambda sets, base=base: [base for _ in sets])
            flattered.append(choice.score.value - choice.base.value)
            fair.append(choice.cross_fitted.value - choice.base.value)
        assert np.mean(flattered) > 0.004
        assert abs(np.mean(fair)) < np.mean(flattered) / 2

    def test_a_gain_that_is_shown_to_be_small_is_dropped(self):
        (found,) = compare(noisy(40, 0.3), {"same": noisy(40, 0.3)})
        assert judged(found).answer == "drop"

    def test_a_gain_that_is_certain_and_tiny_is_dropped(self):
        base = noisy(60, 0.3)
        better = base.take(np.arange(60))
        better.counts[:, 0, 0] += better.counts[:, 0, 0] < better.counts[:, 0, 1]  # a pixel of each class
        better.counts[:, 0, 2] = np.maximum(better.counts[:, 0, 2], better.counts[:, 0, 0])
        (found,) = compare(base, {"tiny": better}, min_effect=0.05)
        assert found.difference.verdict == "better"
        assert judged(found, 0.05).answer == "drop"
        assert judged(found, found.difference.low).answer == "keep"

    @trials(4, 10)
    def test_the_best_variant_is_found_and_its_gain_is_not_flattered(self, trials):
        variants = {"poor": noisy(120, 0.4, 1), "best": noisy(120, 0.2, 2), "fair": noisy(120, 0.3, 3)}
        name, counts = best_of(variants)
        assert name == "best"
        assert np.array_equal(counts.counts, variants["best"].counts)  # the same choice without any fifth
        flattered, fair = [], []
        for trial in range(trials):
            equal = {str(seed): noisy(40, 0.3, 100 * trial + seed) for seed in range(10)}
            scores = {name: estimate(one, "miou_dataset").value for name, one in equal.items()}
            name, counts = best_of(equal)
            assert scores[name] == max(scores.values())
            flattered.append(scores[name] - np.mean(list(scores.values())))
            fair.append(estimate(counts, "miou_dataset").value - np.mean(list(scores.values())))
        assert np.mean(flattered) > 0.004
        assert abs(np.mean(fair)) < np.mean(flattered) / 2

    def test_nothing_to_choose_from(self):
        answers, choice = choose(noisy(12, 0.3), {}, lambda sets: pytest.fail("nothing to join"))
        assert answers == []
        assert choice.kept == ()
        assert choice.cross_fitted == choice.base


def resampled(first, second, seed, photos, gain=0.0):
    """A trick on photos drawn with replacement: on each a coin says which of two results is the base."""
    chance = np.random.default_rng(seed)
    drawn = chance.integers(0, len(first), photos)
    base, trick, other = first.take(drawn), second.take(drawn), first.take(drawn)
    swap = np.flatnonzero(chance.random(photos) < 0.5)
    base.replace(swap, trick)
    trick.replace(swap, other)
    hit, true, said = trick.counts[:, 0].astype(float).transpose(1, 0, 2)
    mended = [hit + gain * (true - hit), true, said + gain * (true - said)]
    trick.counts[:, 0] = np.rint(np.stack(mended, 1))
    return base, trick


class TestBars:
    """The bars of the gate in small; benchmarks/gate.py has them in full, on real runs."""

    def kept(self, trials, photos, gain=0.0):
        """The share of trials in which the trick is kept."""
        pair = noisy(400, 0.3, 1), noisy(400, 0.3, 2)
        found = 0
        for seed in range(trials):
            base, trick = resampled(*pair, seed, photos, gain)
            (one,) = compare(base, {"trick": trick}, replicates=400, swaps=999, seed=seed)
            found += judged(one).answer == "keep"
        return found / trials

    @trials(40, 200)
    def test_luck_is_rarely_kept(self, trials):
        assert self.kept(trials, 150) <= 0.05

    @trials(30, 100)
    def test_an_effect_is_mostly_kept(self, trials):
        """Of effects of 2.8 standard errors the normal approximation finds 80 %."""
        pair = noisy(400, 0.3, 1), noisy(400, 0.3, 2)
        without, mended = (
            compare(base, {"trick": trick}, swaps=99)[0].difference
            for base, trick in (resampled(*pair, 0, 400, gain) for gain in (0, 0.015))
        )
        gain = 0.015 * 2.8 * without.sd / 150**0.5 / (mended.value - without.value)
        assert self.kept(trials, 150, gain) >= 0.7


class _Named:
    def __init__(self, name):
        self.name = name
