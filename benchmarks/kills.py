"""`kill -9` at ten random moments of a training, each time resumed: are the weights those of an uninterrupted one?

    python benchmarks/kills.py [--kills 10] [--seed 0]

Photos of the sample set; augmentations, crops and the weight average as by default. The moment is
drawn from the whole time that the uninterrupted training took, its start and end included, so that
kills hit the middle of epochs, of validation, and of writing. Prints each moment, what lay there,
and whether every tensor of best.safetensors and of last.ckpt is equal bit by bit.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from recyclecli import api

TRAIN = [sys.executable, "-m", "recyclecli", "train"]
OPTIONS = ["--epochs", "8", "--batch-size", "4", "-o", "data.size=64", "--aug", "flip", "--aug", "affine"]


def equal(run, whole):
    """Whether two runs ended with the same weights, optimizer state and average."""
    first, second = (load_file(folder / "checkpoints/best.safetensors") for folder in (run, whole))
    same = all(torch.equal(first[key], second[key]) for key in second)
    ours, theirs = (torch.load(folder / "checkpoints/last.ckpt", weights_only=True) for folder in (run, whole))
    for part in ("state_dict", "current_model_state"):
        same &= all(torch.equal(ours[part][key], theirs[part][key]) for key in theirs[part])
    return same and ours["global_step"] == theirs["global_step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        api.sample(work / "data", images=30)
        began = time.perf_counter()
        subprocess.run([*TRAIN, *OPTIONS, "--name", "whole"], cwd=work, env=environment, check=True, **quiet)
        took = time.perf_counter() - began
        print(f"uninterrupted: {took:.1f} s")
        good = 0
        for number in range(arguments.kills):
            run, moment = work / f"runs/cut-{number}", chance.uniform(0, took)
            command = [*TRAIN, *OPTIONS, "--name", run.name]
            process = subprocess.Popen(command, cwd=work, env=environment, **quiet)
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
            process.wait()
            rows = len((run / "metrics.csv").read_text().splitlines()) - 1 if (run / "metrics.csv").is_file() else 0
            parts = len(list(run.rglob("*.part")))
            resumed = [*TRAIN, "--resume", run.name] if (run / "recipe.yaml").is_file() else command
            done = subprocess.run(resumed, cwd=work, env=environment, check=False, capture_output=True, text=True)
            same = done.returncode == 0 and equal(run, work / "runs/whole")
            good += same
            print(f"killed after {moment:5.1f} s, {rows} whole epochs, {parts} files half written: ", end="")
            print("equal" if same else f"DIFFERENT {done.stderr[-300:]}", flush=True)
            shutil.rmtree(run)
        print(f"{good} of {arguments.kills} equal")


if __name__ == "__main__":
    main()
