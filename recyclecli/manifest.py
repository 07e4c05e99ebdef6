"""What is installed, as a small cached file: commands, and names for completion and help, without loading a plugin.

There is one file for each set of distributions that is seen. It is written whenever a command has discovered
plugins. Where it is absent, or something was installed since, a process of its own discovers them, see
`recyclecli.discovery`: one that hangs there holds up nobody. Nothing here imports pydantic.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recyclecli import __version__
from recyclecli.backends import ALLOW_LIST
from recyclecli.errors import RecycleError, suggest
from recyclecli.files import write_text
from recyclecli.records import GROUP

if TYPE_CHECKING:
    from recyclecli.types import Kind

CACHE = "RECYCLE_CACHE"
MAX_MANIFESTS = 8  # files that are kept of one Python environment

ended: list[str] = []  # packages that ended a process which was to load them for this one

Form = Literal["flag", "text", "list", "mapping"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One option of a component.

    Attributes:
        name: of the field.
        help: its description.
        form: a flag is on or off, a list takes several values, a mapping several `KEY=VALUE`.
        metavar: what the value is called.
        default: as it is shown; empty where there is none to show.
        choices: values to offer: all there are, or the field's `examples`.
    """

    name: str
    help: str
    form: Form
    metavar: str
    default: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offered:
    """One component.

    Attributes:
        offline: for an augmentation that makes photos on disk, the defaults that differ there, as
            shown; None for all others.
        layouts: for a dataset, those that it recognises, with their descriptions.
        encoders: of a model, see `Registry.encoders`.
    """

    kind: Kind
    name: str
    distribution: str
    summary: str
    settings: tuple[Setting, ...]
    offline: dict[str, str] | None = None
    layouts: dict[str, str] = field(default_factory=dict)
    factory: str = ""
    encoders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command, as its `recyclecli.records.Command` states it."""

    path: tuple[str, ...]
    target: str
    summary: str
    epilog: str
    distribution: str


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """One recipe by name.

    Attributes:
        name: what picks it: `NAME@DISTRIBUTION` where several packages offer one.
        file: where it lies.
    """

    name: str
    file: str
    summary: str
    distribution: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is installed.

    Attributes:
        fingerprint: of the installed distributions that it was made from; see `fingerprint`.
        packages: every distribution with a plugin, also of those that do not load.
        components: in order of kind and name.
        commands: in order of distribution, and as each lists its own.
        recipes: likewise.
        failed: packages that do not load.
        fatal: those of them that end the process which imports them.
    """

    fingerprint: str = ""
    packages: tuple[str, ...] = ()
    components: tuple[Offered, ...] = ()
    commands: tuple[CommandEntry, ...] = ()
    recipes: tuple[RecipeEntry, ...] = ()
    failed: tuple[str, ...] = ()
    fatal: tuple[str, ...] = ()

    def of(self, kind: Kind) -> dict[str, Offered]:
        """The components of a kind by the name that picks them: `name@distribution` where two share one."""
        offered = [one for one in self.components if one.kind == kind]
        names = [one.name for one in offered]
        return {one.name if names.count(one.name) == 1 else f"{one.name}@{one.distribution}": one for one in offered}

    def recipe_files(self) -> dict[str, Path]:
        """Where the recipes lie, by what picks them; `NAME@DISTRIBUTION` picks every one."""
        files = {one.name: Path(one.file) for one in self.recipes}
        return {f"{one.name.partition('@')[0]}@{one.distribution}": Path(one.file) for one in self.recipes} | files

    def text(self) -> str:
        """As JSON."""
        # ASCII: a name may hold what UTF-8 cannot; `dataclasses.asdict` would copy each text
        return json.dumps(self, default=lambda one: {name: getattr(one, name) for name in one.__slots__})


def read(text: str) -> Manifest:
    """A manifest from JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        content = json.loads(text)
        for one in content["components"]:
            one["settings"] = tuple(Setting(**{**it, "choices": tuple(it["choices"])}) for it in one["settings"])
        components = [Offered(**one) for one in content["components"]]
        commands = [CommandEntry(**{**one, "path": tuple(one["path"])}) for one in content["commands"]]
        recipes = [RecipeEntry(**one) for one in content["recipes"]]
        packages, failed, fatal = (tuple(content[key]) for key in ("packages", "failed", "fatal"))
        made_from = content["fingerprint"]
        return Manifest(made_from, packages, tuple(components), tuple(commands), tuple(recipes), failed, fatal)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no manifest: {error}") from error


def file_of(name: str, named: Mapping[str, Path], where: str = "") -> Path:
    """The file of a recipe by name.

    Args:
        name: as it is typed.
        named: the installed recipes.
        where: what is said of the place that names it.

    Raises:
        RecycleError: no package offers it, or several do.
    """
    if name in named:
        return named[name]
    if choices := sorted(one for one in named if one.partition("@")[0] == name):
        raise RecycleError(f"several packages offer the recipe {name}", f"say which: {' or '.join(choices)}")
    raise RecycleError(f"no recipe is called {name!r}{where}", f"{suggest(name, named)}; see `recycle recipes list`")


def known(wait: float) -> Manifest:
    """What is installed, without loading a plugin in this process.

    Where that is absent or stale, another process makes it, and goes on after `wait` seconds.
    """
    now = fingerprint(plugin_points())
    stored = stored_manifest(now)
    if stored is not None and stored.fingerprint == now:
        return stored
    return _discovered_elsewhere(wait) or stored or _last() or Manifest()


def stored_manifest(made_from: str) -> Manifest | None:
    """What was written of distributions of this fingerprint."""
    try:
        return read(manifest_file(made_from).read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # no file, not ours, no home
        return None


def _last() -> Manifest | None:
    """What was known before something was installed: the manifest that was written last."""
    for file in reversed(_files()):
        try:
            return read(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


def _files() -> list[Path]:
    """The manifests of this Python environment, the newest last."""
    try:
        return sorted(cache_folder().glob(f"{_environment()}-*.json"), key=lambda file: file.stat().st_mtime_ns)
    except (OSError, RuntimeError):
        return []


def plugin_points() -> EntryPoints:
    """The entry points of plugins."""
    return entry_points(group=GROUP)


def fingerprint(points: Iterable[EntryPoint]) -> str:
    """A digest of what is installed: plugins, versions, places, times, and the allow-list."""
    parts = [__version__, str(os.environ.get(ALLOW_LIST))]
    for point in points:
        parts += [point.name, point.value]
        if point.dist is not None:
            metadata = point.dist.metadata  # parsed anew at each access
            folder = Path(str(point.dist.locate_file("")))  # its time changes when something is installed
            parts += [metadata["Name"], metadata["Version"], str(folder), _time(folder)]
        parts += [_time(place) for place in _sources(point)]
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


def store(manifest: Manifest) -> None:
    """Write the manifest where it differs from the stored one; a folder that cannot be written to is normal."""
    text = manifest.text()
    try:
        place = manifest_file(manifest.fingerprint)
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            return
        mine = place.with_name(f"{place.stem}-{os.getpid()}.json")  # several processes may write at a time
        write_text(mine, text)
        mine.replace(place)
        for file in _files()[:-MAX_MANIFESTS]:
            file.unlink(missing_ok=True)
    except Exception:  # nothing about a cache may fail a command
        return


def manifest_file(made_from: str) -> Path:
    """The file of this Python environment with distributions of this fingerprint, in the user's cache folder.

    Raises:
        RuntimeError: the user has no home.
    """
    return cache_folder() / f"{_environment()}-{made_from[:12]}.json"


def _environment() -> str:
    return f"plugins-{hashlib.sha256(sys.prefix.encode()).hexdigest()[:12]}"


def cache_folder() -> Path:
    """The user's folder of what can be made again: $RECYCLE_CACHE, or where the system keeps such things.

    Raises:
        RuntimeError: the user has no home.
    """
    from platformdirs import user_cache_path

    found = Path(os.environ.get(CACHE) or user_cache_path("recyclecli", appauthor=False))
    if CACHE not in os.environ and not found.is_absolute():
        raise RuntimeError(f"{found} is no absolute path")
    return found


def _sources(point: EntryPoint) -> list[Path]:
    """The files of the package and of the module in it that an entry point names, found without importing them."""
    top, *inside = point.module.split(".")
    try:
        found = find_spec(top)
    except (ImportError, ValueError):
        found = None
    if found is None:
        return []
    folders = [Path(place) for place in found.submodule_search_locations or ()]
    places = [Path(found.origin)] if found.origin else folders
    if inside:
        places += [folder.joinpath(*inside).with_suffix(".py") for folder in folders]
        places += [folder.joinpath(*inside, "__init__.py") for folder in folders]
    return places


def _time(path: Path) -> str:
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return "0"


def _discovered_elsewhere(wait: float) -> Manifest | None:
    """The manifest that another process makes; None when it takes longer than `wait` seconds.

    The process says whose plugin it loads; where one ends it, another begins without that one.
    """
    path = os.pathsep.join(folder for folder in sys.path if folder)  # so that it sees the same packages
    until = time.monotonic() + wait
    try:
        while True:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "recyclecli.discovery", *ended],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # it outlives this command
            )
            text, _ = process.communicate(timeout=until - time.monotonic())
            last = ["", *text.decode().splitlines()][-1]
            if last.startswith("{") or last in ("", *ended):
                return read(last)
            ended.append(last)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
