"""densecrf against pydensecrf, which does not compile everywhere: what it says is stored in pydensecrf.npz.

python plugins/recycle-densecrf/tests/test_densecrf.py      stores it anew
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import recycle_densecrf.jit
import torch
from recycle_densecrf import DenseCrfOptions
from recycle_densecrf.densecrf import DenseCrf
from recycle_densecrf.guard import small_objects
from recycle_densecrf.torchfield import mean_fields_on
from recycle_kit.testing import PostprocessorConformance
from scipy import ndimage
from scipy.ndimage import gaussian_filter

from recyclecli.types import PostprocessorContext, RecycleError

CONTEXT = PostprocessorContext(("background", "glass"))
STORED = Path(__file__).with_name("pydensecrf.npz")
LEVELS = 4095  # of a stored probability
with_pydensecrf = pytest.mark.skipif(
    find_spec("pydensecrf") is None, reason="pydensecrf2 is not installed: its stored results stand for it"
)
CASES = [  # height, width, classes, options
    (90, 130, 11, {}),
    (64, 64, 2, {"iterations": 10}),
    (47, 200, 17, {"bilateral_sdims": 20, "bilateral_schan": 3, "bilateral_compat": 4}),
    (120, 40, 4, {"gaussian_sdims": 1, "gaussian_compat": 7}),
    (1, 1, 3, {}),
    (1, 50, 5, {}),
    (30, 2, 1, {}),
]


class TestDenseCrf(PostprocessorConformance):
    name = "densecrf"


def crf(photo, probabilities, **options):
    return DenseCrf(DenseCrfOptions(**{"guard_area": 0, "device": "cpu"} | options), CONTEXT)(photo, probabilities)


def scene(height, width, classes, seed=0):
    """A photo of some flat regions with noise, and soft probabilities that follow nothing of it."""
    chance = np.random.default_rng(seed)
    tone = gaussian_filter(chance.normal(size=(height, width, 3)), (6, 6, 0)).argmax(2)
    photo = np.clip(np.eye(3)[tone] * 150 + chance.normal(30, 12, (height, width, 3)), 0, 255).astype(np.uint8)
    logits = gaussian_filter(chance.normal(size=(classes, height, width)), (0, 4, 4)) * 20
    shares = np.exp(logits - logits.max(0))
    return photo, (shares / shares.sum(0)).astype(np.float32)


@pytest.fixture(scope="module")
def stored():
    with np.load(STORED) as file:
        return {name: file[name].astype(np.float32) / LEVELS for name in file.files}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_implementation_says_what_pydensecrf_says(number, stored):
    height, width, classes, options = CASES[number]
    photo, probabilities = scene(height, width, classes)
    expected = stored[str(number)]
    assert np.abs(expected - probabilities).max() > 0.05 or height * width < 100  # there is something to agree on
    for threads in (1, 3):
        said = crf(photo, probabilities, threads=threads, **options)
        assert np.abs(said - expected).max() < 1e-3
        assert (said.argmax(0) == expected.argmax(0)).mean() > 0.999
    (on_torch,) = mean_fields_on("cpu", [photo], [probabilities], DenseCrfOptions(**options))
    assert np.abs(on_torch - expected).max() < 1e-3


@with_pydensecrf
@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_stored_results_are_those_of_pydensecrf(number, stored):
    assert np.abs(by_pydensecrf(*CASES[number]) - stored[str(number)]).max() < 2e-4


def test_one_object_serves_photos_of_many_sizes():
    field = DenseCrf(DenseCrfOptions(guard_area=0), CONTEXT)
    for height, width in ((40, 60), (60, 40), (40, 60)):
        photo, probabilities = scene(height, width, 5)
        assert np.abs(field(photo, probabilities) - crf(photo, probabilities)).max() < 1e-5
        turned = np.ascontiguousarray(photo.transpose(1, 0, 2)).transpose(1, 0, 2)  # not C-contiguous
        assert np.array_equal(field(turned, probabilities), field(photo, probabilities))
        photo.flags.writeable = False
        crf(photo, probabilities)


def by_pydensecrf(height, width, classes, options):
    return crf(*scene(height, width, classes), implementation="pydensecrf", **options)


SIZES = ((40, 60), (90, 31), (40, 60), (1, 1), (60, 40), (40, 60), (7, 200))


@with_pydensecrf
def test_pydensecrf_takes_photos_that_may_not_be_written():
    photo, probabilities = scene(40, 60, 5)
    photo.flags.writeable = False
    crf(photo, probabilities, implementation="pydensecrf")


@pytest.mark.parametrize(
    "options",
    [{}, {"threads": 1}, {"threads": 3}, pytest.param({"implementation": "pydensecrf"}, marks=with_pydensecrf)],
)
def test_photos_of_a_batch_do_not_see_each_other(options):
    scenes = [scene(height, width, 5, seed) for seed, (height, width) in enumerate(SIZES)]
    field = DenseCrf(DenseCrfOptions(device="cpu", **options), CONTEXT)
    assert field.batch([], []) == []
    together = field.batch(*zip(*scenes, strict=True))
    assert [each.shape for each in together] == [(5, *size) for size in SIZES]
    for (photo, probabilities), said in zip(scenes, together, strict=True):
        assert np.abs(said - crf(photo, probabilities, guard_area=0.002, **options)).max() < 1e-5


def test_a_photo_much_larger_than_the_others_is_shared_by_all_threads(monkeypatch):
    used = []
    given = [scene(height, width, 3) for height, width in ((90, 90), (10, 10), (10, 10))]
    expected = [crf(*each) for each in given]
    monkeypatch.setattr(
        "recycle_densecrf.densecrf.Threads", lambda count: used.append(count) or recycle_densecrf.jit.Threads(count)
    )
    field = DenseCrf(DenseCrfOptions(guard_area=0, device="cpu", threads=3), CONTEXT)
    for one, other in zip(field.batch(*zip(*given, strict=True)), expected, strict=True):
        assert np.abs(one - other).max() < 1e-5
    field.batch(*zip(*given[1:], strict=True))
    assert used == [3, 3, 3, 1, 1]


def test_photos_of_a_batch_in_torch_do_not_see_each_other():
    scenes = [scene(height, width, 5, seed) for seed, (height, width) in enumerate(SIZES)]
    together = mean_fields_on("cpu", *zip(*scenes, strict=True), DenseCrfOptions())
    for (photo, probabilities), said in zip(scenes, together, strict=True):
        (alone,) = mean_fields_on("cpu", [photo], [probabilities], DenseCrfOptions())
        assert np.abs(said - alone).max() < 1e-5
        assert np.abs(said - crf(photo, probabilities)).max() < 1e-3
    assert np.abs(together[0] - together[2]).max() > 0.1  # of one size, and not of one photo


def test_torch_takes_arrays_that_may_not_be_written(recwarn):
    photo, probabilities = scene(20, 30, 3)
    photo.flags.writeable = probabilities.flags.writeable = False
    torch.set_warn_always(True)
    try:
        mean_fields_on("cpu", [photo, photo[:, ::-1]], [probabilities, probabilities[..., ::-1]], DenseCrfOptions())
    finally:
        torch.set_warn_always(False)
    assert [str(one.message) for one in recwarn if "not writable" in str(one.message)] == []


def test_a_blurred_edge_moves_to_the_photos_edge():
    photo = np.zeros((40, 40, 3), np.uint8)
    photo[:, 20:] = 220
    truth = (np.arange(40) >= 20).astype(int)
    slope = np.linspace(-2, 2, 40) + 0.35  # its zero lies left of the photo's edge
    right = np.broadcast_to(1 / (1 + np.exp(-slope)), (40, 40))
    probabilities = np.stack([1 - right, right]).astype(np.float32)
    assert (probabilities.argmax(0) == truth).mean() < 0.95
    assert (crf(photo, probabilities).argmax(0) == truth).mean() == 1


def speck(confidence):
    """A small region of label 1 on a grey photo that does not show it."""
    probabilities = np.full((2, 80, 80), 0.0, np.float32)
    probabilities[1] = 0.1
    probabilities[1, 40:44, 40:44] = confidence
    probabilities[0] = 1 - probabilities[1]
    return np.full((80, 80, 3), 90, np.uint8), probabilities


def test_the_guard_keeps_a_small_sure_object_and_no_unsure_one():
    photo, probabilities = speck(0.9)
    assert not crf(photo, probabilities).argmax(0).any()
    kept = crf(photo, probabilities, guard_area=0.005)
    assert np.array_equal(kept.argmax(0), probabilities.argmax(0))
    assert not crf(photo, probabilities, guard_area=0.001).argmax(0).any()  # larger than the guard looks after
    photo, probabilities = speck(0.55)
    assert not crf(photo, probabilities, guard_area=0.005).argmax(0).any()


def test_the_guard_looks_at_each_region_by_itself():
    chance = np.random.default_rng(3)
    before, after = (
        gaussian_filter(chance.normal(size=(4, 90, 70)), (0, blur, blur)).astype(np.float32) for blur in (1.5, 4)
    )
    before = np.exp(6 * before) / np.exp(6 * before).sum(0)
    kept = small_objects(before, after, 0.01, 0.4)
    said, lost = before.argmax(0), before.argmax(0) != after.argmax(0)
    expected = np.zeros(said.shape, bool)
    for label in range(4):
        regions, count = ndimage.label(said == label)
        for number in range(1, count + 1):
            region = regions == number
            small = 8 < region.sum() <= 0.01 * said.size
            expected |= region & (small and lost[region].mean() > 0.5 and before.max(0)[region].mean() >= 0.4)
    assert expected.any()
    assert (lost & ~expected).any()
    assert np.array_equal(kept, expected)


def test_kernels_too_small_for_a_photo_are_refused():
    photo, probabilities = scene(300, 300, 2)
    with pytest.raises(RecycleError, match=r"reach of 0\.01 pixels"):
        crf(photo, probabilities, bilateral_sdims=0.01)
    with pytest.raises(RecycleError, match=r"reach of 0\.01 pixels"):
        mean_fields_on("cpu", [photo], [probabilities], DenseCrfOptions(bilateral_sdims=0.01))


def test_pydensecrf_that_is_missing_names_the_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydensecrf", None)
    with pytest.raises(RecycleError, match="pip install pydensecrf2"):
        crf(*scene(8, 8, 2), implementation="pydensecrf")


def test_it_works_where_the_model_does(monkeypatch):
    photo, probabilities = scene(30, 40, 3)
    expected = crf(photo, probabilities)
    used = []
    monkeypatch.setattr(
        "recycle_densecrf.densecrf.mean_fields_on", lambda device, *_: used.append(device) or [expected.copy()]
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for device, option in (("cpu", "auto"), ("cuda:3", "auto"), ("auto", "auto"), ("cuda:3", "cpu"), ("cpu", "cuda")):
        context = PostprocessorContext(CONTEXT.class_names, device)
        said = DenseCrf(DenseCrfOptions(guard_area=0, device=option), context)(photo, probabilities)
        assert np.array_equal(said, expected)
    assert used == ["cuda:3", "cuda", "cuda"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("iterations", [5, 10])
def test_a_gpu_says_what_the_cpu_says(iterations):
    batch = list(zip(*(scene(512, side, 11, side) for side in (512, 512, 300)), strict=True))
    options = DenseCrfOptions(iterations=iterations)
    for on_cpu, on_gpu in zip(
        *(DenseCrf(options.model_copy(update={"device": device}), CONTEXT).batch(*batch) for device in ("cpu", "cuda")),
        strict=True,
    ):
        assert np.abs(on_gpu - on_cpu).max() < 1e-3
        assert (on_gpu.argmax(0) == on_cpu.argmax(0)).mean() > 0.999


if __name__ == "__main__":
    found = {str(number): by_pydensecrf(*case) for number, case in enumerate(CASES)}
    np.savez_compressed(STORED, **{name: np.rint(one * LEVELS).astype(np.uint16) for name, one in found.items()})
    print(STORED)
