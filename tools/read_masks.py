"""Reads masks as `recycle predict` writes them with the lines of docs/how-to/read-masks.md, and compares the pixels.

    .venv/bin/python tools/read_masks.py [--environment FOLDER]

The readers are installed into an environment of their own, which is kept where a folder is named; nothing of recyclecli
is in there. The labels are drawn here, so that what is right is known without a reader.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[1] / "docs/how-to/read-masks.md"
READERS = ("pillow", "torch", "torchvision", "imageio", "opencv-python-headless", "scikit-image")
SHAPES = ((1, 1), (3, 5), (48, 64), (257, 123))
CLASSES = (2, 4, 11, 16, 17, 255)


def written(folder: Path) -> None:
    """Masks of every number of classes and shape, with a palette and without, beside their labels."""
    from recycle_data.owned import Owned
    from recycle_engine.inference.outputs import SUFFIXES, write_outputs
    from recycle_engine.inference.scores import Prediction

    chance = np.random.default_rng(0)
    owned = Owned(folder)
    for classes in CLASSES:
        for height, width in SHAPES:
            labels = chance.integers(0, classes, (height, width), np.uint8)
            labels.flat[0] = classes - 1
            name = f"{classes}-{height}x{width}"
            files = {output: folder / output / f"{name}{SUFFIXES[output]}" for output in ("masks", "gray")}
            for file in files.values():
                file.parent.mkdir(parents=True, exist_ok=True)
            said = Prediction(labels, np.zeros_like(labels))
            palette = chance.integers(0, 256, (classes, 3), np.uint8)
            photo = np.zeros((height, width, 3), np.uint8)
            write_outputs(owned, files, photo, said, None, palette, [str(label) for label in range(classes)])
            np.save(folder / f"{name}.npy", labels)


def lines() -> list[tuple[str, str, str, bool]]:
    """Reader, folder, line and whether it gives labels, as the page says."""
    found = []
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in row.strip("| ").split("|")]
        typed = re.findall(r"`([^`]+)`", cells[1]) if len(cells) == 4 else []
        if typed and "(" in typed[0]:
            says = dict(zip(("masks", "gray"), cells[2:], strict=True))
            line = {"masks": typed[0], "gray": typed[-1]}
            found += [(cells[0], place, line[place], says[place] == "labels") for place in says]
    return found


def compare(folder: Path) -> int:
    """Print a line for each reader and folder; how many are not as the page says."""
    import cv2
    import imageio
    import skimage
    import torchvision
    from PIL import Image, __version__

    names = {"np": np, "Image": Image, "torchvision": torchvision, "imageio": imageio, "cv2": cv2, "skimage": skimage}
    import imageio.v3
    import skimage.io

    versions = {name: part.__version__ for name, part in names.items() if name not in ("np", "Image")}
    print(json.dumps({"pillow": __version__, **versions}))
    wrong = 0
    for reader, place, line, labels in json.loads((folder / "lines.json").read_text()):
        right = 0
        truths = sorted(folder.glob("*.npy"))
        for truth in truths:
            read = np.asarray(eval(line, names | {"file": str(folder / place / f"{truth.stem}.png")}))
            stored = np.load(truth)
            right += np.array_equal(read, stored) if labels else read.shape == (*stored.shape, 3)
        wrong += right < len(truths)
        print(f"{reader:13} {place:6} {right} of {len(truths)} as the page says ({'labels' if labels else 'colours'})")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, help="where the readers are, or are to be, installed")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        sys.exit(bool(compare(arguments.read)))
    with tempfile.TemporaryDirectory() as place:
        masks, environment = Path(place) / "predicted", arguments.environment or Path(place) / "environment"
        masks.mkdir()
        written(masks)
        (masks / "lines.json").write_text(json.dumps(lines()))
        if not environment.exists():
            venv.create(environment, with_pip=True)
            subprocess.run([environment / "bin/pip", "install", "--quiet", *READERS], check=True)
        sys.exit(subprocess.run([environment / "bin/python", __file__, "--read", masks]).returncode)


if __name__ == "__main__":
    main()
