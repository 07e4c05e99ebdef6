"""Photos that were mirrored or turned, while their labels were not."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps
from recycle_data.identity import identity_of
from recycle_data.sources import Subset
from recycle_data.unturned_labels import unturned
from recycle_engine import api
from recycle_engine.training.leakage import refuse_leakage
from support import recycle_here

MIRROR, UPSIDE, QUARTER = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.ROTATE_90,
)


def photo(seed):
    small = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return Image.fromarray(small).resize((64, 64))


def mask():
    labels = np.zeros((64, 64), np.uint8)
    labels[5:30, 8:20], labels[40:50, 30:60] = 1, 2
    return Image.fromarray(labels)


@pytest.mark.parametrize(
    ("other", "its", "found"),
    [
        *[(photo(0).transpose(turn), mask(), [(1, 0)]) for turn in (MIRROR, UPSIDE, QUARTER)],
        *[(photo(0).transpose(turn), mask().transpose(turn), []) for turn in (MIRROR, UPSIDE, QUARTER)],
        (photo(0).transpose(MIRROR).resize((96, 96)), mask().resize((96, 96), 0), [(1, 0)]),
        (ImageOps.invert(photo(0)), mask(), []),
        (photo(0), mask(), []),
        (photo(1), mask(), []),
    ],
)
def test_labels_are_compared_as_they_are_and_turned(other, its, found):
    labels = [np.array(mask()), np.array(its)]
    photos = np.array([identity_of(one) for one in (photo(0), other)])
    assert list(unturned(photos, labels.__getitem__)) == found
    assert not list(unturned(photos, lambda index: np.zeros_like(labels[index]))), "empty photos have no labels"


def test_check_and_training_tell_of_them(tmp_path, logged):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "classes.txt").write_text("Background\nPaper\nMetal\n")
    for number in range(3):
        photo(number).save(tmp_path / f"images/{number}.png")
        mask().save(tmp_path / f"masks/{number}.png")
    photo(1).transpose(MIRROR).save(tmp_path / "images/again.png")
    mask().save(tmp_path / "masks/again.png")
    done = recycle_here("data", "check", "--data", tmp_path, "--dataset", "masks", cwd=tmp_path)
    assert "error   unturned-labels  x1" in done.stdout
    assert "again.png': it is 'images/1.png' mirrored or turned" in done.stdout
    split = api.split({"data.root": tmp_path, "data.dataset": "masks"})
    whole = api.open_data(tmp_path, dataset="masks")
    refuse_leakage(replace(split, train=whole, val=Subset(whole, [])))
    assert "1 training photo mirrored or turned, with labels that are not" in logged()
