"""Encoders that other packages bring: timm learns of them when a recipe names them."""

import sys
from contextlib import nullcontext

import pytest
import timm
import torch
from recycle_data.named_parts import encoders
from support import DISTS

from recyclecli.plugins import Plugin, Registry, discover
from recyclecli.types import ModelComponent, ModelContext, Options, RecycleError


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.syspath_prepend(str(DISTS / "encoder"))
    yield discover()
    sys.modules.pop("acme_encoder_net", None)
    for names in (timm.models._registry._model_entrypoints, timm.models._registry._model_to_module):
        names.pop("acme_net", None)


def build(registry, encoder, weights="none", **brought):
    context = ModelContext(3, pretrained=weights != "none", encoders=registry.encoders() | brought)
    return registry.build("model", "fpn", {"encoder": encoder, "weights": weights}, context)


def test_its_module_is_imported_when_it_is_named(registry):
    assert registry.encoders()["acme_net"] == "acme_encoder_net"
    assert not timm.is_model("acme_net")
    logits = build(registry, "tu-acme_net").eval()(torch.rand(1, 3, 64, 64))
    assert logits.shape == (1, 3, 64, 64)


def test_a_module_that_is_gone_is_told(registry):
    with pytest.raises(RecycleError, match="acme_encoder_gone, which registers it, cannot be imported") as caught:
        build(registry, "tu-acme_gone")
    assert "package of acme_encoder_gone" in caught.value.remedy


@pytest.mark.parametrize("weights", ["auto", "hub"])
def test_one_without_published_weights_says_how_to_train_it(registry, weights):
    with pytest.raises(RecycleError, match="no pretrained weights of encoder 'tu-acme_net' are published") as caught:
        build(registry, "tu-acme_net", weights)
    assert "-o model.weights=none" in caught.value.remedy


def test_a_module_that_does_not_register_it_is_told(registry):
    with pytest.raises(RecycleError, match="'tu-acme_other': json registers no model of this name with timm"):
        build(registry, "tu-acme_other", acme_other="json")


def test_the_nearest_name_may_be_a_packages(registry):
    with pytest.raises(RecycleError, match="no encoder is called 'tu-acme_nett'") as caught:
        build(registry, "tu-acme_nett")
    assert caught.value.remedy.startswith("nearest: tu-acme_net")


def also_from_bolt(registry, **encoders):
    """The registry, with a package more that brings encoders."""
    model = ModelComponent("bolt", "bolt:Net", Options, "Brings encoders", encoders=encoders)
    return Registry((*registry.plugins, Plugin("bolt", "bolt", "1.0", components=(model,))))


def test_of_two_packages_that_bring_one_none_wins_in_silence(registry):
    both = also_from_bolt(registry, acme_net="bolt_net")
    line = "encoder acme_net is offered by 2 packages; pick one: acme_net@acme-encoder or acme_net@bolt"
    assert line in both.clashes()
    with pytest.raises(RecycleError, match="'tu-acme_net' is offered by acme-encoder and bolt") as caught:
        build(both, "tu-acme_net")
    assert caught.value.remedy == "say which: tu-acme_net@acme-encoder or tu-acme_net@bolt"
    assert not timm.is_model("acme_net")
    with pytest.raises(RecycleError, match="bolt_net, which registers it, cannot be imported"):
        build(both, "tu-acme_net@bolt")
    build(both, "tu-acme_net@acme-encoder")


@pytest.mark.parametrize(
    ("made_with", "said"), [({"acme-encoder": "1.0"}, ""), ({}, "is offered by"), ({"bolt": "1.0"}, "bolt_net, which")]
)
def test_a_run_goes_on_with_the_package_that_it_was_trained_with(registry, made_with, said):
    """Another that brings an encoder of this name was installed since."""
    brought = encoders(also_from_bolt(registry, acme_net="bolt_net"), made_with)
    context = ModelContext(3, pretrained=False, encoders=brought)
    options = {"encoder": "tu-acme_net", "weights": "none"}
    with pytest.raises(RecycleError, match=said) if said else nullcontext():
        registry.build("model", "fpn", options, context)


def test_the_package_may_be_named_where_it_is_the_only_one(registry):
    assert not any("acme_net" in line for line in registry.clashes())
    build(registry, "tu-acme_net@acme-encoder")
    with pytest.raises(RecycleError, match="'tu-acme_net@bolt' is not of bolt") as caught:
        build(registry, "tu-acme_net@bolt")
    assert caught.value.remedy == "say which: tu-acme_net@acme-encoder"


def test_a_package_does_not_take_the_place_of_timms_own(registry):
    both = also_from_bolt(registry, test_efficientnet="bolt_net")
    with pytest.raises(RecycleError, match="'tu-test_efficientnet' is offered by bolt and timm"):
        build(both, "tu-test_efficientnet")
    build(both, "tu-test_efficientnet@timm")
    build(registry, "tu-test_efficientnet@timm")


def test_a_prefix_that_lacks_is_the_nearest_name(registry):
    with pytest.raises(RecycleError, match="no encoder is called 'acme_net'") as caught:
        build(registry, "acme_net")
    assert caught.value.remedy.startswith("nearest: tu-acme_net")
