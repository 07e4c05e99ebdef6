"""The engine's own pieces, away from a whole training."""

import csv
import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from recycle_data.boundary import PluginPart
from recycle_data.resolve import resolve
from recycle_engine.batch import collate, to_float
from recycle_engine.checkpoint import card, load_trained, read_card
from recycle_engine.inference import infer
from recycle_engine.inference.infer import BATCH_PIXELS, Predictor, Stage, batches, predictions
from recycle_engine.inference.outputs import overlay_image, palette_image
from recycle_engine.inference.photos import InputPhoto, find_photos
from recycle_engine.inference.scores import all_scores
from recycle_engine.inference.windows import window_starts, window_weight
from recycle_engine.input_shape import InputShape
from recycle_engine.judge.counts import confusion
from recycle_engine.pipeline import VIEWS
from recycle_engine.runs import create_run, find_run
from recycle_engine.training import metrics
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO
from recycle_engine.training.data import PhotoDataset, loader_workers
from recycle_engine.training.metrics import Confusion
from recycle_engine.training.sampler import Draw, EpochSampler
from recycle_kit.testing import random_source
from safetensors.torch import save_file
from support import SHARED
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from recyclecli.errors import RecycleError, RunFailed
from recyclecli.types import IGNORE


@pytest.mark.parametrize(
    ("wanted", "ranks", "gpu", "expected"),
    [(None, 1, True, 11), (None, 4, True, 2), (None, 12, True, 1), (None, 1, False, 0), (3, 4, False, 3)],
)
def test_loading_processes_share_the_cores_that_this_process_may_use(wanted, ranks, gpu, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(12)), raising=False)
    assert loader_workers(wanted, ranks) == expected


class TestSampler:
    def test_each_photo_once_and_another_order_each_epoch(self):
        sampler = EpochSampler([1.0] * 50, seed=3)
        first = list(sampler)
        assert sorted(draw.photo for draw in first) == list(range(50))
        assert len({draw.chance for draw in first}) == 50
        assert list(sampler) == first
        sampler.set_epoch(1)
        assert sorted(draw.photo for draw in sampler) == list(range(50))
        assert [draw.photo for draw in sampler] != [draw.photo for draw in first]
        assert not {draw.chance for draw in sampler} & {draw.chance for draw in first}
        assert list(EpochSampler([1.0] * 50, seed=3, epoch=1)) == list(sampler)
        assert list(EpochSampler([1.0] * 50, seed=4)) != first

    def test_weights_are_expected_counts(self):
        weights = [1.0] * 10 + [2.5] * 4 + [0.25] * 8
        counts = np.zeros(22)
        for epoch in range(400):
            drawn = np.bincount([draw.photo for draw in EpochSampler(weights, 0, epoch)], minlength=22)
            assert drawn.sum() == 22
            assert (np.floor(weights) <= drawn).all()
            assert (drawn <= np.ceil(weights)).all()
            counts += drawn
        assert np.allclose(counts / 400, weights, atol=0.12)

    def test_ranks_share_an_epoch_evenly(self):
        parts = [list(EpochSampler([1.0] * 11, 0, 5, rank, 3)) for rank in range(3)]
        assert [len(part) for part in parts] == [3, 3, 3]
        assert len({draw.photo for part in parts for draw in part}) == 9
        whole = list(EpochSampler([1.0] * 11, 0, 5))[:9]
        assert [draw for together in zip(*parts, strict=True) for draw in together] == whole


class TestMetrics:
    def test_the_counter_on_a_device_equals_the_one_of_the_judge(self, monkeypatch):
        chance = np.random.default_rng(0)
        monkeypatch.setattr(metrics, "PIXELS_PER_BAND", 50)
        matrix = Confusion(5)
        expected = np.zeros((5, 5), np.int64)
        for _ in range(6):
            truth = chance.choice([0, 1, 2, 3, IGNORE], (20, 30)).astype(np.uint8)  # class 4 never true
            prediction = chance.choice([0, 1, 2, 4], (20, 30)).astype(np.uint8)  # class 3 never predicted
            matrix.update(torch.from_numpy(prediction), torch.from_numpy(truth))
            expected += confusion(prediction, truth, 5)
        assert np.array_equal(matrix.compute().numpy(), expected)


PART = PluginPart("model", "tiny@acme", "1.0")
SQUARE = InputShape(64, (64, 64), 0)  # of a run of recyclecli 0.1
WIDE = InputShape(64, (32, 64))


class Constant(nn.Module):
    """Says class 2 right of the middle, 1 left of it, whatever it is shown."""

    def forward(self, image):
        logits = torch.zeros(len(image), 3, *image.shape[-2:])
        half = image.shape[-1] // 2
        logits[:, 1, :, :half] = logits[:, 2, :, half:] = 5
        return logits


class TestInference:
    def predictor(self, posts=()):
        from recycle_engine.checkpoint import TrainedModel

        return Predictor(
            TrainedModel(Constant(), ("a", "b", "c"), [], SQUARE, {}, PART), [Stage(post=tuple(posts))], "cpu"
        )

    def labels(self, *photos, posts=()):
        return [said.labels for (said,) in predictions(self.predictor(posts), photos)]

    @pytest.mark.parametrize(("height", "width"), [(64, 64), (200, 100), (100, 200), (3, 5), (1, 1), (2000, 50)])
    def test_labels_have_the_photos_own_size(self, height, width):
        (labels,) = self.labels(np.zeros((height, width, 3), np.uint8))
        assert labels.shape == (height, width)
        assert labels.dtype == np.uint8

    def test_padding_is_cut_off(self):
        wide, tall = self.labels(np.zeros((64, 128, 3), np.uint8), np.zeros((128, 64, 3), np.uint8))
        assert set(np.unique(wide)) == {1, 2}
        assert (tall == 1).all()  # it lies in the left half of the square

    @pytest.mark.parametrize("precision", ["32", "16"])
    def test_scores_that_are_no_numbers_are_no_labels(self, precision):
        class Broken(Constant):
            def forward(self, image):
                return super().forward(image).index_fill(1, torch.tensor(1), float("nan"))

        from recycle_engine.checkpoint import TrainedModel

        predictor = Predictor(
            TrainedModel(Broken(), ("a", "b", "c"), [], SQUARE, {}, PART), device="cpu", precision=precision
        )
        with pytest.raises(RunFailed, match=f"no finite numbers, at precision {precision}") as caught:
            predictor.scores([np.zeros((9, 9, 3), np.uint8)]).__next__()
        assert ("bf16" in caught.value.remedy) == (precision == "16")
        assert "train again" not in caught.value.remedy

    @pytest.mark.parametrize("window", [0, 2])
    def test_views_and_windows_are_looked_at_together(self, window):
        """Each look at a value waits for a GPU: one for the photos of a batch, or for the windows of a view."""
        from recycle_engine.checkpoint import TrainedModel

        class Looks(TorchDispatchMode):
            count = 0

            def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
                self.count += operation is torch.ops.aten.is_nonzero.default
                return operation(*args, **kwargs or {})

        trained = TrainedModel(Constant(), ("a", "b", "c"), [], SQUARE, {}, PART)
        stage = Stage(views=("hflip", "vflip", "rot90"), sliding_window=window)
        predictor = Predictor(trained, [stage], "cpu", at_once=1)
        photos = [np.zeros((64, 64, 3), np.uint8)] * 2

        def scores():
            return [[all_scores(one).clone() for one in of_photo] for of_photo in predictor.scores(photos)]

        scores()  # the first time more is looked at
        with Looks() as looks:
            scores()
        assert looks.count == (len(photos) * len(stage.seen) if window else 1)

    def test_postprocessors_run_in_order(self):
        calls = []

        def keep(image, probabilities):
            calls.append(probabilities.sum(0).mean())
            return probabilities

        def swap(image, probabilities):
            calls.append("swap")
            return probabilities[::-1]

        (labels,) = self.labels(np.zeros((64, 64, 3), np.uint8), posts=[keep, swap])
        assert calls == [pytest.approx(1, abs=1e-5), "swap"]
        assert set(np.unique(labels)) == {0, 1}

    def test_a_postprocessor_that_takes_several_photos_gets_as_many_as_fit(self):
        groups = []

        class Together:
            def batch(self, images, probabilities):
                groups.append([image.shape[:2] for image in images])
                pairs = zip(images, probabilities, strict=True)
                return [np.where(image[0, 0, 0] > 0, given[::-1], given) for image, given in pairs]

        sizes = [(64, 64), (50, 90), (1500, 1500), (3000, 1000), (7, 7), (7, 8)]
        photos = [np.full((*size, 3), place % 2, np.uint8) for place, size in enumerate(sizes)]
        plain, turned = self.labels(*photos), self.labels(*photos, posts=[lambda image, given: given, Together()])
        seen = [*sizes[:3], (2048, 683), *sizes[4:]]  # the longest side is 2048 at most
        assert groups == [seen[:2], seen[2:3], seen[3:]]
        for place, (before, after) in enumerate(zip(plain, turned, strict=True)):
            assert after.shape == sizes[place]
            swapped = np.array([2, 1, 0])[before] if place % 2 else before
            assert (after == swapped).mean() > 0.95, place  # scores are resized before them, labels after
        stages = [Stage(post=(Together(),)), Stage()]
        trained = self.predictor()._model
        groups.clear()
        from recycle_engine.checkpoint import TrainedModel

        both = Predictor(TrainedModel(trained, ("a", "b", "c"), [], SQUARE, {}, PART), stages, "cpu")
        for (one, other), expected in zip(predictions(both, photos), turned, strict=True):
            assert (one.labels == expected).all()
            assert one.labels.shape == other.labels.shape
        assert groups == [[size] for size in seen]  # several stages hold one photo at a time

    def test_confidence_is_the_largest_probability(self):
        ((said,),) = predictions(self.predictor(), [np.zeros((64, 64, 3), np.uint8)])
        wanted = np.exp(5) / (np.exp(5) + 2)
        assert np.allclose(said.confidence / 65535, wanted, atol=1e-4)
        ((said,),) = predictions(self.predictor([lambda image, p: p]), [np.zeros((64, 64, 3), np.uint8)])
        assert np.allclose(said.confidence / 65535, wanted, atol=1e-4)

    @pytest.mark.parametrize("view", VIEWS)
    @pytest.mark.parametrize("shape", [(64, 64), (40, 64), (96, 50)])
    def test_a_view_is_turned_back(self, view, shape):
        """A model that looks at each pixel alone says the same of every view, up to resizing."""
        from recycle_engine.checkpoint import TrainedModel

        class PixelWise(nn.Module):
            def forward(self, image):
                return torch.cat([image * 4, 2 - image.mean(1, keepdim=True) * 4], 1)

        chance = np.random.default_rng(0)
        coarse = chance.integers(0, 256, (4, 4, 3), np.uint8)
        photo = np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))
        stages = [Stage(), Stage(views=(view,)), Stage(views=VIEWS)]
        predictor = Predictor(TrainedModel(PixelWise(), ("a", "b", "c", "d"), [], SQUARE, {}, PART), stages, "cpu")
        ((plain, seen, every),) = predictions(predictor, [photo])
        agree = [(plain.labels == other.labels).mean() for other in (seen, every)]
        assert min(agree) > (0.97 if view.startswith("scale") or shape != (64, 64) else 0.99)
        if not view.startswith("scale"):
            assert np.array_equal(plain.labels, seen.labels)

    @pytest.mark.parametrize("shape", [(128, 128), (100, 128), (128, 30), (1, 1)])
    @pytest.mark.parametrize("inputs", [SQUARE, WIDE])
    def test_windows_cover_the_photo_and_blend(self, shape, inputs):
        """A model that looks at each pixel alone says the same of it in every window, up to resizing."""
        from recycle_engine.checkpoint import TrainedModel

        seen: set[tuple[int, ...]] = set()

        class PixelWise(nn.Module):
            def forward(self, image):
                seen.add(tuple(image.shape[-2:]))
                return torch.cat([image * 4, 2 - image.mean(1, keepdim=True) * 4], 1)

        chance = np.random.default_rng(0)
        coarse = Image.fromarray(chance.integers(0, 256, (4, 4, 3), np.uint8))
        photo = np.asarray(coarse.resize(shape[::-1], Image.Resampling.BICUBIC))
        stages = [Stage(), Stage(sliding_window=2), Stage(views=("rot90",), sliding_window=2)]
        trained = TrainedModel(PixelWise(), ("a", "b", "c", "d"), [], inputs, {}, PART)
        ((plain, windowed, turned),) = predictions(Predictor(trained, stages, "cpu", at_once=3), [photo])
        for stage, at_once in zip(stages[1:], (windowed, turned), strict=True):  # alone it is seen from top to bottom
            ((alone,),) = predictions(Predictor(trained, [stage], "cpu", at_once=3), [photo])
            assert np.array_equal(alone.labels, at_once.labels)
            assert np.abs(alone.confidence.astype(int) - at_once.confidence).max() <= 1
        colors = photo / 255
        truth = np.concatenate([colors * 4, 2 - colors.mean(2, keepdims=True) * 4], 2).argmax(2)
        assert (windowed.labels == truth).mean() > 0.999  # at twice the training size no pixel was lost
        assert (plain.labels == truth).mean() < 0.999 or photo.size == 3
        assert (turned.labels == truth).mean() > 0.999
        assert seen == {(64, 64)} if inputs is SQUARE else all(side % 32 == 0 for sides in seen for side in sides)

    def test_a_photo_that_is_too_large_for_windows_is_refused(self, monkeypatch):
        """Before any is seen: 2 classes, and 8 x 8 pixels at twice the training size of 4."""
        from recycle_engine.checkpoint import TrainedModel
        from recycle_engine.inference import scores

        trained = TrainedModel(nn.Conv2d(3, 2, 1), ("a", "b"), [], InputShape(4, (4, 4), 0), {}, PART)
        predictor = Predictor(trained, [Stage(sliding_window=2)], "cpu")
        photo = np.zeros((4, 4, 3), np.uint8)
        monkeypatch.setattr(scores, "MOST_SCORES", 127)  # all at once, which labels do not need
        assert len([list(each) for each in predictions(predictor, [photo])]) == 1
        with pytest.raises(RecycleError, match="enlarged to 8x8 pixels has 128 scores of 2 classes, and at most 127"):
            [[all_scores(one) for one in each] for each in predictor.scores([photo])]
        for limit, most in (("MOST_SCORES", 127), ("MOST_ENLARGED", 63)):
            with monkeypatch.context() as patch:
                patch.setattr(infer, limit, most)
                with pytest.raises(RecycleError, match="of 4x4 pixels enlarged to 8x8, with scores of 2 classes"):
                    [list(each) for each in predictions(predictor, [photo])]

    @pytest.mark.parametrize(("length", "side"), [(1, 8), (8, 8), (9, 8), (30, 8), (1000, 64)])
    def test_windows_overlap_and_reach_the_end(self, length, side):
        starts = window_starts(length, side)
        assert starts[0] == 0
        assert starts[-1] == max(0, length - side)
        assert all(0 < second - first <= side * 0.75 + 1 for first, second in pairwise(starts))
        assert window_weight(side, 2 * side).min() > 0

    @pytest.mark.parametrize(("height", "width"), [(200, 100), (17, 300), (64, 48), (1, 1), (5, 5)])
    def test_bands_equal_one_interpolation(self, monkeypatch, height, width):
        from recycle_engine.inference import scores

        monkeypatch.setattr(scores, "RESIZED_SCORES", 4 * width * 3)
        logits = torch.randn(4, 64, 48)
        banded = torch.cat(list(scores.resized_bands(logits, height, width)), 1)
        whole = nn.functional.interpolate(logits[None], (height, width), mode="bilinear", align_corners=False)[0]
        torch.testing.assert_close(banded, whole)

    def test_batches(self):
        assert list(batches(range(5), 2, lambda item: 1)) == [[0, 1], [2, 3], [4]]

    def test_batches_of_huge_photos_are_smaller(self):
        sizes = [BATCH_PIXELS // 2, BATCH_PIXELS // 2, 9, BATCH_PIXELS * 5, 9]
        assert [len(batch) for batch in batches(sizes, 8, int)] == [2, 1, 1, 1]


class TestBatches:
    def test_collated_batches_keep_the_contract(self):
        dataset = PhotoDataset(random_source(3, 48), SQUARE)
        batch = to_float(collate([dataset[Draw(index)] for index in range(3)]))
        assert batch.image.shape == (3, 3, 64, 64)
        assert batch.image.dtype == torch.float32
        assert 0 <= batch.image.min() <= batch.image.max() <= 1
        assert batch.mask.dtype == torch.int64
        assert batch.instances.dtype == torch.int32
        assert batch.ids.tolist() == [0, 1, 2]


class TestRuns:
    def test_the_next_free_name(self, tmp_path):
        assert [create_run(None, "unetpp@acme", tmp_path).folder.name for _ in range(2)] == ["unetpp-001", "unetpp-002"]

    def test_an_existing_name_is_an_error(self, tmp_path):
        create_run("mine", "unet", tmp_path).recipe.touch()
        with pytest.raises(RecycleError, match="--resume mine"):
            create_run("mine", "unet", tmp_path)

    @pytest.mark.parametrize("name", ["", "..", "a/b", "last"])
    def test_names_that_are_no_folder_names(self, tmp_path, name):
        with pytest.raises(RecycleError, match="cannot be a run's name"):
            create_run(name, "unet", tmp_path)

    def test_a_name_that_would_be_read_as_a_trick(self, tmp_path):
        with pytest.raises(RecycleError, match=r"RUN\+TRICK.*\n.*choose another name, as fpn-copy-paste"):
            create_run("fpn+copy+paste", "fpn", tmp_path)
        assert not list(tmp_path.iterdir())

    def test_runs_are_found_by_name_folder_and_last(self, tmp_path):
        import os

        for number, name in enumerate(("second", "first")):
            run = create_run(name, "unet", tmp_path)
            run.recipe.write_text("")
            os.utime(run.recipe, (number, number))
        assert find_run("last", tmp_path).folder.name == "first"
        for run, begun in (("second", "2026-01-02T00:00:00+00:00"), ("first", "2026-01-01T23:00:00+00:00")):
            (tmp_path / run / "env.json").write_text(json.dumps({"started": begun}))
        os.utime(tmp_path / "first/recipe.yaml", (9, 9))  # touched last, as by --resume
        assert find_run("last", tmp_path).folder.name == "second"
        (tmp_path / "first/env.json").write_text('{"started": 1}')  # a stranger's: its age counts
        assert find_run("last", tmp_path).folder.name == "first"
        assert find_run("second", tmp_path).folder == find_run(str(tmp_path / "second")).folder
        with pytest.raises(RecycleError, match="nearest: second"):
            find_run("secnd", tmp_path)


class TestCheckpoints:
    def test_code_in_a_checkpoint_is_not_run(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "ran"), "w"))

        torch.save({"state_dict": Evil()}, tmp_path / "a.ckpt")
        for asked in (None, True, False):
            with pytest.raises(RecycleError, match="cannot be read"):
                AtomicCheckpointIO().load_checkpoint(tmp_path / "a.ckpt", weights_only=asked)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("content", [b"", b"x" * 100])
    def test_broken_weights(self, tmp_path, registry, content):
        (tmp_path / "a.safetensors").write_bytes(content)
        with pytest.raises(RecycleError, match="cannot be read"):
            load_trained(registry, tmp_path / "a.safetensors")

    def test_foreign_weights(self, tmp_path, registry):
        save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors")
        with pytest.raises(RecycleError, match="no checkpoint of recyclecli"):
            load_trained(registry, tmp_path / "a.safetensors")

    def test_a_card_of_another_version_names_it(self, tmp_path):
        save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors", {"recycle": '{"format": 9, "recyclecli": "7.1"}'})
        with pytest.raises(RecycleError, match=r"written by recyclecli 7\.1.*\n.*use recyclecli 7\.1"):
            read_card(tmp_path / "a.safetensors")

    @pytest.mark.parametrize(
        ("change", "cause"),
        [
            ({"class_names": None}, "class_names"),
            ({"palette": [[0, 0]]}, r"it lacks palette\.0\.2"),
            ({"palette": [[0, 0, 0]]}, ".*palette has 1 colour for 2 classes"),
            ({"palette": [[0, 0, 0], [9, 300, 9]]}, r"palette\.1\.1: Input should be less than or equal to 255"),
            ({"class_names": ["Paper", "Paper"]}, ".*class_names holds a name twice"),
            ({"class_names": []}, "class_names"),
            ({"size": "64"}, "size: Input should be a valid integer"),
            ({"size": 0}, "size: Input should be greater than 0"),
            ({"window": None}, ".*it lacks window"),
            ({"window": [384]}, "window: List should have at least 2 items"),
            ({"window": [0, 512]}, r"window\.0: Input should be greater than 0"),
            ({"window": [384, 10**9]}, r"window\.1: Input should be less than or equal to 5120"),
            ({"window": [64, 96]}, r".*window \[64, 96\] is smaller than size 512"),
            ({"model": {"encoder": "resnet18"}}, r"it lacks model\.name"),
            *(({key: ...}, f"it lacks {key}") for key in ("class_names", "palette", "model", "size")),
        ],
    )
    def test_a_broken_card_says_what_is_wrong(self, registry, tmp_path, change, cause):
        whole = card(resolve(registry), ("Background", "Paper"), [(0, 0, 0), (9, 9, 9)], "fold 0", (384, 512))
        broken = {key: value for key, value in {**whole, **change}.items() if value is not ...}
        file = tmp_path / "a.safetensors"
        save_file({"x": torch.zeros(1)}, file, {"recycle": json.dumps(whole)})
        assert read_card(file)["palette"] == [(0, 0, 0), (9, 9, 9)]
        save_file({"x": torch.zeros(1)}, file, {"recycle": json.dumps(broken)})
        with pytest.raises(RecycleError, match=f"cannot be read: {cause}"):
            read_card(file)

    def test_no_weights_yet(self, tmp_path, registry):
        with pytest.raises(RecycleError, match="no finished epoch"):
            load_trained(registry, tmp_path / "a.safetensors")

    def test_no_average(self, tmp_path, registry):
        run = create_run("a", "fpn", tmp_path)
        with pytest.raises(RecycleError, match="no finished epoch"):
            load_trained(registry, run.raw)
        run.checkpoints.mkdir()
        run.best.touch()
        with pytest.raises(RecycleError, match="kept no average"):
            load_trained(registry, run.raw)


class TestPictures:
    def test_palette_masks_hold_the_labels_themselves(self, tmp_path):
        labels = np.array([[0, 1], [2, 1]], np.uint8)
        colors = np.array([[0, 0, 0], [250, 10, 10], [5, 6, 7]], np.uint8)
        palette_image(labels, colors).save(tmp_path / "m.png")
        from PIL import Image

        back = Image.open(tmp_path / "m.png")
        assert back.mode == "P"
        assert np.array_equal(np.asarray(back), labels)
        assert np.array_equal(np.asarray(back.convert("RGB")), colors[labels])

    def test_overlays_leave_the_background_alone(self):
        photo = np.full((20, 20, 3), 100, np.uint8)
        labels = np.zeros((20, 20), np.uint8)
        labels[5:15, 5:15] = 1
        colors = np.array([[0, 0, 0], [200, 0, 0]], np.uint8)
        shown = np.asarray(overlay_image(photo, labels, colors))
        assert (shown[0:4] == 100).all()
        assert shown[10, 10, 0] > 130 > 100 > shown[10, 10, 1]

    def test_photos_of_a_folder_by_relative_path(self, tmp_path):
        for name in ("b.jpg", "sub/a.PNG", "notes.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        assert [photo.name for photo in find_photos(tmp_path)] == ["b.jpg", "sub/a.PNG"]
        for frame in (10, 9, 1):
            (tmp_path / f"video/frame{frame}.png").parent.mkdir(exist_ok=True)
            (tmp_path / f"video/frame{frame}.png").touch()
        assert [photo.name for photo in find_photos(tmp_path / "video")] == ["frame1.png", "frame9.png", "frame10.png"]
        names = [photo.name for photo in find_photos(tmp_path / "*/*")]
        assert names == ["sub/a.PNG", "video/frame1.png", "video/frame9.png", "video/frame10.png"]
        with pytest.raises(RecycleError, match="holds no photos"):
            find_photos(tmp_path / "*.gif")
        assert find_photos(tmp_path / "b.jpg") == [InputPhoto(tmp_path / "b.jpg", "b.jpg")]
        with pytest.raises(RecycleError, match="does not exist"):
            find_photos(tmp_path / "none")

    def test_photos_in_folders_that_links_lead_to(self, tmp_path):
        for name in ("far/a.png", "photos/b.png"):
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).touch()
        for link in ("photos/linked", "photos/linked_again"):
            (tmp_path / link).symlink_to(tmp_path / "far")
        (tmp_path / "far/round").symlink_to(tmp_path / "photos")
        (tmp_path / "photos/run").mkdir()
        (tmp_path / "photos/run/c.png").touch()
        (tmp_path / "photos/latest").symlink_to(tmp_path / "photos/run")  # come to by its own name
        assert [photo.name for photo in find_photos(tmp_path / "photos")] == ["b.png", "linked/a.png", "run/c.png"]

    def test_a_pattern_leaves_out_what_was_written_and_looks_nowhere_else(self, tmp_path, monkeypatch):
        for name in ("a/1.png", "a/out/masks/1.png", "a/out/predicted.json", "b/masks/2.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        assert [photo.name for photo in find_photos(tmp_path / "**/*.png")] == ["a/1.png", "b/masks/2.png"]
        monkeypatch.setattr(Path, "rglob", None)
        assert [photo.name for photo in find_photos(tmp_path / "b/*/*.png")] == ["masks/2.png"]

    def test_a_list_of_photos_needs_no_annotations(self, tmp_path):
        images = [{"id": number, "file_name": f"{number}.png", "width": 9, "height": 7} for number in (2, 1)]
        images[1]["provenance"] = [{"file_name": "whole.png"}]
        parts = [{"image_id": 2, "provenance": [{"file_name": "pasted.png"}]}, {"image_id": 2, "segmentation": "no"}]
        for annotations in ([], None, 7, [{"image_id": [1], "provenance": [{"file_name": "x"}]}]):
            content = {"images": images, "annotations": annotations}
            (tmp_path / "a.json").write_text(json.dumps(content))
            assert [(photo.name, photo.size) for photo in find_photos(tmp_path / "a.json")] == [
                ("2.png", (7, 9)), ("1.png", (7, 9)),
            ]  # fmt: skip
        (tmp_path / "a.json").write_text(json.dumps({"images": images, "annotations": parts}))
        assert [photo.shows for photo in find_photos(tmp_path / "a.json")] == [{"pasted.png"}, {"whole.png"}]

    def test_photos_of_a_coco_file_in_its_order(self, recycle_trash):
        photos = find_photos(recycle_trash / "train.json")
        assert len(photos) == 41
        assert photos[0].name == "images/0003.jpg"
        assert photos[0].file.is_file()


def test_the_shared_folder_is_where_the_tests_look():
    assert SHARED.parts[-2:] == ("shared", "data")


def test_metrics_rows_are_quoted():
    from recycle_engine.training.callbacks import _line

    assert next(csv.reader([_line(["a,b", 'c"d', 1])])) == ["a,b", 'c"d', "1"]


def test_counting_needs_no_more_memory_when_torch_is_deterministic():
    """torchmetrics' own matrix builds a mesh of pixels x K^2 then: half a gigabyte for one photo."""
    truth = torch.randint(0, 11, (512, 512))
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.profiler.profile(profile_memory=True) as profile:
            Confusion(11).update(truth, truth)
    finally:
        torch.use_deterministic_algorithms(False)
    assert max(event.cpu_memory_usage for event in profile.key_averages()) < 50e6


def test_an_error_takes_the_place_of_its_batch():
    from recycle_kit.testing import MemorySource

    class Broken(MemorySource):
        def read(self, index):
            raise RecycleError("photo x.jpg cannot be read", "replace it")

    dataset = PhotoDataset(Broken(random_source(2, 32)._samples), SQUARE)
    error = collate([dataset[Draw(0)], dataset[Draw(1)]])
    assert isinstance(error, RecycleError)
    assert error.remedy == "replace it"
