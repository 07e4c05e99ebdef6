"""A stranger's package, built as a wheel and installed into a fresh environment, trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import TINY, coco, fresh_environment, write_coco

EXAMPLE = Path(__file__).parents[2] / "examples" / "recycle-loss-example"


def run(*command, **keywords):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow("installs a wheel into a new environment")
def test_wheel_installs_shows_up_trains_and_passes_its_tests(tmp_path):
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", EXAMPLE)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    python = fresh_environment(tmp_path / "venv") / "python"
    offered = json.loads(run(python, "-m", "recyclecli", "plugins", "list", "--json", cwd=tmp_path))
    assert "recycle-loss-example" not in {row["distribution"] for row in offered}

    run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel)
    shown = json.loads(run(python, "-m", "recyclecli", "plugins", "show", "poly", "--json", cwd=tmp_path))
    assert shown[0]["distribution"] == "recycle-loss-example"
    write_coco(tmp_path / "data", coco(6))
    train = "train --data data --loss poly -o loss.epsilon=2 --epochs 1 --batch-size 2 -o data.size=32"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    run(python, "-m", "recyclecli", *train.split(), *TINY, "--name", "r", cwd=tmp_path, env=env)
    assert "name: poly" in (tmp_path / "runs/r/recipe.yaml").read_text()
    assert "epsilon: 2.0" in (tmp_path / "runs/r/recipe.yaml").read_text()
    env_json = json.loads((tmp_path / "runs/r/env.json").read_text())
    assert env_json["plugins"]["recycle-loss-example"] == "0.1.0 ok"
    passed = run(python, "-m", "pytest", "-p", "no:cacheprovider", EXAMPLE / "tests", cwd=tmp_path)
    assert "9 passed" in passed
