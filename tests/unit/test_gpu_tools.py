"""The parts of the GPU check that measure nothing."""

import io
import json
import os
import select
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoints, PathDistribution
from pathlib import Path

import pytest
import torch
from gpu import check, figures, install, photos, prepare, projects, runner, wheels
from gpu.audit.watch import watched
from gpu.settings import ROOT, Settings
from gpu.steps import tests as marked_tests
from gpu.steps.compile import CASES as COMPILED
from gpu.steps.machine import unmet
from gpu.steps.profile import CASES as PROFILED
from gpu.steps.speed import CASES
from gpu.trace import Pause, Work, pauses
from recycle_data.resolve import resolve
from support import coco, write_coco

PINS = {"torch": "2.14.1", "numpy": "2.4.6", "acme-core": "1.2", "acme-extra": "3.0", "old-python": "0.1"}
REQUIRES = {
    "torch": ["numpy", "cuda-driver"],
    "acme-core": ["Acme_Extra[fast]>=3", "old-python; python_version < '3.12'", "numpy"],
    "acme-extra": ["torch; extra == 'fast'", "unpinned; extra == 'slow'", "acme.core"],
    "old-python": [],
}


def needed(roots, target):
    return wheels.needed(roots, target, PINS, {"own"}, REQUIRES.__getitem__)


class TestWheels:
    def test_what_is_required_travels_but_what_is_there(self):
        target = wheels.Target("3.12", {"torch": "2.11.0", "numpy": ""})
        assert needed(["acme-core>=1", "own>=0.1"], target) == {"acme-core": "1.2", "acme-extra": "3.0"}

    def test_markers_are_those_of_the_other_python(self):
        target = wheels.Target("3.11", {"torch": "", "numpy": ""})
        assert "old-python" in needed(["acme-core"], target)
        assert needed(["acme-core; sys_platform == 'win32'"], target) == {}

    def test_a_version_that_does_not_fit_is_replaced(self):
        target = wheels.Target("3.12", {"torch": "", "numpy": "", "acme-extra": "2.9"})
        assert needed(["acme-core"], target)["acme-extra"] == "3.0"
        assert "acme-extra" not in needed(["acme-core"], wheels.Target("3.12", {**target.present, "acme-extra": "3.1"}))

    def test_what_is_not_pinned_is_named(self):
        with pytest.raises(wheels.Unknown, match=r"constraints\.txt does not pin unpinned"):
            needed(["acme-extra[slow]"], wheels.Target("3.12", {"torch": "", "numpy": ""}))
        with pytest.raises(wheels.Unknown, match="no-such-package-anywhere is not installed here"):
            wheels.required_here("no-such-package-anywhere")

    def test_this_repository_needs_what_its_manifests_say_and_nothing_large(self):
        present = prepare.present(prepare.PRESENT)
        found = wheels.of_checkout(ROOT, wheels.Target("3.12", present))
        assert {"typer", "kornia", "pydantic-core", "hypothesis"} <= found.keys()
        assert not found.keys() & {*present, *projects.names(ROOT), "imagehash", "sympy", "triton"}
        pins = wheels.read_pins((ROOT / "constraints.txt").read_text())
        assert all(pins[name] == version for name, version in found.items())

    def test_packages_are_named_or_listed_in_a_file(self, tmp_path):
        (tmp_path / "freeze").write_text("torch==2.11.0\n# more\nPyYAML==6.0 ; python_version > '3'\n-e here\n")
        found = prepare.present([str(tmp_path / "freeze"), "Ruamel.yaml", "numpy==2.0"])
        assert found == {"torch": "2.11.0", "pyyaml": "6.0", "ruamel-yaml": "", "numpy": "2.0"}

    def test_only_wheels_that_are_missing_are_fetched(self, tmp_path, monkeypatch):
        asked = []
        monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
        for name in (
            "a-1.0-py3-none-any",
            "b-1.0-py3-none-any",
            "c-1.0-cp311-cp311-manylinux_2_28_x86_64",
            "d-9-py3-none-any",
        ):
            (tmp_path / f"{name}.whl").touch()
        packages = {"a": "1.0", "b": "2.0", "c": "1.0"}
        wheels.fetch(packages, wheels.Target("3.12", machine="aarch64"), tmp_path)
        assert [file.name[0] for file in tmp_path.iterdir()] == ["a"]
        (command,) = asked
        assert command[-2:] == ["b==2.0", "c==1.0"]
        assert "manylinux_2_17_aarch64" in command
        wheels.fetch({"a": "1.0"}, wheels.Target("3.12"), tmp_path)
        assert len(asked) == 1


class TestPrepare:
    @pytest.fixture
    def checkout(self, tmp_path, monkeypatch):
        monkeypatch.setattr(prepare, "ROOT", tmp_path)
        monkeypatch.setattr(wheels, "of_checkout", lambda *_: {})
        monkeypatch.setattr(wheels, "build_peer", lambda *_: "")
        write_coco(tmp_path / "mine", coco(12))
        return tmp_path

    def test_it_leaves_what_is_typed_next(self, checkout, capsys):
        photos = ["--photos", str(checkout / "mine"), "--count", "7"]
        assert prepare.main(photos) == 0
        assert "of 55 MiB" in capsys.readouterr().out
        assert len(list((checkout / ".photos/images").iterdir())) == 7
        (checkout / "tools/gpu").mkdir(parents=True)
        (checkout / "tools/gpu/check.sh").write_text('echo "began with $1"\n')
        done = subprocess.run(["bash", ".gpu/check.sh", "x"], cwd=checkout, capture_output=True, text=True)
        assert done.stdout == "began with x\n"

    def test_too_much_is_refused_with_the_largest(self, checkout, capsys):
        (checkout / ".whl").mkdir()
        (checkout / ".whl/pydensecrf2-1.1-cp312-cp312-linux_x86_64.whl").write_bytes(bytes(2 * prepare.MIB))
        assert prepare.main(["--photos", str(checkout / "mine"), "--limit", "1.5"]) == 1
        assert "too much. The largest wheels: pydensecrf2 2.0" in capsys.readouterr().err

    def test_a_folder_without_labels_is_refused(self, checkout, capsys):
        (checkout / "empty").mkdir()
        assert prepare.main(["--photos", str(checkout / "empty")]) == 2
        assert f"{checkout / 'empty'} has none of train_all.json" in capsys.readouterr().err


def test_photos_are_split_in_two_and_lose_no_label(tmp_path):
    write_coco(tmp_path / "mine", coco(12))
    photos.copy(tmp_path / "mine", tmp_path / "out", 12)
    train, val = (json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in ("train", "val"))
    assert [len(part["images"]) for part in (train, val)] == [10, 2]
    assert len(train["annotations"]) + len(val["annotations"]) == 12
    assert photos.files(tmp_path / "out") == sorted((tmp_path / "out/images").iterdir())
    assert photos.files(tmp_path / "mine") == []


def test_the_checkout_looks_installed(tmp_path):
    for file in projects.projects(ROOT):
        install.write_metadata(tomllib.loads(file.read_text())["project"], tmp_path)
    found = [PathDistribution(folder) for folder in tmp_path.iterdir()]
    assert {one.metadata["Name"] for one in found} == projects.names(ROOT)
    points = EntryPoints(point for one in found for point in one.entry_points)
    assert "recycle" in points.select(group="console_scripts").names
    assert len(points.select(group="recyclecli")) == len(found) - 2  # neither the core nor recycle-coco has one
    paths = install.import_paths(ROOT, tmp_path)
    assert paths[:2] == [tmp_path, ROOT]
    assert all(path.name == "src" for path in paths[2:])
    assert install.import_paths(ROOT, tmp_path / "none") == []


class TestRunner:
    def test_a_step_gets_what_is_left_or_is_left_out(self):
        assert runner.allowed(60, 400) == 60
        assert runner.allowed(60, 40) == 40 - runner.RESERVE
        assert runner.allowed(60, runner.LEAST + runner.RESERVE) == runner.LEAST
        assert runner.allowed(60, runner.LEAST + runner.RESERVE - 1) is None
        assert runner.allowed(60, -5) is None

    def test_no_step_ends_the_others(self):
        ends = {"good": 0, "bad": 3, "slow": None, "last": 0}
        said = []
        steps = [runner.Step(name, 60) for name in ends]
        found = runner.run_all(steps, 1000, lambda step, _: ends[step.name], said.append)
        assert [(one.state, one.code) for one in found] == [
            ("done", 0), ("failed", 3), ("out of time", None), ("done", 0)
        ]  # fmt: skip
        assert runner.run_all(steps, 5, lambda *_: pytest.fail("began"), said.append)[2].state == "left out"
        assert said[-1].startswith("=== last: left out")

    def test_what_it_prints_is_kept_and_its_code_is_returned(self, capsys):
        log = io.StringIO()
        assert runner.run([sys.executable, "-c", "print('hello'); exit(4)"], os.environ, 60, log) == 4
        assert log.getvalue() == capsys.readouterr().out == "hello\n"

    def test_the_children_of_a_step_end_with_it(self, tmp_path):
        os.mkfifo(tmp_path / "alive")
        end = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
        line = f"exec 3> {tmp_path}/alive; sleep 600 & echo started"
        log = io.StringIO()
        assert runner.run(["bash", "-c", line], os.environ, 60, log) == 0
        assert log.getvalue() == "started\n"
        ended = select.poll()
        ended.register(end, select.POLLHUP)
        assert ended.poll(20_000)  # nobody holds the pipe
        os.close(end)

    def test_a_step_that_will_not_end_is_ended(self, monkeypatch):
        monkeypatch.setattr(runner, "GRACE", 0.2)
        line = "trap '' TERM; while true; do sleep 1; done"
        assert runner.run(["bash", "-c", line], os.environ, 0.5, io.StringIO()) is None


class TestCheck:
    def test_steps_are_chosen_by_name(self):
        assert check.chosen("") == list(check.STEPS)
        asked = [step.name for step in check.chosen("setup loops quality")]
        assert asked == ["install", "machine", "photos", "loops", "quality"]
        assert [step.name for step in check.chosen("speed tests")] == ["speed", "tests"]
        with pytest.raises(ValueError, match="no step is called 'sped'"):
            check.chosen("sped")

    def test_each_step_has_its_module(self):
        for step in (*check.STEPS, *check.SECOND):
            module = check.command(step)[-1].replace(".", "/")
            places = [ROOT / "tools" / f"{module}{end}" for end in (".py", "/__main__.py")]
            assert any(place.is_file() for place in places), step

    def test_the_summary_names_what_did_not_end_well(self, tmp_path):
        settings = Settings("cpu", True, tmp_path, tmp_path, tmp_path)
        figures.noted(tmp_path).write_text(json.dumps({"what": "a|b", "figure": "1 ms", "bar": ""}) + "\n")
        (tmp_path / "machine.txt").write_text("One card.\n")
        results = [runner.Result("one", "failed", 1, 2.0), runner.Result("two", "left out", None, 0)]
        text = check.summary(results, settings)
        assert text.startswith("One card.\n\n| what | figure | bar |\n| --- | --- | --- |\n| a\\|b | 1 ms |  |\n")
        assert text.endswith("\nfailed: one\n\nleft out: two\n")

    @pytest.mark.parametrize(("code", "steps"), [(2, "sped"), (0, "photos")])
    def test_a_wrong_setting_is_refused(self, small, tmp_path, code, steps):
        write_parts(small)
        own = {"OUT": tmp_path / "out", "WORK": tmp_path / "work", "PHOTOS": small, "DEVICE": "cpu", "SMALL": "1"}
        environment = {**os.environ, **{key: str(value) for key, value in own.items()}, "PYTHON": sys.executable}
        command = ["bash", str(ROOT / "tools/gpu/check.sh")]
        done = subprocess.run(command, env={**environment, "STEPS": steps}, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert ("no step is called" in done.stderr) == (code == 2)
        assert ("| photos trained and validated on | 12 |" in done.stdout) == (code == 0)


def write_parts(root: Path):
    photos.write_parts(json.loads((root / "annotations.json").read_text()), root)


@pytest.mark.parametrize("name", [*CASES, *COMPILED, *PROFILED])
def test_the_settings_of_each_training_are_those_of_a_recipe(registry, name):
    resolve(registry, None, {**CASES, **COMPILED, **PROFILED}[name])


def test_the_files_that_hold_gpu_tests_are_found():
    found = marked_tests.marked(ROOT)
    assert "plugins/recycle-densecrf/tests/test_densecrf.py" in found
    assert "tests/unit/test_recipe.py" not in found


def test_unmet_requirements_are_named():
    wanted = ["numpy>=1", "numpy>=999", "no-such-package-anywhere"]
    first, second = unmet(iter(wanted))
    assert first == "no-such-package-anywhere: not installed"
    assert second.startswith("numpy>=999: ")
    assert second.endswith(" is installed")


def test_pauses_of_a_gpu():
    work = [Work(0, 10, "a"), Work(5, 8, "b"), Work(30, 40, "c"), Work(45, 50, "d")]
    share, found = pauses(work)
    assert share == pytest.approx(0.5)
    assert found == [Pause(20, "a", "c"), Pause(5, "c", "d")]
    with pytest.raises(ValueError, match="no work"):
        pauses([])


class TestAudit:
    def test_what_waits_is_found_with_its_line(self):
        with watched() as watch:
            values = torch.rand(8, device="cuda")
            watch.forget()
            values.mul(2).add(1)
            assert not watch.waits
            if values.sum() > 0:
                values[values > 0.5].sum()
            values.cpu()
            values.to("cpu", non_blocking=True)
            values.nonzero()
        kinds = [what.partition(" at ") for what in watch.waits]
        assert [kind for kind, _, _ in kinds] == [
            "a value is read", "a mask is an index", "a copy between host and GPU of (8,)",
            "aten.nonzero.default: the size depends on values",
        ]  # fmt: skip
        assert all("test_gpu_tools.py:" in line for _, _, line in kinds)
        assert watch.touched > 0

    def test_what_does_not_repeat_is_found(self):
        with watched() as watch:
            index = torch.zeros(4, dtype=torch.int64, device="cuda")
            torch.zeros(4, dtype=torch.int64, device="cuda").scatter_add_(0, index, index)
            assert not watch.unrepeatable
            torch.zeros(4, device="cuda").index_add_(0, index, torch.rand(4, device="cuda"))
            torch.zeros(4, device="cuda").index_put_((index,), torch.rand(4, device="cuda"), accumulate=True)
        assert len(watch.unrepeatable) == 2

    def test_what_runs_on_the_host_is_not_counted(self):
        with watched() as watch:
            torch.rand(4).mul(2).sum()
        assert not watch.operations
