"""smp architectures behind the model contract: normalised inside, any photo size."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from torch import nn
from torch.nn import functional as F

from recycle_smp import SmpOptions
from recycle_smp.weights import encoder_weights, hub_at_hand, load_file
from recyclecli.types import ModelContext, RecycleError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Normalised(nn.Module):
    """An smp model that takes RGB in 0..1, (N, 3, H, W) of any H and W, and gives logits (N, K, H, W).

    The photo is padded to the right and below, by its edge, to the multiple that the encoder
    needs; mean and standard deviation are buffers, so they travel with the weights.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, net: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], multiple: int) -> None:
        super().__init__()
        self.net = net
        self._multiple = multiple
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of a batch."""
        height, width = image.shape[-2:]
        below, right = -height % self._multiple, -width % self._multiple
        image = (image - self.mean) / self.std
        if below or right:
            image = F.pad(image, (0, right, 0, below), mode="replicate")
        logits: torch.Tensor = self.net(image)
        return logits[..., :height, :width]


def unet(options: SmpOptions, context: ModelContext) -> nn.Module:
    """U-Net."""
    return _build(smp.Unet, options, context)


def unetpp(options: SmpOptions, context: ModelContext) -> nn.Module:
    """U-Net++."""
    return _build(smp.UnetPlusPlus, options, context)


def fpn(options: SmpOptions, context: ModelContext) -> nn.Module:
    """FPN."""
    return _build(smp.FPN, options, context)


def deeplabv3plus(options: SmpOptions, context: ModelContext) -> nn.Module:
    """DeepLabV3+."""
    return _build(smp.DeepLabV3Plus, options, context)


def _build(architecture: Any, options: SmpOptions, context: ModelContext) -> nn.Module:
    _check_encoder(options.encoder)
    weights = encoder_weights(options.encoder, options.weights) if context.pretrained else "none"
    extra: dict[str, Any] = {}
    pretrained: Any = None
    if isinstance(weights, Mapping):  # timm's own hook: adapts in_channels, touches no network
        pretrained, extra = True, {"pretrained_cfg_overlay": {"state_dict": dict(weights)}}
    elif weights == "hub":
        pretrained = True if options.encoder.startswith("tu-") else "imagenet"
    try:
        with hub_at_hand(options.encoder) if weights == "hub" else nullcontext():
            net = architecture(
                encoder_name=options.encoder,
                encoder_weights=pretrained,
                in_channels=context.in_channels,
                classes=context.num_classes,
                **extra,
            )
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise RecycleError(
            f"encoder {options.encoder!r} does not go with {architecture.__name__}: {error}", "choose another encoder"
        ) from error
    if isinstance(weights, str) and weights not in ("none", "hub"):
        load_file(net.encoder, weights)
    mean, std = _normalisation(options.encoder)
    return Normalised(net, mean, std, multiple=max(32, net.encoder.output_stride))


def _check_encoder(encoder: str) -> None:
    known = timm.list_models() if encoder.startswith("tu-") else [*smp.encoders.get_encoder_names()]
    if encoder.removeprefix("tu-").split(".")[0] not in known:
        from difflib import get_close_matches

        close = get_close_matches(encoder.removeprefix("tu-"), known, n=3, cutoff=0.5)
        raise RecycleError(
            f"model.encoder: no encoder is called {encoder!r}",
            f"nearest: {', '.join(('tu-' if encoder.startswith('tu-') else '') + name for name in close)}"
            if close
            else "see smp's encoders, or timm's as tu-NAME",
        )


def _normalisation(encoder: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation that the encoder's published weights were trained with."""
    if encoder.startswith("tu-"):
        settings = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
        if settings is not None:
            return tuple(settings.mean), tuple(settings.std)
    return IMAGENET_MEAN, IMAGENET_STD
