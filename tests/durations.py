"""Where the time of a test run goes: the file `durations`, and a summary at its end.

A pytest plugin. The seconds are those of set-up, call and teardown, summed over the workers.
"""

import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest

BUDGETS = Path(__file__).with_name("budgets.toml")
MOST = 100  # tests that the file names
WIDE = 90  # characters of a test's name in the summary
TIERS = {"not slow": "make test", "slow": "make test-slow"}


class Durations:
    """Adds up what each test took; in the process that the workers report to."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = time.monotonic()
        self._spent: Counter[str] = Counter()
        self._full = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count one phase of one test."""
        self._spent[report.nodeid.partition("@")[0]] += report.duration
        self._full |= "No space left on device" in str(report.longrepr or "")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the file; print the total, the slowest files and what each folder may take."""
        files: Counter[str] = Counter()
        for test, seconds in self._spent.items():
            files[test.partition("::")[0]] += seconds
        if self._full:
            terminalreporter.write_line(f"the disk was full: make room in {tempfile.gettempdir()}, or set TMPDIR")
        if len(files) < 2:
            return
        wall, spent = time.monotonic() - self._began, files.total()
        lines = [f"{wall:.0f} s, {spent:.0f} s of tests", "", *_table(self._spent.most_common(MOST)), ""]
        (self._config.rootpath / "durations").write_text("\n".join([*lines, *_table(files.most_common())]) + "\n")
        terminalreporter.section(f"{wall:.0f} s, {spent:.0f} s of tests; the slowest files; each test in `durations`")
        for line in _table(files.most_common(10)):
            terminalreporter.write_line(line)
        for line in self._compared(files):
            terminalreporter.write_line(line)

    def _compared(self, files: Counter[str]) -> list[str]:
        """A line for each folder of the tier, where all of it ran."""
        tier = TIERS.get(self._config.option.markexpr)
        if tier is None or self._config.args != self._config.getini("testpaths"):
            return []
        folders: Counter[str] = Counter()
        for file, seconds in files.items():
            folders[_folder(file)] += seconds
        budgets = tomllib.loads(BUDGETS.read_text())[tier]
        rows = [f"{folders[name]:7.0f} of {budgets.get(name, 0):4} s  {name}" for name in sorted({*budgets, *folders})]
        over = [name for name in folders if folders[name] > budgets.get(name, 0)]
        said = f"above their budgets: {', '.join(sorted(over))}" if over else "all within their budgets"
        return [f"budgets of `{tier}` (tests/budgets.toml; machines differ): {said}", *rows]


def _folder(file: str) -> str:
    """The folder that a file counts for: `tests/e2e`, `plugins/recycle-smp`."""
    return "/".join(file.split("/")[:2])


def _table(rows: list[tuple[str, float]]) -> list[str]:
    return [f"{seconds:7.1f} s  {name[:WIDE]}" for name, seconds in rows]


def pytest_configure(config: pytest.Config) -> None:
    """Listen where the results come together."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(config), "durations-of-this-run")
