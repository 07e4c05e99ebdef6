"""What is seen of runs that lie over each other, held against painting one after the other."""

import numpy as np
import pytest
from recycle_coco.occlusion import filled, front

SIDE = 40


def shapes_of(chance, count, share):
    """Runs of so many shapes: scattered pixels, and long stretches among them."""
    found = []
    for _ in range(count):
        inside = chance.random(SIDE) < share
        if chance.random() < 0.3:
            begin, end = np.sort(chance.integers(0, SIDE, 2))
            inside[:] = False
            inside[begin:end] = True
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside, [0]]).astype(int)))
        found.append(edges.reshape(-1, 2))
    return found


@pytest.mark.parametrize("share", [0.02, 0.2, 0.7])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_each_place_shows_the_uppermost_shape(count, share):
    chance = np.random.default_rng([count, int(share * 100)])
    for _ in range(20):
        shapes = shapes_of(chance, count, share)
        wanted = np.full(SIDE, -1)
        for place, runs in enumerate(shapes):
            for begin, end in runs:
                wanted[begin:end] = place
        runs, owner = front(shapes)
        assert np.array_equal(filled(runs, owner, -1, SIDE, 1).ravel(), wanted)
        assert (runs[:, 1] > runs[:, 0]).all()
        assert (runs[1:, 0] >= runs[:-1, 1]).all()


def test_many_small_shapes_are_compared_with_few_runs_each(monkeypatch):
    """Each of 1,000 was compared with all that lay above it."""
    compared = []
    over, bare = front.__globals__["over"], front.__globals__["_bare"]
    monkeypatch.setitem(front.__globals__, "over", lambda *runs: compared.append(sum(map(len, runs))) or over(*runs))
    monkeypatch.setitem(
        front.__globals__, "_bare", lambda layer, runs: compared.append(len(layer[0]) + len(runs)) or bare(layer, runs)
    )
    places = np.random.default_rng(0).permutation(200_000)[:100_000].reshape(1000, 100) * 3
    shapes = [np.stack([np.sort(row), np.sort(row) + 1], 1) for row in places]
    runs, _ = front(shapes)
    assert len(runs) == 100_000
    assert sum(compared) < 25 * len(runs), "and 500 times as many where each is compared with all"
