"""Does the gate keep luck, and does it keep what helps? Resampled from real pairs of runs.

    OPENBLAS_NUM_THREADS=1 python benchmarks/gate.py ../shared/data/recycle-trash-pseudo [--power]

Two runs of one recipe with seeds 0 and 1 learn from a third of the photos and are judged on the
other two thirds. From their counts per photo tricks are made whose effect is known:

- null: 655 photos are drawn with replacement; on each, a coin says which of the two runs is the
  base and which the trick. A share of the photos has the base on both sides, so that the paired
  standard deviation is the one asked for.
- shifted null: the two runs as they are, but a share of the better one's hits is turned into
  misses, so that over all photos both score alike.
- effect: a null trick of which a share of the wrong pixels, the same on every photo, is made
  right, so that over all photos it scores 0.01 higher.

Bars: of 1,000 null tricks at most 5 % are kept; an effect of 0.01 on 655 photos at a standard
deviation of 0.08 is kept in at least 80 % of single comparisons (the normal approximation says
88.9 % two-sided). `--power` prints what is kept over numbers of photos and deviations.
"""

import argparse
import multiprocessing
import statistics
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from recycle_engine import api
from scipy import stats

EFFECT = 0.01
PHOTOS = 655
DEVIATION = 0.08
METRICS = ("miou_dataset", "miou_image")
POWER_PHOTOS = (100, 200, 400, 655, 819, 1500, 3000)
POWER_DEVIATIONS = (0.02, 0.04, 0.08, 0.12, 0.15)


def pair(root: Path, runs: Path):
    """The counts of two runs on the photos that neither has seen; trained here unless they exist."""
    folds = runs / "folds"
    if not folds.is_dir():
        api.kfold(root, n=3, out=folds, group_by="near-duplicates")
    judged, learned = folds / "kfold_0_train.json", folds / "kfold_0_val.json"
    for seed in (0, 1):
        if not (runs / f"seed-{seed}/checkpoints/best.safetensors").is_file():
            settings = {
                "data.root": root,
                "data.train": [{"root": root, "json": str(learned)}],
                "data.val": [{"root": root, "json": str(judged)}],
                "data.size": 256,
                "data.scale": None,
                "model": "fpn",
                "loss": "ce",
                "aug": [],
                "train.epochs": 10,
                "seed": seed,
            }
            api.train(settings, name=f"seed-{seed}", runs=runs)
    source = api.open_data(root, str(judged))
    return [api.count(runs / f"seed-{seed}", source) for seed in (0, 1)]


def score(ledger, metric):
    """The score without an interval, as its definition says."""
    hit, true, said = ledger.counts[:, 0].astype(float).transpose(1, 0, 2)
    with np.errstate(invalid="ignore"):
        if metric == "miou_image":
            return float(np.nanmean(np.nanmean(hit / (true + said - hit), 1)))
        hit, true, said = (part.sum(0) for part in (hit, true, said))
        return float(np.nanmean(hit / (true + said - hit)))


def mended(ledger, share):
    """A share of each photo's wrong pixels made right; of its right ones made wrong where negative."""
    other = ledger.take(np.arange(len(ledger)))
    hit, true, said = other.counts[:, 0].astype(float).transpose(1, 0, 2)
    moved = (true - hit) * share if share >= 0 else hit * share
    gone = (said - hit) * share if share >= 0 else 0 * hit
    changed = np.stack([hit + moved, true, said + moved - gone], 1)
    if share < 0:  # what is missed is said to be the photo's class that is said most
        lost = -moved.sum(1)
        place = np.argsort(said, 1)[:, -1]
        changed[np.arange(len(changed)), 2, place] += lost
    other.counts[:, 0] = np.rint(np.maximum(changed, 0))
    return other


def share_for(make, wanted, low, high):
    """The share at which `make(share)`, which rises with it, is `wanted`."""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if make(middle) < wanted else (low, middle)
    return (low + high) / 2


class Maker:
    """Makes tricks of known effect from a real pair."""

    def __init__(self, first, second, metric):
        self.pair, self.metric = (first, second), metric
        (found,) = api.compare({"seed 0": first, "seed 1": second}, metric=metric)
        swapped = self.swapped(np.random.default_rng(0), np.arange(len(first)), 1.0)
        (null,) = api.compare({"base": swapped[0], "trick": swapped[1]}, metric=metric)
        self.natural, self.found, self.null_sd = found.difference.sd, found, null.difference.sd
        better, worse = sorted(self.pair, key=lambda one: score(one, metric), reverse=True)
        share = share_for(lambda share: score(mended(better, share), metric), score(worse, metric), -0.5, 0)
        self.level = (worse, mended(better, share))

    def swapped(self, chance, photos, mixed):
        """Two ledgers of these photos; on a share `mixed` of them they differ, and a coin says how."""
        base, trick = (one.take(photos) for one in self.pair)
        swap = np.flatnonzero(chance.random(len(photos)) < 0.5)
        first, second = (one.take(photos) for one in self.pair)
        base.replace(swap, second)
        trick.replace(swap, first)
        alike = np.flatnonzero(chance.random(len(photos)) >= mixed)
        trick.replace(alike, base)
        return base, trick

    def mixture(self, deviation):
        """The share of photos that differ at this standard deviation."""
        return min(1.0, (deviation / self.null_sd) ** 2)

    def gain(self, mixed):
        """The share of wrong pixels to mend for an effect of 0.01 over all photos."""
        whole = np.arange(len(self.pair[0]))
        shares = []
        for seed in range(20):
            _, trick = self.swapped(np.random.default_rng(seed), whole, mixed)
            wanted = score(trick, self.metric) + EFFECT
            shares.append(share_for(lambda s, one=trick: score(mended(one, s), self.metric), wanted, 0, 0.5))
        return statistics.mean(shares)

    def trial(self, seed, photos, mixed, gain=0.0, level=False):
        """The answer of the gate and the difference of one trick."""
        chance = np.random.default_rng(seed)
        drawn = chance.integers(0, len(self.pair[0]), photos)
        if level:
            base, trick = (one.take(drawn) for one in self.level)
        else:
            base, trick = self.swapped(chance, drawn, mixed)
        if gain:
            trick = mended(trick, gain)
        (found,) = api.compare({"base": base, "trick": trick}, metric=self.metric)
        return found.difference.verdict == "better", found.difference.sd, found.difference.value


def trial(arguments):
    return MAKERS[arguments[0]].trial(*arguments[1:])


def many(pool, trials, *arguments):
    """Share kept, mean standard deviation, mean difference."""
    work = [(arguments[0], seed, *arguments[1:]) for seed in range(trials)]
    kept, deviations, values = zip(*pool.map(trial, work, chunksize=10), strict=True)
    return sum(kept) / trials, statistics.mean(deviations), statistics.mean(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--svg", type=Path, help="draw the power there")
    parser.add_argument("--runs", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledgers = pair(arguments.data.absolute(), (arguments.runs or Path(folder)).absolute())
    global MAKERS
    MAKERS = {metric: Maker(*ledgers, metric) for metric in METRICS}
    for metric, maker in MAKERS.items():
        print(f"\n{metric}, {len(ledgers[0])} photos: seed 0 {maker.found.base:.4f}, seed 1 {maker.found.score:.4f}, "
              f"paired sd {maker.natural:.3f}, of a null trick {maker.null_sd:.3f}")  # fmt: skip
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for metric, maker in MAKERS.items():
            mixed = maker.mixture(DEVIATION)
            rows = {
                "null, as the pair is": (PHOTOS, 1.0),
                f"null at sd {DEVIATION}": (PHOTOS, mixed),
                "shifted null": (PHOTOS, 1.0, 0.0, True),
                f"effect of {EFFECT} at sd {DEVIATION}": (PHOTOS, mixed, maker.gain(mixed)),
            }
            for name, row in rows.items():
                share, sd, value = many(pool, arguments.trials, metric, *row)
                print(f"{metric}, {name}: kept {share:.1%} of {arguments.trials:,} on {row[0]} photos, "
                      f"mean sd {sd:.3f}, mean difference {value:+.4f}", flush=True)  # fmt: skip
        if arguments.power:
            kept = power(pool, MAKERS["miou_dataset"])
            if arguments.svg:
                draw(kept, arguments.svg)


def normal(photos, sd):
    """Power of a two-sided test at 5 % by the normal approximation."""
    return stats.norm.sf(1.96 - EFFECT * np.sqrt(photos) / sd)


def power(pool, maker):
    """Print the share of effects that are kept, the normal approximation's in brackets; {sd: shares}."""
    print(f"\n{maker.metric}: share of effects of {EFFECT} that are kept (normal approximation)")
    print("| photos | " + " | ".join(f"sd {sd:.2f}" for sd in POWER_DEVIATIONS) + " |")
    print("|---" * (len(POWER_DEVIATIONS) + 1) + "|")
    kept = {sd: [] for sd in POWER_DEVIATIONS if sd <= 1.02 * maker.null_sd}
    gains = {sd: maker.gain(maker.mixture(sd)) for sd in POWER_DEVIATIONS}
    for photos in POWER_PHOTOS:
        cells = []
        for sd in POWER_DEVIATIONS:
            if sd not in kept:
                cells.append("–")
                continue
            share, _, _ = many(pool, 200, maker.metric, photos, maker.mixture(sd), gains[sd])
            kept[sd].append(share)
            cells.append(f"{share:.0%} ({normal(photos, sd):.0%})")
        print(f"| {photos:,} | {' | '.join(cells)} |", flush=True)
    return kept


def draw(kept, file):
    """Measured shares as points, the normal approximation as lines."""
    plt.rcParams.update(
        {
            "svg.hashsalt": "power",
            "svg.fonttype": "none",
            "font.size": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    grid = np.geomspace(POWER_PHOTOS[0], POWER_PHOTOS[-1], 200)
    for number, (sd, shares) in enumerate(kept.items()):
        color = plt.get_cmap("viridis")(number / len(kept))
        axes.plot(grid, normal(grid, sd), color=color, lw=1.5)
        axes.plot(POWER_PHOTOS, shares, "o", color=color, label=f"paired sd {sd:.2f}")
    axes.set(xscale="log", ylim=(0, 1.03), xlabel="photos", ylabel=f"share of effects of {EFFECT:+} mIoU that are kept")
    axes.set_xticks(POWER_PHOTOS, [f"{photos:,}" for photos in POWER_PHOTOS], minor=False)
    axes.minorticks_off()
    axes.axhline(0.8, color="0.7", lw=0.8, ls="--")
    axes.set_title("points: measured on real pairs; lines: normal approximation", fontsize=10, loc="left")
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
