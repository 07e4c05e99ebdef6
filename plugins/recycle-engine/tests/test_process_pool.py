"""What a pool of processes says when one of them ends while others are started."""

import errno
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from recycle_engine.process_pool import submit_all

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize("error", [OSError("handle is closed"), ValueError("bad value(s) in fds_to_keep")])
def test_pipes_that_close_meanwhile_mean_that_a_process_ended(error, monkeypatch):
    pool = ProcessPoolExecutor(2, SPAWN)
    with pytest.raises(BrokenProcessPool):
        pool.submit(os._exit, 1).result()
    submit = pool.submit

    def late(*task):
        monkeypatch.undo()
        assert pool.submit == submit
        raise error

    monkeypatch.setattr(pool, "submit", late)
    with pytest.raises(BrokenProcessPool):
        submit_all(pool, print, [(1,)])


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EMFILE])
def test_a_lack_is_said_as_it_is(number, monkeypatch):
    def start(process):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", start)
    with ProcessPoolExecutor(2, SPAWN) as pool, pytest.raises(OSError, match=os.strerror(number)):
        submit_all(pool, print, [(1,)])


def test_a_process_that_never_reads_its_task_has_ended(monkeypatch):
    def start(process):
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "start", start)
    with ProcessPoolExecutor(2, SPAWN) as pool, pytest.raises(BrokenProcessPool):
        submit_all(pool, print, [(1,)])
