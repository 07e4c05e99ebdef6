"""What pseudo-labels are worth: a teacher of a few labelled photos, a student that also has its labels of 300 others.

    OMP_NUM_THREADS=2 python benchmarks/pseudo.py ../shared/data --runs /tmp/pseudo [--rule class-balanced]

recycle-trash (41 photos, people's labels) in three folds. For each, the teacher learns from two thirds; it
labels the photos of recycle-trash-pseudo, whose own labels are not looked at; the student learns from
the same two thirds and these. Both make the same number of steps (204 of 8 photos, 160x160), with the
default recipe. Every photo is judged by the models that did not learn from it, and the students are
compared with the teachers, paired by photo. Runs that are there are used.
"""

import argparse
from pathlib import Path

from recycle_engine import api

FOLDS, STEPS, BATCH, SIZE = 3, 204, 8, 160


def trained(place, train, val, root, photos):
    """A run of the default recipe that makes `STEPS` steps in epochs of so many photos."""
    if not (place / "done").is_file():
        settings = {
            "data.root": root,
            "data.train": train,
            "data.val": val,
            "data.size": SIZE,
            "train.batch_size": BATCH,
            "train.epochs": round(STEPS / (photos // BATCH)),
        }
        api.train(settings, name=place.name, runs=place.parent)
        (place / "done").touch()
    return place


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--rule", default="class-balanced")
    parser.add_argument("--threshold", type=float, default=0.9)
    parser.add_argument("--weight", type=float, default=0.25)
    arguments = parser.parse_args()
    root, others = arguments.data.absolute() / "recycle-trash", arguments.data.absolute() / "recycle-trash-pseudo"
    folds = arguments.runs / "folds"
    if not folds.is_dir():
        api.kfold(root, n=FOLDS, out=folds, group_by="near-duplicates")
    ledgers = {"teacher": None, "student": None}
    for fold in range(FOLDS):
        train, val = ([{"root": root, "json": str(folds / f"kfold_{fold}_{part}.json")}] for part in ("train", "val"))
        held = api.open_data(root, val[0]["json"])
        count = len(api.open_data(root, train[0]["json"]))
        teacher = trained(arguments.runs / f"teacher-{fold}", train, val, root, count)
        name = f"{arguments.rule}-{arguments.threshold:g}-{fold}"
        file = arguments.runs / f"{name}.json"
        if not file.is_file():
            made = api.pseudo_label(
                [teacher], others / "images", file, api.Sureness(arguments.rule, arguments.threshold), api.pipeline()
            )[1]
            shares = ", ".join(f"{key} {share:.0%}" for key, share in made.kept.items())
            print(f"fold {fold}: {len(made.document['images'])} photos labelled; kept of each class: {shares}")
        pseudo = {"root": others / "images", "json": str(file), "weight": arguments.weight}
        total = count + round(arguments.weight * len(api.open_data(others / "images", str(file))))
        student = trained(arguments.runs / f"student-{name}", [*train, pseudo], val, root, total)
        for key, run in (("teacher", teacher), ("student", student)):
            ledger = api.count(f"{run}+plain", held)
            if ledgers[key] is None:
                ledgers[key] = ledger
            else:
                ledgers[key].extend(ledger)
    (found,) = api.compare(ledgers)
    one = found.difference
    print(
        f"{arguments.rule} {arguments.threshold:g}: teachers {found.base:.4f}, students {found.score:.4f}, "
        f"{one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}], p {one.p:.3f}: {one.verdict}"
    )
    for key, part in sorted(found.classes.items(), key=lambda item: -item[1].value):
        print(f"  {key}: {part.value:+.4f} [{part.low:+.4f}, {part.high:+.4f}]")


if __name__ == "__main__":
    main()
