"""What photos that are not square cost: another checkout's `recycle`, which pads them to squares, beside this one.

    python benchmarks/aspect.py PHOTOS DATA --other ../before/.venv/bin/recycle [--rounds 3] [--size 512]

PHOTOS is a folder of photos of one shape, as 24 of 1920x1080; DATA a COCO folder that is trained on. Each round runs
both programs in turn. Printed are medians by the clock: the seconds of a photo beyond start-up (all photos less one
photo), of a training step with the validation of its photos beyond start-up (three epochs less one), and the ratio.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(*command: object) -> float:
    """By the clock; what a program prints is shown where it fails."""
    began = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: exit code {done.returncode}\n{done.stderr}")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--other", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=5, help="of an epoch, of 8 photos each")
    given = parser.parse_args()
    photos = sorted(given.photos.absolute().iterdir())
    programs = {"other": given.other.absolute(), "this": Path(sys.executable).with_name("recycle")}
    taken: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "one").mkdir()
        shutil.copy(photos[0], place / "one")
        for _ in range(given.rounds):
            for name, program in programs.items():
                short, long = (
                    seconds(
                        *(program, "train", "--data", given.data.absolute(), "--runs", place / name, "--name", epochs),
                        *("-o", f"data.size={given.size}", "--batch-size", 8, "--overfit-batches", given.steps),
                        *("--epochs", epochs),
                    )
                    for epochs in (1, 3)
                )
                taken.setdefault(("training step", name), []).append((long - short) / (2 * given.steps))
                for what, more in (("default batch", ()), ("batches of 8", ("--batch-size", 8))):
                    folders = ((place / "one", f"one, {what}"), (given.photos, f"all, {what}"))
                    alone, every = (
                        seconds(program, "predict", place / name / "1", images, "--out", place / name / out, *more)
                        for images, out in folders
                    )
                    taken.setdefault((f"predict, {what}", name), []).append((every - alone) / (len(photos) - 1))
                shutil.rmtree(place / name)
    for what in dict.fromkeys(what for what, _ in taken):
        other, this = (statistics.median(taken[what, name]) for name in programs)
        print(f"{what:<24} other {other:.3f} s, this {this:.3f} s, ratio {this / other:.3f}")


if __name__ == "__main__":
    main()
