"""What this machine has for training, as `recycle doctor` says it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version

from recyclecli.types import Finding

COMPROMISED = ("2.6.2", "2.6.3")  # releases of lightning that carried foreign code


def examine() -> Iterator[Finding]:
    """Look at torch, its GPUs, and Lightning."""
    yield from _torch()
    yield from _lightning()


def has_gpu() -> bool:
    """Whether torch finds a GPU."""
    import torch

    return bool(torch.cuda.is_available())


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a broken build raises all kinds
        yield Finding("fix", f"torch does not import: {error}", "pip install torch")
        return
    try:
        import torchvision
    except Exception as error:
        remedy = "install the torchvision that was built for this torch (2.14.1 goes with 0.29.1)"
        yield Finding("fix", f"torch {torch.__version__} imports, torchvision does not: {error}", remedy)
        return
    yield Finding("ok", f"torch {torch.__version__} with torchvision {torchvision.__version__}")
    from recycle_engine.gpu_driver import unused_gpu

    if unused := unused_gpu():
        yield Finding("fix", *unused)
    elif not torch.cuda.is_available():
        yield Finding("note", f"no GPU: training runs on {torch.get_num_threads()} CPU threads", "keep data.size small")
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory / 1e9
        yield Finding("ok", f"GPU {index}: {torch.cuda.get_device_name(index)}, {memory:.0f} GB")


def _lightning() -> Iterator[Finding]:
    try:
        installed = version("lightning")
    except PackageNotFoundError:
        yield Finding("fix", "lightning is not installed", "pip install 'lightning>=2.6.6'")
        return
    if installed in COMPROMISED:
        yield Finding("fix", f"lightning {installed} is a compromised release", "pip install 'lightning>=2.6.6'")
    else:
        yield Finding("ok", f"lightning {installed}")
    foreign = sorted(point.value for point in entry_points(group="lightning.pytorch.callbacks_factory"))
    if foreign:
        yield Finding("note", f"lightning will load callbacks of {', '.join(foreign)}", "RECYCLE_PLUGINS refuses them")
