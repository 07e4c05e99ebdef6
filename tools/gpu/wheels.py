"""Which wheels must travel, in which versions, and how they are fetched."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import requires as installed_requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gpu import projects

TESTING = ("pytest", "hypothesis")  # what the tests of the check import, of the dependency group `test`
PEER = "pydensecrf2"  # what the dense CRF is compared with where it can be built; it has no wheels
GLIBC = range(17, 29)  # minor releases of glibc 2 whose wheels are taken


class Unknown(Exception):
    """A package of which nothing is known here: not pinned, or not installed."""


@dataclass(frozen=True)
class Target:
    """The machine that the wheels are for.

    Attributes:
        python: its Python, as `3.12`.
        present: normalised name of each package that it has to the version; an empty one stands for any.
        machine: its processor, as wheels name it.
    """

    python: str
    present: Mapping[str, str] = field(default_factory=dict)
    machine: str = "x86_64"

    def markers(self) -> dict[str, str]:
        """What the markers of a requirement are judged by."""
        system = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}
        python = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        return {**system, **python, "platform_machine": self.machine, "implementation_name": "cpython"}

    def has(self, requirement: Requirement) -> bool:
        """Whether it has a version that fits."""
        version = self.present.get(canonicalize_name(requirement.name))
        return version is not None and (not version or requirement.specifier.contains(version, prereleases=True))


def read_pins(text: str) -> dict[str, str]:
    """A constraints file, or what `pip freeze` prints: normalised name to version, empty where none is given."""
    lines = (re.split(r"[#;@]", line)[0].strip() for line in text.splitlines())
    pairs = (line.partition("==") for line in lines if line and not line.startswith("-"))
    return {canonicalize_name(name.strip()): version.strip() for name, _, version in pairs}


def required_here(name: str) -> list[str]:
    """The requirements of a package that is installed here.

    Raises:
        Unknown: it is not installed.
    """
    try:
        return installed_requires(name) or []
    except PackageNotFoundError as error:
        raise Unknown(
            f"{name} is not installed here, so what it requires is not known: run `make test` first"
        ) from error


def needed(
    roots: Iterable[str],
    target: Target,
    pins: Mapping[str, str],
    own: Iterable[str] = (),
    requires: Callable[[str], Iterable[str]] = required_here,
) -> dict[str, str]:
    """The packages that must travel: what `roots` require, and what that requires, but what the target has.

    Args:
        roots: requirements.
        target: where they go. What a package that it has requires is there, too.
        pins: normalised name to version.
        own: names that come with the checkout.
        requires: the requirements of a package by its name.

    Returns:
        Normalised name to version, by name.

    Raises:
        Unknown: a package is not pinned, or what it requires is not known.
    """
    skipped = {canonicalize_name(name) for name in own}
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in roots]
    while waiting:
        requirement, extra = waiting.pop()
        name = canonicalize_name(requirement.name)
        applies = requirement.marker is None or requirement.marker.evaluate({**target.markers(), "extra": extra})
        if name in skipped or not applies or target.has(requirement):
            continue
        if name not in pins:
            raise Unknown(f"constraints.txt does not pin {name}")
        found[name] = pins[name]
        for each in {"", *requirement.extras}:
            if (name, each) not in seen:
                seen.add((name, each))
                waiting += [(Requirement(text), each) for text in requires(name)]
    return dict(sorted(found.items()))


def of_checkout(root: Path, target: Target) -> dict[str, str]:
    """The packages that this repository's distributions and the tests of the check need at the target."""
    tests = [text for text in projects.test_requirements(root) if canonicalize_name(Requirement(text).name) in TESTING]
    pins = read_pins((root / "constraints.txt").read_text())
    return needed([*projects.requirements(root), *tests], target, pins, projects.names(root))


def fetch(packages: Mapping[str, str], target: Target, folder: Path) -> None:
    """Bring a folder to hold the wheels of exactly these packages; those that are there already stay.

    Raises:
        subprocess.CalledProcessError: pip failed, and said why.
    """
    folder.mkdir(exist_ok=True)
    kept = set()
    for wheel in folder.glob("*.whl"):
        name, version, *_ = wheel.name.split("-")
        if packages.get(canonicalize_name(name)) == version and suits(wheel.name, target):
            kept.add(canonicalize_name(name))
        elif canonicalize_name(name) != PEER or not suits(wheel.name, target):
            wheel.unlink()
    missing = [f"{name}=={version}" for name, version in packages.items() if name not in kept]
    if not missing:
        return
    tags = [f"manylinux_2_{minor}_{target.machine}" for minor in reversed(GLIBC)]
    platforms = [part for tag in (*tags, f"manylinux2014_{target.machine}") for part in ("--platform", tag)]
    python = ["--implementation", "cp", "--python-version", target.python]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--only-binary=:all:", *python, *platforms, "--dest", str(folder), *missing], check=True)


def suits(wheel: str, target: Target) -> bool:
    """Whether a wheel runs under the target's Python, by its name."""
    tags = wheel.removesuffix(".whl").split("-")[-3:]
    return "abi3" in tags[1] or "none" in tags[1] or f"cp{target.python.replace('.', '')}" in tags[0]


def build_peer(root: Path, target: Target, folder: Path) -> str:
    """Build the package that the dense CRF is compared with, by the target's Python; why not, where it fails."""
    if any(canonicalize_name(wheel.name.split("-")[0]) == PEER for wheel in folder.glob("*.whl")):
        return ""
    found = [shutil.which(f"python{target.python}"), *Path.home().glob(f".pyenv/versions/{target.python}.*/bin/python")]
    pinned = f"{PEER}=={read_pins((root / 'constraints.txt').read_text())[PEER]}"
    reason = f"there is no python{target.python} here to build it"
    for python in filter(None, found):
        command = [str(python), "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), pinned]
        done = subprocess.run(command, capture_output=True, text=True)
        if not done.returncode:
            return ""
        reason = next((line for line in done.stderr.splitlines() if line.strip()), f"{python} failed")
    return reason
