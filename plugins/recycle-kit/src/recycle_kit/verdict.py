"""The tests of components' kinds, run by pytest in a process of its own, and what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from recycle_kit.scaffold import conformance_tests
from recyclecli.errors import RecycleError


def broken_rules(parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A sentence for each rule of its kind that a part does not keep, once however many tests come upon it.

    Args:
        parts: kind and `name@distribution` of each; datasets are left out, whose tests need data.

    Raises:
        RecycleError: pytest is not installed, or does not run.
    """
    if find_spec("pytest") is None:
        raise RecycleError("testing a plugin needs pytest", "pip install pytest")
    tested = [(kind, name) for kind, name in parts if kind != "dataset"]
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder) / "test_conformance.py", Path(folder) / "report.xml"
        file.write_text(conformance_tests(tested), encoding="utf-8")
        options = ["-q", "--tb=short", "-p", "no:cacheprovider", "--rootdir", folder, "--junitxml", str(report)]
        line = [sys.executable, "-P", "-m", "pytest", *options, str(file)]
        done = subprocess.run(line, cwd=folder, check=False, capture_output=True, text=True)
        if not report.is_file():
            raise RecycleError(f"pytest does not run: {(done.stdout + done.stderr).strip()}", "pip install pytest")
        cases = list(ElementTree.parse(report).iter("testcase"))
    failures = [
        (_component(case, tested), one) for case in cases for one in (*case.iter("failure"), *case.iter("error"))
    ]
    sentences: dict[tuple[str, ...], str] = {}
    raised: dict[tuple[str, ...], str] = {}
    for component, failure in failures:
        text = (failure.text or "").strip()
        if text.startswith(f"{component}: expected "):
            rule = re.sub(r"\d+|float32|bfloat16", "", re.sub("found .*", "", text))  # of one size as of another
            sentences.setdefault((component, rule), text.replace("\n  ", "\n    "))
        else:
            error = (failure.get("message") or text or "an error").splitlines()[0]
            places = re.findall(r"^(\S+:\d+): ", text, re.MULTILINE)
            raised.setdefault(
                (component, error), f"{component}: raises {error} ({places[-1] if places else 'at start'})"
            )
    yield from sentences.values()
    broken = {component for component, _ in sentences}  # the rest follows from it
    yield from (text for (component, _), text in raised.items() if component not in broken)


def _component(case: ElementTree.Element, tested: Sequence[tuple[str, str]]) -> str:
    """The component that a test is of, by the number of its class."""
    return " ".join(tested[int(re.findall(r"\d+", case.get("classname", ""))[-1])])
