"""What is known of an encoder before it is built: its name, normalisation and size constraints."""

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch

from recyclecli.types import RecycleError

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _check(encoder: str, brought: Mapping[str, str]) -> None:
    """Refuse a name that neither smp nor timm knows, with the nearest ones."""
    own = smp.encoders.get_encoder_names()
    models, name = timm.list_models(), encoder.removeprefix("tu-")
    if name in (models if name != encoder else own):
        return
    known = [*models, *timm.list_pretrained()] if name != encoder else own
    if name in known:
        return
    stem = name.split(".")[0]
    prefix, close = (
        encoder.removesuffix(name),
        get_close_matches(name, {*known, *(key.partition("@")[0] for key in brought)}, n=3, cutoff=0.5),
    )
    if stem in {*models, *brought} and (name != encoder or stem not in own):
        prefix, close = "tu-", [stem, *timm.list_pretrained(f"{stem}.*")][:3]
    raise RecycleError(
        f"model.encoder: no encoder is called {encoder!r}",
        f"nearest: {', '.join(prefix + one for one in close)}" if close else "see smp's encoders, or timm's as tu-NAME",
    )


def picked(encoder: str, brought: Mapping[str, str]) -> str:
    """What timm or smp call an encoder, which may end in `@PACKAGE`; timm has learned of it where a package brings it.

    Raises:
        RecycleError: several packages bring it, none of that name does, or its module cannot be imported.
    """
    name, _, package = encoder.partition("@")
    if not name.startswith("tu-"):
        return encoder
    stem = name.removeprefix("tu-").split(".")[0]
    modules = {key.removeprefix(stem)[1:]: module for key, module in brought.items() if key.partition("@")[0] == stem}
    if timm.is_model(stem) and timm.model_entrypoint(stem).__module__.startswith("timm."):
        modules["timm"] = ""  # it knows that one by itself
    packages = sorted(modules.keys() - {""})
    meant = len(packages) < 2 or ("" in modules and "timm" not in modules)
    if package not in packages if package else not meant:
        what = f"is offered by {' and '.join(packages)}" if not package else f"is not of {package}"
        choices = " or ".join(f"{name}@{one}" for one in packages) or f"-o model.encoder={name}"
        raise RecycleError(f"model.encoder = {encoder!r} {what}", f"say which: {choices}")
    if module := modules.get(package):
        try:
            import_module(module)
        except Exception as error:  # a package may raise anything
            what = f"model.encoder = {encoder!r}: {module}, which registers it, cannot be imported: {error}"
            raise RecycleError(what, f"reinstall or update the package of {module}") from error
        if not timm.is_model(stem):
            what = f"model.encoder = {encoder!r}: {module} registers no model of this name with timm"
            raise RecycleError(what, f"update the package of {module}, or choose another encoder")
    return name


def normalisation(encoder: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation that the encoder's published weights were trained with."""
    if encoder.startswith("tu-"):
        settings = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
        if settings is not None:
            return tuple(settings.mean), tuple(settings.std)
    return IMAGENET_MEAN, IMAGENET_STD


def one_scale(encoder: str) -> bool:
    """Whether all stages of a timm encoder are of one size, as those of a plain vision transformer."""
    if not encoder.startswith("tu-"):
        return False
    try:
        model: Any = timm.create_model(encoder.removeprefix("tu-"), features_only=True)
    except Exception:  # each architecture has its own error for what it cannot do
        return False
    return len(set(model.feature_info.reduction())) == 1


def can_be_dilated(encoder: str) -> bool:
    """Whether the encoder can be made to keep a sixteenth of the photo's size; it is tried, without its weights."""
    try:
        smp.encoders.get_encoder(encoder, weights=None, output_stride=16)
    except Exception:  # likewise
        return False
    return True


class _Described(NamedTuple):
    """What a model of timm shows: its class, what that takes, and sides in pixels (0 where it has none)."""

    kind: str
    taken: frozenset[str]
    prefix_tokens: bool
    patch: int
    size: int


@cache
def _described(name: str, make: Callable[..., Any]) -> _Described:
    """A model of timm, made once a process without its weights; `make` tells it from another of its name."""
    try:
        with torch.device("meta"):
            model: Any = timm.create_model(name)
    except Exception:  # some compute with their weights when they are made
        model = timm.create_model(name)
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    return _Described(
        type(model).__name__,
        frozenset(inspect.signature(type(model).__init__).parameters),
        getattr(model, "num_prefix_tokens", 0) > 0,
        int(patch[0]) if patch is not None else 0,
        int(model.pretrained_cfg["input_size"][-1]),
    )


class Traits:
    """What a timm encoder must be told, and what sizes it takes.

    Args:
        encoder: as a recipe names it.
        brought: those that packages bring, see `ModelContext`.

    Attributes:
        name: of the encoder, without the package that the recipe names.
        keywords: for timm, so that photos may have another size than the pretraining's.
        multiple: heights and widths must be multiples of this.
        prefix_tokens: whether it has a class token beside its patches.

    Raises:
        RecycleError: no encoder is called so, several are, or the module that brings it cannot be imported.
    """

    def __init__(self, encoder: str, brought: Mapping[str, str]) -> None:
        self.name = encoder = picked(encoder, brought)
        _check(encoder, brought)
        self.keywords: dict[str, Any] = {}
        self.multiple = 32
        self.prefix_tokens = False
        if not encoder.startswith("tu-"):
            return
        name = encoder.removeprefix("tu-")
        made = _described(name, timm.model_entrypoint(name.split(".")[0]))
        if "strict_img_size" in made.taken:  # Swin: windows are padded inside
            self.keywords["strict_img_size"] = False
        if "dynamic_img_size" in made.taken:  # ViT: position embeddings are resampled
            self.keywords["dynamic_img_size"] = True
        self.prefix_tokens = made.prefix_tokens
        if "dynamic_img_size" in made.taken and made.patch:
            size = made.patch
            if size & (size - 1):  # DPT scales by halves: timm resamples 14x14 patches to 16x16
                self.keywords["patch_size"] = size = 16
            self.multiple = 2 * size  # DPT halves the grid of patches once
        elif made.kind == "MaxxVit":  # windows are a fixed part of the pretraining's size
            self.multiple = made.size
