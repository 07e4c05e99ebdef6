"""`recycle demo`"""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Force, Seed

EXAMPLE = "Example: `recycle demo --out demo`"
STEPS = 7


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of everything it makes.")] = Path("demo"),
    images: Annotated[int, typer.Option("--images", min=10, help="Photos of the sample set.")] = 240,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 14,
    size: Annotated[int, typer.Option("--size", min=32, help="Photos are fitted into size x size.")] = 192,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """The whole line on the embedded sample set: sample, check, folds, train, eval, predict, report."""
    from recyclecli.cli.check import show
    from recyclecli.data.check import check_coco
    from recyclecli.data.folds import make_folds, write_folds
    from recyclecli.data.sources import open_source, pixel_counts
    from recyclecli.data.splits import make_split
    from recyclecli.data.write import write_photos
    from recyclecli.files import PART, refuse_overwrite, unwritable
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    began = time.perf_counter()
    steps = iter(range(1, STEPS + 1))

    def say(title: str, text: str) -> None:
        print(f"\n[{time.perf_counter() - began:4.0f} s] {next(steps)}/{STEPS} {title}: {text}", file=sys.stderr)

    data, submission = out / "data", out / "submission.csv"
    report = out / "report.html"
    unfinished = report.with_name(report.name + PART)  # stands from now until the report is written
    refuse_overwrite([submission, report, data / "annotations.json"], force or unfinished.exists())
    try:
        out.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
    except OSError as error:
        raise unwritable(out, error) from error
    registry = discover()
    say("sample", f"{images} photos of waste are drawn from seed {seed} into {data}")
    drawn = open_source(registry, data, None, "sample", {"images": images, "seed": seed})
    write_photos(drawn, data, "annotations.json", force=True)

    say("check", "labels, photos and duplicates: what `recycle data check` says")
    source = open_source(registry, data)
    findings = check_coco(data, {"all": data / "annotations.json"})
    show(findings, stderr=True)
    counts = pixel_counts(source)
    rarest = min(range(1, len(counts)), key=counts.__getitem__)
    print(
        f"{len(source)} photos, {len(counts) - 1} materials, {len(findings)} findings; "
        f"rarest: {source.class_names[rarest]}, {100 * counts[rarest] / sum(counts):.2f} % of the pixels",
        file=sys.stderr,
    )

    say("folds", "5, each with its share of every class, also of the rare ones")
    folds = make_folds(source, 5, seed)
    write_folds(source, folds, data, seed, force=True)
    spread = (folds.images.max(0) - folds.images.min(0))[rarest]
    print(f"photos of {source.class_names[rarest]} differ by {spread} between the folds", file=sys.stderr)

    flags = {
        "model": "fpn",
        "data.root": data,
        "data.fold": 0,
        "data.size": size,
        "loss": ["ce", "dice"],
        "aug": ["flip"],
        "train.epochs": epochs,
        "train.lr": 3e-3,
        "train.ema": 0.97,
        "seed": seed,
    }
    recipe = resolve(registry, None, flags)
    say("train", f"{recipe.model.name} on folds 1 to 4, from ImageNet weights that came by pip")
    split = make_split(registry, recipe.data, seed)
    from recyclecli.engine.predict import find_photos, predict
    from recyclecli.engine.train import train
    from recyclecli.report.page import write_report

    done = train(registry, recipe, split, runs=out / "runs")

    say("predict", "masks, overlays and the contest's CSV of fold 0")
    photos = find_photos(data / "kfold_0_val.json")
    predict(registry, done.run, recipe, photos, out / "predicted", submission, force=True)

    say("eval", "against the labels of fold 0, which the model has never seen")
    _, result = write_report(registry, done.run, recipe, split, report)
    print(f"mIoU {result.miou:.4f} over {len(result.iou)} classes on {result.photos} photos", file=sys.stderr)

    say("report", f"{report}, {report.stat().st_size / 1e6:.1f} MB")
    print(f"\nmIoU {result.miou:.4f} on {result.photos} held-out photos, {time.perf_counter() - began:.0f} s in all")
    print(f"open        {report}")
    print(f"look at     {out / 'predicted' / 'overlays'}")
    print(f"submission  {submission}")
    print(f"run         {done.run.folder}")
    print("\nnext, with photos of your own in DIR:")
    print("  recycle data kfold --n 5 --data DIR")
    print("  recycle train --data DIR --plugin unetpp")
    print("or with these:")
    print(f"  recycle train --data {shlex.quote(str(data))} --plugin unetpp --loss focal")
