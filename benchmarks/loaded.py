"""What a loaded model takes for one photo, against the bare model with its resizing.

    python benchmarks/loaded.py

An FPN with a ResNet-34 of the sample set is trained for one epoch at 512 pixels. Then in turn, photo by photo of 20 of
512x512: the bare model as smp builds it (normalised, through the model, resized back, the largest class), the loaded
model given the pixels, given the file, with objects, and the page over HTTP. Medians, and their ratio (bar: 1.15).
"""

import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from recycle_engine import api
from torch.nn import functional as F

PHOTOS, SIDE, ROUNDS = 20, 512, 3
ENCODER = "resnet34"


def main() -> None:
    """Train, then print the table."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        api.sample(folder / "data", images=PHOTOS + 4)
        settings = {"model": "fpn", "model.encoder": ENCODER, "model.weights": "none", "train.epochs": 1}
        settings |= {"data.root": folder / "data", "data.size": SIDE, "train.batch_size": 4}
        run = api.train(settings, runs=folder / "runs").run.folder
        files = sorted((folder / "data").rglob("*.jpg"))[:PHOTOS]
        for file in files:
            with Image.open(file) as image:
                photo = image.convert("RGB").resize((SIDE, SIDE))
            photo.save(file, quality=92)
        command = [sys.executable, "-m", "recyclecli", "serve", str(run), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                url = re.search(r"http://\S+?:\d+", server.stdout.readline()).group()
                measure(run, files, f"{url}/api/predict?trick=plain")
            finally:
                server.send_signal(signal.SIGINT)


def measure(run: Path, files: list[Path], page: str) -> None:
    """Time each way on each photo, in turn."""
    with api.load(run, api.pipeline(), "cpu") as model:
        net = smp.FPN(ENCODER, encoder_weights=None, classes=len(model.class_names)).eval()
        net = net.to(memory_format=torch.channels_last)

        @torch.inference_mode()
        def bare(pixels: np.ndarray) -> np.ndarray:
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().div_(255).sub_(0.45).div_(0.22)
            logits = net(image.contiguous(memory_format=torch.channels_last))
            full = F.interpolate(logits, pixels.shape[:2], mode="bilinear", align_corners=False)
            return full.argmax(1)[0].to(torch.uint8).numpy()

        def ask(file: Path) -> bytes:
            with urllib.request.urlopen(urllib.request.Request(page, file.read_bytes())) as answer:
                return answer.read()

        ways = {
            "bare model": lambda _, pixels: bare(pixels),
            "loaded, pixels": lambda _, pixels: model(pixels),
            "loaded, file": lambda file, _: model(file),
            "loaded, file, objects": lambda file, _: model(file).objects,
            "page": lambda file, _: ask(file),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(ROUNDS):
            for file in files:
                pixels = np.asarray(Image.open(file)).copy()
                for way, call in ways.items():
                    time.sleep(0.1)  # threads of the last way wait actively for more, also beside the page's process
                    began = time.perf_counter()
                    call(file, pixels)
                    if turn:  # the first warms up
                        taken[way].append(time.perf_counter() - began)
    floor = statistics.median(taken["bare model"])
    print(f"{len(files)} photos of {SIDE}x{SIDE}, {torch.get_num_threads()} threads")
    for way, times in taken.items():
        print(f"  {way:24} {1000 * statistics.median(times):7.1f} ms  {statistics.median(times) / floor:.2f}")


if __name__ == "__main__":
    main()
