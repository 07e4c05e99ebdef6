"""A loaded model: it says what `predict` writes, of files and of pixels, and stays whole without its run's folder."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from recycle_coco import read_photo
from recycle_engine import api
from recycle_engine.inference.objects import objects_of
from support import runs_in

from recyclecli.errors import RecycleError


@pytest.fixture(scope="module")
def photos(made_runs):
    return sorted((made_runs / "data").rglob("*.jpg"))[:3]


@pytest.fixture(scope="module")
def model(made_runs):
    with api.load(made_runs / "runs/fold-1") as loaded:
        yield loaded


def test_it_says_what_predict_writes(made_runs, model, photos, tmp_path):
    done = api.predict(made_runs / "runs/fold-1", photos, tmp_path / "out")
    for photo, mask in zip(photos, done.masks, strict=True):
        labels = np.asarray(Image.open(mask))
        of_file, of_pixels = model(photo), model(read_photo(photo))
        assert (labels == of_file.labels).all()
        assert (labels == of_pixels.labels).all()
    for each, mask in zip(model.each(photos), done.masks, strict=True):
        assert (each.labels == np.asarray(Image.open(mask))).all()


def test_confidence_and_probabilities_are_of_the_labels(model, photos):
    said = model(photos[0], probabilities=True)
    assert said.probabilities.shape == (len(model.class_names), *said.labels.shape)
    assert np.allclose(said.probabilities.sum(0), 1, atol=1e-5)
    assert (said.probabilities.argmax(0) == said.labels).mean() > 0.999  # ties apart
    assert np.allclose(said.probabilities.max(0), said.confidence, atol=1e-4)
    bare = model(photos[0], confidence=False)
    assert bare.confidence is None
    assert bare.probabilities is None
    assert {each.confidence for each in bare.objects} <= {None}


def test_several_models_are_one(made_runs, photos, tmp_path):
    runs = [made_runs / "runs/seed-0", made_runs / "runs/seed-1"]
    done = api.predict(runs, photos, tmp_path / "out", vote="hard", weights=[2, 1])
    with api.load(runs, vote="hard", weights=[2, 1]) as model:
        for photo, mask in zip(photos, done.masks, strict=True):
            assert (model(photo).labels == np.asarray(Image.open(mask))).all()


def test_objects_are_the_pieces_of_each_class():
    labels = np.zeros((6, 8), np.uint8)
    labels[1:3, 1:5] = 2
    labels[3, 5] = 2  # touches over a corner
    labels[5, 0:2] = 1
    pieces = np.zeros(labels.shape, np.int32)
    pieces[labels == 2], pieces[labels == 1] = 2, 1
    sure = np.where(labels == 2, 0.5, 1).astype(np.float32)
    large, small = objects_of(labels, pieces, ("Background", "paper", "metal"), sure)
    assert (large.number, large.label, large.name, large.area, large.box) == (2, 2, "metal", 9, (1, 1, 6, 4))
    assert large.centroid == pytest.approx(((8 * 3 + 5.5) / 9, (8 * 2 + 3.5) / 9))
    assert large.confidence == pytest.approx(0.5)
    assert (small.name, small.box, small.centroid) == ("paper", (0, 5, 2, 6), (1.0, 5.5))
    assert objects_of(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.int32), ("Background",), None) == []


def test_objects_lie_where_the_labels_are(model, photos):
    said = model(photos[0])
    assert sum(each.area for each in said.objects) == (said.labels > 0).sum()
    for each in said.objects:
        left, top, right, bottom = each.box
        inside = said.pieces[top:bottom, left:right] == each.number
        assert inside.sum() == each.area
        assert set(said.labels[top:bottom, left:right][inside]) == {each.label}
        assert all(inside.any(axis)[[0, -1]].all() for axis in (0, 1))


def test_threads_get_what_one_gets(model, photos):
    with ThreadPoolExecutor(4) as pool:
        several = list(pool.map(lambda photo: model(photo).labels, photos * 3))
    assert all((found == model(photo).labels).all() for found, photo in zip(several, photos * 3, strict=True))


def test_its_run_may_go_and_a_closed_one_says_so(made_runs, photos, tmp_path):
    folder = runs_in(tmp_path / "copy", made_runs)
    model = api.load(folder / "runs/fold-1")
    before = model(photos[0]).labels
    shutil.rmtree(folder)
    assert (model(photos[0]).labels == before).all()
    model.close()
    with pytest.raises(RecycleError, match="the model is closed"):
        model(photos[0])
    with pytest.raises(RecycleError, match="no run"):
        api.load(folder / "runs/fold-1")


@pytest.mark.parametrize(
    ("photo", "said"),
    [
        (np.zeros((4, 4, 3), np.float32), r"\(4, 4, 3\) float32"),
        (np.zeros((4, 4), np.uint8), r"\(4, 4\) uint8"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\) uint8"),
        (np.zeros((3, 4, 4), np.uint8), r"\(3, 4, 4\) uint8"),
        ([[1, 2, 3]], "a list"),
        ("nowhere.jpg", "nowhere.jpg"),
    ],
)
def test_what_is_no_photo_is_refused(model, photo, said):
    with pytest.raises(RecycleError, match=said):
        model(photo)


def test_pixels_of_opencv_are_taken_reversed(model, photos):
    pixels = read_photo(photos[0])
    assert (model(pixels[..., ::-1].copy()[..., ::-1]).labels == model(pixels).labels).all()
    assert (model(pixels[::2, ::2]).labels == model(np.ascontiguousarray(pixels[::2, ::2])).labels).all()


def test_it_runs_on_one_device(made_runs):
    with pytest.raises(RecycleError, match="on one device"):
        api.load(made_runs / "runs/fold-1", device="cpu,cpu")
    with pytest.raises(RecycleError, match="no device"):
        api.load(made_runs / "runs/fold-1", device="tpu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "64"}, "precision '64' is unknown"),
        ({"vote": "sof"}, "vote 'sof' is unknown(.|\n)*nearest: soft"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_settings_that_are_not_known_are_refused(made_runs, settings, message):
    with pytest.raises(RecycleError, match=message):
        api.load([made_runs / "runs/seed-0", made_runs / "runs/seed-1"], **settings)


def test_nothing_is_no_model_and_a_folder_no_source(made_runs):
    with pytest.raises(RecycleError, match="no model is named"):
        api.load([])
    with pytest.raises(RecycleError, match="no run is named"):
        api.pseudo_label([], "photos")
    with pytest.raises(RecycleError, match=r"give api\.open_data\('data'\)"):
        api.evaluate(made_runs / "runs/seed-0", "data")
