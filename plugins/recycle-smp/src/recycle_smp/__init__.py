"""Models for recyclecli from segmentation-models-pytorch: the manifest.

`models` wraps its architectures, `fcn` is ours; `encoders` knows what an encoder takes, `weights` and `local` where
its weights come from.
"""

from collections.abc import Iterator

from pydantic import Field, create_model

from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options

ENCODERS = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnext50_32x4d",
    "se_resnext50_32x4d",
    "densenet121",
    "mobilenet_v2",
    "efficientnet-b0",
    "efficientnet-b3",
    "efficientnet-b5",
    "mit_b0",
    "mit_b2",
    "mit_b5",
    "vgg16_bn",
    "tu-tf_efficientnet_lite0",
    "tu-mobilenetv3_large_100",
    "tu-efficientnetv2_rw_s",
    "tu-convnext_tiny",
    "tu-convnext_small",
    "tu-swin_tiny_patch4_window7_224",
    "tu-maxvit_tiny_tf_512",
    "tu-xception65",
    "tu-vit_small_patch14_dinov2",
]
"""Some of several hundred, which completion offers."""


class SmpOptions(Options):
    """Settings that all architectures share."""

    encoder: str = Field(
        "tu-tf_efficientnet_lite0",
        description="an smp encoder (resnet34), or a timm one (tu-convnext_tiny)",
        examples=ENCODERS,
    )
    weights: str = Field(
        "auto",
        description="encoder weights: auto (packaged if available, else hub), packaged, hub, none, "
        "or a local .safetensors or state-dict file",
    )
    aux: bool = Field(False, description="auxiliary head on the encoder's second-to-last stage, used only in training")


ARCHITECTURES = {
    "unet": "U-Net: skip connections at every scale (Ronneberger et al., 2015)",
    "unetpp": "U-Net++: nested skip connections (Zhou et al., 2018)",
    "manet": "MA-Net: U-Net with attention over positions and channels (Fan et al., 2020)",
    "linknet": "LinkNet: skips that are added, small and fast (Chaurasia and Culurciello, 2017)",
    "fpn": "Feature pyramid, light and even across sizes (Kirillov et al., 2019)",
    "pspnet": "PSPNet: pooled context of several grids (Zhao et al., 2017)",
    "deeplabv3": "DeepLabV3: dilated context (Chen et al., 2017)",
    "deeplabv3plus": "DeepLabV3+: dilated context with a small decoder (Chen et al., 2018)",
    "pan": "PAN: pyramid attention (Li et al., 2018)",
    "upernet": "UPerNet: pooled context in a feature pyramid (Xiao et al., 2018)",
    "segformer": "SegFormer's all-linear decoder (Xie et al., 2021); its own encoders are mit_b0 to mit_b5",
    "dpt": "DPT: dense prediction with plain vision transformers (Ranftl et al., 2021)",
    "fcn32s": "FCN-32s: the last stage, upsampled at once (Long et al., 2015)",
    "fcn16s": "FCN-16s: the last two stages, added (Long et al., 2015)",
    "fcn8s": "FCN-8s: the last three stages, added (Long et al., 2015)",
}

DEFAULT_ENCODERS = dict.fromkeys(("fcn8s", "fcn16s", "fcn32s"), "vgg16_bn") | {"dpt": "tu-vit_small_patch14_dinov2"}
"""Architecture to the encoder that it is known for, where that is not the usual one."""

NAMED_MODELS = {
    "fcn-resnet50": ("dilated_fcn", "resnet50", "FCN on a dilated ResNet-50, with a second head as torchvision's"),
    "fcn-resnet101": ("dilated_fcn", "resnet101", "FCN on a dilated ResNet-101, with a second head as torchvision's"),
    "deeplabv3plus-resnet50": ("deeplabv3plus", "resnet50", "DeepLabV3+ on ResNet-50"),
    "deeplabv3plus-resnet101": ("deeplabv3plus", "resnet101", "DeepLabV3+ on ResNet-101"),
    "deeplabv3plus-xception": ("deeplabv3plus", "tu-xception65", "DeepLabV3+ on aligned Xception-65, as in its paper"),
}
"""Component to its architecture, its encoder and its summary."""


@hookimpl
def recycle_models() -> Iterator[ModelComponent]:
    """One component per architecture, then those that bring their encoder along."""
    for name, summary in ARCHITECTURES.items():
        yield ModelComponent(name, f"recycle_smp.models:{name}", _with(name, DEFAULT_ENCODERS.get(name)), summary)
    for name, (architecture, encoder, summary) in NAMED_MODELS.items():
        aux = architecture == "dilated_fcn"
        yield ModelComponent(name, f"recycle_smp.models:{architecture}", _with(name, encoder, aux), summary)


def _with(name: str, encoder: str | None, aux: bool = False) -> type[SmpOptions]:
    """`SmpOptions` with another default encoder."""
    if encoder is None:
        return SmpOptions
    fields = SmpOptions.model_fields
    return create_model(
        f"Options of {name}",
        __base__=SmpOptions,
        encoder=(str, Field(encoder, description=fields["encoder"].description, examples=ENCODERS)),
        aux=(bool, Field(aux, description=fields["aux"].description)),
    )
