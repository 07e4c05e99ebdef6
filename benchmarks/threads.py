"""How long OpenMP's threads may spin while they wait: `recycle train` and `predict`, alone and beside a busy process.

    python benchmarks/threads.py RUN DATA PHOTOS [--rounds 3]

RUN is a trained run, DATA a folder that is trained on, PHOTOS a folder that is predicted. Each round runs each command
with each setting, in turn, alone and beside a process that keeps a core busy. Printed are medians by the clock, and the
ratio to libgomp's own setting (300,000 turns).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = {
    "libgomp's own": {"GOMP_SPINCOUNT": "300000"},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
}
BUSY = [sys.executable, "-c", "while True: pass"]


def seconds(command: list[str], env: dict[str, str], place: Path) -> float:
    """By the clock, in an empty folder."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    began = time.perf_counter()
    subprocess.run(command, cwd=place, env=os.environ | env, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    recycle = [sys.executable, "-m", "recyclecli"]
    train = ["train", "--data", str(given.data.absolute()), "--epochs", "2", "-o", "train.callbacks=[]"]
    commands = {
        "train": [*recycle, *train, "-o", "data.size=192"],
        "predict": [*recycle, "predict", str(given.run.absolute()), str(given.photos.absolute()), "--out", "out"],
    }
    times: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            for load in ("quiet", "busy"):
                beside = subprocess.Popen(BUSY) if load == "busy" else None
                for name, command in commands.items():
                    for setting, env in SETTINGS.items():
                        took = seconds(command, env, Path(folder, "work"))
                        times.setdefault((name, load, setting), []).append(took)
                        print(name, load, setting, f"{took:.1f} s", flush=True)
                if beside is not None:
                    beside.kill()
    for (name, load, setting), each in times.items():
        base = statistics.median(times[name, load, next(iter(SETTINGS))])
        print(
            f"| {name} | {load} | {setting} | {statistics.median(each):.1f} s | {statistics.median(each) / base:.2f} |"
        )


if __name__ == "__main__":
    main()
