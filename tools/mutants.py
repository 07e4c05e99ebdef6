"""Small faults, put one by one into lines that tests run: do these tests find them? A table.

    .venv/bin/python tools/mutants.py .=covered                       40 faults in this checkout
    .venv/bin/python tools/mutants.py ../old=covered.old .=covered    in lines that an earlier commit has, too

Each checkout has its own `.venv`; after `=` comes what coverage.py measured in it, with `relative_files` and a context
for each test. Lines are drawn from those that a test of the first runs and whose text each checkout has exactly once.
"""

import argparse
import ast
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

PAIRS = [(ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot)]
TURNED = {**dict(PAIRS), **{two: one for one, two in PAIRS}}
LIMIT = 240  # seconds of a run of pytest
MOST = 40  # tests that try a fault: those that run the fewest lines
SAID = {0: "not found", 1: "found", -1: "undecided (too slow)"}  # pytest's exit codes, and none in time


def faults(text: str) -> Iterator[tuple[str, str]]:
    """Lines of a module, stripped, and the same with a fault."""
    lines = text.splitlines()
    for node, new in _changes(ast.parse(text)):
        line = lines[node.lineno - 1].encode()
        if node.lineno == node.end_lineno:
            changed = line[: node.col_offset] + new.encode() + line[node.end_col_offset :]
            yield line.decode().strip(), changed.decode().strip()


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Expressions and what may stand in their place; not in annotations and f-strings."""
    match node:
        case ast.JoinedStr():
            return
        case ast.Compare(left=left, ops=[sign], comparators=right) if type(sign) in TURNED:
            yield node, ast.unparse(ast.Compare(left, [TURNED[type(sign)]()], right))
        case ast.BoolOp(op=both, values=values):
            yield node, ast.unparse(ast.BoolOp(ast.And() if isinstance(both, ast.Or) else ast.Or(), values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Call(func=ast.Name(id="sorted"), args=[values]):
            yield node, f"list({ast.unparse(values)})"
        case ast.Name(id="min" | "max" as called):
            yield node, "max" if called == "min" else "min"
        case ast.Constant(value=int(number)) if type(number) is int and random.random() < 0.2:  # there are many
            yield node, str(number + random.choice((-1, 1)))
        case ast.Subscript(slice=ast.Constant(value=str(name)) as place):
            yield place, repr(f"{name}_")
        case ast.Dict(keys=keys):
            for key in keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key, repr(f"{key.value}_")
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in {"annotation", "returns"}:
                yield from _changes(child)


class Checkout:
    """A clone, and which tests run which of its lines."""

    def __init__(self, given: str) -> None:
        from coverage import CoverageData

        root, _, measured = given.partition("=")
        self.root, data = Path(root).resolve(), CoverageData(measured)
        data.read()
        self.sources = {name: (self.root / name).read_text() for name in sorted(data.measured_files())}
        texts = Counter(line.strip() for source in self.sources.values() for line in source.splitlines())
        self._covered: Counter[str] = Counter()
        self.once, self._tests = {}, {}  # by text: its place; the tests that run it
        for name, source in self.sources.items():
            contexts = data.contexts_by_lineno(name)
            for number, line in enumerate(source.splitlines(), 1):
                tests = {re.sub(r"(@[^]]*)?(\|\w+)?$", "", test) for test in contexts.get(number, []) if test}
                self._covered.update(tests)
                if texts[line.strip()] == 1:
                    self.once[line.strip()], self._tests[line.strip()] = (name, number), tests

    def tests(self, text: str) -> list[str]:  # that run a line, the most specific first
        return sorted(self._tests[text], key=lambda test: (self._covered[test], test))[:MOST]

    def tried(self, text: str, changed: str) -> str:
        """What the tests say of a line with a fault."""
        tests, (name, number) = self.tests(text), self.once[text]
        while tests:
            lines, began = self.sources[name].splitlines(keepends=True), time.monotonic()
            lines[number - 1] = lines[number - 1].replace(text, changed)
            try:
                (self.root / name).write_text("".join(lines))
                code, failed = self._pytest(tests)
            finally:
                (self.root / name).write_text(self.sources[name])
            said = f"{SAID.get(code, f'found ({code})')}, {time.monotonic() - began:.0f} s of {len(tests)}"
            if not failed or self._pytest(failed)[0] == 0:
                return " ".join([said, *failed])
            tests = [test for test in tests if test not in failed]  # it fails without the fault as well
        return "no test"

    def _pytest(self, tests: list[str]) -> tuple[int, list[str]]:
        options = [".venv/bin/python", "-m", "pytest", "-x", "-n", "0", "-rfE"]
        try:
            done = subprocess.run([*options, *tests], cwd=self.root, capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return -1, []
        ends = [re.search(rf"(?m)^(FAILED|ERROR) {re.escape(test)}( - |$)", done.stdout) for test in tests]
        return done.returncode, [test for test, end in zip(tests, ends, strict=True) if end]


def drawn(checkouts: list[Checkout], number: int) -> Iterator[tuple[str, str]]:
    """So many lines and the same with a fault."""
    first, places, again = checkouts[0], set[str](), number // 4
    found = [fault for source in first.sources.values() for fault in faults(source) if fault[0] in first.once]
    for text, changed in dict(random.sample(found, len(found))).items():
        name = first.once[text][0]
        known = first.tests(text) and all(text in one.once for one in checkouts)
        if known and number and (name not in places or again):
            number, again = number - 1, again - (name in places)
            places.add(name)
            yield text, changed


def main() -> None:
    """Draw, try, and print a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="+", metavar="ROOT=COVERAGE", help="a clone and its coverage data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=40, help="faults; three quarters of them in files of their own")
    asked = parser.parse_args()
    random.seed(asked.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the line is put back also where this is ended
    checkouts = [Checkout(one) for one in asked.checkouts]
    print(f"| line | fault | {' | '.join(str(one.root) for one in checkouts)} |\n|" + "---|" * (len(checkouts) + 2))
    for text, changed in drawn(checkouts, asked.number):
        fault = f"`{text}` becomes `{changed}`".replace("|", "\\|")
        print(f"| {':'.join(map(str, checkouts[-1].once[text]))} | {fault} |", end="", flush=True)
        for one in checkouts:
            print(f" {one.tried(text, changed)} |", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
