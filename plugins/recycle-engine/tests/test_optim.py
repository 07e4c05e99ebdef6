"""Optimizers, their parameter groups, and schedules."""

import math

import pytest
import torch
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.optimizer_options import OPTIMIZERS, SCHEDULE_COMPONENTS
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO
from recycle_engine.training.optim import make_optimizer, parameter_groups
from recycle_engine.training.schedule import make_schedulers
from recycle_engine.training.train import resume, train
from recycle_kit.testing import random_source
from support import fake_dists
from torch import nn

from recyclecli.errors import RecycleError
from recyclecli.settings import ComponentSpec, TrainSection
from recyclecli.types import ScheduleContext


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleDict(
            {"stem": nn.Conv2d(3, 4, 3), "layer1": nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4))}
        )
        self.head = nn.Conv2d(4, 2, 1)


def section(**settings):
    return TrainSection(
        **{"optimizer": ComponentSpec(name="adamw"), "schedule": ComponentSpec(name="cosine"), **settings}
    )


@pytest.mark.parametrize("name", [one.name for one in OPTIMIZERS])
def test_every_optimizer_moves_the_weights_downhill(name, registry):
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    settings = section(optimizer=ComponentSpec(name=name), lr=0.01, weight_decay=0)
    optimizer = make_optimizer(registry, model, settings)
    inputs = torch.rand(16, 4)
    losses = []
    for _ in range(60):
        loss = (model(inputs) - 2).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["sgd", "momentum", "rmsprop"])
def test_an_option_of_zero_is_an_option(name, registry):
    settings = section(optimizer=ComponentSpec(name=name, momentum=0.0))
    optimizer = make_optimizer(registry, nn.Linear(4, 1), settings)
    assert {group["momentum"] for group in optimizer.param_groups} == {0.0}


class TestFused:
    def trained(self, registry, start, **options):
        settings = {
            "model": "tiny",
            "data.size": 32,
            "train.epochs": 2,
            "train.batch_size": 2,
            "train.precision": "bf16-mixed",
            "train.grad_clip": 0.1,
            "train.optimizer": {"name": "adamw", **options},
            "train.ema": 0,
            "train.loggers": [],
            "train.callbacks": [],
        }
        recipe = resolve(registry, None, settings)
        split = Split(random_source(4, 32), random_source(2, 32), (1.0,) * 4, "drawn", recipe.data)
        run = train(registry, recipe, split, "r", start).run
        return recipe, split, run, AtomicCheckpointIO().load_checkpoint(run.last)

    def test_gradients_are_clipped_and_a_resumed_run_goes_on(self, tmp_path, monkeypatch):
        fake_dists(monkeypatch, "tiny")
        registry = api.registry()
        recipe, split, run, fused = self.trained(registry, tmp_path / "fused", fused=True)
        *_, usual = self.trained(registry, tmp_path / "usual")
        assert {group["fused"] for group in fused["optimizer_states"][0]["param_groups"]} == {True}
        assert {group["fused"] for group in usual["optimizer_states"][0]["param_groups"]} == {None}
        for name, weight in usual["state_dict"].items():
            torch.testing.assert_close(fused["state_dict"][name], weight, atol=1e-4, rtol=1e-3)
        resume(registry, recipe, split, run, epochs=3)
        longer = AtomicCheckpointIO().load_checkpoint(run.last)
        assert {group["fused"] for group in longer["optimizer_states"][0]["param_groups"]} == {True}

    def test_the_scaler_divides_by_its_scale_once(self, registry):
        """As Lightning has it at 16-mixed: before gradients are clipped, and not again in the step."""
        weights = []
        for fused in (True, False):
            torch.manual_seed(0)
            model = nn.Linear(4, 1)
            name = ComponentSpec(name="adamw", fused=fused)
            optimizer = make_optimizer(registry, model, section(optimizer=name, lr=0.01))
            scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
            for factor in (1.0, float("inf"), 1.0):  # the second is left out
                optimizer.zero_grad()
                scaler.scale((model(torch.ones(2, 4)) * factor).square().mean()).backward()
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
                scaler.step(optimizer)
                scaler.update()
            weights.append(model.weight.detach())
        assert weights[0].isfinite().all()
        torch.testing.assert_close(*weights)


def groups_by_name(model, settings):
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: (group["lr"], group["weight_decay"])
        for group in parameter_groups(model, settings)
        for parameter in group["params"]
    }


def test_norms_and_biases_do_not_decay_and_every_parameter_is_in_one_group():
    model = Net()
    found = groups_by_name(model, section(lr=1.0, weight_decay=0.1))
    assert set(found) == {name for name, _ in model.named_parameters()}
    assert {name for name, (_, decay) in found.items() if decay} == {
        name for name, parameter in model.named_parameters() if parameter.ndim > 1
    }
    assert {rate for rate, _ in found.values()} == {1.0}


def test_the_encoder_learns_at_its_own_rates():
    settings = section(lr=1.0, encoder_lr_scale=0.1, layer_decay=0.5)
    rates = {name: lr for name, (lr, _) in groups_by_name(Net(), settings).items()}
    assert rates["head.weight"] == 1.0
    assert rates["encoder.layer1.1.weight"] == pytest.approx(0.1)
    assert rates["encoder.layer1.0.weight"] == pytest.approx(0.05)
    assert rates["encoder.stem.weight"] == rates["encoder.stem.bias"] == pytest.approx(0.025)


def test_blocks_of_a_real_encoder(registry):
    from recyclecli.types import ModelContext

    model = registry.build("model", "unet", {"weights": "none"}, ModelContext(3))
    rates = {name: lr for name, (lr, _) in groups_by_name(model, section(lr=1.0, layer_decay=0.9)).items()}
    stem = rates["net.encoder.model.conv_stem.weight"]
    first = rates["net.encoder.model.blocks.0.0.conv_dw.weight"]
    last = rates["net.encoder.model.blocks.6.0.conv_pwl.weight"]
    assert stem < first < rates["net.encoder.model.blocks.3.1.conv_pw.weight"] < last == 1.0
    assert {lr for name, lr in rates.items() if not name.startswith("net.encoder")} == {1.0}


def test_a_model_without_an_encoder_is_told_so():
    with pytest.raises(RecycleError, match="encoder"):
        parameter_groups(nn.Linear(2, 2), section(encoder_lr_scale=0.1))


def factors(registry, name, total=100, **options):
    """The rate at each step of 10 epochs, as a share of the peak."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    (one,) = make_schedulers(registry, ComponentSpec(name=name, **options), ScheduleContext(optimizer, total, 10))
    return [one["scheduler"].lr_lambdas[0](step) for step in range(total)]


def test_schedules_are_their_formulas(registry):
    cosine = factors(registry, "cosine", warmup=0.1, final_lr_scale=0.1)
    assert cosine[:10] == pytest.approx([(step + 1) / 11 for step in range(10)])
    assert cosine[10:] == pytest.approx([0.1 + 0.45 * (1 + math.cos(math.pi * step / 90)) for step in range(90)])
    poly = factors(registry, "poly", warmup=0)
    assert poly == pytest.approx([(1 - step / 100) ** 0.9 for step in range(100)])
    assert set(factors(registry, "constant", warmup=0)) == {1.0}


def test_restarts_are_torchs(registry):
    ours = factors(registry, "cosine-restarts", warmup=0, cycle_epochs=1, t_mult=2)
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)
    for step, factor in enumerate(ours):
        assert factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-6), step
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_and_falls_once(registry):
    values = factors(registry, "one-cycle")
    assert values[0] == pytest.approx(1 / 25)
    assert values[30] == max(values) == 1.0
    assert values[:31] == sorted(values[:31])
    assert values[30:] == sorted(values[30:], reverse=True)
    assert values[-1] < 0.01


def test_a_rate_is_never_negative_nor_above_its_peak(registry):
    for name in {one.name for one in SCHEDULE_COMPONENTS} - {"plateau"}:
        for total in (1, 2, 7, 100):
            assert all(0 <= value <= 1 for value in factors(registry, name, total)), (name, total)


def test_plateau_lowers_the_rate_when_the_score_stands(registry):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    part = ComponentSpec(name="plateau", warmup=0, patience=2, factor=0.5)
    _, plateau = make_schedulers(registry, part, ScheduleContext(optimizer, 100, 10))
    rates = []
    for score in (0.1, 0.2, 0.2, 0.15, 0.3, 0.1):
        plateau["scheduler"].step(score)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5]
