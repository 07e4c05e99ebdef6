"""Gather what the GPU check needs on a machine with a GPU and without a network, in the root of the checkout.

Writes .whl (wheels), .photos and .gpu, which git ignores; they go there with the checkout. May be repeated: what is
there already stays. Needs the environment of `make test` and the package index, no GPU.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from gpu import photos, wheels
from gpu.settings import ROOT

MIB = 2**20
PRESENT = [  # the large ones, which a machine that trains has; they would not fit
    *("torch", "torchvision", "torchmetrics", "lightning", "timm", "huggingface-hub", "numpy", "scipy", "scikit-learn"),
    *("numba", "pillow", "matplotlib", "tensorboard", "pytest"),
]
FORWARD = """#!/usr/bin/env bash
# written by tools/gpu/prepare.sh
exec bash "$(dirname "$0")/../tools/gpu/check.sh" "$@"
"""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="prepare.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default="3.12", help="Python of the other machine (%(default)s)")
    parser.add_argument("--machine", default="x86_64", help="its processor, as wheels name it (%(default)s)")
    parser.add_argument(
        "--present", nargs="+", default=PRESENT, metavar="NAME[==VERSION]|FILE",
        help="packages that it has, or what `pip freeze` prints there (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--limit", type=float, default=55, metavar="MIB", help="of the three folders (%(default)s)")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="COCO folder; photos are drawn when left out")
    parser.add_argument("--count", type=int, default=192, help="photos (%(default)s)")
    return parser.parse_args(arguments)


def present(entries: list[str]) -> dict[str, str]:
    """The packages that arguments or files name, with their versions."""
    texts = [Path(entry).read_text() if Path(entry).is_file() else entry for entry in entries]
    return wheels.read_pins("\n".join(texts))


def gather_photos(source: Path | None, folder: Path, count: int) -> None:
    """Fill the folder of photos unless it holds so many of that source."""
    origin, said = folder / "origin", str(source or "drawn")
    if len(photos.files(folder)) == count and origin.is_file() and origin.read_text() == said:
        return
    shutil.rmtree(folder, ignore_errors=True)
    photos.draw(folder, count) if source is None else photos.copy(source, folder, count)
    origin.write_text(said)


def size(folder: Path) -> float:
    """MiB of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MIB


def main(arguments: list[str]) -> int:
    """Gather all; the exit code: 1 where it is too much, 2 where something is missing."""
    options = parsed(arguments)
    whl, pictures, kit = (ROOT / name for name in (".whl", ".photos", ".gpu"))
    target = wheels.Target(options.python, present(options.present), options.machine)
    try:
        wheels.fetch(wheels.of_checkout(ROOT, target), target, whl)
        if reason := wheels.build_peer(ROOT, target, whl):
            print(f"note: no {wheels.PEER}, the dense CRF is timed alone: {reason}", file=sys.stderr)
        gather_photos(options.photos, pictures, options.count)
    except (wheels.Unknown, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    kit.mkdir(exist_ok=True)
    (kit / "check.sh").write_text(FORWARD)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    (kit / "commit").write_text(commit.stdout)
    sizes = {folder.name: size(folder) for folder in (whl, pictures, kit)}
    total = sum(sizes.values())
    print(", ".join(f"{name} {mib:.1f} MiB" for name, mib in sizes.items()) + f": {total:.1f} of {options.limit:g} MiB")
    if total > options.limit:
        largest = sorted(whl.glob("*.whl"), key=lambda wheel: -wheel.stat().st_size)[:5]
        listing = ", ".join(f"{wheel.name.split('-')[0]} {wheel.stat().st_size / MIB:.1f}" for wheel in largest)
        print(f"error: too much. The largest wheels: {listing}. Name what the other machine has with --present, or "
              f"take fewer photos with --count {options.count // 2}", file=sys.stderr)  # fmt: skip
        return 1
    print("on the other machine, in a copy of this folder with the three: bash .gpu/check.sh")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
