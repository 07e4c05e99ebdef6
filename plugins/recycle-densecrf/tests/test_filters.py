import numpy as np
import pytest
from recycle_densecrf import FillHolesOptions, ModeFilterOptions, RemoveIslandsOptions
from recycle_densecrf.islands import FillHoles, RemoveIslands
from recycle_densecrf.mode import ModeFilter
from recycle_densecrf.regions import most_likely, regions_of
from recycle_kit.testing import CLASSES, PostprocessorConformance
from scipy import ndimage

from recyclecli.types import PostprocessorContext

CONTEXT = PostprocessorContext(CLASSES)
PHOTO = np.zeros((20, 20, 3), np.uint8)


class TestModeFilter(PostprocessorConformance):
    name = "mode-filter"


class TestRemoveIslands(PostprocessorConformance):
    name = "remove-islands"


class TestFillHoles(PostprocessorConformance):
    name = "fill-holes"


def sure(labels):
    return np.eye(len(CLASSES), dtype=np.float32)[labels].transpose(2, 0, 1) * 0.8 + 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (37, 53)])
@pytest.mark.parametrize("labels", [1, 2, 3, 40])
def test_regions_are_those_of_scipy(shape, labels):
    for seed in range(20):
        said = np.random.default_rng(seed).integers(0, labels, shape).astype(np.uint8)
        regions, count = regions_of(said)
        expected = np.zeros(shape, int)
        for label in range(labels):
            theirs = ndimage.label(said == label)[0]
            expected[theirs > 0] = theirs[theirs > 0] + expected.max()
        assert count == expected.max() == regions.max() + 1 == len(np.unique(regions))
        pairs = np.unique(np.stack([regions, expected]).reshape(2, -1), axis=1)
        assert pairs.shape[1] == count  # each of ours lies on one of theirs and fills it


def test_a_region_that_winds_is_one():
    comb = np.zeros((9, 31), np.uint8)
    comb[:-1, ::2] = 1  # teeth that meet in the last row alone
    comb[-1] = 1
    assert regions_of(comb)[1] == 1 + 15
    spiral = np.ones((41, 41), np.uint8)
    spiral[1::4, 1:-1] = spiral[3::4, 1:] = 0
    spiral[1:-1:4, -1] = spiral[3:-1:4, 0] = 0
    assert regions_of(spiral)[1] == sum(ndimage.label(spiral == label)[1] for label in (0, 1))


def test_mode_filter_removes_a_speck_and_keeps_an_edge():
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 2
    labels[5, 5] = 1
    result = ModeFilter(ModeFilterOptions(), CONTEXT)(PHOTO, sure(labels)).argmax(0)
    labels[5, 5] = 0
    assert np.array_equal(result, labels)


@pytest.mark.parametrize("size", [3, 5, 7, 9, 31])
def test_ties_go_to_the_lower_label(size):
    labels = np.random.default_rng(0).integers(0, 3, (90, 100))
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(labels, size // 2, mode="edge"), (size, size))
    counts = np.stack([(windows == label).sum((2, 3)) for label in range(len(CLASSES))])
    shares = ModeFilter(ModeFilterOptions(size=size), CONTEXT)(PHOTO, sure(labels))
    assert shares.dtype == np.float32
    assert np.allclose(shares * size**2, counts, atol=1e-3)
    assert (np.sort(counts, 0)[-1] == np.sort(counts, 0)[-2]).any()  # there are ties
    assert np.array_equal(shares.argmax(0), counts.argmax(0))


def test_a_window_has_a_middle():
    with pytest.raises(ValueError, match="odd side"):
        ModeFilterOptions(size=4)


def test_islands_take_the_nearest_label_and_large_regions_stay():
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 2
    clean = labels.copy()
    labels[5, 5:7], labels[5, 15] = 1, 1
    remove = RemoveIslands(RemoveIslandsOptions(area=3 / 400), CONTEXT)
    assert np.array_equal(remove(PHOTO, sure(labels)).argmax(0), clean)
    labels[5:7, 5:7] = 1  # 4 pixels: no island
    clean[5:7, 5:7] = 1
    assert np.array_equal(remove(PHOTO, sure(labels)).argmax(0), clean)


def test_the_label_is_that_of_argmax_also_where_two_are_equal():
    shares = np.random.default_rng(0).integers(0, 3, (5, 30, 41)).astype(np.float32)
    for given in (shares, shares.transpose(0, 2, 1), shares[:1]):
        labels, largest = most_likely(given)
        assert np.array_equal(labels, given.argmax(0))
        assert np.array_equal(largest, given.max(0))


def test_holes_are_filled_but_not_the_middle_of_a_ring_nor_what_lies_on_background():
    labels = np.zeros((20, 20), int)
    labels[2:18, 2:10] = 1
    labels[4:6, 4:6] = 0  # a hole
    labels[8, 8] = 2  # another label in it
    labels[10:15, 4:8] = 0  # the middle of a ring
    labels[4:8, 14:18] = 2  # lies on the background, which surrounds it
    expected = labels.copy()
    expected[4:6, 4:6] = expected[8, 8] = 1
    filled = FillHoles(FillHolesOptions(area=4 / 400), CONTEXT)(PHOTO, sure(labels))
    assert np.array_equal(filled.argmax(0), expected)
    assert np.allclose(filled.sum(0), sure(labels).sum(0))


def test_holes_within_holes_go_to_the_outermost():
    labels = np.zeros((20, 20), int)
    labels[2:18, 2:18] = 2
    labels[5:14, 5:14] = 1
    labels[8:11, 8:11] = 3
    labels[9, 9] = 2
    filled = FillHoles(FillHolesOptions(area=1), CONTEXT)(PHOTO, sure(labels))
    assert (filled.argmax(0)[2:18, 2:18] == 2).all()
    assert np.allclose(filled.sum(0), sure(labels).sum(0))
    assert filled.min() >= 0


def test_a_list_without_background_fills_holes_of_its_first_class():
    labels = np.zeros((20, 20), int)
    labels[9, 9] = 1
    streets = PostprocessorContext(("Sky", "Building", "Pole"))
    assert not FillHoles(FillHolesOptions(area=0.1), streets)(PHOTO, sure(labels)[:3]).argmax(0).any()
    assert FillHoles(FillHolesOptions(area=0.1), CONTEXT)(PHOTO, sure(labels)).argmax(0).any()
