"""`recycle demo`"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Force, Seed

EXAMPLE = "Example: `recycle demo --out demo`"


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of everything it makes.")] = Path("demo"),
    images: Annotated[int, typer.Option("--images", min=10, help="Photos of the sample set.")] = 60,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 20,
    size: Annotated[int, typer.Option("--size", min=32, help="Photos are fitted into size x size.")] = 256,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """The whole line on the embedded sample set: sample, folds, train, eval, predict, submission."""
    from recyclecli.data.folds import make_folds, write_folds
    from recyclecli.data.sources import open_source
    from recyclecli.data.write import write_photos
    from recyclecli.files import refuse_overwrite
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    began = time.perf_counter()

    def say(text: str) -> None:
        print(f"[{time.perf_counter() - began:5.1f} s] {text}", file=sys.stderr)

    registry = discover()
    submission = out / "submission.csv"
    refuse_overwrite([submission], force)
    say(f"1/5 sample: {images} photos into {out / 'data'}")
    sample = open_source(registry, out / "data", None, "sample", {"images": images, "seed": seed})
    write_photos(sample, out / "data", "annotations.json", force=True)
    source = open_source(registry, out / "data")
    say("2/5 folds: 5, stratified")
    write_folds(source, make_folds(source, 5, seed), out / "data", seed, force=True)
    flags = {"data.root": out / "data", "data.fold": 0, "data.size": size, "train.epochs": epochs, "seed": seed}
    recipe = resolve(registry, None, flags)
    say(f"3/5 train: {recipe.model.name}, {epochs} epochs")
    from recyclecli.data.splits import make_split
    from recyclecli.engine.evaluate import evaluate
    from recyclecli.engine.predict import find_photos, predict
    from recyclecli.engine.train import train

    split = make_split(registry, recipe.data, seed)
    done = train(registry, recipe, split, runs=out / "runs")
    say("4/5 eval: on the photos of fold 0, which it has not seen")
    result = evaluate(registry, done.run, recipe, split.val)
    say("5/5 predict: the same photos, and the contest's CSV")
    photos = find_photos(out / "data" / "kfold_0_val.json")
    predict(registry, done.run, recipe, photos, out / "predicted", submission, force=True)
    say("done")
    print(f"mIoU {result.miou:.4f} on {result.photos} held-out photos")
    print(f"look at     {out / 'predicted' / 'overlays'}")
    print(f"submission  {submission}")
    print(f"run         {done.run.folder}")
    print("your own    recycle data kfold --n 5 --data DIR, then recycle train --data DIR --plugin unetpp")
