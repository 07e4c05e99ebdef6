"""What is audited: each case makes its parts, and then calls them under the eyes of a `Watch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from recycle_engine import api

from gpu.audit.case import Call, Case
from gpu.audit.step import steps
from gpu.audit.watch import Watch
from recyclecli.types import AugmentationContext, Batch, LossContext, ModelContext, Sample

CLASSES = tuple("abcdefghijk")
BACKWARDS = torch.version.cuda is None or torch.cuda.is_available()  # a torch for GPUs asks the driver there


def losses(size: int) -> Iterator[Case]:
    """Each installed loss, forwards, and backwards where the installed torch can."""
    way = "forwards and backwards" if BACKWARDS else "forwards"
    for name in api.registry().names("loss"):
        yield Case(f"loss {name}, {way}, 8 photos of {size}x{size}", partial(_loss, name, size))


def _loss(name: str, size: int) -> Call:
    counts = tuple(range(100, 100 + len(CLASSES)))
    loss = api.registry().build("loss", name, {}, LossContext(CLASSES, lambda: counts, lambda: counts))

    def call(watch: Watch) -> None:
        for one in loss.modules():  # to move its buffers is no part of a step
            buffers = one._buffers.items()
            one._buffers |= {key: part if part is None else part.to("cuda") for key, part in buffers}
        logits = torch.rand(8, len(CLASSES), size, size, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        mask = torch.zeros(8, size, size, dtype=torch.int64, device="cuda")
        watch.forget()
        value = loss(logits, mask)
        if BACKWARDS:
            value.backward()

    return call


def models(size: int) -> Iterator[Case]:
    """The default model and a large one, forwards, in bf16, with and without deterministic algorithms."""
    for name, options in (("fpn", {}), ("unetpp", {"encoder": "efficientnet-b5"})):
        for kind in ("free", "deterministic"):
            title = f"model {name}, forwards, 8 photos of {size}x{size}, {kind}"
            yield Case(title, partial(_model, name, options, kind == "deterministic", size))


def _model(name: str, options: dict[str, Any], deterministic: bool, size: int) -> Call:
    def call(watch: Watch) -> None:
        with torch.device("cuda"), torch.no_grad():
            context = ModelContext(len(CLASSES), pretrained=False)
            model = api.registry().build("model", name, {"weights": "none", **options}, context).train()
            image = torch.rand(8, 3, size, size).contiguous(memory_format=torch.channels_last)
            watch.forget()
            torch.use_deterministic_algorithms(deterministic, warn_only=True)
            try:
                with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
                    model(image)
            finally:
                torch.use_deterministic_algorithms(False)

    return call


class Photos:
    """A source of two photos with two objects each.

    Args:
        size: their side in pixels.
    """

    class_names = CLASSES

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return 2

    def record(self, index: int) -> Any:
        """Nothing asks for it."""
        raise NotImplementedError

    def read(self, index: int) -> Sample:
        """Squares of the classes 1 and 2."""
        mask = np.zeros((self._size, self._size), np.uint8)
        half = self._size // 2
        mask[:half, :half], mask[half:, half:] = 1, 2
        return Sample(np.zeros((*mask.shape, 3), np.uint8), mask, mask.astype(np.int32))


def augmentations(size: int) -> Iterator[Case]:
    """Each installed augmentation, when it is called again; copy-paste without its bank, which needs values."""
    pasting: dict[str, Any] = {"source": "batch", "p": 1.0, "lsj": True}
    for name in api.registry().names("augmentation"):
        options = pasting if name == "copy-paste" else {}
        title = f"augmentation {name}{f' {options}' if options else ''}, 16 photos of {size}x{size}"
        yield Case(title, partial(_augmentation, name, options, size))


def _augmentation(name: str, options: dict[str, Any], size: int) -> Call:
    photos = Photos(64)
    augment = api.registry().build("augmentation", name, options, AugmentationContext(CLASSES, photos))
    augment(api.read_batch(photos, [0, 1], 64))  # on the CPU, so that what it keeps is made

    def call(watch: Watch) -> None:
        image = torch.rand(16, 3, size, size, device="cuda")
        mask = torch.zeros(16, size, size, dtype=torch.int64, device="cuda")
        batch = Batch(image, mask, mask.to(torch.int32), torch.arange(16, device="cuda"))
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=False):
            augment(batch)
            watch.forget()
            augment(batch)

    return call


def densecrf(size: int) -> Iterator[Case]:
    """What the dense CRF does on a GPU with a batch: its lattices, and a blur."""
    title = f"dense CRF: lattices and one blur, 8 photos of {size}x{size}"
    yield Case(title, partial(_densecrf, size), (1, "how many vertices the photos have, for the whole batch at once"))


def _densecrf(size: int) -> Call:
    from recycle_densecrf.torchlattice import build, joined

    def call(watch: Watch) -> None:
        with torch.no_grad():
            lattices = build([torch.rand(size**2, 5, device="cuda") for _ in range(8)])
            joined(lattices).blur(torch.rand(8 * size**2, len(CLASSES), device="cuda"))

    return call


GROUPS: dict[str, Callable[[int], Iterator[Case]]] = {
    "losses": losses,
    "models": models,
    "augmentations": augmentations,
    "densecrf": densecrf,
    "steps": steps,
}
