"""Photos are read ahead while others are predicted, but never beside a huge one."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from recycle_engine.inference import worker


def test_a_huge_photo_is_read_when_those_before_it_are_done(monkeypatch):
    monkeypatch.setattr(worker, "BATCH_PIXELS", 100)
    done = []
    sides = [2, 2, 2, 20, 2]
    photos = [SimpleNamespace(size=(side, side), read=lambda side=side: (side, len(done))) for side in sides]
    with ThreadPoolExecutor(1) as pool:
        for places, images in worker._read_ahead(pool, photos, range(5), 1):
            assert [side for side, _ in images] == [sides[place] for place in places]
            if places == [3]:
                assert images == [(20, 3)]
            done += places
    assert done == [0, 1, 2, 3, 4]
