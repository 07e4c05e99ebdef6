"""Situations that other libraries tell in words alone: the one table of texts that control flow hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from typing import Literal

import torch

from recyclecli.errors import RunFailed

Situation = Literal["out-of-memory", "gpu-failed", "loader-ended", "peer-ended", "one-photo"]


@dataclass(frozen=True, slots=True)
class LibraryText:
    """What a library says in a situation that its error's type does not tell.

    Attributes:
        situation: what happened.
        error: the type that is raised.
        text: stands in its message.
        library: the distribution that says it.
        version: of it, in which this was read: that of constraints.txt.
        when: what makes it say so.
    """

    situation: Situation
    error: type[Exception]
    text: str
    library: str
    version: str
    when: str


def _torch(situation: Situation, text: str, when: str, error: type[Exception] = RuntimeError) -> LibraryText:
    return LibraryText(situation, error, text, "torch", "2.14.1", when)


TEXTS = (
    _torch("out-of-memory", "can't allocate memory", "the allocator of the processor gets none"),
    _torch("out-of-memory", "out of memory", "the driver of a GPU has none left, outside of torch's allocator"),
    _torch("out-of-memory", "CUDNN_STATUS_ALLOC_FAILED", "cuDNN gets no workspace"),
    _torch("out-of-memory", "CUBLAS_STATUS_ALLOC_FAILED", "cuBLAS gets no handle"),
    _torch("out-of-memory", "nable to find an engine to execute", "no convolution of cuDNN's fits into what is left"),
    _torch("loader-ended", "is killed by signal", "a loading process was ended while the training computes"),
    _torch("loader-ended", "exited unexpectedly", "a loading process was ended while the training waits for it"),
    _torch("peer-ended", "Connection closed by peer", "gloo: another process has ended"),
    _torch("peer-ended", "Connection reset by peer", "gloo: another process has ended with data on its way"),
    _torch("peer-ended", "NCCL communicator was aborted", "NCCL: another process has ended"),
    _torch("one-photo", "more than 1 value per channel", "batch normalisation has one number of a channel", ValueError),
)


def situation_of(error: BaseException) -> Situation | None:
    """What an error tells by its type or, where no type does, by a text of `TEXTS`; None for any other."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return "out-of-memory"
    said = str(error)
    told = next((one.situation for one in TEXTS if isinstance(error, one.error) and one.text in said), None)
    return told or ("gpu-failed" if isinstance(error, torch.AcceleratorError) else None)


def gpu_failed(error: BaseException, then: str) -> RunFailed:
    """The error to raise where CUDA has failed, after which this process cannot use the GPU any more.

    Args:
        error: what torch raised.
        then: what to type once the GPU is back.
    """
    cause = str(error).strip().splitlines()[0].removeprefix("CUDA error: ")
    return RunFailed(
        f"the GPU failed: {cause}",
        f"`nvidia-smi` shows whether it is there, and which processes use it; then {then}",
    )


@contextmanager
def memory_errors() -> Iterator[None]:
    """Make a MemoryError of what torch and its libraries raise where memory does not suffice.

    Raises:
        RunFailed: the GPU has failed.
    """
    try:
        yield
    except RuntimeError as error:
        situation = situation_of(error)
        if situation == "gpu-failed":
            raise gpu_failed(error, "type the same again") from error
        if situation != "out-of-memory":
            raise
        raise MemoryError(str(error)) from error


def raised_by(error: BaseException, module: str, function: str) -> bool:
    """Whether this function of another library raised the error, as `load_state_dict` what it cannot load."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) == (module, function)
