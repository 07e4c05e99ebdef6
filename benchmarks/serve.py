"""How long the page takes for a photo of a phone: the first, further ones, and those of eight people at once.

    OMP_NUM_THREADS=2 python benchmarks/serve.py RUN [--photo FILE]

The photo has 4000 x 3000 pixels: a photo of the sample set, or FILE, enlarged, with the noise of a sensor.
`recycle serve` runs in a process of its own, with the run's pipeline. Printed: seconds until the page answers after
the start, of the first prediction (bar: 5 s on 2 cores), of further ones, of the mask at the photo's own size, and
of eight clients that send at the same time, where none may fail.
"""

import argparse
import io
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image
from recycle_engine import api

SIZE = (4000, 3000)
CLIENTS = 8


def phone_photo(file: Path | None) -> bytes:
    """A JPEG of 12 million pixels."""
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            api.sample(folder, 1)
            file = next(Path(folder).rglob("*.jpg"))
        large = Image.open(file).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    large = Image.blend(large, Image.effect_noise(SIZE, 60).convert("RGB"), 0.15)
    stream = io.BytesIO()
    large.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def ask(url: str, photo: bytes, page: int = 0) -> tuple[float, int]:
    """Seconds and status of one request."""
    began = time.perf_counter()
    request = urllib.request.Request(url, photo, {"Content-Type": "image/jpeg", "X-Recycle-Page": str(page)})
    with urllib.request.urlopen(request, timeout=300) as answer:
        answer.read()
        return time.perf_counter() - began, answer.status


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--photo", type=Path)
    arguments = parser.parse_args()
    photo = phone_photo(arguments.photo)
    command = [sys.executable, "-m", "recyclecli", "serve", arguments.run, "--port", "0"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://\S+?:\d+", server.stdout.readline()).group()
            print(f"started after {time.perf_counter() - began:.1f} s; the photo has {len(photo) / 1e6:.1f} MB")
            first, _ = ask(f"{url}/api/predict", photo)
            print(f"first prediction {first:.2f} s (bar 5)")
            further = [ask(f"{url}/api/predict", photo)[0] for _ in range(10)]
            print(f"further ones, median of 10: {statistics.median(further):.2f} s, slowest {max(further):.2f} s")
            print(f"mask at the photo's own size {ask(f'{url}/api/mask', photo)[0]:.2f} s")
            with ThreadPoolExecutor(CLIENTS) as pool:
                answers = list(pool.map(lambda page: ask(f"{url}/api/predict", photo, page), range(CLIENTS)))
            failed = sum(status != 200 for _, status in answers)
            waits = sorted(seconds for seconds, _ in answers)
            print(f"{CLIENTS} clients at once: {waits[0]:.2f} s to {waits[-1]:.2f} s, {failed} failed")
        finally:
            server.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
