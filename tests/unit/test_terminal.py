"""What a person sees in a terminal of 80 columns, and of 40: one line of progress, nothing wrapped or drawn twice."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading

import pytest
from recycle_data.progress import busy, track
from support import SMALL

SEQUENCE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


@contextlib.contextmanager
def terminal(monkeypatch, columns):
    """Standard error as a terminal; at the end the list has what was written, without sequences, a line drawn each."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    chunks, lines = [], []

    def read():
        with contextlib.suppress(OSError):  # how Linux says that the other side is closed
            while data := os.read(main, 65536):
                chunks.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    with os.fdopen(side, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        yield lines
    reader.join()
    os.close(main)
    lines += re.split(r"[\r\n]+", SEQUENCE.sub("", b"".join(chunks).decode()))


@pytest.mark.parametrize("columns", [80, 40])
def test_a_bar_takes_one_line_and_none_is_drawn_in_another(monkeypatch, columns):
    with terminal(monkeypatch, columns) as lines, busy("loading the model of a run with a name that goes on and on"):
        assert [*track("ab", 2, "judging")] == ["a", "b"]
    assert any("loading" in line for line in lines)
    assert not any("judging" in line for line in lines)
    assert max(map(len, lines)) <= columns
    with terminal(monkeypatch, columns) as lines:
        for _ in track("ab", 2, "reading photos " * 9):
            print("note: a\x1b[2Jb", file=sys.stderr)
    assert "note: a\\u001b[2Jb" in "".join(lines)
    assert any("reading" in line for line in lines)
    assert max(map(len, lines)) <= columns


def test_a_bar_that_is_given_up_makes_room_for_the_next(monkeypatch):
    with terminal(monkeypatch, 80) as lines:
        first = track("ab", 2, "reading")
        next(first)
        first.close()
        assert [*track("ab", 2, "judging")] == ["a", "b"]
    assert any("judging" in line for line in lines)


@pytest.mark.parametrize("columns", [80, 40])
def test_a_training_takes_one_line_and_logs_its_epochs(small, tmp_path, monkeypatch, logged, columns):
    from recycle_engine import api

    monkeypatch.chdir(tmp_path)
    settings = {"data.root": str(small), "train.epochs": 2, "train.callbacks": [], **SMALL, "data.size": 32}
    with terminal(monkeypatch, columns) as lines:
        api.train(settings, name="a")
    assert max(map(len, lines)) <= columns
    assert set(re.findall(r"epoch ./2|validating", "".join(lines))) == {"epoch 1/2", "epoch 2/2", "validating"}
    assert "\\u001b" not in "".join(lines)
    assert [line[:9] for line in logged().splitlines() if line.startswith("epoch")] == ["epoch 1/2", "epoch 2/2"]
