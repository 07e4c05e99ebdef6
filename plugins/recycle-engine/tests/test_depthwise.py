import copy

import pytest
import torch
from recycle_engine.training.depthwise import depthwise_in_32_bits
from torch import nn


class Padded(nn.Conv2d):
    """A convolution with a forward of its own, as timm has them."""

    def forward(self, image):
        return super().forward(nn.functional.pad(image, (0, 1, 0, 1)))


def layers():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 1),
        Padded(8, 8, 3, stride=2, groups=8),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 16, 3, padding=1, groups=8),
        nn.Conv2d(16, 4, 3, groups=2),
    )


def answer(model, image, bf16=True):
    """Result and gradients, the former in the type that came out."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        result = model(image)
    model.zero_grad()
    result.float().square().mean().backward()
    return result.detach(), [one.grad.clone() for one in model.parameters()]


def test_only_depthwise_convolutions_change_and_only_once():
    model = layers()
    kinds = [type(layer) for layer in model]
    assert depthwise_in_32_bits(model) == 2
    assert [type(layer) is kind for layer, kind in zip(model, kinds, strict=True)] == [True, False, True, False, True]
    assert isinstance(model[1], Padded)
    assert depthwise_in_32_bits(model) == 0


def test_without_autocast_nothing_differs():
    plain, changed = layers(), layers()
    depthwise_in_32_bits(changed)
    assert list(plain.state_dict()) == list(changed.state_dict())
    image = torch.rand(2, 3, 16, 16)
    (one, first), (other, second) = answer(plain, image, bf16=False), answer(changed, image, bf16=False)
    assert torch.equal(one, other)
    assert all(map(torch.equal, first, second))


def test_in_bf16_result_and_gradients_are_nearer_to_32_bits():
    # one depthwise layer between exact numbers: what bf16 rounds away inside of it is all that differs
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False)
    changed = copy.deepcopy(plain)
    depthwise_in_32_bits(changed)
    image = torch.randint(-8, 9, (2, 8, 16, 16)).float()
    exact, exact_grads = answer(plain, image, bf16=False)
    rounded, rounded_grads = answer(plain, image)
    ours, our_grads = answer(changed, image)
    assert ours.dtype == rounded.dtype == torch.bfloat16
    assert torch.equal(ours, exact.bfloat16())
    assert not torch.equal(rounded, ours)
    assert (our_grads[0] - exact_grads[0]).norm() < (rounded_grads[0] - exact_grads[0]).norm()


def test_a_copy_computes_with_its_own_weights():
    model = layers().eval()
    depthwise_in_32_bits(model)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for one in twin.parameters():
            one.zero_()
    image = torch.rand(1, 3, 16, 16)
    assert answer(twin, image)[0].abs().max() == 0
    assert answer(model, image)[0].abs().max() > 0


@pytest.mark.parametrize("encoder", ["tu-tf_efficientnet_lite0", "mobilenet_v2"])
def test_encoders_of_the_field_train(encoder):
    smp = pytest.importorskip("segmentation_models_pytorch")
    model = smp.Unet(encoder, encoder_weights=None, classes=3)
    assert depthwise_in_32_bits(model) > 10
    result, grads = answer(model.train(), torch.rand(2, 3, 64, 64))
    assert result.shape == (2, 3, 64, 64)
    assert all(torch.isfinite(grad).all() for grad in grads)
