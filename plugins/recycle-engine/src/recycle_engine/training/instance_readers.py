"""Which parts of a training read the instances of a batch: without a reader they are not copied to the device."""

from __future__ import annotations

from lightning.pytorch.callbacks import Callback

BATCH_HOOKS = ("on_train_batch_start", "on_train_batch_end", "on_validation_batch_start", "on_validation_batch_end")


def reads_instances(part: object) -> bool:
    """Whether a part may read them: what does not declare `reads_instances = False` is taken to."""
    return bool(getattr(part, "reads_instances", True))


def callback_reads_instances(callback: Callback) -> bool:
    """The same of a callback, where a hook that is not Lightning's own is handed batches."""
    hooks = (getattr(callback, name) for name in BATCH_HOOKS)
    return reads_instances(callback) and not all(hook.__module__.startswith("lightning.") for hook in hooks)
