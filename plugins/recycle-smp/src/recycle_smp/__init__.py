"""Models for recyclecli from segmentation-models-pytorch: the manifest."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options


class SmpOptions(Options):
    """Settings that all architectures share."""

    encoder: str = Field(
        "tu-tf_efficientnet_lite0", description="an smp encoder (resnet34), or a timm one (tu-convnext_tiny)"
    )
    weights: str = Field(
        "auto",
        description="of the encoder: auto (packaged where a package holds them, else hub), packaged, "
        "hub, none, or a local .safetensors or state-dict file",
    )


ARCHITECTURES = {
    "unet": "U-Net: skip connections at every scale (Ronneberger et al., 2015)",
    "unetpp": "U-Net++: nested skip connections (Zhou et al., 2018)",
    "fpn": "Feature pyramid, light and even across sizes (Kirillov et al., 2019)",
    "deeplabv3plus": "DeepLabV3+: dilated context with a small decoder (Chen et al., 2018)",
}


@hookimpl
def recycle_models() -> Iterator[ModelComponent]:
    """One component per architecture."""
    for name, summary in ARCHITECTURES.items():
        yield ModelComponent(name, f"recycle_smp.models:{name}", SmpOptions, summary)
