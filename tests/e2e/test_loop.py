"""What the training loop does beside learning: averages, freezing, stops, and ways out of trouble."""

import gc
import json
import math
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins import MixedPrecision
from recycle_data.resolve import resolve
from recycle_data.sources import Subset
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.boundary import Trail
from recycle_engine.checkpoint import read_card
from recycle_engine.runs import Run
from recycle_engine.training.ema import weight_average
from recycle_engine.training.fit import _smaller
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.nan_guard import NaNGuard, _Seen
from recycle_engine.training.train import classes_without, resume, train
from recycle_engine.training.trainer import loggers_that_cannot_write
from recycle_kit.testing import random_source
from safetensors.torch import load_file
from support import fake_dists
from torch import nn
from torch._dynamo.backends.common import aot_autograd
from torch._functorch.aot_autograd import make_boxed_func
from torch.optim.swa_utils import AveragedModel

from recyclecli.errors import RecycleError, RunFailed
from recyclecli.manifest import cache_folder
from recyclecli.plugins import discover
from recyclecli.types import IGNORE

SETTINGS = {
    "model": "tiny",
    "data.size": 32,
    "train.epochs": 1,
    "train.batch_size": 2,
    "train.ema": 0,
    "train.loggers": [],
    "train.callbacks": [],
}
LINKNET = {"model": "linknet", "model.encoder": "tu-test_efficientnet", "model.weights": "none"}


@pytest.fixture(scope="module")
def registry():
    """What is installed, with a stranger's tiny model."""
    with pytest.MonkeyPatch.context() as patch:
        fake_dists(patch, "tiny")
        yield discover()


class Watch(Callback):
    """Calls a function with the module's state at the end of each epoch, before it is validated."""

    def __init__(self):
        self.states = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx + 1 == trainer.num_training_batches:
            self.states.append({key: value.clone() for key, value in pl_module.model.state_dict().items()})


@pytest.fixture
def start(registry, tmp_path):
    """Trains on 8 random photos, validating on 3; the finished run, and the state after each epoch."""

    def run(settings=None, name="r", photos=8, callbacks=()):
        recipe = resolve(registry, None, {**SETTINGS, **(settings or {})})
        split = Split(random_source(photos, 32), random_source(3, 32), (1.0,) * photos, "drawn", recipe.data)
        watch = Watch()
        return train(registry, recipe, split, name, tmp_path, [watch, *callbacks]), watch.states

    return run


def recipe_of(registry, done):
    return resolve(registry, done.run.recipe)


class Poison(Callback):
    """Makes one batch's photos infinite."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if batch_idx + 1 == self.step:
            batch.image.fill_(float("inf"))


class Explode(Callback):
    """Makes the gradient of some of an epoch's batches NaN, their loss being a number."""

    def __init__(self, *steps):
        self.steps = steps

    def on_after_backward(self, trainer, pl_module):
        if trainer.fit_loop.batch_idx + 1 in self.steps:
            next(pl_module.parameters()).grad.fill_(float("nan"))


class TestNaNGuard:
    def test_the_photos_are_named_and_nothing_bad_is_saved(self, start, tmp_path):
        with pytest.raises(RunFailed, match=r"nan at step 3, epoch 1, on photos \d\.png, \d\.png"):
            start(callbacks=[Poison(3)])
        told = json.loads((tmp_path / "r/nan.json").read_text())
        assert len(told["photos"]) == 2
        assert not (tmp_path / "r/checkpoints").exists()

    def test_the_last_step_of_an_epoch_too(self, start, tmp_path):
        with pytest.raises(RunFailed, match="step 4"):
            start(callbacks=[Poison(4)])
        assert not (tmp_path / "r/checkpoints").exists()

    @pytest.mark.parametrize("settings", [{}, {"train.ema": 0.9}])
    def test_a_gradient_of_the_last_step_that_is_no_number_is_not_saved_either(self, start, tmp_path, settings):
        with pytest.raises(RunFailed, match=r"a weight is no number after step 4, epoch 1, on photos \d\.png, \d\.png"):
            start(settings, callbacks=[Explode(4)])
        assert json.loads((tmp_path / "r/nan.json").read_text())["step"] == 3
        assert not (tmp_path / "r/checkpoints").exists()

    def test_a_step_is_left_out_when_told(self, start, logged):
        done, (state,) = start({"train.on_nan": "skip"}, callbacks=[Poison(2)])
        assert "1 of 4 steps of the epoch were left out: the loss of 1 batch" in logged()
        assert all(value.isfinite().all() for value in state.values())
        assert done.best == done.best
        assert "nan" not in done.run.metrics.read_text().splitlines()[1].split(",")[4]
        counters = {value.item() for key, value in state.items() if key.endswith("num_batches_tracked")}
        assert counters == {3}

    @pytest.mark.parametrize("batch", [1, 2])
    def test_of_several_batches_in_a_step_any_may_be_bad(self, start, batch):
        _, (state,) = start({"train.on_nan": "skip", "train.accumulate_grad_batches": 2}, callbacks=[Poison(batch)])
        assert all(value.isfinite().all() for value in state.values())
        assert {value.item() for key, value in state.items() if key.endswith("num_batches_tracked")} == {2}

    def test_a_gradient_that_is_no_number_is_left_out_too(self, start, logged):
        _, (state,) = start({"train.on_nan": "skip"}, callbacks=[Explode(2)])
        assert "1 of 4 steps of the epoch were left out: the loss of 0 batches, or a gradient" in logged()
        assert all(value.isfinite().all() for value in state.values())

    def test_a_step_that_is_left_out_does_not_lower_the_scale_of_the_loss(self, registry):
        """Lightning's own way of a step at 16-mixed, which it takes on GPUs alone."""
        model = nn.Linear(1, 1)
        model.trail = Trail()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=1024))
        trainer = SimpleNamespace(precision_plugin=plugin, accumulate_grad_batches=1, precision="16-mixed")
        watch = NaNGuard(Run(Path()), resolve(registry, None, {"train.on_nan": "skip"}), random_source(1))
        before, scales = model.weight.item(), []
        for poison, gradient in ((math.nan, 1), (1, math.inf), (1, 1)):
            watch.on_train_batch_start(trainer, model, SimpleNamespace(ids=torch.tensor([0])), 0)
            loss = model(torch.ones(1, 1)).sum() * poison
            watch.on_before_backward(trainer, model, loss)
            plugin.scaler.scale(loss).backward()
            model.weight.grad *= gradient
            plugin.scaler.unscale_(optimizer)
            watch.on_before_optimizer_step(trainer, model, optimizer)
            plugin.scaler.step(optimizer)
            plugin.scaler.update()
            watch.on_train_batch_end(trainer, model, None, None, 0)
            optimizer.zero_grad()
            scales.append(plugin.scaler.get_scale())
        assert scales == [1024, 512, 512]  # the second was an overflow
        assert model.weight.item() == pytest.approx(before - 0.1)

    def test_an_epoch_without_a_step_ends_the_run(self, start, tmp_path):
        with pytest.raises(RunFailed, match="each of the 4 steps of epoch 1 had a loss or a gradient"):
            start({"train.on_nan": "skip"}, callbacks=[Explode(1, 2, 3, 4)])
        assert not (tmp_path / "r/checkpoints").exists()

    def test_the_way_on_is_another_run(self, start):
        with pytest.raises(RunFailed) as caught:
            start({"train.epochs": 2}, callbacks=[PoisonLater()])
        assert "--init-from r begins with this one's best epoch" in caught.value.remedy
        done, _ = start({"train.epochs": 2, "train.on_nan": "skip"}, name="other", callbacks=[PoisonLater()])
        assert done.epochs == 2

    def test_another_process_writes_where_the_first_one_does(self, tmp_path):
        told = NaNGuard(Run(tmp_path / "runs/of-the-first-process"), resolve(api.registry()), random_source(1))
        first = SimpleNamespace(strategy=SimpleNamespace(broadcast=lambda own: str(tmp_path / "runs/fpn-001")))
        told.setup(first, None, "fit")
        told._seen = _Seen(torch.tensor(False), torch.tensor(math.nan), torch.tensor([0]), 0, 0, Trail())
        with pytest.raises(RunFailed):
            told._check()
        assert [file.name for file in (tmp_path / "runs").iterdir()] == ["fpn-001"]


class PoisonLater(Callback):
    """Makes the first batch of the second epoch infinite."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.current_epoch == 1 and batch_idx == 0:
            batch.image.fill_(float("inf"))


class Gradients(Callback):
    """Keeps the gradient of each step, flat."""

    def __init__(self):
        self.found = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        # the range test and NaNGuard look at the loss, whatever a batch counts for
        own = float(outputs["loss"]) * trainer.accumulate_grad_batches
        assert own == pytest.approx(float(trainer.callback_metrics["train_loss_step"]))
        batches = batch_idx + 1
        if batches % trainer.accumulate_grad_batches == 0 or batches == trainer.num_training_batches:
            self.found.append(torch.cat([one.grad.flatten() for one in pl_module.parameters() if one.grad is not None]))


def test_batches_of_a_step_are_one_big_batch(registry, tmp_path):
    """By their labelled pixels, of which each photo has another number, in a last step of fewer batches, too."""
    still = {**SETTINGS, "loss": "ce", "aug": [], "train.lr": 1e-12, "train.freeze_norm": True}
    still |= {"loss.ce.class_weights": "none", "train.grad_clip": None, "train.precision": "32"}

    class Partly(type(random_source(1))):
        def read(self, index):
            sample = super().read(index)
            mask = sample.mask.copy()
            mask[: 5 * index] = IGNORE
            return sample._replace(mask=mask)

    def gradients(photos, batch, several):
        recipe = resolve(registry, None, {**still, "train.batch_size": batch, "train.accumulate_grad_batches": several})
        source = Partly(random_source(photos, 32)._samples)
        split = Split(source, random_source(3, 32), (1.0,) * photos, "drawn", recipe.data)
        seen = Gradients()
        train(registry, recipe, split, f"{photos}-{batch}-{several}", tmp_path, [seen])
        return torch.stack(seen.found)

    whole = gradients(8, 4, 1)
    for ours, wanted in [(gradients(8, batch, 4 // batch), whole) for batch in (2, 1)] + [
        (gradients(6, 2, 2)[1], gradients(6, 2, 1)[2])
    ]:
        assert ours.shape == wanted.shape
        assert (ours - wanted).norm() < 1e-4 * wanted.norm()


def test_a_batch_of_4_is_2_batches_of_2(start):
    """One step of the default losses' cross-entropy, with all that depends on a batch's photos together held still.

    Batch statistics and dropout differ between the two by their nature; the model at hand has no dropout.
    """
    still = {"loss": "ce", "loss.ce.class_weights": "none", "aug": [], "train.freeze_norm": True}
    still |= {"train.precision": "32", "train.optimizer": "sgd", "train.schedule": {"name": "constant", "warmup": 0}}
    (one,), (two,) = (
        start({**still, "train.batch_size": batch, "train.accumulate_grad_batches": 4 // batch}, f"b{batch}", photos=4)[
            1
        ]
        for batch in (4, 2)
    )
    fresh = start({**still, "train.batch_size": 4, "train.lr": 1e-30}, "fresh", photos=4)[1][0]
    learned = [key for key, value in one.items() if value.is_floating_point() and not torch.equal(value, fresh[key])]
    ours, theirs = (torch.cat([(state[key] - fresh[key]).flatten() for key in learned]) for state in (two, one))
    assert theirs.norm() > 0
    assert (ours - theirs).norm() < 1e-3 * theirs.norm()


def test_the_rate_of_an_epoch_is_the_highest(start):
    done, _ = start(
        {"train.encoder_lr_scale": 0.1, "train.lr": 0.01, "train.schedule": {"name": "constant", "warmup": 0}}
    )
    header, row = (line.split(",") for line in done.run.metrics.read_text().splitlines())
    assert float(row[header.index("lr")]) == 0.01


class Hungry(nn.Module):
    """A loss that runs out of memory above so many photos."""

    def __init__(self, most, training_only=False, error=None):
        super().__init__()
        self.most, self.training_only = most, training_only
        self.error = error or (lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
        self.seen = []

    def forward(self, logits, mask):
        if len(mask) > self.most and (torch.is_grad_enabled() or not self.training_only):
            raise self.error()
        self.seen.append((torch.is_grad_enabled(), len(mask)))
        return logits.float().square().mean()


@pytest.fixture
def hungry(monkeypatch):
    """Puts a `Hungry` in the place of each loss."""

    def put(**keywords):
        from recycle_losses import ce

        loss = Hungry(**keywords)
        monkeypatch.setattr(ce, "CrossEntropy", lambda options, context: loss)
        return loss

    return put


class TestMemory:
    def test_training_goes_on_in_halves_with_as_many_photos_in_a_step(self, start, hungry, registry, logged):
        loss = hungry(most=2, training_only=True)
        done, _ = start({"train.batch_size": 8, "train.epochs": 2})
        assert logged().count("out of memory") == 2
        recipe = recipe_of(registry, done)
        assert (recipe.train.batch_size, recipe.train.accumulate_grad_batches) == (2, 4)
        assert [count for training, count in loss.seen if training] == [2] * 8
        assert torch.load(done.run.last, weights_only=True)["global_step"] == 2

    @pytest.mark.parametrize("text", ["cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "Unable to find an engine to execute"])
    def test_each_way_to_say_it_is_known(self, start, hungry, text):
        hungry(most=2, training_only=True, error=lambda: RuntimeError(text))
        start({"train.batch_size": 4})

    def test_a_loading_process_that_was_ended_is_no_bug(self, start, hungry):
        said = "DataLoader worker (pid 7) is killed by signal: Terminated. "
        hungry(most=2, training_only=True, error=lambda: RuntimeError(said))
        with pytest.raises(RunFailed, match="a process that loads photos was ended: DataLoader worker") as failed:
            start({"train.batch_size": 4})
        assert "-o data.workers=0" in failed.value.remedy

    def test_of_an_attempt_nothing_is_held(self, start, hungry):
        """But the model and its average, which shares the augmentations, and with them what these hold of photos."""

        class Count(Callback):
            def on_train_start(self, trainer, pl_module):
                gc.collect()
                models = [one for one in gc.get_objects() if type(one) is SegmentationModule]
                counts.append((len(models), len({id(one._augmentations) for one in models})))

        gc.collect()
        there = sum(type(one) is SegmentationModule for one in gc.get_objects())
        counts = []
        hungry(most=2, training_only=True)
        start({"train.batch_size": 8, "train.ema": 0.9}, callbacks=[Count()])
        assert [(models - there, augmentations) for models, augmentations in counts] == [(2, 1 + there)] * 3

    @pytest.mark.parametrize(("size", "expected"), [(3, (1, 3)), (9, (3, 3))])
    def test_what_cannot_be_halved_goes_on_in_other_parts(self, start, hungry, registry, size, expected):
        hungry(most=3 if size == 9 else 1, training_only=True)
        done, _ = start({"train.batch_size": size}, photos=9)
        train = recipe_of(registry, done).train
        assert (train.batch_size, train.accumulate_grad_batches) == expected

    def smaller(self, processes=1, **settings):
        recipe = resolve(api.registry(), None, {f"train.{name}": value for name, value in settings.items()})
        return _smaller(recipe, Run(Path("r")), processes, RuntimeError("CUDA out of memory"))

    @pytest.mark.parametrize(
        ("free", "said"), [(2, " (other processes hold 17.0 of the GPU's 24.0 GiB: see nvidia-smi)"), (19, "")]
    )
    def test_what_does_not_fit_at_all_says_what_to_do(self, monkeypatch, free, said):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free * 2**30, 24 * 2**30))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 5 * 2**30)
        with pytest.raises(RunFailed) as caught:
            self.smaller(batch_size=1)
        assert caught.value.args[0] == f"out of memory in r with 1 photo at a time{said}: CUDA out of memory"
        assert caught.value.remedy == "a data.size below 512, or a smaller model"

    def test_several_processes_are_told_what_would_fit(self):
        with pytest.raises(RunFailed, match="out of memory in r with 12 photos") as caught:
            self.smaller(2, batch_size=12, accumulate_grad_batches=2)
        assert caught.value.remedy.startswith(
            "--batch-size 6 -o train.accumulate_grad_batches=4 for the same step, or "
        )

    def test_a_memory_error_without_a_text_is_called_by_its_name(self):
        with pytest.raises(RunFailed, match="out of memory in r with 1 photo at a time: MemoryError"):
            _smaller(resolve(api.registry(), None, {"train.batch_size": 1}), Run(Path("r")), 1, MemoryError())

    @pytest.mark.parametrize("epoch", [0, 1])
    def test_a_gpu_that_is_lost_is_no_bug(self, start, hungry, registry, tmp_path, epoch):
        class Lost(Callback):
            def on_train_epoch_start(self, trainer, pl_module):
                if trainer.current_epoch == epoch:
                    loss.most = 0

        said = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"
        loss = hungry(most=8, error=lambda: torch.AcceleratorError(said))
        with pytest.raises(RunFailed, match=r"^the GPU failed: unspecified launch failure\n") as failed:
            start({"train.batch_size": 4, "train.epochs": 2}, callbacks=[Lost()])
        assert ("recycle train --resume" in failed.value.remedy) == bool(epoch)
        if epoch:
            loss.most, run = 8, Run(tmp_path / "r")
            recipe = resolve(registry, run.recipe)
            split = Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "drawn", recipe.data)
            assert resume(registry, recipe, split, run).epochs == 2

    def test_validation_goes_on_in_parts(self, start, hungry, logged):
        class OnlyThen(Callback):
            def on_validation_start(self, trainer, pl_module):
                loss.most = 1

            def on_validation_end(self, trainer, pl_module):
                loss.most = 8

        loss = hungry(most=8)
        done, _ = start({"train.epochs": 2, "train.batch_size": 4}, callbacks=[OnlyThen()])
        assert logged().count("validation ran out of memory") == 1
        assert [count for training, count in loss.seen if not training] == [1] * 6
        assert done.epochs == 2

    def test_a_disk_that_is_too_small_is_found_first(self, start, monkeypatch, tmp_path):
        import shutil

        monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(2**30, 2**30, 2**20))
        with pytest.raises(RunFailed, match="1 MiB are free"):
            start(LINKNET)
        assert not (tmp_path / "r").exists()


class TestAverages:
    def test_swa_is_the_even_mean_of_the_last_epochs(self, start):
        done, states = start({"train.epochs": 4, "train.swa": 0.5, "train.lr": 0.01})
        saved = torch.load(done.run.last, weights_only=True)
        for key in states[0]:
            if states[0][key].is_floating_point():
                expected = (states[2][key] + states[3][key]) / 2
                assert torch.allclose(saved["state_dict"][f"model.{key}"], expected, atol=1e-6), key

    def test_swa_finds_an_epochs_end_when_its_steps_change(self, start, hungry):
        class LessMemory(Callback):
            def on_train_epoch_start(self, trainer, pl_module):
                loss.most = 2 if trainer.current_epoch == 2 else loss.most

        loss = hungry(most=4)
        settings = {"train.epochs": 4, "train.swa": 0.5, "train.lr": 0.01, "train.batch_size": 4}
        done, states = start(settings, photos=10, callbacks=[LessMemory()])
        saved = torch.load(done.run.last, weights_only=True)
        assert saved["global_step"] == 2 * 2 + 2 * 3
        key = "head.weight"
        assert torch.allclose(saved["state_dict"][f"model.{key}"], (states[2][key] + states[3][key]) / 2, atol=1e-6)

    def test_before_the_last_epochs_the_average_is_the_weights(self, start):
        done, states = start({"train.epochs": 3, "train.swa": 0.3, "train.save_top_k": 3, "train.lr": 0.01})
        for epoch, state in enumerate(states):
            (file,) = (done.run.checkpoints / "top").glob(f"{epoch:04d}-0.????.safetensors")
            assert torch.equal(load_file(file)["head.weight"], state["head.weight"])

    def test_the_average_lies_where_the_model_is(self):
        """Lightning makes it before it brings the model to its GPU; `meta` stands for one here."""
        average = weight_average(resolve(api.registry(), None, {}).train)
        average._average_model = AveragedModel(nn.Linear(2, 2))
        model = nn.Linear(2, 2, device="meta")
        model.device = model.weight.device
        average.on_fit_start(None, model)
        assert {one.device.type for one in average._average_model.module.parameters()} == {"meta"}
        assert average._average_model.n_averaged.device.type == "cpu"

    def test_the_average_is_what_torch_makes_of_the_same_rule(self):
        """Weights of two types, one of them used twice, whole numbers, and a buffer that each step makes anew."""
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1, dtype=torch.bfloat16))
        model[0].bias = model[1].bias
        model.register_buffer("seen", torch.zeros(3))
        model.device = torch.device("cpu")
        average = weight_average(resolve(api.registry(), None, {}).train)
        average._average_model = AveragedModel(model)

        def blend(averaged, current, count):
            if averaged[0].is_floating_point():
                torch._foreach_lerp_(averaged, current, 1 - min(0.99, (1 + int(count)) / (10 + int(count))))
            else:
                torch._foreach_copy_(averaged, current)

        reference = AveragedModel(model, multi_avg_fn=blend, use_buffers=True)
        average.on_fit_start(None, model)
        for step in range(1, 5):
            with torch.no_grad():
                model[1](torch.rand(2, 2, 3, 3))
                for weight in model.parameters():
                    weight.add_(torch.randn_like(weight))
            model.seen = model.seen + step
            average.on_train_batch_end(SimpleNamespace(global_step=step), model, None, None, 0)
            reference.update_parameters(model)
        ours, theirs = average._average_model.state_dict(), reference.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
        assert int(ours["module.1.num_batches_tracked"]) == 4

    def test_what_is_switched_for_a_training_is_switched_back(self, start):
        class Look(Callback):
            def on_train_start(self, trainer, pl_module):
                assert torch.are_deterministic_algorithms_enabled()
                assert not torch.utils.deterministic.fill_uninitialized_memory

        torch.use_deterministic_algorithms(False)
        start(callbacks=[Look()])
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.utils.deterministic.fill_uninitialized_memory

    def test_one_average_at_a_time(self, registry):
        with pytest.raises(RecycleError, match="ema and swa"):
            resolve(registry, None, {"train.swa": 0.2, "train.ema": 0.9})


class TestCheckpoints:
    def test_so_many_of_the_best_are_kept_with_what_lies_beside_them(self, start):
        done, _ = start({"train.epochs": 4, "train.save_top_k": 2, "train.ema": 0.9, "train.lr": 0.01})
        files = sorted(file.name for file in (done.run.checkpoints / "top").iterdir())
        assert len(files) == 4
        assert sum(name.endswith("-raw.safetensors") for name in files) == 2
        assert {read_card(done.run.checkpoints / "top" / name)["epoch"] for name in files} <= set(range(4))

    def test_best_is_the_best_of_what_is_watched(self, start):
        done, _ = start({"train.epochs": 3, "train.monitor": "loss", "train.lr": 0.01})
        rows = [row.split(",") for row in done.run.metrics.read_text().splitlines()]
        losses = [float(row[rows[0].index("val_loss")]) for row in rows[1:]]
        assert read_card(done.run.best)["epoch"] == losses.index(min(losses))
        assert done.best == pytest.approx(min(losses), rel=1e-4)

    def test_a_class_may_be_watched_and_a_typo_is_told(self, start):
        done, _ = start({"train.monitor": "Metal"})
        assert (done.monitor, done.best >= 0) == ("Metal", True)
        with pytest.raises(RecycleError, match="no such score") as caught:
            start({"train.monitor": "Metall"}, name="typo")
        assert "Metal" in caught.value.remedy

    def test_training_stops_when_nothing_gets_better_and_resuming_changes_nothing(self, start, registry):
        done, _ = start({"train.epochs": 9, "train.patience": 2, "train.lr": 1e-12, "train.freeze_norm": True})
        assert done.epochs == 3
        recipe = recipe_of(registry, done)
        done.run.pipeline.write_text("{}")
        split = Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "drawn", recipe.data)
        again = resume(registry, recipe, split, done.run)
        assert (again.epochs, again.best) == (3, done.best)
        assert torch.load(done.run.last, weights_only=True)["global_step"] == 12
        assert len(done.run.metrics.read_text().splitlines()) == 4
        assert done.run.pipeline.exists()

    def test_a_class_that_no_validation_photo_shows_is_not_watched(self, registry, small, tmp_path):
        source = api.open_data(small)
        split = Split(source, Subset(source, [0, 2]), (1.0,) * 12, "drawn", resolve(registry).data)
        recipe = resolve(registry, None, SETTINGS | {"train.monitor": "Paper"})
        with pytest.raises(RecycleError, match="'Paper': no validation photo shows it"):
            train(registry, recipe, split, "r", tmp_path)
        assert not (tmp_path / "r").exists()
        assert list(classes_without(split)) == ["note: no validation photo shows Paper, so it has no score"]

    @pytest.mark.parametrize("name", ["Plastic: other", "Can [alu]", "A/B {x}"])
    def test_the_best_of_a_class_of_any_name_are_kept(self, registry, tmp_path, name):
        class Odd(type(random_source(1))):
            class_names = ("Background", name)

            def read(self, index):
                sample = super().read(index)
                return sample._replace(mask=sample.mask.clip(max=1))

        train_photos, val_photos = Odd(random_source(4, 32)._samples), Odd(random_source(3, 32)._samples)
        recipe = resolve(registry, None, SETTINGS | {"train.monitor": name, "train.save_top_k": 2, "train.epochs": 2})
        split = Split(train_photos, val_photos, (1.0,) * 4, "drawn", recipe.data)
        done = train(registry, recipe, split, "odd", tmp_path)
        assert len(done.run.top()) == 2


class TestFreezing:
    def test_the_encoder_waits_and_then_learns(self, start):
        _, (first, second) = start({"train.epochs": 2, "train.freeze_epochs": 1, "train.lr": 0.01})
        encoder = [key for key in first if key.startswith("encoder.")]
        fresh, _ = start({"train.lr": 1e-12, "train.freeze_norm": True}, name="fresh")
        before = load_file(fresh.run.best)
        assert all(torch.equal(first[key], before[key]) for key in encoder if "running" in key)
        assert all(torch.allclose(first[key].float(), before[key].float(), atol=1e-6) for key in encoder)
        assert any(not torch.equal(second[key], first[key]) for key in encoder if key.endswith("weight"))
        assert any(not torch.equal(second[key], first[key]) for key in encoder if "running" in key)

    def test_frozen_norms_keep_their_statistics_and_learn_their_scale(self, start):
        _, (state,) = start({"train.freeze_norm": True, "train.lr": 0.01})
        means = [key for key in state if key.endswith("running_mean")]
        assert means
        assert all((state[key] == 0).all() for key in means)
        assert any((state[key.replace("running_mean", "weight")] != 1).any() for key in means)


def test_overfitting_validates_on_what_it_trains_on(start):
    class See(Callback):
        def __init__(self):
            self.trained, self.judged = set(), set()

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            self.trained |= set(batch.ids.tolist())

        def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
            self.judged |= set(batch.ids.tolist())

    see = See()
    start({"train.overfit_batches": 2, "train.epochs": 2}, callbacks=[see])
    assert see.trained == see.judged == {0, 1, 2, 3}


class TestFound:
    def test_the_rate_of_the_range_test_is_written_down(self, start, registry, tmp_path):
        done, _ = start({"train.find_lr": True}, photos=16)
        recipe = recipe_of(registry, done)
        assert not recipe.train.find_lr
        assert 1e-4 <= recipe.train.lr <= 0.1
        again, _ = start({"train.lr": recipe.train.lr}, photos=16, name="again")
        ours, theirs = load_file(done.run.best), load_file(again.run.best)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
        assert not list(done.run.folder.rglob(".lr_find*"))

    def test_the_largest_batch_that_fits(self, start, registry, hungry, monkeypatch):
        from recycle_engine.training import tune

        loss = hungry(most=4)
        monkeypatch.setattr(tune, "_has_limit", lambda: True)
        done, _ = start({"train.find_batch_size": True}, photos=64)
        assert recipe_of(registry, done).train.batch_size == 4
        assert max(count for _, count in loss.seen) == 4

    def test_on_a_processor_the_batch_stays(self, start, registry, logged):
        done, _ = start({"train.find_batch_size": True})
        assert recipe_of(registry, done).train.batch_size == 2
        assert "2 photos, as it was" in logged()

    def test_out_of_memory_on_the_way_says_what_to_do(self, start, hungry):
        hungry(most=1)
        with pytest.raises(RunFailed, match="out of memory with 2 photos at a time, while a rate was looked for"):
            start({"train.find_lr": True}, photos=16)

    def test_not_on_several_devices(self, start):
        with pytest.raises(RecycleError, match="one device"):
            start({"train.find_lr": True, "train.devices": "2"})


class TestStartingFromARun:
    def test_all_weights_are_taken_over(self, start):
        base, _ = start(name="base")
        done, _ = start({"train.init_from": str(base.run.best), "train.lr": 1e-12, "train.freeze_norm": True})
        ours, theirs = load_file(done.run.best), load_file(base.run.best)
        assert all(torch.allclose(ours[key].float(), theirs[key].float(), atol=1e-6) for key in theirs)

    def test_other_classes_get_a_new_last_layer(self, start, registry, tmp_path, logged):
        base, _ = start(name="base")

        class Fewer(type(random_source(1))):
            class_names = ("Background", "Thing")

            def read(self, index):
                sample = super().read(index)
                return sample._replace(mask=sample.mask.clip(max=1))

        recipe = resolve(registry, None, SETTINGS | {"train.init_from": str(base.run.best)})
        train_photos, val_photos = Fewer(random_source(4, 32)._samples), Fewer(random_source(3, 32)._samples)
        train(registry, recipe, Split(train_photos, val_photos, (1.0,) * 4, "drawn", recipe.data), "fewer", tmp_path)
        said = logged()
        assert "1 of 2 classes taken over by name; new and learned from the beginning: Thing" in said
        assert "it also knew " in said
        assert "places in head.weight" in said

    def test_another_architecture_is_refused_before_a_folder_is_made(self, start, tmp_path):
        base, _ = start(LINKNET, name="base")
        said = "holds a linknet@recycle-smp with encoder tu-test_efficientnet"
        with pytest.raises(RecycleError, match=said) as caught:
            start({**LINKNET, "train.init_from": str(base.run.best), "model": "unet"}, name="other")
        assert "--plugin linknet" in caught.value.remedy
        with pytest.raises(RecycleError, match=r"it lacks 8 of \d+ tensors, as aux\.") as caught:
            start({**LINKNET, "train.init_from": str(base.run.best), "model.aux": True}, name="other")
        assert caught.value.remedy.endswith("@recycle-smp -o model.encoder=tu-test_efficientnet -o model.aux=false")
        with pytest.raises(RecycleError, match="does not exist"):
            start({"train.init_from": str(tmp_path / "none.safetensors")}, name="other")
        assert not (tmp_path / "other").exists()


class TestCompiling:
    def test_a_compiler_that_fails_is_done_without(self, start, monkeypatch, logged):
        def broken(self):
            def call(*arguments):
                raise RuntimeError("no C++ compiler\nmore")

            self._compiled_call_impl = call

        monkeypatch.setattr(nn.Module, "compile", broken)
        monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
        done, _ = start({"train.compile": True})
        assert done.epochs == 1
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(cache_folder() / "inductor")
        assert logged().count("torch.compile does not work here, going on without: no C++ compiler") == 1

    @pytest.mark.parametrize("works", [False, True])
    def test_one_that_fails_on_the_way_back_changes_nothing(self, start, monkeypatch, logged, works):
        """What compiles the backward pass runs at the first backward pass, long after the model was called."""

        def back(graph, inputs):
            if works:
                return make_boxed_func(graph)
            raise RuntimeError("no Triton\nmore")

        whole, backend = (
            nn.Module.compile,
            aot_autograd(fw_compiler=lambda graph, _: make_boxed_func(graph), bw_compiler=back),
        )
        monkeypatch.setattr(nn.Module, "compile", lambda self: whole(self, backend=backend))
        done, _ = start({"train.compile": True})
        plain, _ = start({}, name="plain")
        ours, theirs = load_file(done.run.best), load_file(plain.run.best)
        same = {key: torch.equal(ours[key], theirs[key]) for key in theirs}
        assert logged().count("torch.compile does not work here, going on without: ") == (not works)
        assert works or all(same.values())
        assert all(torch.allclose(ours[key].float(), theirs[key].float(), atol=1e-5) for key in theirs)

    def test_what_is_compiled_learns_and_is_saved_under_its_own_names(self, start, monkeypatch):
        whole = nn.Module.compile
        monkeypatch.setattr(nn.Module, "compile", lambda self: whole(self, backend="eager"))
        done, _ = start({"train.compile": True, "train.ema": 0.9})
        plain, _ = start({"train.ema": 0.9}, name="plain")
        ours, theirs = load_file(done.run.best), load_file(plain.run.best)
        assert all(torch.allclose(ours[key].float(), theirs[key].float(), atol=1e-5) for key in theirs)


def test_photos_with_truth_and_prediction_are_in_tensorboard(start):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    done, _ = start({"train.loggers": ["tensorboard"]})
    events = EventAccumulator(str(done.run.folder / "tensorboard"))
    events.Reload()
    (picture,) = events.Images("photo, truth, prediction")
    assert (picture.width, picture.height) == (3 * 32, 2 * 32)
    assert {"val_miou", "iou/Metal", "train_loss_epoch"} <= set(events.Tags()["scalars"])


def test_a_loggers_thread_that_cannot_write_says_so_without_a_traceback(capsys, logged):
    def write():
        raise FileNotFoundError(2, "No such file or directory", b"runs/a/tensorboard/x")

    with loggers_that_cannot_write():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    said = logged() + "".join(capsys.readouterr())
    assert "runs/a/tensorboard/x" in said
    assert "Traceback" not in said


def test_a_logger_that_is_missing_says_what_to_install(start):
    with pytest.raises(RecycleError, match="wandb, which is not installed") as caught:
        start({"train.loggers": ["wandb"]})
    assert caught.value.remedy == "pip install wandb"


def test_early_stop_and_top_are_remembered_when_resumed(start, registry, tmp_path):
    settings = {"train.epochs": 4, "train.save_top_k": 2, "train.patience": 3, "train.ema": 0.9, "train.lr": 0.01}

    class Cut(Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 2:
                raise RuntimeError("cut")

    whole, _ = start(settings, name="whole")
    with pytest.raises(RuntimeError, match="cut"):
        start(settings, name="cut", callbacks=[Cut()])
    run = type(whole.run)(tmp_path / "cut")
    recipe = resolve(registry, run.recipe)
    done = resume(
        registry, recipe, Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "x", recipe.data), run
    )
    assert done.best == whole.best
    names = [sorted(file.name for file in (one.checkpoints / "top").iterdir()) for one in (run, whole.run)]
    assert names[0] == names[1]
    ours, theirs = load_file(run.best), load_file(whole.run.best)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_checkpoint_of_another_model_is_told_when_resumed(start, registry):
    done, _ = start({"train.epochs": 2})
    other = resolve(registry, None, {**SETTINGS, **LINKNET, "train.epochs": 3})
    split = Split(random_source(8, 32), random_source(3, 32), (1.0,) * 8, "drawn", other.data)
    with pytest.raises(RecycleError, match=r"last\.ckpt holds another model than .*recipe\.yaml names"):
        resume(registry, other, split, done.run)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"train.devices": "many"}, "no number of devices"),
    ],
)
def test_devices_that_cannot_be(start, settings, word, tmp_path):
    with pytest.raises(RecycleError) as caught:
        start({**settings, "train.ema": 0.9})
    assert word in str(caught.value)
    assert not (tmp_path / "r").exists()


class Arithmetic(Callback):
    """What a training computed in, and whether its depthwise convolutions were left in 32 bits."""

    def on_train_end(self, trainer, pl_module):
        depthwise = [layer for layer in pl_module.model.modules() if getattr(layer, "groups", 1) > 1]
        self.precision, self.wide = trainer.precision, {type(layer).forward.__module__ for layer in depthwise}


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is what auto looks at, where there is one")
@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
        ({"avx2": True}, "32-true"),
        (None, "32-true"),
    ],
)
def test_auto_takes_bf16_where_the_processor_has_it(start, monkeypatch, capabilities, precision):
    if capabilities is None:  # an older torch
        monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    else:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    seen = Arithmetic()
    done, (state,) = start(callbacks=[seen])
    assert seen.precision == precision
    assert ("recycle_engine.training.depthwise" in seen.wide) == (precision == "bf16-mixed")
    assert all(value.dtype != torch.bfloat16 and value.isfinite().all() for value in state.values())
    assert done.best == done.best


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in these")
@pytest.mark.parametrize(("wanted", "ran"), [("16-mixed", "bf16-mixed"), ("tf32", "32")])
def test_a_precision_that_a_processor_lacks_is_recorded_as_what_ran(start, registry, logged, wanted, ran):
    seen = Arithmetic()
    done, _ = start({"train.precision": wanted}, callbacks=[seen])
    assert recipe_of(registry, done).train.precision == ran
    assert seen.precision == {"32": "32-true"}.get(ran, ran) == json.loads(done.run.env.read_text())["precision"]
    assert f"note: train.precision = {wanted} needs a GPU; training and recording {ran}" in logged()


@pytest.mark.parametrize("variables", [{}, {"SLURM_STEP_ID": "4294967290", "SLURM_STEP_NUM_TASKS": "1"}])
def test_in_the_shell_of_an_allocation_one_process_trains(start, monkeypatch, variables):
    allocation = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "work", "SLURM_NTASKS": "4", "SLURM_NNODES": "odd"}
    for name, value in {**allocation, **variables}.items():
        monkeypatch.setenv(name, value)
    done, _ = start()
    assert done.first
    assert done.epochs == 1


@pytest.mark.parametrize(("photos", "said"), [(5, "of 5 photos an epoch the last 1 make no full batch"), (4, "")])
def test_photos_that_make_no_full_batch_are_told(start, logged, photos, said):
    start(photos=photos)
    told = logged()
    assert said in told
    assert ("no full batch" in told) == bool(said)


def test_an_epoch_of_fewer_photos_than_a_batch_is_trained_on(start, logged):
    done, states = start({"train.batch_size": 8}, photos=5)
    assert len(states) == 1
    assert done.run.metrics.read_text().splitlines()[1].startswith("0,1,")  # one step
    assert "no full batch" not in logged()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed", "tf32"])
def test_training_on_a_gpu(start, precision):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    done, (state,) = start({"train.precision": precision, "train.compile": precision == "bf16-mixed"})
    assert done.best == done.best
    assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())
