"""What the suite itself promises: folders made once, leftovers of killed runs, reasons of slow tests."""

import os
import subprocess
import sys
import threading
from importlib.metadata import distributions

import pytest
from leftovers import remove_dead
from mutants import faults
from packaging.specifiers import SpecifierSet
from reference.slow import marked
from together import Together


def test_workers_that_ask_at_once_make_a_folder_once(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text("whole")

    threads = [threading.Thread(target=lambda: Together(tmp_path / "root")("name", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [tmp_path / "root/name"]


def test_a_folder_that_failed_is_made_again_by_the_next(tmp_path):
    together = Together(tmp_path / "root")
    with pytest.raises(ZeroDivisionError):
        together("name", lambda folder: 1 / 0)
    assert together("name", lambda folder: (folder / "file").touch()).joinpath("file").exists()


def test_leftovers_of_a_killed_run_are_removed_and_those_of_a_living_one_stay(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name, lock in (("pytest-1", gone.pid), ("pytest-2", os.getpid()), ("pytest-3", "no number")):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".lock").write_text(str(lock))
    (tmp_path / "pytest-4").mkdir()
    remove_dead(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {"pytest-2", "pytest-3", "pytest-4"}


def test_what_is_installed_runs_on_the_first_release_of_python_3_11():
    asked = {found.name: found.metadata.get("Requires-Python") or "" for found in distributions()}
    assert not {name: asks for name, asks in asked.items() if "3.11.0" not in SpecifierSet(asks)}


@pytest.mark.parametrize("text", ["a" * 200_000, b"\0" * 200_000])
def test_a_long_value_does_not_keep_a_test_from_starting_processes(text):
    assert len(os.environ["PYTEST_CURRENT_TEST"]) < 200
    subprocess.run([sys.executable, "-c", ""], check=True)


SOURCE = """
import pytest
SLOW = pytest.mark.slow("trains")
CASES = {"a": 1, "b": pytest.param(2, marks=SLOW)}
def costly(x):
    return pytest.param(x, marks=pytest.mark.slow("kills"))
@SLOW
def test_named(): ...
class TestIn:
    @pytest.mark.slow("installs")
    def test_direct(self): ...
    @pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.slow("draws")), pytest.param(3, marks=SLOW)])
    def test_cases(self, x): ...
@pytest.mark.parametrize("x", [*CASES.values(), costly(3)])
def test_of_a_table(x): ...
def test_quick(): ...
"""


def test_slow_tests_are_listed_with_their_reasons(tmp_path):
    file = tmp_path / "test_x.py"
    file.write_text(SOURCE)
    assert list(marked(file)) == [
        ("test_named", "trains"),
        ("TestIn.test_direct", "installs"),
        ("TestIn.test_cases (some cases)", "draws; trains"),
        ("test_of_a_table (some cases)", "kills; trains"),
    ]
    for bare in ("@pytest.mark.slow\ndef test_x(): ...", "@pytest.mark.slow()\ndef test_x(): ..."):
        file.write_text(f"import pytest\n{bare}\n")
        with pytest.raises(ValueError, match="reason"):
            list(marked(file))


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("if not a <= b: ...", {"if (a <= b): ...", "if not a < b: ..."}),
        ("x: Kind['k'] = a['k'] if y is not None and z in w else f'{b[0]}'", {
            "x: Kind['k'] = a['k_'] if y is not None and z in w else f'{b[0]}'",
            "x: Kind['k'] = a['k'] if y is None and z in w else f'{b[0]}'",
            "x: Kind['k'] = a['k'] if y is not None and z not in w else f'{b[0]}'",
            "x: Kind['k'] = a['k'] if y is not None or z in w else f'{b[0]}'",
        }),
        ("'é', sorted(x, key=min), {'k': True, **y}", {
            "'é', list(x), {'k': True, **y}",
            "'é', sorted(x, key=max), {'k': True, **y}",
            "'é', sorted(x, key=min), {'k_': True, **y}",
        }),
    ],
)  # fmt: skip
def test_mutants_have_one_fault_each(line, changed):
    assert set(faults(line)) == {(line, other) for other in changed}
