"""What functions say goes through `logging`, below `recycle`: the command line shows it, an application decides."""

import io
import logging
import logging.config
import re
from pathlib import Path

import pytest
from recycle_coco import CocoSource
from support import coco, recycle_here, write_coco

ROOT = Path(__file__).parents[2]
PROGRAMS = ("/cli/", "/command.py", "onnx_run.py")  # they print; the last is copied beside an export and runs alone
NOTE = "1 annotation without a pixel left out"


@pytest.fixture
def data(tmp_path):
    """A folder whose reading is worth a warning."""
    content = coco(12)
    content["annotations"][0]["segmentation"] = []
    return write_coco(tmp_path / "data", content).parent


@pytest.fixture
def own_configuration():
    """The loggers are afterwards as they were."""
    loggers = [logging.getLogger(), logging.getLogger("recycle"), logging.getLogger("recycle.coco")]
    before = [(one.handlers[:], one.level, one.propagate, one.disabled) for one in loggers]
    yield
    for one, (handlers, level, one.propagate, one.disabled) in zip(loggers, before, strict=True):
        one.handlers[:] = handlers
        one.setLevel(level)


def test_functions_print_nothing():
    files = [*ROOT.glob("recyclecli/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    texts = {str(file): file.read_text() for file in files if not any(part in str(file) for part in PROGRAMS)}
    assert len(texts) > 300
    assert [file for file, text in texts.items() if re.search(r"file=sys\.(std|__std)err|stderr\.write", text)] == []
    names = {name for text in texts.values() for name in re.findall(r'getLogger\(f?"(\w+)', text)}
    assert names == {"recycle", "python_multipart"}


def test_what_an_application_has_not_configured_is_left_alone(data, caplog, capsys):
    CocoSource(data, data / "annotations.json")
    assert [(one.name, one.levelname) for one in caplog.records if NOTE in one.message] == [("recycle.coco", "WARNING")]
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger("recycle").handlers == []


ROOT_ALONE = {"root": {"handlers": ["own"], "level": "WARNING"}}


@pytest.mark.parametrize(
    ("config", "times"),
    [
        ({**ROOT_ALONE, "disable_existing_loggers": False}, 1),
        (
            {**ROOT_ALONE, "loggers": {"recycle": {}}},
            1,
        ),  # existing loggers are disabled but for those below a named one
        ({**ROOT_ALONE, "loggers": {"recycle": {"level": "CRITICAL"}}}, 0),
        ({"loggers": {"recycle": {"handlers": ["own"], "propagate": False}}, "root": {"handlers": ["own"]}}, 1),
    ],
)
def test_an_application_that_has_configured_logging_gets_each_note_once(data, own_configuration, capsys, config, times):
    stream = io.StringIO()
    handlers = {"own": {"class": "logging.StreamHandler", "stream": stream}}
    logging.config.dictConfig({"version": 1, "handlers": handlers, **config})
    CocoSource(data, data / "annotations.json")
    assert stream.getvalue().count(NOTE) == times
    assert capsys.readouterr() == ("", "")


def test_the_command_line_shows_each_note_once(data, own_configuration, tmp_path):
    """Also where a package has configured the root, as by `basicConfig`; afterwards all is as it was."""
    stream, log = io.StringIO(), logging.getLogger("recycle")
    logging.getLogger().handlers[:] = [logging.StreamHandler(stream)]
    log.setLevel(logging.CRITICAL)
    name = "a\x1b[2Jb"
    data = data.rename(tmp_path / name)
    done = recycle_here("data", "kfold", "--data", data, "--n", 2, "--out", "folds", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.startswith("warning: ") for line in done.stderr.splitlines() if NOTE in line] == [True]
    assert "a\\u001b[2Jb" in done.stderr
    assert "\x1b" not in done.stderr
    assert (stream.getvalue(), log.handlers, log.level, log.propagate) == ("", [], logging.CRITICAL, True)


@pytest.mark.parametrize(("rank", "times"), [(0, 1), (1, 0)])
def test_the_first_of_several_processes_alone_logs(data, monkeypatch, logged, rank, times):
    from recycle_engine import distributed

    monkeypatch.setattr(distributed.rank_zero_only, "rank", rank)
    logging.getLogger("recycle.engine").info("epoch 1")
    CocoSource(data, data / "annotations.json")
    said = logged()
    assert (said.count("epoch 1"), said.count(NOTE)) == (times, times)
