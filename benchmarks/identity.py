"""Whether photos are known again: frames of one camera, and the same frames saved anew; how long that takes.

    python benchmarks/identity.py [--frames 2000] [--sizes 640x480 320x240] [--camvid ../shared/data/camvid]

The frames are made here: one background, objects that move, noise of the sensor. The first half is asked about the
second, which none of them is among; then all are resized to 50 to 150 % and saved as JPEG of quality 60 to 95, and
asked about the frames, which all of them are among. Of CamVid validation photos are asked about the training photos.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from frames import frames, resaved
from recycle_engine import api


def written(pictures, folder, form):
    """The files of pictures."""
    folder.mkdir()
    files = []
    for number, picture in enumerate(pictures):
        files.append(folder / f"{number:05d}.{form}")
        picture.save(files[-1])
    return files


def told(what, files, among):
    """Print how many photos are called seen, and how many alike; `what` begins with their count."""
    start = time.perf_counter()
    found = api.seen(files, among)
    seconds = time.perf_counter() - start
    same, alike = len(found.same), len(found.alike)
    print(f"{what}: {same} of {len(files)} seen among {len(among)}, {alike} alike, {seconds:.1f} s", flush=True)
    return found


def camvid(root):
    """Validation photos among training photos."""
    files = {}
    for side in ("train", "val"):
        images = json.loads((root / f"{side}.json").read_text())["images"]
        files[side] = [root / image["file_name"] for image in images]
    told("CamVid, validation", files["val"], files["train"])


def frames_of(count, size, folder):
    """Frames of one size among each other, and saved anew among themselves."""
    files = written(frames(count, size), folder / "frames", "bmp")
    half = count // 2
    told(f"frames of {size[0]}x{size[1]}, read for the first time", files[:half], files[half:])
    told("neighbours: even frames", files[::2], files[1::2])
    chance = np.random.default_rng(1)
    found = told("frames saved anew", written(anew(files, chance), folder / "anew", "png"), files)
    right = sum(found.same.get(number) == number for number in range(count))
    print(f"  {right} of them as the very frame")


def anew(files, chance):
    for file in files:
        with Image.open(file) as picture:
            yield resaved(picture, chance)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--camvid", type=Path, default=Path(__file__).parents[2] / "shared/data/camvid")
    parser.add_argument("--sizes", nargs="+", default=["640x480", "320x240"])
    arguments = parser.parse_args()
    for text in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["RECYCLE_CACHE"] = folder
            frames_of(arguments.frames, tuple(map(int, text.split("x"))), Path(folder))
    if arguments.camvid.is_dir():
        camvid(arguments.camvid)


if __name__ == "__main__":
    main()
