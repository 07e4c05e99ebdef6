"""Seconds and memory of judging stored predictions: 819 photos of 512x512, and 100 against 5,000.

    python benchmarks/judge.py ../shared/data/recycle-trash-pseudo

The truth is the folder's labels, again and again; the predictions are these, shifted by some
pixels and another amount each time. `coco` takes the truth from a COCO file, `masks` from index
PNGs; the last lines let a small model predict the photos instead. Each line is a process of its
own, its start and the reading of the labels included; memory is the process's peak. Bars: 819
photos in 30 s; memory of 5,000 within 5 % of that of 100.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from recycle_engine import api

CHILD = """
import sys
from recycle_engine import api
from recycle_engine.judge.scores import evaluation
dataset, root, file, run = sys.argv[1:]
options = {"classes": open(f"{root}/classes.txt").read().split("\\n")} if dataset == "masks" else {}
source = api.open_data(root, file, dataset, options)
# links to photos that the run has trained on, which api.evaluate refuses: speed and memory are measured here
result = evaluation(api.count(run, source)) if run else api.evaluate_masks(f"{root}/said", source)
print(result.photos, f"{result.miou_dataset.value:.6f}", open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def build(root: Path, out: Path, photos: int) -> None:
    """Labels of as many photos as asked for, links to the photos, and predictions."""
    content = json.loads(next(root.glob("*.json")).read_text())
    source = api.open_data(root, next(root.glob("*.json")).name)
    originals = {image["file_name"]: image for image in content["images"]}
    marked = {}
    for annotation in content["annotations"]:
        marked.setdefault(annotation["image_id"], []).append(annotation)
    for folder in ("images", "masks", "said/masks"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    (out / "classes.txt").write_text("\n".join(source.class_names))
    (out / "said/classes.json").write_text(json.dumps(source.class_names))
    images, annotations, names = [], [], []
    for number in range(photos):
        record = source.record(number % len(source))
        original = originals[record.file_name]
        name = f"{number:05}"
        images.append({**original, "id": number + 1, "file_name": f"images/{name}.jpg"})
        annotations += [{**one, "id": len(annotations) + place + 1, "image_id": number + 1}
                        for place, one in enumerate(marked.get(original["id"], []))]  # fmt: skip
        (out / f"images/{name}.jpg").symlink_to(record.file)
        truth = source.read(number % len(source)).mask
        Image.fromarray(truth).save(out / f"masks/{name}.png")
        said = np.roll(truth, (number % 23 - 11, number % 17 - 8), (0, 1))
        target = out / f"said/masks/images/{name}.png"
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(said).save(target)
        (out / f"said/masks/{name}.png").symlink_to(target)
        names.append(name)
    for count in (100, 819, photos):
        part = {**content, "images": images[:count], "annotations": [a for a in annotations if a["image_id"] <= count]}
        (out / f"{count}.json").write_text(json.dumps(part))
        (out / f"{count}.txt").write_text("\n".join(names[:count]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data.absolute()
    with tempfile.TemporaryDirectory() as folder:
        build(data, Path(folder), 5000)
        settings = {"data.root": str(data), "data.size": 64, "model": "fpn", "train.epochs": 1}
        run = api.train(settings, name="run", runs=folder).run.folder
        judge("stored, truth from coco", "coco", "json", folder)
        judge("stored, truth from masks", "masks", "txt", folder)
        judge("predicted, truth from masks", "masks", "txt", folder, str(run))


def judge(title: str, dataset: str, suffix: str, folder: str, run: str = "") -> None:
    """Judge 100, 819 and 5,000 photos in processes of their own."""
    peaks = {}
    for count in (100, 819, 5000):
        began = time.perf_counter()
        line = [sys.executable, "-c", CHILD, dataset, folder, f"{count}.{suffix}", run]
        done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - began
        photos, miou, peak = done.stdout.split()
        peaks[count] = int(peak)
        print(f"{title}: {photos} photos, {seconds:.1f} s, {int(peak) / 1024:.0f} MiB, mIoU {miou}", flush=True)
    print(f"{title}: memory of 5,000 against 100: {peaks[5000] / peaks[100]:.3f} (bar 1.05)")


if __name__ == "__main__":
    main()
