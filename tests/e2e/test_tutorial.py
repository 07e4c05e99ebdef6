"""docs/tutorials/first-plugin.md, followed to the letter in a fresh environment."""

import os
import subprocess
from pathlib import Path

import pytest
from fenced import parts
from support import fresh_environment

PAGE = Path(__file__).parents[2] / "docs/tutorials/first-plugin.md"
INSTEAD = {  # no index is asked, and nothing is uploaded
    "python -m build": "python -m build --no-isolation",
    "twine upload": "ls",
}


@pytest.mark.slow("installs, builds and trains in a new environment")
def test_a_stranger_who_types_every_line_ends_with_a_published_loss(tmp_path):
    programs = fresh_environment(tmp_path / "venv")
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env = {**os.environ, **offline, "PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "empty"
    folder.mkdir()
    said = []
    for language, text, title in parts(PAGE):
        if language == "python":
            assert (folder / title).is_file(), f"{title} is not a file of the template"
            (folder / title).write_text(text)
            continue
        assert language == "bash"
        for typed, replaced in INSTEAD.items():
            text = text.replace(typed, replaced)
        done = subprocess.run(["bash", "-euxc", text], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout)
    told = "\n".join(said)
    assert "Generalised cross-entropy" in told
    assert "Cross-entropy that makes sure answers dearer" in told
    assert told.count("PASSED") == 2, "source archive and wheel"
    assert "name: calm" in (folder / "runs/calm/recipe.yaml").read_text()
    assert '"calm-losses": "0.1.0 ok"' in (folder / "runs/calm/env.json").read_text()
    assert {path.name for path in (folder / "calm-losses/dist").iterdir()} == {
        "calm_losses-0.1.0-py3-none-any.whl",
        "calm_losses-0.1.0.tar.gz",
    }
