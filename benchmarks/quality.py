"""Our recipe against the contest team's way, at one budget of steps, on data that anyone can check.

    python benchmarks/quality.py camvid ../shared/data --runs /tmp/quality --stage rates
    python benchmarks/quality.py camvid ../shared/data --runs /tmp/quality --stage choose
    python benchmarks/quality.py camvid ../shared/data --runs /tmp/quality --stage final
    python benchmarks/quality.py trash ../shared/data --runs /tmp/quality --stage rates    (then as above)

Both arms see the same photos at the same size for the same number of steps, with the same encoder
and the same packaged weights. `rates` finds the baseline's learning rate and `choose` our settings,
both on a part of the training photos that is held out (the last quarter of each drive of CamVid, a third of
recycle-trash-pseudo, near-duplicates on one side); `final` trains each arm with three seeds on
all of them and prints the table. The epoch that counts is picked by a few training photos that are
held out of the training itself, never by those that are judged. Runs that exist are not trained again.
"""

import argparse
import json
import statistics
from pathlib import Path

from recycle_engine import api

RECIPES = Path(__file__).parents[1] / "examples/quality"
SIZE, BATCH = 160, 8
STEPS = {"camvid": 204, "trash": 400}
CHOSEN = {"camvid": ("ours.yaml", 1e-3), "trash": ("trash.yaml", 1e-4)}  # by `choose`; the contest's rate, by `rates`
RATES = (1e-4, 3e-4, 1e-3, 2e-3)
RARE = 4  # photos in which a class must occur to be judged on recycle-trash
CAMVID = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
)


def weighted(rule):
    """The default losses under weights of the classes by this rule."""
    return {"loss": [{"name": "ce", "class_weights": rule}, {"name": "dice", "weight": 0.5}]}


def with_model(name):
    """Another model on the same encoder."""
    return {"model": {"name": name, "encoder": "tu-tf_efficientnet_lite0", "weights": "packaged"}}


TURNS = {
    "aug": [
        {"name": "flip", "horizontal": 0.5, "vertical": 0.5},
        {"name": "affine", "p": 0.5, "degrees": 45, "translate": 0, "scale_min": 1, "scale_max": 1},
    ]
}  # waste lies any way up
UNET = with_model("unet")  # as most choices were tried, the default until fpn was
UNWEIGHTED = UNET | weighted("none")
CROPS = UNWEIGHTED | {"data.scale": [0.5, 2.0], "train.lr": 2e-3}
CHOICES = {
    "ours": {},
    "lr 2e-3": {"train.lr": 2e-3},
    "whole photos": {"data.scale": None},
    "deeplabv3plus": with_model("deeplabv3plus"),
    "segformer": with_model("segformer"),
    "turns": TURNS,
    "turns, unweighted": TURNS | weighted("none"),
    "turns, lr 2e-3": TURNS | {"train.lr": 2e-3},
    "turns, whole photos, lr 2e-3": TURNS | {"data.scale": None, "train.lr": 2e-3},
    "turns, deeplabv3plus": TURNS | with_model("deeplabv3plus"),
    "turns, segformer": TURNS | with_model("segformer"),
    "unet": UNET,
    "unet, inverse": UNET | weighted("inverse"),
    "unet, turns": UNET | TURNS,
    "unet, turns, inverse": UNET | TURNS | weighted("inverse"),
    "unet, unweighted": UNWEIGHTED,
    "unet, unweighted, turns": UNWEIGHTED | TURNS,
    "unet, unweighted, turns, crops 0.5 to 2": UNWEIGHTED | TURNS | {"data.scale": [0.5, 2.0]},
    "unet, unweighted, lr 2e-3": UNWEIGHTED | {"train.lr": 2e-3},
    "unet, unweighted, whole photos, lr 2e-3": UNWEIGHTED | {"data.scale": None, "train.lr": 2e-3},
    "unet, unweighted, crops 0.5 to 2": CROPS,
    "unet, unweighted, crops 0.5 to 2, lr 4e-3": CROPS | {"train.lr": 4e-3},
    "unet, unweighted, crops 0.5 to 2, ce alone": CROPS | {"loss": ["ce"]},
    "unet, unweighted, crops 0.5 to 2, ce and lovasz": CROPS | {"loss": ["ce", {"name": "lovasz", "weight": 0.5}]},
    "unet, unweighted, crops 0.5 to 2, no average": CROPS | {"train.ema": 0},
    "unetpp, unweighted, crops 0.5 to 2": CROPS | with_model("unetpp"),
}


def camvid_lists(root, runs):
    """Text lists of photo names: of training, of its held-out part, and of the photos that pick the epoch."""
    runs.mkdir(parents=True, exist_ok=True)
    names = {}
    for part in ("train", "val"):
        images = json.loads((root / f"{part}.json").read_text())["images"]
        names[part] = sorted(Path(image["file_name"]).stem for image in images)
    # frames of one drive follow each other: the last quarter of each drive is held out, not every fourth frame
    drives = {}
    for name in names["train"]:
        drives.setdefault(name.split("_")[0][:6], []).append(name)
    held = {name for drive in drives.values() for name in drive[len(drive) * 3 // 4 :]}
    kept = [name for name in names["train"] if name not in held]
    lists = {"judged": names["val"], "held": sorted(held)}
    for label, every in (("all", names["train"]), ("kept", kept)):
        spare = len(every) % BATCH or BATCH
        pick = set(every[len(every) // spare // 2 :: len(every) // spare][:spare])
        lists |= {f"{label}-train": [name for name in every if name not in pick], f"{label}-pick": sorted(pick)}
    for label, chosen in lists.items():
        (runs / f"{label}.txt").write_text("\n".join(chosen) + "\n")
    return {label: len(chosen) for label, chosen in lists.items()}


def settings_of(task, data, runs, part):
    """The data's keys for one part of the training photos, and how many photos that are."""
    if task == "camvid":
        root = data / "camvid"
        count = camvid_lists(root, runs)[f"{part}-train"]
        files = [runs / f"{part}-{side}.txt" for side in ("train", "pick")]
        dataset = {"name": "masks", "classes": list(CAMVID)}
    else:
        root, dataset = data / "recycle-trash-pseudo", "coco"
        folds, inner = runs / "folds", runs / "folds-kept"
        if not folds.is_dir():
            api.kfold(root, n=10, out=folds, group_by="near-duplicates")
        if not inner.is_dir():
            api.kfold(root, n=3, out=inner, group_by="near-duplicates", json_path=str(folds / "kfold_0_train.json"))
        files = [(folds if part == "all" else inner) / "kfold_0_train.json", folds / "kfold_0_val.json"]
        count = len(api.open_data(root, str(files[0])))
    train, val = ([{"root": root, "json": str(file)}] for file in files)
    return {"data.dataset": dataset, "data.root": root, "data.train": train, "data.val": val}, count


def judged(task, data, runs, part):
    """The photos that an arm is judged on."""
    if task == "trash":
        held = data / "recycle-trash-pseudo", str(runs / "folds-kept/kfold_0_val.json")
        return api.open_data(data / "recycle-trash") if part == "all" else api.open_data(*held)
    file = runs / ("judged.txt" if part == "all" else "held.txt")
    return api.open_data(data / "camvid", str(file), "masks", {"classes": CAMVID})


def run(task, data, runs, part, name, recipe, changes, seed):
    """A finished run of this name, trained if it does not exist."""
    place = runs / f"{task}-{part}-{name.replace(' ', '-').replace(',', '')}-{seed}"
    if not (place / "done").is_file():
        settings, photos = settings_of(task, data, runs, part)
        settings |= {"data.size": SIZE, "train.batch_size": BATCH, "seed": seed}
        settings["train.epochs"] = round(STEPS[task] / (photos // BATCH))
        api.train(settings | changes, recipe=RECIPES / recipe, name=place.name, runs=runs)
        (place / "done").touch()
    return place


def score(ledger):
    """mIoU of the dataset, at the photos' own size."""
    return api.compare_arms([ledger], [ledger]).base


def judge(place, source):
    """What a run says of the photos, counted; rare classes of recycle-trash left out."""
    ledger = api.count(place, source)
    if len(source.class_names) != len(CAMVID) or source.class_names[0] != CAMVID[0]:
        seen = [{one.label for one in source.record(index).annotations} for index in range(len(source))]
        rare = [label for label in range(1, len(source.class_names)) if sum(label in one for one in seen) < RARE]
        ledger.counts[..., rare] = 0
    return ledger


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("camvid", "trash"))
    parser.add_argument("data", type=Path, help="../shared/data")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--stage", choices=("rates", "choose", "final"), default="final")
    parser.add_argument("--seeds", type=int, default=3, help="of each arm, with `final`")
    parser.add_argument("--only", action="append", help="of the choices; repeatable")
    options = parser.parse_args()
    data, runs, task = options.data.absolute(), options.runs.absolute(), options.task
    if options.stage == "final":
        ours, best = CHOSEN[task]
        rates = dict.fromkeys((1e-4, best))  # the contest's own, and the one that suits it best
        arms = {f"contest, lr {rate:g}": ("contest.yaml", {"train.lr": rate}) for rate in rates}
        arms["ours"] = ours, {}
        counts = {}
        for seed in range(options.seeds):
            for arm, (recipe, changes) in arms.items():
                counts.setdefault(arm, []).append(run(task, data, runs, "all", arm, recipe, changes, seed))
        source = judged(task, data, runs, "all")
        counts = {arm: [judge(place, source) for place in places] for arm, places in counts.items()}
        for arm, ledgers in counts.items():
            values = [score(ledger) for ledger in ledgers]
            print(f"{arm:20} {statistics.mean(values):.4f}  ({', '.join(f'{value:.4f}' for value in values)})")
        for arm in list(counts)[:-1]:
            found = api.compare_arms(counts[arm], counts["ours"]).difference
            print(f"ours - {arm}: {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}], p {found.p:.3f}")
        return
    if options.stage == "rates":
        arms = {f"contest lr {rate:g}": ("contest.yaml", {"train.lr": rate}) for rate in RATES}
    else:
        chosen = {name: CHOICES[name] for name in options.only or CHOICES}
        arms = {name: ("ours.yaml", changes) for name, changes in chosen.items()}
    for arm, (recipe, changes) in arms.items():
        place = run(task, data, runs, "kept", arm, recipe, changes, 0)
        print(f"{arm:20} {score(judge(place, judged(task, data, runs, 'kept'))):.4f}", flush=True)


if __name__ == "__main__":
    main()
