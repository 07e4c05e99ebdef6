"""The packages that the pages print, file by file, are found and keep the contracts of their kinds."""

from pathlib import Path

from fenced import parts
from recycle_kit.scaffold import write_kit
from support import as_installed, pytest_of, recycle_here

DOCS = Path(__file__).parents[2] / "docs"


def write(page, folder):
    """Write the files that a page prints; the lines that it types."""
    typed = []
    for kind, content, title in parts(page):
        if title:
            file = folder / title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        elif kind == "bash":
            typed += content.splitlines()
    return typed


def test_the_packages_of_the_pages_pass_their_tests(tmp_path):
    assert write(DOCS / "plugins.md", tmp_path) == ["pip install -e acme-losses", "pytest acme-losses"]
    write_kit("calm-losses", "loss", tmp_path / "calm-losses")
    written = set(tmp_path.glob("calm-losses/**/*.py"))
    write(DOCS / "tutorials/first-plugin.md", tmp_path)
    assert set(tmp_path.glob("calm-losses/**/*.py")) == written, "the tutorial changes files of the template"
    said = pytest_of([tmp_path / "acme-losses", tmp_path / "calm-losses"])
    assert "calm-losses/tests/test_loss.py::test_a_sure_answer_costs_more_than_it_did PASSED" in said
    assert said.count("acme-losses/") > 5


def test_the_command_of_the_page_is_found_and_runs(tmp_path):
    install, typed = write(DOCS / "how-to/command-plugin.md", tmp_path)
    assert install == "pip install -e acme-dedupe"
    site = as_installed(tmp_path / "acme-dedupe")
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "photos" / name).write_bytes(b"the same")
    done = recycle_here(*typed.split()[1:], cwd=tmp_path, env={"PYTHONPATH": str(site)}, sites=[site])
    assert (done.returncode, done.stdout) == (0, "photos/b.jpg is photos/a.jpg\n"), done.stderr
    wrong = recycle_here("data", "dedupe", "nowhere", cwd=tmp_path, env={"PYTHONPATH": str(site)}, sites=[site])
    assert (wrong.returncode, "remedy: name the folder" in wrong.stderr) == (2, True)
