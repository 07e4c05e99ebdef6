"""Weights of the classes, from how many pixels each has, and means under them."""

import torch

from recycle_losses import WeightedOptions
from recyclecli.types import IGNORE, LossContext, RecycleError


def class_weights(options: WeightedOptions, context: LossContext) -> torch.Tensor:
    """(K,) float32 weights; the computed ones have mean 1 over the classes that occur.

    For a class with n of all N labelled pixels, before that scaling:

    - `inverse`: N / n.
    - `median-frequency`: median of all frequencies / n's (Eigen and Fergus, 2015), the frequency being n
      / the labelled pixels of the photos that show the class.
    - `effective-number`: (1 - beta) / (1 - beta^m), m = n as a number of the smallest class's
      pixels times 1000 (Cui et al., "Class-Balanced Loss", 2019, who count objects; with n itself
      every class of a segmentation set would be saturated).

    A class without a pixel gets 0: nothing is learned of it, and nothing divides by it.

    Raises:
        RecycleError: a named class does not exist, or a weight is negative or all are 0.
    """
    names, wanted = context.class_names, options.class_weights
    if wanted == "none":
        return torch.ones(len(names))
    if isinstance(wanted, dict):
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise RecycleError(f"class_weights names {unknown[0]!r}, no class of the data", f"classes: {list(names)}")
        given = torch.tensor([wanted.get(name, 1.0) for name in names])
        if (given < 0).any() or not (given > 0).any():
            raise RecycleError(f"class_weights = {wanted}: weights are 0 or more, one of them more than 0")
        return given
    counts = torch.tensor(context.pixel_counts, dtype=torch.float64)
    seen = counts > 0
    if not seen.any():
        raise RecycleError("class_weights: the training split has no labelled pixel", "look: recycle data check")
    if wanted == "effective-number":
        size = counts / counts[seen].min() * 1000
        weights = (1 - options.beta) / (1 - options.beta**size)
    elif wanted == "median-frequency":
        weights = torch.tensor(context.count_shown(), dtype=torch.float64) / counts  # the median goes with the scaling
    else:
        weights = counts.sum() / counts
    weights = torch.where(seen, weights, 0.0)
    return (weights / weights[seen].mean()).float()


def pixel_weights(mask: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(N, H, W) weight of each pixel's class, of (K,) weights; 0 under 255."""
    counted = mask != IGNORE
    return weights[mask.masked_fill(~counted, 0)] * counted


def weighted_mean(loss: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean of a (N, H, W) loss under weights of that shape; 0 where all of them are."""
    return (loss * weights).sum() / weights.sum().clamp(min=torch.finfo(loss.dtype).tiny)
