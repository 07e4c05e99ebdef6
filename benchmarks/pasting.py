"""Images per second of copy-paste with Large Scale Jittering, ours and what pip offers beside it.

    python benchmarks/pasting.py ../shared/data/recycle-trash-pseudo [--device cuda] \\
        [--peer albumentationsx=ENV/bin/python] [--peer copy-paste-augmentation=ENV/bin/python]

The same 16 photos of 512x512 with their objects, decoded, in memory; each turn all are scaled by 0.1
to 2 and get objects of the others. Ours takes them as a batch, the others one by one. Peers run in
environments of their own (`pip install albumentationsx torch`, `pip install
copy-paste-augmentation`), through pasting_peer.py; all take turns, twice. With a GPU the share of
a training step is printed too (unetpp, EfficientNet-b5, batch 16).
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from recycle_engine import api

PHOTOS, SIZE, SECONDS = 16, 512, 8.0
OURS = {
    "lsj + copy-paste, bank": ["lsj", {"name": "copy-paste", "p": 1.0}],
    "lsj + copy-paste, batch": ["lsj", {"name": "copy-paste", "p": 1.0, "source": "batch"}],
    "copy-paste alone, bank": [{"name": "copy-paste", "p": 1.0}],
    "lsj alone": ["lsj"],
}


def rate(function, batch):
    """Images per second."""
    cuda = batch.image.is_cuda
    for _ in range(3):
        function(batch)
    if cuda:
        torch.cuda.synchronize()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        for _ in range(20 if cuda else 1):
            function(batch)
            done += PHOTOS
        if cuda:
            torch.cuda.synchronize()
    return done / (time.perf_counter() - began)


def peer(python, name, photos):
    """Images per second of another package, in its own environment; None and the reason where it fails."""
    script = Path(__file__).with_name("pasting_peer.py")
    command = [python, str(script), name, str(photos), str(SECONDS)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"})
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["no message"])[-1]
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["rate"], answer["version"]


def training(batch):
    """Images per second of a training step, and the step."""
    import segmentation_models_pytorch as smp

    model = smp.UnetPlusPlus("efficientnet-b5", encoder_weights=None, classes=11).to(
        "cuda", memory_format=torch.channels_last
    )
    optimizer = torch.optim.AdamW(model.parameters())

    def step(batch):
        with torch.autocast("cuda", torch.bfloat16):
            logits = model(batch.image.contiguous(memory_format=torch.channels_last))
            loss = torch.nn.functional.cross_entropy(logits.float(), batch.mask, ignore_index=255)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return rate(step, batch), step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    options = parser.parse_args()
    settings = {"data.root": options.root}
    source = api.split(settings).train
    batch = api.read_batch(source, range(PHOTOS), SIZE, options.device)
    ways = {name: api.build_augmentation(parts, settings) for name, parts in OURS.items()}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        samples = [source.read(index) for index in range(PHOTOS)]
        photos = Path(folder) / "photos.npz"
        np.savez(
            photos, **{f"{part}{k}": value for k, one in enumerate(samples) for part, value in one._asdict().items()}
        )
        for _ in range(2):
            for name, way in ways.items():
                found.setdefault(name, []).append(rate(way, batch))
            for entry in options.peer:
                name, _, python = entry.partition("=")
                value, note = peer(python, name, photos)
                found.setdefault(f"{name} ({note})", []).append(value or 0.0)
    for name, values in found.items():
        print(f"{name:60} {statistics.median(values):8.1f} img/s")
    if options.device.startswith("cuda"):
        plain, step = training(batch)
        paste = ways["lsj + copy-paste, batch"]
        both = rate(lambda one: step(paste(one)), batch)
        print(f"{torch.cuda.get_device_name()}, unetpp with EfficientNet-b5 in bf16: {plain:.1f} img/s")
        print(f"with lsj + copy-paste {both:.1f} img/s: {plain / both - 1:+.1%} of time (bar 5 %)")


if __name__ == "__main__":
    main()
