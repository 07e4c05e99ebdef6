"""Whether photos are known again: frames of one camera, and the same frames saved anew; time per photo and per pair.

    python benchmarks/identity.py [--frames 2000] [--sizes 640x480 320x240] [--camvid ../shared/data/camvid]

The frames are made here: one background, objects that move, noise of the sensor. The first half is asked about the
second, which none of them is among; then all are resized to 50 to 150 % and saved as JPEG of quality 60 to 95, and
asked about the frames, which all of them are among. Of CamVid validation photos are asked about the training photos.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from frames import frames, resaved

from recyclecli.data.identity import files_identities, identity_of
from recyclecli.data.same import seen


def identities_of(pictures, count):
    """(count,) identities of pictures, and the seconds that they took."""
    found, seconds = [], 0.0
    for picture in pictures:
        start = time.perf_counter()
        found.append(identity_of(picture))
        seconds += time.perf_counter() - start
    return np.stack(found), seconds / count


def told(what, photos, others):
    """Print how many photos are called seen, and how many alike."""
    start = time.perf_counter()
    found = seen(photos, others)
    seconds = time.perf_counter() - start
    same, alike = len(found.same), len(found.alike)
    print(f"{what}: {same} of {len(photos)} seen among {len(others)}, {alike} alike, {seconds:.1f} s", flush=True)
    return found


def camvid(root):
    """Validation photos among training photos."""
    files = {}
    for side in ("train", "val"):
        images = json.loads((root / f"{side}.json").read_text())["images"]
        files[side] = [root / image["file_name"] for image in images]
    photos = {side: files_identities(listing) for side, listing in files.items()}
    told("CamVid, validation", photos["val"], photos["train"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--camvid", type=Path, default=Path(__file__).parents[2] / "shared/data/camvid")
    parser.add_argument("--sizes", nargs="+", default=["640x480", "320x240"])
    arguments = parser.parse_args()
    for text in arguments.sizes:
        size = tuple(map(int, text.split("x")))
        photos, seconds = identities_of(frames(arguments.frames, size), arguments.frames)
        print(f"{arguments.frames} frames of {text}: {1000 * seconds:.1f} ms for each, decoding apart")
        half = arguments.frames // 2
        told("frames", photos[:half], photos[half:])
        told("neighbours: even frames", photos[::2], photos[1::2])
        chance = np.random.default_rng(1)
        again, _ = identities_of((resaved(one, chance) for one in frames(arguments.frames, size)), arguments.frames)
        found = told("frames saved anew", again, photos)
        right = sum(found.same.get(number) == number for number in range(arguments.frames))
        print(f"  {right} of them as the very frame")
    if arguments.camvid.is_dir():
        camvid(arguments.camvid)


if __name__ == "__main__":
    main()
