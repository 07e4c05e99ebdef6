"""What copy-paste, Large Scale Jittering and repeat factors are worth: trained, and judged by the judge.

    python benchmarks/augment_study.py ../shared/data --runs /tmp/study [--epochs 12]

Every arm learns from the same photos of recycle-trash-pseudo for the same number of steps, with
three seeds, and is judged on recycle-trash, whose labels people drew, over the classes that occur
in at least four of its photos. Runs that exist are not trained again.
"""

import argparse
from pathlib import Path

from recycle_engine import api

SEEDS = (0, 1, 2)
THRESHOLD = 0.2  # of the repeat factors
PHOTOS = 4  # in which a class must occur to be judged
ARMS = {
    "flip alone": ((), 0.0),
    "copy-paste": (("copy-paste",), 0.0),
    "lsj": (("lsj",), 0.0),
    "repeat factors": ((), THRESHOLD),
    "all three": (("lsj", "copy-paste"), THRESHOLD),
}


def lengthened(source, threshold):
    """How many times longer repeat factors make an epoch."""
    shown = [{annotation.label for annotation in source.record(index).annotations} for index in range(len(source))]
    share = {label: sum(label in one for one in shown) / len(shown) for label in set().union(*shown)}
    return sum(max(1, *((threshold / share[label]) ** 0.5 for label in one), 1) for one in shown) / len(shown)


def trained(data, runs, epochs):
    """Arm to its runs."""
    root = data / "recycle-trash-pseudo"
    folds = runs / "folds"
    if not folds.is_dir():
        api.kfold(root, n=10, out=folds, group_by="near-duplicates")
    files = [folds / f"kfold_0_{part}.json" for part in ("train", "val")]
    source = api.open_data(root, str(files[0]))
    found = {}
    for seed in SEEDS:
        for arm, (augmentations, threshold) in ARMS.items():
            place = runs / f"{arm.replace(' ', '-')}-{seed}"
            found.setdefault(arm, []).append(place)
            if (place / "done").is_file():
                continue
            longer = lengthened(source, threshold) if threshold else 1.0
            settings = {
                "data.root": root,
                "data.train": [{"root": root, "json": str(files[0])}],
                "data.val": [{"root": root, "json": str(files[1])}],
                "data.size": 192,
                "data.scale": None,
                "model": "fpn",
                "loss": ["ce", "dice"],
                "aug": [*augmentations, "flip"],
                "train.repeat_threshold": threshold,
                "train.epochs": round(epochs / longer),
                "train.lr": 2e-3,
                "seed": seed,
            }
            api.train(settings, name=place.name, runs=runs)
            (place / "done").touch()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="../shared/data")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    found = trained(options.data.absolute(), options.runs.absolute(), options.epochs)
    source = api.open_data(options.data / "recycle-trash")
    counts = {arm: [api.count(run, source) for run in runs] for arm, runs in found.items()}
    seen = [{annotation.label for annotation in source.record(index).annotations} for index in range(len(source))]
    rare = [label for label in range(1, len(source.class_names)) if sum(label in one for one in seen) < PHOTOS]
    for ledgers in counts.values():
        for ledger in ledgers:
            ledger.counts[..., rare] = 0
    left = len(source.class_names) - len(rare)
    print(f"{len(source)} photos, {left} of {len(source.class_names)} classes; left out: ", end="")
    print(", ".join(source.class_names[label] for label in rare))
    base, *others = ARMS
    for arm in others:
        one = api.compare_arms(counts[base], counts[arm])
        found = one.difference
        print(
            f"{arm:15} {one.score:.4f} against {one.base:.4f} of {base}: {found.value:+.4f} "
            f"[{found.low:+.4f}, {found.high:+.4f}], p {found.p:.3f}: {found.verdict}"
        )
        for name, change in one.classes.items():
            if change.value == change.value:
                print(f"  {name:15} {change.value:+.4f} [{change.low:+.4f}, {change.high:+.4f}] {change.photos} photos")


if __name__ == "__main__":
    main()
