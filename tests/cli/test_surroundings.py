"""Variables that other programs leave: Jupyter, Slurm, Python's own."""

import importlib
import json
import os
import re
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from unittest import mock

import pytest
from recycle_coco.variables import OUR_PREFIX, VARIABLES
from support import TINY, recycle_here, run_recycle

ROOT = Path(__file__).parents[2]
JUPYTER = {"MPLBACKEND": "module://no_such_package.backend_inline"}
SALLOC = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "work", "SLURM_NTASKS": "4", "SLURM_NNODES": "1", "SLURM_PROCID": "2"}


def test_figures_are_drawn_without_the_backend_that_jupyter_names():
    """As a library, in a process that has not imported matplotlib yet."""
    code = "import recycle_report.figures"
    done = subprocess.run([sys.executable, "-c", code], env=JUPYTER, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_limit_that_is_no_number_is_named(tmp_path):
    """Each photo was said to be damaged."""
    for stated in ("abc", "0", "1e9"):
        done = recycle_here("data", "stats", cwd=tmp_path, env={"RECYCLE_MAX_PIXELS": stated})
        assert done.returncode == 2
        assert f"RECYCLE_MAX_PIXELS is '{stated}', and no number" in done.stderr


def test_a_library_that_cannot_be_loaded_is_no_bug_of_ours(tmp_path, monkeypatch):
    """The error is Python's own, of a compiled module without a beginning; numpy wraps it in advice."""
    (tmp_path / f"hollow{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as raised:
        importlib.import_module("hollow")
    wrapped = ImportError("read this for advice")
    wrapped.__cause__ = raised.value
    for error in (raised.value, wrapped):
        with mock.patch("recycle_engine.api.predict", side_effect=error):
            done = recycle_here("predict", "last", "photos", "--out", "out", cwd=tmp_path)
        assert done.returncode == 3
        assert f"error: a library cannot be loaded: {error}\n  remedy: allow more memory" in done.stderr


def test_a_name_that_a_library_lacks_is_a_bug(tmp_path):
    with pytest.raises(ImportError) as raised:
        exec("from pyexpat import nothing_of_this_name")
    with mock.patch("recycle_engine.api.predict", side_effect=raised.value):
        assert recycle_here("predict", "last", "photos", "--out", "out", cwd=tmp_path).returncode == 70


def test_streams_that_are_closed_at_the_start_lead_nowhere(tmp_path):
    """As in a service, in cron, or after `>&-`: Python has None for them, and the next file would get their number."""
    code = """
import sys
from recyclecli.cli.app import main
sys.argv = ["recycle", "data", "sample", "--num", "2", "--data", "set"]
main()
"""
    for place, (closed, ends) in enumerate({"<&- >&- 2>&-": 0, "2>&-": 0, ">&-": 2}.items()):
        folder = tmp_path / str(place)
        folder.mkdir()
        line = ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code]
        done = subprocess.run(line, cwd=folder, stderr=subprocess.PIPE, text=True)
        assert done.returncode == ends, closed
        assert ("error: standard output is closed" in done.stderr) == bool(ends)
        assert (folder / "set/annotations.json").is_file() == (not ends)


@pytest.mark.slow("imports everything in a new process, as its variables are read then")
def test_one_process_trains_whatever_was_left_in_the_environment(small, tmp_path):
    """In the shell of salloc, from a cell, without docstrings, at a precision that a CPU lacks."""
    options = [*TINY, "-o", "data.size=32", "--epochs", 1, "--batch-size", 2, "--precision", "16-mixed", "--name", "r"]
    variables = {"MPLBACKEND": "nonsense", **SALLOC, "PYTHONOPTIMIZE": "2", "CUDA_VISIBLE_DEVICES": ""}
    done = run_recycle("train", "--data", small, *options, cwd=tmp_path, env=variables)
    assert done.returncode == 0, done.stderr
    assert "train.precision = 16-mixed needs a GPU; training and recording bf16-mixed" in done.stderr
    assert "precision: bf16-mixed" in (tmp_path / "runs/r/recipe.yaml").read_text()
    assert json.loads((tmp_path / "runs/r/env.json").read_text())["precision"] == "bf16-mixed"


@pytest.mark.parametrize("variables", [{"COLUMNS": "0"}, {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}])
def test_a_terminal_without_a_size_or_without_letters_still_shows_tables(small, variables):
    line = [sys.executable, "-m", "recyclecli", "data", "stats", "--data", small]
    done = subprocess.run(line, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Paper" in done.stdout


def test_a_limit_that_is_no_number_is_refused(small):
    done = recycle_here("data", "stats", "--data", small, cwd=small, env={"RECYCLE_MAX_JSON": "2GB"})
    assert done.returncode == 2
    assert "RECYCLE_MAX_JSON is '2GB', and no number of bytes\n  remedy: unset RECYCLE_MAX_JSON" in done.stderr


@pytest.mark.parametrize("line", [("data", "stats"), ("data", "import", "data", "out", "--dry-run")])
def test_a_variable_that_nothing_reads_is_said_once(small, tmp_path, line):
    """RECYCLE_MAXPIXELS=1 for RECYCLE_MAX_PIXELS changed nothing, without a word."""
    named = {"RECYCLE_MAXPIXELS": "1", "RECYCLE_DATAS": "x", "RECYCLE_DATA": str(small)}
    said = run_recycle(*line, cwd=tmp_path, env=named).stderr
    assert said.count("nothing reads the environment variable") == 2
    assert "variable RECYCLE_MAXPIXELS; nearest: RECYCLE_MAX_PIXELS" in said
    assert "variable RECYCLE_DATAS; nearest: RECYCLE_DATA\n" in said


def test_every_variable_of_ours_is_known():
    sources = [*ROOT.glob("recyclecli/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    read = {name for file in sources for name in re.findall(r'"(RECYCLE_\w+)"', file.read_text(encoding="utf-8"))}
    assert read - {OUR_PREFIX} == {*VARIABLES}
