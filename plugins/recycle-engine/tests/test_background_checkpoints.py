"""Checkpoints that a thread writes: in order, as they were when they were asked for, no error lost."""

import errno
import threading
from contextlib import contextmanager

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from recycle_data.owned import Owned
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.runs import Run
from recycle_engine.training import checkpoint_io
from recycle_engine.training.background_checkpoints import BackgroundCheckpointIO
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO
from recycle_engine.training.train import resume, train
from recycle_kit.testing import random_source
from safetensors.torch import load_file
from support import fake_dists

from recyclecli.errors import RunFailed
from recyclecli.files import atomic_path

SETTINGS = {
    "model": "tiny",
    "data.size": 32,
    "train.epochs": 3,
    "train.batch_size": 2,
    "train.loggers": [],
    "train.callbacks": [],
}


def state(step, value=0.0):
    weights = {"model.w": torch.full((3,), value)}
    return {"global_step": step, "epoch": step, "state_dict": weights, "recycle": {}}


class Disk:
    """Lets a write through once it is told to, and notes which there were."""

    def __init__(self, monkeypatch):
        self.goes, self.written, self.fails = threading.Event(), [], None
        monkeypatch.setattr(checkpoint_io, "atomic_path", self.path)
        monkeypatch.setattr(Owned, "atomic_path", lambda own, path: self.path(path))

    def path(self, path):
        assert self.goes.wait(60)
        if path.name == self.fails:
            raise RunFailed(f"the disk is full: {path}", "free some space")
        self.written.append(path.name)
        return atomic_path(path)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


def test_a_file_holds_what_there_was_when_it_was_asked_for(tmp_path, disk):
    files, given = BackgroundCheckpointIO(tmp_path), state(1, 5.0)
    for name in ("best.safetensors", "last.ckpt"):
        files.save_checkpoint(given, tmp_path / name)
    given["state_dict"]["model.w"].zero_()
    assert disk.written == []
    disk.goes.set()
    files.teardown()
    assert disk.written == ["best.safetensors", "last.ckpt"]
    assert load_file(tmp_path / "best.safetensors")["w"].tolist() == [5.0] * 3
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert kept["state_dict"]["model.w"].tolist() == [5.0] * 3


def test_a_step_waits_for_the_files_of_the_one_before(tmp_path, disk):
    """Two epochs shorter than a write: memory holds the files of one, and those of two never mix."""
    files = BackgroundCheckpointIO(tmp_path)
    files.save_checkpoint(state(1), tmp_path / "a-1.ckpt")
    files.save_checkpoint(state(1), tmp_path / "b-1.ckpt")
    second = threading.Thread(target=files.save_checkpoint, args=(state(2), tmp_path / "a-2.ckpt"))
    second.start()
    second.join(0.05)
    assert second.is_alive()
    disk.goes.set()
    second.join(60)
    assert disk.written[:2] == ["a-1.ckpt", "b-1.ckpt"]
    files.teardown()
    assert disk.written == ["a-1.ckpt", "b-1.ckpt", "a-2.ckpt"]


@pytest.mark.parametrize("by", ["save", "raise_failure", "teardown", "load"])
def test_after_an_error_nothing_is_written_and_it_is_raised_once(tmp_path, disk, by):
    files = BackgroundCheckpointIO(tmp_path)
    disk.fails = "best.ckpt"
    for name in ("best.ckpt", "last.ckpt"):
        files.save_checkpoint(state(1), tmp_path / name)
    files.raise_failure()  # which waits for nothing
    disk.goes.set()
    if by == "raise_failure":
        files._thread.submit(int).result()  # all before it is done
    ways = {
        "save": lambda: files.save_checkpoint(state(2), tmp_path / "next.ckpt"),
        "raise_failure": files.raise_failure,
        "teardown": files.teardown,
        "load": lambda: files.load_checkpoint(tmp_path / "last.ckpt"),
    }
    with pytest.raises(RunFailed, match=r"the disk is full: .*best\.ckpt"):
        ways[by]()
    files.teardown()
    assert disk.written == []


def test_a_checkpoint_is_removed_after_it_is_written(tmp_path, disk):
    files = BackgroundCheckpointIO(tmp_path)
    files.save_checkpoint(state(1), tmp_path / "old.ckpt")
    files.remove_checkpoint(tmp_path / "old.ckpt")
    disk.goes.set()
    files.teardown()
    assert disk.written == ["old.ckpt"]
    assert not (tmp_path / "old.ckpt").exists()
    (tmp_path / "other.ckpt").touch()
    files.remove_checkpoint(tmp_path / "other.ckpt")
    assert not (tmp_path / "other.ckpt").exists()


class Full(Callback):
    """The disk is full from the validation of an epoch on."""

    def __init__(self, monkeypatch, epoch):
        self.patch, self.epoch = monkeypatch, epoch

    def on_validation_start(self, trainer, pl_module):
        if trainer.current_epoch == self.epoch:
            self.patch.setattr(Owned, "atomic_path", lambda own, path: self.path(path))

    @contextmanager
    def path(self, path):
        with atomic_path(path) as part:
            if path.name == "last.ckpt":
                raise OSError(errno.ENOSPC, "No space left on device", str(part))
            yield part


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_full_disk_ends_a_training_that_can_be_resumed(tmp_path, monkeypatch, epoch):
    fake_dists(monkeypatch, "tiny")
    recipe = resolve(api.registry(), None, SETTINGS)
    split = Split(random_source(4, 32), random_source(2, 32), (1.0,) * 4, "drawn", recipe.data)
    whole = train(api.registry(), recipe, split, "whole", tmp_path).run
    with monkeypatch.context() as patch, pytest.raises(RunFailed, match=r"the disk is full: .*last\.ckpt"):
        train(api.registry(), recipe, split, "r", tmp_path, [Full(patch, epoch)])
    run = Run(tmp_path / "r")
    assert AtomicCheckpointIO().load_checkpoint(run.last)["epoch"] == epoch - 1
    resume(api.registry(), recipe, split, run)
    ours, theirs = (AtomicCheckpointIO().load_checkpoint(one.last)["state_dict"] for one in (run, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
