"""What is installed, as a small cached file: commands, and names for completion and help, without loading a plugin.

There is one file for each set of distributions that is seen. It is written whenever a command has discovered
plugins. Where it is absent, or something was installed since, a process of its own discovers them: one that
hangs there holds up nobody.

    python -m recyclecli.manifest

is that process; it stores the manifest and prints it.
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from recyclecli import __version__, plugins
from recyclecli.backends import ALLOW_LIST
from recyclecli.files import write_text
from recyclecli.plugins import GROUP, Plugin, Registry
from recyclecli.types import Component, Kind

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

CACHE = "RECYCLE_CACHE"
PATIENCE = 10.0  # seconds that a plugin may take before it is told, or left out
LIFETIME = 60.0  # seconds after which the process that discovers ends whatever it is doing
SETS = 8  # files that are kept of one Python environment

Form = Literal["flag", "text", "list", "mapping"]


class Card(BaseModel):
    """A part of the manifest."""

    model_config = ConfigDict(frozen=True)


class Setting(Card):
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


class Offered(Card):
    """One component.

    Attributes:
        offline: for an augmentation that makes photos on disk, the defaults that differ there, as
            shown; None for all others.
        layouts: for a dataset, those that it recognises, with their descriptions.
    """

    kind: Kind
    name: str
    distribution: str
    summary: str
    settings: tuple[Setting, ...]
    offline: dict[str, str] | None = None
    layouts: dict[str, str] = {}


class Entry(Card):
    """One command, as its `recyclecli.records.Command` states it."""

    path: tuple[str, ...]
    target: str
    summary: str
    epilog: str
    distribution: str


class Manifest(Card):
    """What is installed.

    Attributes:
        fingerprint: of the installed distributions that it was made from; see `fingerprint`.
        packages: every distribution with a plugin, also of those that do not load.
        components: in order of kind and name.
        commands: in order of distribution, and as each lists its own.
    """

    fingerprint: str = ""
    packages: tuple[str, ...] = ()
    components: tuple[Offered, ...] = ()
    commands: tuple[Entry, ...] = ()

    def of(self, kind: Kind) -> dict[str, Offered]:
        """The components of a kind by the name that picks them: `name@distribution` where two share one."""
        offered = [one for one in self.components if one.kind == kind]
        names = [one.name for one in offered]
        return {one.name if names.count(one.name) == 1 else f"{one.name}@{one.distribution}": one for one in offered}


def discover() -> Registry:
    """`recyclecli.plugins.discover`, which says after a while whom it waits for, and stores the manifest."""
    installed = entry_points(group=GROUP)
    found: list[Plugin] = []
    for name, points in _by_distribution(installed):
        waiting = Timer(PATIENCE, _complain, (name,))
        waiting.daemon = True
        waiting.start()
        try:
            found += plugins.discover(found=points).plugins
        finally:
            waiting.cancel()
    registry = Registry(tuple(found))
    _store(manifest_of(registry, installed))
    return registry


def known(wait: float) -> Manifest:
    """What is installed, without loading a plugin in this process.

    Args:
        wait: seconds to wait for another process where the stored manifest is absent or stale; after
            that it is what is known, and the process finishes by itself.
    """
    now = fingerprint(entry_points(group=GROUP))
    stored = _read(now)
    if stored is not None and stored.fingerprint == now:
        return stored
    return _discovered_elsewhere(wait) or stored or _last() or Manifest()


def _read(made_from: str) -> Manifest | None:
    try:
        return Manifest.model_validate_json(manifest_file(made_from).read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # no file, not ours, no home
        return None


def _last() -> Manifest | None:
    """What was known before something was installed: the manifest that was written last."""
    for file in reversed(_files()):
        try:
            return Manifest.model_validate_json(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


def _files() -> list[Path]:
    """The manifests of this Python environment, the newest last."""
    try:
        return sorted(cache_folder().glob(f"{_environment()}-*.json"), key=lambda file: file.stat().st_mtime_ns)
    except (OSError, RuntimeError):
        return []


def fingerprint(installed: Iterable[EntryPoint]) -> str:
    """A digest of what is installed: plugins, versions, places, times, and the allow-list."""
    parts = [__version__, str(os.environ.get(ALLOW_LIST))]
    for point in installed:
        parts += [point.name, point.value]
        if point.dist is not None:
            metadata = point.dist.metadata  # parsed anew at each access
            folder = Path(str(point.dist.locate_file("")))  # its time changes when something is installed
            parts += [metadata["Name"], metadata["Version"], str(folder), _time(folder)]
        parts.append(_time(_source(point)))
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


def manifest_of(registry: Registry, installed: Iterable[EntryPoint]) -> Manifest:
    """The manifest of what is registered, from these entry points."""
    return Manifest(
        fingerprint=fingerprint(installed),
        packages=tuple(dict.fromkeys(plugin.distribution for plugin in registry.plugins)),
        components=tuple(offered(offer.component, offer.plugin.distribution) for offer in registry.offers()),
        commands=tuple(
            Entry(**asdict(command), distribution=plugin.distribution)
            for plugin in registry.plugins
            for command in plugin.commands
        ),
    )


def offered(component: Component, distribution: str) -> Offered:
    """A component as the manifest keeps it."""
    fields = component.options.model_fields
    offline: Mapping[str, Any] | None = getattr(component, "offline", None)
    return Offered(
        kind=component.kind,
        name=component.name,
        distribution=distribution,
        summary=component.summary,
        settings=tuple(setting_of(name, field) for name, field in fields.items()),
        offline=None if offline is None else {name: _shown(value) for name, value in offline.items()},
        layouts=dict(getattr(component, "layouts", {})),
    )


def setting_of(name: str, field: FieldInfo) -> Setting:
    """A field of a component's options, or of the recipe."""
    form, metavar = _form(field)
    default = "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
    choices = (_choices(field) if form == "text" else ()) or tuple(str(one) for one in field.examples or ())
    return Setting(
        name=name, help=field.description or "", form=form, metavar=metavar, default=default, choices=choices
    )


def _plain(field: FieldInfo) -> Any:
    """The type of an option, without `| None`."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in get_args(field.annotation) else field.annotation


def _choices(field: FieldInfo) -> tuple[str, ...]:
    plain = _plain(field)
    return tuple(str(choice) for choice in get_args(plain)) if get_origin(plain) is Literal else ()


def _form(field: FieldInfo) -> tuple[Form, str]:
    """How an option is given, and what its value is called."""
    plain = _plain(field)
    origin = get_origin(plain) or plain
    if origin is bool:
        return "flag", ""
    if origin is Literal:
        return "text", "|".join(_choices(field))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping", "KEY=VALUE"
    if origin in (tuple, list, set, frozenset):
        return "list", _metavar(get_args(plain)[0] if get_args(plain) else str)
    return "text", _metavar(origin)


def _metavar(kind: Any) -> str:
    return {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")


def _shown(value: Any) -> str:
    if value in (None, (), [], {}, ""):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _store(manifest: Manifest) -> None:
    """Write the manifest where it differs from the stored one; a folder that cannot be written to is normal."""
    text = manifest.model_dump_json()
    try:
        place = manifest_file(manifest.fingerprint)
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            return
        mine = place.with_name(f"{place.stem}-{os.getpid()}.json")  # several processes may write at a time
        write_text(mine, text)
        mine.replace(place)
        for file in _files()[:-SETS]:
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
    given, windows = os.environ.get(CACHE), os.environ.get("LOCALAPPDATA")
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "recyclecli"
    if sys.platform == "win32" and windows:
        return Path(windows) / "recyclecli" / "Cache"
    shared = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache") / "recyclecli"


def _by_distribution(installed: Iterable[EntryPoint]) -> list[tuple[str, list[EntryPoint]]]:
    """Entry points by their distribution, in its order."""
    groups: dict[str, list[EntryPoint]] = {}
    for point in installed:
        groups.setdefault(point.dist.name if point.dist else "unknown", []).append(point)
    return sorted(groups.items())


def _complain(name: str) -> None:
    print(f"still waiting for the plugin {name}, which does not finish loading", file=sys.stderr)
    print(f"  remedy: end this with Ctrl-C; uninstall {name}, or leave it out with ${ALLOW_LIST}", file=sys.stderr)


def _source(point: EntryPoint) -> Path:
    """The file of the package that an entry point names, found without importing it."""
    try:
        found = find_spec(point.module.partition(".")[0])
    except (ImportError, ValueError):
        found = None
    return Path(found.origin if found and found.origin else "")


def _time(path: Path) -> str:
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return "0"


def _discovered_elsewhere(wait: float) -> Manifest | None:
    """The manifest that another process makes; None when it takes longer than `wait` seconds."""
    path = os.pathsep.join(folder for folder in sys.path if folder)  # so that it sees the same packages
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # it outlives this command
        )
        text, _ = process.communicate(timeout=wait)
        return Manifest.model_validate_json(text)
    except (OSError, ValidationError, subprocess.TimeoutExpired):
        return None


def _patiently(name: str, points: list[EntryPoint]) -> tuple[Plugin, ...]:
    """The plugins of a distribution; a failed one where it does not finish loading."""
    found: list[Plugin] = []
    thread = Thread(target=lambda: found.extend(plugins.discover(found=points).plugins), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return tuple(found) or (Plugin(name, name, "", "failed", "does not finish loading"),)


def main() -> None:
    """Discover, store, print."""
    faulthandler.dump_traceback_later(LIFETIME, exit=True)  # also where a plugin holds the interpreter
    installed = entry_points(group=GROUP)
    found = [plugin for name, points in _by_distribution(installed) for plugin in _patiently(name, points)]
    manifest = manifest_of(Registry(tuple(found)), installed)
    _store(manifest)
    try:
        print(manifest.model_dump_json(), file=sys.__stdout__, flush=True)
    except OSError:  # whoever asked has gone
        os._exit(0)


if __name__ == "__main__":
    main()
