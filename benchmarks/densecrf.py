"""`densecrf` against pydensecrf on real photos and a real model's probabilities, in one run, in turn.

    OMP_NUM_THREADS=2 python benchmarks/densecrf.py RUN ../shared/data/recycle-trash/images [--photos 12]

Each photo goes through both, warm, after one round that is not counted; pydensecrf always runs on one
thread. Printed are the first call of the process with its compilation (numba keeps it on disk for
the next process; --fresh compiles anew), then for 5 and 10 iterations the share of pixels with the
same label, the mean and the largest difference of probabilities, the medians of the times, and the
median of the photos' ratios; then the same photos in batches of 8, the time for each photo of a batch against
its photos one by one and by pydensecrf. The bars: 99 %, 0.01, 0.7 of pydensecrf's time on two threads.
With --device cuda ours runs there; the bar is 20 ms for each photo of a batch.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from recycle_engine import api

BATCH = 8


def timed(work, *given):
    began = time.perf_counter()
    result = work(*given)
    return result, time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    if arguments.fresh:
        os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp()
    with tempfile.TemporaryDirectory() as folder:
        api.predict(arguments.run, arguments.images, folder, pipeline=api.pipeline(), outputs=["probabilities"])
        files = sorted(Path(folder).rglob("*.npz"))[: arguments.photos]
        pairs = []
        for file in files:
            shares = np.load(file)["probabilities"].astype(np.float32)
            photo = Image.open(next(arguments.images.rglob(f"{file.stem}.*"))).convert("RGB")
            rows, columns = (np.arange(512) * side // 512 for side in shares.shape[1:])
            large = shares[:, rows][:, :, columns]
            pairs.append((np.asarray(photo.resize((512, 512))), np.ascontiguousarray(large / large.sum(0))))

    def build(**options):
        settings = {"guard_area": 0, "threads": arguments.threads, **options}
        return api.build_postprocessor("densecrf", list(map(str, range(len(pairs[0][1])))), settings)

    _, first = timed(build(device=arguments.device), *pairs[0])
    print(f"{len(pairs)} photos of 512x512, {len(pairs[0][1])} classes; first call of the process {first:.2f} s")
    for iterations in (5, 10):
        ours = build(device=arguments.device, iterations=iterations)
        theirs = build(implementation="pydensecrf", iterations=iterations)
        ours(*pairs[0])
        theirs(*pairs[0])
        rows, alone = [], []
        for photo, probabilities in pairs:
            (own, mine), (other, peer) = timed(ours, photo, probabilities), timed(theirs, photo, probabilities)
            same = (own.argmax(0) == other.argmax(0)).mean()
            difference = np.abs(own - other)
            rows.append((same, difference.mean(), difference.max(), mine, peer, mine / peer))
            alone.append(own)
        columns = list(zip(*rows, strict=True))
        print(
            f"{iterations:>2} iterations: {min(columns[0]):.4%} of pixels agree at least, "
            f"difference {max(columns[1]):.1e} on average, {max(columns[2]):.1e} at most; "
            f"{statistics.median(columns[3]):.3f} s against {statistics.median(columns[4]):.3f} s, "
            f"ratio {statistics.median(columns[5]):.2f} ({min(columns[5]):.2f} to {max(columns[5]):.2f})"
        )
        batches = [range(start, start + BATCH) for start in range(0, len(pairs) - BATCH + 1, BATCH)]
        ours.batch(*zip(*(pairs[place] for place in batches[0]), strict=True))
        guarded = build(device=arguments.device, iterations=iterations, guard_area=0.002)
        ratios, times, peers, differences, guards = [], [], [], [], []
        for batch in batches:
            photos, given = zip(*(pairs[place] for place in batch), strict=True)
            results, whole = timed(ours.batch, photos, given)
            single = sum(timed(ours, *pairs[place])[1] for place in batch)
            peer = sum(timed(theirs, *pairs[place])[1] for place in batch)
            times.append(whole / BATCH)
            ratios.append(whole / single)
            peers.append(whole / peer)
            guards.append(timed(guarded.batch, photos, given)[1] / whole)
            differences += [np.abs(one - alone[place]).max() for one, place in zip(results, batch, strict=True)]
        print(
            f"   in batches of {BATCH}: {statistics.median(times):.4f} s a photo, {statistics.median(ratios):.2f} of "
            f"one by one ({', '.join(map('{:.2f}'.format, ratios))}), {statistics.median(peers):.2f} of pydensecrf; "
            f"with the guard {statistics.median(guards):.2f} of without; "
            f"difference to one by one {max(differences):.1e} at most"
        )


if __name__ == "__main__":
    main()
