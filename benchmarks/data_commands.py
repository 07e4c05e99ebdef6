"""Times and peak memory of the data commands on stand-ins of the contest's sizes.

    python benchmarks/data_commands.py [--large]

The small stand-in has 3,272 photos of 512x512 with about 26,000 objects; `--large` adds labels
without photos of the whole collection: 21,818 images, 107,935 objects.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ["General trash", "Paper", "Paper pack", "Metal", "Glass", "Plastic", "Styrofoam"]
NAMES += ["Plastic bag", "Battery", "Clothing"]
SHARES = np.array([0.17, 0.28, 0.04, 0.04, 0.04, 0.13, 0.05, 0.22, 0.007, 0.023])


def polygon(chance, side):
    """An irregular outline of 12 to 60 points within the photo, as annotators draw it."""
    points = int(chance.integers(12, 60))
    angles = np.sort(chance.random(points)) * 2 * np.pi
    radius = chance.uniform(12, 90) * chance.uniform(0.7, 1.0, points)
    middle = chance.uniform(100, side - 100, 2)
    return (middle + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)).clip(0, side).round(1)


def content(images, objects, side=512):
    chance = np.random.default_rng(0)
    annotations = []
    for number, image in enumerate(np.sort(chance.integers(0, images, objects)).tolist()):
        points = polygon(chance, side)
        x, y = points.T
        area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        box = [*points.min(0), *(points.max(0) - points.min(0))]
        annotations.append(
            {
                "id": number + 1,
                "image_id": image + 1,
                "category_id": int(chance.choice(10, p=SHARES / SHARES.sum())) + 1,
                "segmentation": [points.ravel().tolist()],
                "area": round(float(area), 1),
                "bbox": [round(float(value), 1) for value in box],
                "iscrowd": 0,
            }
        )
    return {
        "images": [
            {"id": k + 1, "file_name": f"images/{k:05}.jpg", "width": side, "height": side} for k in range(images)
        ],
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(NAMES)],
    }


def photos(root, count, side=512):
    """Photos that decode as slowly as real ones and look different from each other."""
    chance = np.random.default_rng(1)
    (root / "images").mkdir(parents=True)
    for number in range(count):
        coarse = Image.fromarray(chance.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize((side, side))
        grain = chance.integers(-12, 13, (side, side, 1))
        pixels = (np.asarray(coarse) + grain).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"images/{number:05}.jpg", quality=85)


def measured(*arguments):
    began = time.perf_counter()
    code = (
        "import runpy,sys\n"
        "sys.argv=['recycle',*sys.argv[1:]]\n"
        "try: runpy.run_module('recyclecli',run_name='__main__')\n"
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0],file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)
    took = time.perf_counter() - began
    assert done.returncode in (0, 1), done.stderr
    memory = int(done.stderr.split()[-1]) / 2**20
    print(f"{took:7.1f} s  {memory:5.2f} GiB  recycle {' '.join(arguments[:2])} {' '.join(map(str, arguments[4:]))}")


def commands(root, out, with_photos):
    where = ("--data", root)
    if with_photos:
        measured("data", "check", *where)
    measured("data", "check", *where, "--labels-only")
    measured("data", "kfold", *where, "--out", out / "folds")
    measured("data", "stats", *where, "--html", out / "stats.html")
    if with_photos:
        measured("data", "kfold", *where, "--out", out / "grouped", "--group-by", "near-duplicates")
        measured("data", "show", *where, "--out", out / "sheet.png")
        measured("data", "convert", root, out / "masks", "--from", "coco", "--to", "masks")
        measured("data", "convert", out / "masks", out / "coco", "--from", "masks", "--to", "coco")
        measured("data", "convert", root, out / "yolo", "--from", "coco", "--to", "yolo")


def main():
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        photos(small, 3272)
        (small / "annotations.json").write_text(json.dumps(content(3272, 26_000)))
        print("3,272 photos of 512x512, 26,000 objects:")
        commands(small, Path(folder) / "out", with_photos=True)
        if "--large" in sys.argv:
            large.mkdir()
            (large / "annotations.json").write_text(json.dumps(content(21_818, 107_935)))
            print("21,818 images, 107,935 objects:")
            commands(large, Path(folder) / "out-large", with_photos=False)


if __name__ == "__main__":
    main()
