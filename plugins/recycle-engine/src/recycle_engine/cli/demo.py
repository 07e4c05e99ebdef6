"""`recycle demo`"""

from __future__ import annotations

import shlex
import sys
import time
from itertools import count
from pathlib import Path
from typing import Annotated

import typer
from recycle_data.workspace import in_workspace

from recyclecli.cli.options import Force, Seed

DEMO_STEPS = 8


@in_workspace
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("demo"),
    images: Annotated[int, typer.Option("--num", min=10, help="Number of photos to generate.")] = 240,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Passes over the training photos.")] = 14,
    size: Annotated[int, typer.Option("--size", min=32, help="Longer side in pixels that photos are scaled to.")] = 192,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Run the whole workflow on generated photos: check, folds, copy-paste, train, eval, predict, report."""
    from recycle_data.output_folder import refuse_output_folder

    from recyclecli.locks import held

    refuse_output_folder(out)
    with held(out, within=True):
        _demo(out, images, epochs, size, seed, force)


def _demo(out: Path, images: int, epochs: int, size: int, seed: int, force: bool) -> None:
    """What `demo` does with the folder to itself."""
    from recycle_coco.paths import ANNOTATIONS_FILE
    from recycle_data.cli.check import print_faults
    from recycle_data.owned import Owned, interrupted, put_mark
    from recycle_data.sources import pixel_counts
    from recycle_data.workspace import split_of

    from recycle_engine import api
    from recycle_engine.run_end import RunEnd, built, tell
    from recycle_engine.runs import Run, is_run
    from recyclecli.errors import RecycleError, counted
    from recyclecli.files import PART, refuse_overwrite
    from recyclecli.settings import ComponentSpec

    began = time.perf_counter()
    steps = iter(range(1, DEMO_STEPS + 1))

    def say(title: str, text: str) -> None:
        print(f"\n[{time.perf_counter() - began:4.0f} s] {next(steps)}/{DEMO_STEPS} {title}: {text}", file=sys.stderr)

    data, submission, trained = out / "data", out / "submission.csv", out / "runs" / "demo"
    report, sheet = Run(out).report, out / "copy-paste.png"
    unfinished = report.with_name(report.name + PART)  # stands from now until the report is written
    owned, force = Owned(out), force or interrupted(unfinished)
    if not force:
        refuse_overwrite([submission, report, data / ANNOTATIONS_FILE, trained], force)
    owned.refuse_foreign([submission, report, sheet])
    if is_run(trained) and api.recipe_of(trained).data.root != data.absolute():
        raise RecycleError(f"{trained} is a run on other photos", "choose another folder with --out")
    put_mark(unfinished)
    if is_run(trained):
        aside = next(place for number in count(1) if not (place := trained.with_name(f"demo-{number}")).exists())
        api.find_run(trained).clear_parts()
        trained.rename(aside)  # it learned from photos that are now drawn anew
        print(f"note: the run of before is now {aside}", file=sys.stderr)
    say("sample", f"{images} photos of waste are drawn from seed {seed} into {data}")
    api.sample(data, images, seed, force=True)

    say("check", "labels, photos and duplicates: what `recycle data check` says")
    source = api.open_data(data)
    findings = api.check(data, {"all": data / ANNOTATIONS_FILE})
    print_faults(findings, stderr=True)
    counts, _ = pixel_counts(source)
    rarest = min(range(1, len(counts)), key=counts.__getitem__)
    print(
        f"{counted(len(source), 'photo')}, {counted(len(counts) - 1, 'material')}, "
        f"{counted(len(findings), 'finding')}; "
        f"rarest: {source.class_names[rarest]}, {100 * counts[rarest] / sum(counts):.2f} % of the pixels",
        file=sys.stderr,
    )

    say("folds", "5, each with its share of every class, also of the rare ones")
    folds, _ = api.kfold(data, 5, seed, force=True)
    spread = (folds.images.max(0) - folds.images.min(0))[rarest]
    print(f"photos of {source.class_names[rarest]} differ by {spread} between the folds", file=sys.stderr)

    pasted = images // 4
    say("copy-paste", f"{pasted} new photos: objects of folds 1 to 4 pasted into photos of these folds")
    learned = {"data.root": data, "data.fold": 0}
    made = api.augment("copy-paste", pasted, learned, seed=seed, force=True)
    look = api.preview("copy-paste", sheet, {**learned, "data.size": size}, seed=seed, force=True)
    print(f"{made.pasted} objects, each with the photo and annotation that it is taken from", file=sys.stderr)

    settings = {
        "model": "fpn",
        "data.root": data,
        "data.train": [{"json": made.file.name}],
        "data.val": [{"json": "kfold_0_val.json"}],
        "data.size": size,
        "data.scale": None,
        "loss": ["ce", "dice"],
        "aug": ["flip"],
        "train.epochs": epochs,
        "train.lr": 3e-3,
        "train.ema": 0.97,
        "train.callbacks": [],
        "seed": seed,
    }
    say("train", f"{settings['model']} on folds 1 to 4 and the new photos, from ImageNet weights that came by pip")
    run = api.train(settings, name=trained.name, runs=trained.parent).run

    say("predict", "masks, overlays and the contest's CSV of fold 0")
    api.predict(run, data / "kfold_0_val.json", out / "predicted", submission=submission, force=True)

    say("eval", "against the labels of fold 0, which the model has never seen")
    result = api.evaluate(run)
    print(
        f"mIoU {result.miou_dataset:.4f} over {counted(len(result.iou), 'class')} on {counted(result.photos, 'photo')}",
        file=sys.stderr,
    )

    say("report", f"the same with pictures, as one page: {report}")
    registry = api.registry()
    callbacks, missing = built(
        registry, [ComponentSpec(name="report@recycle-report", file=str(report))], tuple(result.iou)
    )
    recipe = api.recipe_of(run)
    tell(callbacks, RunEnd(registry, run, recipe, split_of(recipe.data, recipe.seed)))
    print(*missing, sep="\n", file=sys.stderr)
    owned.finish()
    unfinished.unlink()
    print(
        f"\nmIoU {result.miou_dataset:.4f} on {result.photos} held-out photos, "
        f"{time.perf_counter() - began:.0f} s in all"
    )
    if callbacks:
        print(f"open        {report}")
    print(f"look at     {look} and {out / 'predicted' / 'overlays'}")
    print(f"submission  {submission}")
    print(f"run         {run.folder}")
    print("\nnext, with photos of your own in DIR:")
    print("  recycle data kfold --n 5 --data DIR")
    print("  recycle train --data DIR --plugin unetpp")
    print("or with these:")
    print(f"  recycle train --data {shlex.quote(str(data))} --plugin unetpp --loss focal")
