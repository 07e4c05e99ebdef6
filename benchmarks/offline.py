"""The whole of `recycle aug copy-paste --aug-num 1500`, beside the least that it could take.

    python benchmarks/offline.py ../shared/data/recycle-trash-pseudo [--number 1500] [--workers 2]

The floor, for each new photo: decode two JPEGs, encode one as large and as fine and write it,
run-length encode as many objects, with the same libraries (Pillow, pycocotools) in the same number
of processes, which are started and import these first. Ours is the command as typed, with the start
of Python, the bank, the bookkeeping and the COCO file. The two take turns.
"""

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

QUALITY, SUBSAMPLING = 92, 0  # of the photos that the command writes


def share(job):
    """The floor of some photos: the pair that each is made of, and the objects that it is to show."""
    import numpy as np
    from PIL import Image
    from pycocotools import mask as coco

    pairs, shapes, out = job
    for number, (first, second) in pairs:
        image, _ = (Image.open(file).convert("RGB") for file in (first, second))
        image.load()
        _.load()
        image.save(out / f"{number:06d}.jpg", "JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
        for shape in shapes[number]:
            mask = np.zeros((image.height, image.width), np.uint8, order="F")
            x, y, wide, tall = shape
            mask[y : y + tall, x : x + wide] = 1
            json.dumps(coco.encode(mask)["counts"].decode())


def floor(photos, boxes, workers, out):
    """Seconds of the floor, in processes that begin with nothing imported."""
    began = time.perf_counter()
    out.mkdir()
    pairs = [(k, (photos[k % len(photos)], photos[(7 * k + 1) % len(photos)])) for k in range(len(boxes))]
    parts = [(pairs[start : start + 8], boxes, out) for start in range(0, len(pairs), 8)]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(share, parts))
    return time.perf_counter() - began


def ours(root, number, workers, out):
    """Seconds of the command."""
    command = [sys.executable, "-m", "recyclecli", "aug", "copy-paste", "--aug-num", str(number), "--mode", "self"]
    command += ["--data", str(root), "--out", str(out), "--workers", str(workers)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--number", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    photos = sorted((options.root / "images").iterdir())
    found = []
    for turn in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            seconds = ours(options.root, options.number, options.workers, Path(folder) / "ours")
            content = json.loads((Path(folder) / "ours/copy_paste.json").read_text())
            boxes = [[] for _ in content["images"]]
            for one in content["annotations"]:
                boxes[one["image_id"] - 1].append(one["bbox"])
            least = floor(photos, boxes, options.workers, Path(folder) / "floor")
        found.append((seconds, least))
        objects = len(content["annotations"])
        print(
            f"round {turn + 1}: {options.number} photos, {objects} objects: {seconds:.1f} s, "
            f"floor {least:.1f} s, {seconds / least:.2f} times",
            flush=True,
        )
    ratio = statistics.median(seconds / least for seconds, least in found)
    print(f"{options.workers} processes: {ratio:.2f} times the floor (bar 2.5, aim 1.5)")


if __name__ == "__main__":
    main()
