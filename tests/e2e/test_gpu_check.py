"""The GPU check, rehearsed without a GPU."""

import json
import subprocess
import sys

import pytest
from gpu import check, photos
from gpu.figures import read
from gpu.settings import ROOT, settings
from support import forks

FIGURES = {  # of each step, how the name of one begins
    "photos": "photos trained",
    "tests": "tests marked",
    "default": "training: default recipe",
    "densecrf": "dense CRF, 5 iterations",
    "pasting": "lsj + copy-paste from the bank",
    "speed": "training: unetpp",
    "profile": "profile: default",
    "compile": "training: compiled",
    "determinism": "gradients that repeat: fpn",
    "predict": "predict, 32 bits",
    "loading": "2 loading processes",
    "audit": "audit: loss ce",
    "loops": "ours against the contest's loop, ratio",
    "quality": "quality: gain of the default recipe",
}


@pytest.mark.slow("runs each step of the check")
def test_every_step_runs_on_this_python(drawn, tmp_path, monkeypatch):
    """All but `install`, which needs the wheels for another machine; the first by the script, the rest forked."""
    data = drawn(tmp_path / "photos", 12)
    photos.write_parts(json.loads((data / "annotations.json").read_text()), data)
    places = {"OUT": tmp_path / "out", "WORK": tmp_path / "work", "PHOTOS": data}
    own = {"STEPS": "machine photos", "PATIENCE": 20, "DEVICE": "cpu", "SMALL": 1, "PYTHON": sys.executable}
    for name, value in {"OMP_NUM_THREADS": 1, **own, **places}.items():
        monkeypatch.setenv(name, str(value))
    done = subprocess.run(["bash", ROOT / "tools/gpu/check.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in ("machine", "photos") if f"=== {name}: done after" not in done.stdout] == []
    table = (tmp_path / "out/figures.md").read_text()
    assert table.startswith("No GPU: ")
    for step in (*check.STEPS, *check.SECOND):
        if step.name not in ("install", "machine", "photos"):
            module = check.command(step)[2]
            done, _ = forks().run([], ROOT, check.environment(settings()), 600, module)
            assert done.returncode == 0, done.stdout + done.stderr
    names = [figure.what for figure in read(tmp_path / "out")]
    missing = {step: name for step, name in FIGURES.items() if not any(one.startswith(name) for one in names)}
    assert not missing
    assert FIGURES.keys() | {"machine", "install"} == {step.name for step in (*check.STEPS, *check.SECOND)}
    assert all(f"| {name} | " in check.summary([], settings()) for name in names)
    assert (tmp_path / "out/profile-default.txt").stat().st_size
