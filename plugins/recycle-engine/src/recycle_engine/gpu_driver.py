"""Why torch does not use a GPU that is there: its driver, or a torch that was built for another."""

from __future__ import annotations

import re
from pathlib import Path

import torch

DRIVER = Path("/proc/driver/nvidia/version")  # there where one is loaded, on Linux
WHEELS = 'pip install --force-reinstall "torch>=2.10" torchvision --index-url https://download.pytorch.org/whl/cu126'
TOO_OLD = re.compile(r"driver on your system is too old \(found version (\d+)\)")
NO_GPU = ("Found no NVIDIA driver", "No CUDA GPUs are available")  # or CUDA_VISIBLE_DEVICES hides them
OLDEST = 12000  # CUDA 12.0: with drivers of this on, wheels for a later CUDA 12 run


def unused_gpu() -> tuple[str, str] | None:
    """Why torch sees no GPU although there is a driver of one, and the remedy; None where it sees one, or none is."""
    if torch.cuda.is_available():
        return None
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
        return None
    except AssertionError:
        if not DRIVER.exists():
            return None
        return f"torch {torch.__version__} was built for the CPU alone, and there is a GPU's driver", WHEELS
    except RuntimeError as error:
        said = str(error)
    if found := TOO_OLD.search(said):
        version = int(found[1])
        known = f"{version // 1000}.{version % 1000 // 10}"
        cause = f"the GPU's driver knows CUDA up to {known}, and torch {torch.__version__} needs {torch.version.cuda}"
        update = "update the driver: https://www.nvidia.com/drivers"
        return cause, f"{update}; or a torch that fits: {WHEELS}" if version >= OLDEST else update
    if any(text in said for text in NO_GPU) or not DRIVER.exists():
        return None
    return f"torch cannot use the GPU: {said.splitlines()[0]}", "`nvidia-smi` shows its state; a restart helps often"
