"""Operations on fake CUDA tensors, watched: those that wait, those that do not repeat, how many, how many bytes."""

from __future__ import annotations

import math
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
Operation = Callable[..., Any]
READS = {aten._local_scalar_dense.default, aten.is_nonzero.default, aten.equal.default}
COPIES = {aten._to_copy.default, aten.copy_.default}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default}
SIZED = {  # the size of the result depends on values; here it is this share of the elements
    aten.nonzero.default: 2,
    aten.masked_select.default: 2,
    aten._unique2.default: 4,
    aten.unique_dim.default: 4,
    aten.unique_consecutive.default: 4,
    aten.bincount.default: 1,
    aten.repeat_interleave.Tensor: 1,
}
UNREPEATABLE = {  # additions in an order of chance, or so torch says
    aten.upsample_bilinear2d_backward.default,
    aten._adaptive_avg_pool2d_backward.default,
    aten.max_pool2d_with_indices_backward.default,
    aten.reflection_pad2d_backward.default,
    aten.replication_pad2d_backward.default,
    aten.grid_sampler_2d_backward.default,
    aten.index_add.default,
    aten.index_add_.default,
    aten.kthvalue.default,
}
OF_FLOATS = {aten.cumsum.default, aten.scatter_add.default, aten.scatter_add_.default}  # sums of integers are exact
OUTSIDE = ("/torch/", "/gpu/audit/", "/contextlib.py")


def is_cuda(value: Any) -> bool:
    """Whether something is a tensor on a GPU."""
    return isinstance(value, torch.Tensor) and value.device.type == "cuda"


def place() -> str:
    """The innermost line outside of torch and the audit, as `folder/file.py:12`."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_absolute() and not any(part in path.as_posix() for part in OUTSIDE):
            return f"{'/'.join(path.parts[-3:])}:{frame.lineno}"
    return "torch"


class Watch(TorchDispatchMode):
    """Counts what operations do on a GPU.

    Attributes:
        waits: what waits, with its line, to how often.
        unrepeatable: what may not repeat bit by bit, likewise.
        operations: name of each operation that computes to how often.
        touched: bytes that those read and write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.unrepeatable: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self.touched = 0

    def forget(self) -> None:
        """Begin anew."""
        for counter in (self.waits, self.unrepeatable, self.operations):
            counter.clear()
        self.touched = 0

    def __torch_dispatch__(
        self, func: Operation, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Look at an operation and run it, or answer in its place where it needs values."""
        kwargs = kwargs or {}
        if func.namespace == "prim":  # type: ignore[attr-defined]  # a question about a tensor: no work
            return func(*args, **kwargs)
        given = tree_leaves((args, kwargs))
        if func in READS:
            if any(map(is_cuda, given)):
                self._wait("a value is read")
            return _value(args[0])
        if not any(map(is_cuda, given)) and not _moves(func, args, kwargs):
            return func(*args, **kwargs)
        self._look_at(func, args, kwargs)
        result = _stand_in(func, args, kwargs)
        if result is None:
            result = func(*args, **kwargs)
        if not getattr(func, "is_view", False):
            self.operations[str(func)] += 1
            tensors = filter(is_cuda, [*given, *tree_leaves(result)])
            self.touched += sum(map(_bytes, tensors))
        return result

    def _wait(self, what: str) -> None:
        self.waits[f"{what} at {place()}"] += 1

    def _look_at(self, func: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if func in SIZED:
            self._wait(f"{func}: the size depends on values")
        if func in INDEXING:
            indices = [index for index in args[1] if isinstance(index, torch.Tensor)]
            if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
                self._wait("a mask is an index")
            elif any(index.device.type == "cpu" and index.dim() for index in indices):
                self._wait("an index lies on the host")
        if func in COPIES and _moves(func, args, kwargs) and not _without_waiting(func, args, kwargs):
            self._wait(f"a copy between host and GPU of {tuple(args[0].shape)}")
        adds = func in INDEXING and func is not aten.index.Tensor and len(args) > 3 and args[3]
        if func in UNREPEATABLE or adds or (func in OF_FLOATS and args[0].is_floating_point()):
            self.unrepeatable[f"{func} at {place()}"] += 1


def _bytes(tensor: torch.Tensor) -> int:
    """Of what a tensor shows, each place once."""
    own = (length for length, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride)
    return math.prod(own) * tensor.element_size()


def _value(tensor: torch.Tensor) -> bool | int | float:
    """What a tensor without values might hold."""
    if tensor.dtype == torch.bool:
        return True
    return 1.0 if tensor.is_floating_point() else 1


def _moves(func: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether an operation copies between host and GPU."""
    if func is aten._to_copy.default:
        target = kwargs.get("device")
        return target is not None and torch.device(target).type != args[0].device.type
    return func is aten.copy_.default and args[0].device.type != args[1].device.type


def _without_waiting(func: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return bool(kwargs.get("non_blocking") or (func is aten.copy_.default and len(args) > 2 and args[2]))


def _stand_in(func: Operation, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A result of a likely size where the true one depends on values; None where the operation can run."""
    first = args[0]
    if func in SIZED:
        count = max(1, first.numel() // SIZED[func])
        whole = torch.empty(count, dtype=torch.int64, device=first.device)
        if func is aten.nonzero.default:
            return whole.new_empty(count, first.dim())
        if func is aten.masked_select.default:
            return first.new_empty(count)
        if func is aten.bincount.default:
            return whole.new_empty(kwargs.get("minlength") or (args[2] if len(args) > 2 else 1))
        if func is aten.repeat_interleave.Tensor:
            return whole
        return first.new_empty(count), whole.new_empty(first.shape), whole.new_empty(count)
    if func in INDEXING:
        for index in args[1]:
            if isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8):
                chosen = max(1, index.numel() // 2)
                return first.new_empty(chosen, *first.shape[index.dim() :]) if func is aten.index.Tensor else first
    return None


@contextmanager
def watched() -> Iterator[Watch]:
    """Make every new tensor a fake one, and watch."""
    with FakeTensorMode(allow_non_fake_inputs=True), Watch() as watch:
        yield watch
