"""Time and memory of `recycle data import`, beside `json.load` of the same annotations, each in a process of its own.

    python benchmarks/importing.py [--photos 3272] [--points 200]

Photos are linked, so that copying plays no part. Memory is the largest resident size of the process.
"""

import argparse
import json
import math
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIDE, OBJECTS, CLASSES = 512, 8, 10


def draw(root: Path, photos: int, points: int) -> None:
    """The same outlines as COCO, as CVAT's XML and as masks, with one photo under many names."""
    chance = random.Random(0)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    names = [f"class {number}" for number in range(CLASSES)]
    images, annotations, xml = [], [], []
    for folder in ("coco", "cvat", "masks"):
        (root / folder / "images").mkdir(parents=True)
    (root / "masks/masks").mkdir()
    Image.fromarray(noise).resize((SIDE, SIDE)).save(root / "photo.jpg")
    for number in range(1, photos + 1):
        name = f"images/{number}.jpg"
        for folder in ("coco", "cvat", "masks"):
            os.link(root / "photo.jpg", root / folder / name)
        images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
        xml.append(f'<image id="{number}" name="{name}" width="{SIDE}" height="{SIDE}">')
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for _ in range(OBJECTS):
            label = chance.randint(1, CLASSES)
            x, y, radius = (chance.uniform(*span) for span in ((60, 450), (60, 450), (10, 60)))
            angles = [2 * math.pi * corner / points for corner in range(points)]
            radii = [radius + chance.uniform(-3, 3) for _ in angles]
            corners = [
                (round(x + r * math.cos(a), 2), round(y + r * math.sin(a), 2))
                for a, r in zip(angles, radii, strict=True)
            ]
            flat = [value for corner in corners for value in corner]
            own = {"id": len(annotations) + 1, "image_id": number, "category_id": label}
            annotations.append({**own, "segmentation": [flat], "iscrowd": 0})
            text = ";".join(f"{a},{b}" for a, b in corners)
            xml.append(f'<polygon label="{names[label - 1]}" points="{text}" z_order="0"/>')
            left, top, reach = int(x - radius), int(y - radius), int(2 * radius)
            mask[max(top, 0) : top + reach, max(left, 0) : left + reach] = label
        xml.append("</image>")
        Image.fromarray(mask).save(root / "masks/masks" / f"{number}.png")
    categories = [{"id": label, "name": name} for label, name in enumerate(names, start=1)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (root / "coco/result.json").write_text(json.dumps(document))
    labels = "".join(f"<label><name>{name}</name></label>" for name in names)
    head = f"<annotations><version>1.1</version><meta><task><labels>{labels}</labels></task></meta>"
    (root / "cvat/annotations.xml").write_text(head + "".join(xml) + "</annotations>")
    (root / "masks/classes.txt").write_text("\n".join(["background", *names]) + "\n")


def measured(*words: str) -> tuple[float, float]:
    """Seconds and MiB of a command, its output thrown away."""
    began = time.perf_counter()
    child = os.posix_spawn(
        words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _, status, used = os.wait4(child, 0)
    assert status == 0, words
    return time.perf_counter() - began, used.ru_maxrss / 1024


def main() -> None:
    """Print a line for each."""
    options = argparse.ArgumentParser()
    options.add_argument("--photos", type=int, default=3272)
    options.add_argument("--points", type=int, default=200)
    options.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.draw:
        draw(given.draw, given.photos, given.points)
        return
    root = Path(tempfile.mkdtemp())
    sizes = ("--photos", str(given.photos), "--points", str(given.points))
    measured(sys.executable, __file__, "--draw", str(root), *sizes)  # a child counts what its parent holds
    recycle = str(Path(sys.executable).with_name("recycle"))
    load = f"import json; json.load(open({str(root / 'coco/result.json')!r}))"
    seconds, most = measured(sys.executable, "-c", load)
    size = (root / "coco/result.json").stat().st_size / 2**20
    print(f"{given.photos} photos, {given.photos * OBJECTS} objects, {size:.0f} MiB of COCO")
    print(f"json.load                {seconds:6.1f} s  {most:6.0f} MiB")
    for layout in ("coco", "cvat", "masks"):
        seconds, used = measured(recycle, "data", "import", str(root / layout), str(root / f"out-{layout}"), "--link")
        print(f"data import of {layout:9s} {seconds:6.1f} s  {used:6.0f} MiB, {used / most:.2f} times json.load")


if __name__ == "__main__":
    main()
