"""Refusing to build a model that is far larger than the weights it is built for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from recyclecli.errors import RecycleError

FACTOR = 4  # building makes some tensors twice, and initialising makes others for a moment
SPARE = 2**28  # bytes that any model may take
CHECKED = frozenset({"aten::empty", "aten::empty_strided", "aten::zeros", "aten::ones", "aten::full", "aten::rand",
                     "aten::randn", "aten::arange", "aten::eye"})  # fmt: skip


class AllocationLimit(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, the tensors that are made may together not be much larger than a file of weights.

    Args:
        file_bytes: of the file.
        message, remedy: of the error.

    Raises:
        RecycleError: where they are.
    """

    def __init__(self, file_bytes: int, message: str, remedy: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left = FACTOR * file_bytes + SPARE
        self._error = RecycleError(message, remedy)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count what an operation makes before it is made."""
        if func._schema.name in CHECKED and str((kwargs or {}).get("device")) != "meta":
            self._left -= _planned(func, args, kwargs or {})
            if self._left < 0:
                raise self._error
        return func(*args, **(kwargs or {}))


def _planned(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """Bytes of an operation's result, which takes none itself."""
    made: torch.Tensor = func(*args, **{**kwargs, "device": torch.device("meta"), "pin_memory": False})
    return made.numel() * made.element_size()
