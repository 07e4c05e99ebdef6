"""Photos are read ahead while others are predicted and judged, but never beside a huge one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from recycle_engine.evaluation import evaluate
from recycle_engine.inference import read_ahead
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_kit.testing import random_source


def test_a_huge_photo_is_read_when_those_before_it_are_done(monkeypatch):
    monkeypatch.setattr(read_ahead, "BATCH_PIXELS", 100)
    done = []
    sides = [2, 2, 2, 20, 2]

    def read(place):
        return sides[place], len(done)

    with ThreadPoolExecutor(1) as pool:
        for places, photos in read_ahead.read_ahead(pool, read, range(5), 1, lambda place: sides[place] ** 2):
            assert [side for side, _ in photos] == [sides[place] for place in places]
            if places == [3]:
                assert photos == [(20, 3)]
            done.extend(places)
    assert done == [0, 1, 2, 3, 4]


class Noted:
    """A source that notes what is read of it."""

    def __init__(self, photos, fails=None):
        self.inner, self.fails = random_source(photos, 32), fails
        self.class_names, self.record = self.inner.class_names, self.inner.record
        self.seen = [threading.Event() for _ in range(photos)]

    def __len__(self):
        return len(self.inner)

    def read(self, index):
        self.seen[index].set()
        if index == self.fails:
            raise ValueError(f"photo {index}")
        return self.inner.read(index)


class Waits:
    """A scorer that goes on once the first photo of the next batch was read."""

    def __init__(self, source, batch):
        self.source, self.batch, self.done = source, batch, 0

    def scores(self, photos):
        self.done += len(photos)
        assert self.done >= len(self.source) or self.source.seen[self.done].wait(60)
        yield from (iter([torch.zeros(len(self.source.class_names), 32, 32)]) for _ in photos)


def test_evaluation_reads_the_next_batch_while_one_is_predicted():
    source = Noted(5)
    ledger, other = PerImageCounts(source.class_names), PerImageCounts(source.class_names)
    evaluate.fill([ledger], Waits(source, 2), source, 2)
    for index in range(5):
        other.add(f"{index}.png", np.zeros((32, 32), np.uint8), source.read(index).mask)
    assert ledger.names == other.names
    assert np.array_equal(ledger.counts, other.counts)


def test_what_cannot_be_read_ends_it():
    source = Noted(5, fails=3)
    with pytest.raises(ValueError, match="photo 3"):
        evaluate.fill([PerImageCounts(source.class_names)], Waits(source, 1), source, 1)
