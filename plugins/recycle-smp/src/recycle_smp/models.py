"""smp architectures behind the model contract: normalised inside, any photo size."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import nn
from torch.nn import functional as F

from recycle_smp import SmpOptions
from recycle_smp.encoders import Traits, can_be_dilated, normalisation, one_scale
from recycle_smp.fcn import Fcn, FCNHead
from recycle_smp.local import load_file
from recycle_smp.weights import encoder_weights, hub_at_hand
from recyclecli.types import ModelContext, RecycleError

UNUSED_LAYERS = {"_conv_head", "_bn1", "conv_head", "bn2"}
"""Of smp's own EfficientNets, the layers behind the last feature map: no gradient reaches them, which DDP minds."""


class Normalised(nn.Module):
    """An smp model that takes RGB in 0..1, (N, 3, H, W) of any H and W, and gives logits (N, K, H, W).

    The photo is padded to the right and below, by its edge, to a multiple and at least a smallest
    size that the architecture and its encoder need; mean and standard deviation are buffers, so
    they travel with the weights. In training, one with a second head gives (logits, aux logits).

    Args:
        net: has `encoder`, `decoder` and `segmentation_head`.
        mean, std: of the encoder's pretraining, RGB.
        multiple, least: height and width are multiples of the one, and not below the other.
        aux: scores for the encoder's last but one stage.
    """

    net: Any  # what its attributes are, smp does not tell
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self,
        net: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        multiple: int,
        least: int = 1,
        aux: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.aux = aux
        self.multiple, self._least = multiple, least
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    @property
    def encoder(self) -> nn.Module:
        """The part that may learn at a rate of its own."""
        encoder: nn.Module = self.net.encoder
        return encoder

    def forward(self, image: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Logits of a batch."""
        height, width = image.shape[-2:]
        below, right = (max(size + -size % self.multiple, self._least) - size for size in (height, width))
        image = (image - self.mean) / self.std
        if below or right or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]  # an exported model takes other sizes than the traced one
            image = F.pad(image, (0, right, 0, below), mode="replicate")
        if self.aux is None or not self.training:
            return _cut(self.net(image), image, height, width)
        features = self.net.encoder(image)
        logits = self.net.segmentation_head(self.net.decoder(features))
        second = self.aux(features[-2])
        return _cut(logits, image, height, width), _cut(second, image, height, width)


def _cut(logits: torch.Tensor, image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Logits at the padded image's size, without the padding."""
    if logits.shape[-2:] != image.shape[-2:]:
        logits = F.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=False)
    return logits[..., :height, :width]


def _build(
    architecture: Callable[..., nn.Module],
    options: SmpOptions,
    context: ModelContext,
    least: int = 1,
    traits: Traits | None = None,
    **keywords: Any,
) -> nn.Module:
    traits = traits or Traits(options.encoder, context.encoders)
    options = options.model_copy(update={"encoder": traits.name})
    weights = encoder_weights(options.encoder, options.weights) if context.pretrained else "none"
    keywords |= traits.keywords
    pretrained: Any = None
    if isinstance(weights, Mapping):  # timm's own hook: adapts in_channels, touches no network
        pretrained, keywords["pretrained_cfg_overlay"] = True, {"state_dict": dict(weights)}
    elif weights == "hub":
        pretrained = True if options.encoder.startswith("tu-") else "imagenet"
    try:
        with hub_at_hand(options.encoder) if weights == "hub" else nullcontext():
            net: Any = architecture(
                encoder_name=options.encoder,
                encoder_weights=pretrained,
                in_channels=context.in_channels,
                classes=context.num_classes,
                **keywords,
            )
    except (ValueError, KeyError, TypeError, NotImplementedError, RuntimeError) as error:
        raise _misfit(architecture, options, error, _dilates(architecture, keywords)) from error
    if isinstance(weights, str) and weights not in ("none", "hub"):
        load_file(net.encoder, weights)
    for name in UNUSED_LAYERS & dict(net.encoder.named_children()).keys():
        getattr(net.encoder, name).requires_grad_(False)
    aux = FCNHead(net.encoder.out_channels[-2], context.num_classes) if options.aux else None
    stride = int(getattr(net.encoder, "output_stride", 32))
    model = Normalised(net, *normalisation(options.encoder), max(traits.multiple, stride), least, aux)
    _try(model, architecture, options, context, traits.multiple)
    return model


@torch.no_grad()
def _try(model: nn.Module, architecture: Any, options: SmpOptions, context: ModelContext, size: int) -> None:
    """Find now, not in mid-epoch, that an encoder's feature maps do not suit the decoder."""
    try:
        model.eval()(torch.zeros(1, context.in_channels, size, 2 * size))
    except (RuntimeError, AssertionError, IndexError, TypeError) as error:
        raise _misfit(architecture, options, error) from error
    model.train()


def _dilates(architecture: Any, keywords: Mapping[str, Any]) -> bool:
    """Whether an architecture wants an encoder that keeps more than a 32nd of the photo's size."""
    own = inspect.signature(architecture).parameters.get("encoder_output_stride")
    return "output_stride" in keywords or keywords.get("encoder_output_stride", own.default if own else 32) < 32


def _misfit(architecture: Any, options: SmpOptions, error: Exception, dilates: bool = False) -> RecycleError:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    remedy = "choose another encoder"
    if one_scale(options.encoder):
        remedy = "it has one scale only: choose --plugin dpt for it"
    elif dilates and not can_be_dilated(options.encoder):
        remedy = "it cannot be dilated: choose unet, fpn, upernet or segformer for it, or a ResNet or EfficientNet"
    return RecycleError(f"encoder {options.encoder!r} does not go with {architecture.__name__}: {text}", remedy)


unet = partial(_build, smp.Unet)
unetpp = partial(_build, smp.UnetPlusPlus)
manet = partial(_build, smp.MAnet)
linknet = partial(_build, smp.Linknet)
fpn = partial(_build, smp.FPN)
pspnet = partial(_build, smp.PSPNet, encoder_depth=5, output_stride=8)  # as in its paper, not three stages of five
deeplabv3 = partial(_build, smp.DeepLabV3)
deeplabv3plus = partial(_build, smp.DeepLabV3Plus)
pan = partial(_build, smp.PAN, least=128)  # it pools the stage at 1/16 three times
upernet = partial(_build, smp.UPerNet)
segformer = partial(_build, smp.Segformer)
fcn32s = partial(_build, Fcn, stages=1)
fcn16s = partial(_build, Fcn, stages=2)
fcn8s = partial(_build, Fcn, stages=3)
dilated_fcn = partial(_build, Fcn, encoder_output_stride=8)


def dpt(options: SmpOptions, context: ModelContext) -> nn.Module:
    """DPT."""
    if options.aux:
        raise RecycleError("model.aux: dpt has one head only", "leave it out")
    traits = Traits(options.encoder, context.encoders)
    readout = "cat" if traits.prefix_tokens else "ignore"
    return _build(DPT, options, context, traits=traits, decoder_readout=readout)


class DPT(smp.DPT):  # type: ignore[misc]
    """smp's, without the classifier that timm's model brings: no gradient reaches it."""

    def __init__(self, pretrained_cfg_overlay: Mapping[str, Any] = {}, **keywords: Any) -> None:
        if pretrained_cfg_overlay:
            keywords["encoder_weights"] = None
        super().__init__(**keywords)
        self.encoder.model.prune_intermediate_layers(self.encoder._output_indices, prune_norm=True, prune_head=True)
        if pretrained_cfg_overlay:  # packaged weights have no classifier either
            self.encoder.model.load_state_dict(pretrained_cfg_overlay["state_dict"])
