"""What folds start from: iterative-stratification, or our own greedy, which groups of photos need anyway.

    python benchmarks/stratification.py [--seeds 5] [--folds 5 10] [--images 240]

Three sets: the sample set as `recycle data sample` draws it, and two drawn tables of 3,000 photos and 11 classes of
which the rarest is in one photo of 100, and in one of 500. Every start is evened out by the same moves and swaps.
Printed for each: the largest difference of a class's photos between two folds, of any class, after the start, after
moves and swaps (`grouped_folds`) and in the end (`within_one`), as a mean and the worst of the seeds; and seconds of
the start and of all.
"""

import argparse
import time
from itertools import product
from pathlib import Path
from statistics import mean
from unittest import mock

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold
from recycle_data import groups
from recycle_data.fold_swaps import within_one
from recycle_data.folds import class_counts, stratification_columns
from recycle_data.groups import grouped_folds
from recycle_engine import api


def drawn(rarest, photos=3000, classes=11):
    """(photos, classes) annotations: classes from half of the photos down to a share of `rarest`."""
    chance = np.random.default_rng(0)
    shares = np.geomspace(0.5, rarest, classes)
    return (chance.random((photos, classes)) < shares) * chance.integers(1, 5, (photos, classes))


def sample(images):
    """(images, classes) annotations of the sample set."""
    return class_counts(api.open_data(".", dataset="sample", options={"images": images}))


def library(columns, n, seed):
    """The folds of iterative-stratification, of one row of labels for each photo."""
    folds = np.zeros(len(columns), np.int64)
    splitter = MultilabelStratifiedKFold(n_splits=n, shuffle=True, random_state=seed)
    for fold, (_, held_out) in enumerate(splitter.split(columns, columns)):
        folds[held_out] = fold
    return folds


def largest(shown, folds, n):
    """Of any class: photos in the fold that has most of it, less those in the fold that has fewest."""
    return int(np.ptp([shown[folds == fold].sum(0) for fold in range(n)], axis=0).max())


def own(columns, n, seed):
    """The folds of our greedy, of photos as groups of one, not yet improved."""
    with mock.patch.object(groups, "_improve", return_value=None):
        return grouped_folds(columns, np.arange(len(columns)), n, seed)


def measured(counts, n, seed, start):
    """The largest difference after the start, after `grouped_folds` and in the end; seconds of the start and of all."""
    shown, photos = counts > 0, np.arange(len(counts))
    of_photos = stratification_columns(counts)
    columns = np.concatenate([of_photos, shown], 1)
    began = time.perf_counter()
    first = start(of_photos, columns, n, seed)
    started = time.perf_counter() - began
    even = grouped_folds(columns, photos, n, seed, first)
    folds = within_one(shown, photos, even, n, seed)
    seconds = time.perf_counter() - began
    return *(largest(shown, one, n) for one in (first, even, folds)), started, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, nargs="+", default=[5, 10])
    parser.add_argument("--images", type=int, default=240, help="of the sample set")
    arguments = parser.parse_args()
    sets = {f"sample set, {arguments.images} photos": sample(arguments.images)}
    sets |= {f"3,000 photos, rarest class in {photos}": drawn(photos / 3000) for photos in (30, 6)}
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    print(*names[:1])
    print("| data | folds | start | after the start | after grouped_folds | in the end | seconds: start, all |")
    print("|---|---|---|---|---|---|---|")
    for (data, counts), n, start in product(sets.items(), arguments.folds, STARTS):
        *found, started, seconds = zip(
            *(measured(counts, n, seed, STARTS[start]) for seed in range(arguments.seeds)), strict=True
        )
        differences = " | ".join(f"{mean(one):.1f}, {max(one)}" for one in found)
        print(f"| {data} | {n} | {start} | {differences} | {mean(started):.2f}, {mean(seconds):.2f} |", flush=True)


STARTS = {
    "iterative-stratification": lambda of_photos, columns, n, seed: library(of_photos, n, seed),
    "the same, of the classes too": lambda of_photos, columns, n, seed: library(columns, n, seed),
    "ours": lambda of_photos, columns, n, seed: own(columns, n, seed),
}

if __name__ == "__main__":
    main()
