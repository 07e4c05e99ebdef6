"""Fully convolutional networks, on any encoder."""

from typing import Any

import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn
from torch.nn import functional as F


class FCNHead(nn.Sequential):
    """3x3 convolution to a quarter of the channels, normalised, dropout 0.1, scores: torchvision's FCNHead."""

    def __init__(self, channels: int, classes: int) -> None:
        inner = max(channels // 4, classes)
        super().__init__(
            nn.Conv2d(channels, inner, 3, padding=1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
            nn.Conv2d(inner, classes, 1),
        )


class Skips(nn.Module):
    """Scores of the last stages, each upsampled onto the one before and added.

    Long, Shelhamer and Darrell, "Fully Convolutional Networks" (2015), with `Head` for VGG's
    fully connected layers and bilinear upsampling throughout.
    """

    def __init__(self, channels: list[int], classes: int) -> None:
        super().__init__()
        self.scores = nn.ModuleList(
            [FCNHead(channels[-1], classes), *(nn.Conv2d(inner, classes, 1) for inner in reversed(channels[:-1]))]
        )

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """(N, K, h, w) scores at the finest of the stages."""
        deepest, *finer = self.scores
        total: torch.Tensor = deepest(features[-1])
        for score, stage in zip(finer, reversed(features[-len(self.scores) : -1]), strict=True):
            total = score(stage) + F.interpolate(total, stage.shape[-2:], mode="bilinear", align_corners=False)
        return total


class Fcn(nn.Module):
    """An encoder, scores of its last `stages`, and no head after them.

    With `encoder_output_stride` 8 the encoder is dilated and one stage is enough.
    """

    def __init__(
        self,
        encoder_name: str,
        encoder_weights: Any,
        in_channels: int,
        classes: int,
        stages: int = 1,
        encoder_output_stride: int = 32,
        **keywords: Any,
    ) -> None:
        super().__init__()
        self.encoder = get_encoder(
            encoder_name,
            in_channels=in_channels,
            depth=5,
            weights=encoder_weights,
            output_stride=encoder_output_stride,
            **keywords,
        )
        self.decoder = Skips(self.encoder.out_channels[-stages:], classes)
        self.segmentation_head = nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits at the finest of the stages' sizes."""
        logits: torch.Tensor = self.decoder(self.encoder(image))
        return logits
