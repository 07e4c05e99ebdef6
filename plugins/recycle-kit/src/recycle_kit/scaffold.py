"""A package of a plugin author, written from templates: it installs, shows up, trains and passes its tests as it is."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from recyclecli import __version__
from recyclecli.errors import RecycleError
from recyclecli.files import sweep_below, write_bytes
from recyclecli.locks import held
from recyclecli.types import KINDS

RECORD_KINDS = ("command", "recipe", "check")
SCAFFOLD_KINDS = (*KINDS, *RECORD_KINDS)
NEEDS = {
    "dataset": "recycle-coco",
    "postprocessor": "numpy>=1.26",
    "callback": "lightning>=2.6.6",
    "command": "pillow>=12.1.1",
    "recipe": "recycle-engine>=@@least@@,<@@next@@",
    "check": "",
}
SHOWN = {
    "command": "recycle @@first@@ sizes --help",
    "recipe": "recycle recipes show @@component@@",
    "check": "recycle doctor",
}
INSIDE = {
    "command": "the implementation, imported when it is typed",
    "recipe": "the recipe: what differs from `default`",
    "check": "the implementation, imported by `recycle doctor`",
}
SCAFFOLD_TEMPLATES = Path(__file__).parent / "templates"


def write_kit(name: str, kind: str, folder: Path) -> list[Path]:
    """Write the package `name` with one component, command, recipe or check into `folder`; its files.

    Args:
        name: of the distribution, as `acme-losses`; the module is `acme_losses`, the component
            `acme-loss`, after the name's first word.
        kind: one of `SCAFFOLD_KINDS`.
        folder: must not exist or be empty, but for files that an interrupted call of the same kind wrote.

    Raises:
        RecycleError: the name cannot be a package's or hides an installed module, the kind is unknown, the
            folder is not empty or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise RecycleError(f"{name!r} cannot be a plugin's name", "use lower-case words with hyphens: acme-losses")
    module = name.replace("-", "_")
    if module in (*sys.stdlib_module_names, "test", "tests") or find_spec(module):
        raise RecycleError(f"{name!r} would hide the module {module} that is there", "choose another name")
    if kind not in SCAFFOLD_KINDS:
        raise RecycleError(f"no kind is called {kind!r}", f"there are {', '.join(SCAFFOLD_KINDS)}")
    first = name.partition("-")[0]
    major, minor = (int(part) for part in __version__.split(".")[:2])
    article = "an" if kind[0] in "aeo" else "a"
    needed = NEEDS.get(kind, "torch>=2.10")
    words = {
        "first": first,
        "name": name,
        "module": module,
        "component": f"{first}-{kind}",
        "title": first.capitalize(),
        "kind": kind,
        "least": f"{major}.{minor}.0.dev0",
        "next": f"{major}.{minor + 1}",
        "article": article,
        "Article": article.capitalize(),
        "called": f"{first} sizes" if kind == "command" else f"{first}-{kind}",
        "part": kind if kind in RECORD_KINDS else "component and its options",
        "inside": INSIDE.get(kind, "the implementation, imported when a recipe names it"),
        "suffix": "yaml" if kind == "recipe" else "py",
    }
    words["needs"] = _filled(f', "{needed}"' if needed else "", words)
    words["show"] = _filled(SHOWN.get(kind, "recycle plugins show @@component@@"), words)
    places = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "test.yml": ".github/workflows/test.yml",
        f"{kind}/manifest.py": f"src/{words['module']}/__init__.py",
        f"{kind}/{kind}.{words['suffix']}": f"src/{words['module']}/{kind}.{words['suffix']}",
        f"{kind}/test.py": f"tests/test_{kind}.py",
    }
    contents = {}
    for template, place in places.items():
        text = (SCAFFOLD_TEMPLATES / f"{template}.txt").read_text(encoding="utf-8")
        contents[folder / place] = _filled(text, words).encode()
    if kind == "dataset":
        contents |= _sample(folder / "tests" / "sample")
    _refuse_other(folder, contents)  # before anything is made
    with held(folder.absolute()):
        _refuse_other(folder, contents)
        for file, content in contents.items():
            write_bytes(file, content)
    return list(contents)


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"@@(\w+)@@", lambda match: words[match[1]], text)


def _refuse_other(folder: Path, contents: Mapping[Path, bytes]) -> None:
    """Refuse a folder that holds all of what is to be written, or anything else than a part of it."""
    sweep_below(folder)
    found = [folder]  # more than can be listed is not ours
    with suppress(RecursionError):
        found = [file for file in folder.rglob("*") if file.is_symlink() or not file.is_dir()]
    own = [file for file in found if file in contents and not file.is_symlink() and file.is_file()]
    whole = [file for file in own if file.read_bytes() == contents[file]]
    other = folder.is_symlink() or (folder.exists() and not folder.is_dir())
    if other or len(whole) < len(found) or len(whole) == len(contents):
        raise RecycleError(f"{folder} exists", "choose another place with --out")


def conformance_tests(parts: Sequence[tuple[str, str]]) -> str:
    """A test module that holds parts, kind and name of each, to what their kinds have in common.

    Datasets are left out: their tests need data.
    """
    tested = [(kind, name) for kind, name in parts if kind != "dataset"]
    lines = [
        f"from recycle_kit.testing import {', '.join(sorted({f'{kind.title()}Conformance' for kind, _ in tested}))}"
    ]
    for number, (kind, name) in enumerate(tested):
        lines += ["", "", f"class Test{kind.title()}{number}({kind.title()}Conformance):", f"    name = {name!r}"]
    return "\n".join(lines) + "\n"


def _sample(folder: Path) -> dict[Path, bytes]:
    """Two small photos with boxes, for the tests of a dataset."""
    from PIL import Image, ImageDraw

    contents = {folder / "classes.txt": b"paper\nmetal\n"}
    for number, (label, box) in enumerate((("paper", (8, 10, 40, 30)), ("metal", (20, 6, 24, 44)))):
        photo, stream = Image.new("RGB", (64, 64), (120, 130, 140)), BytesIO()
        left, top, width, height = box
        ImageDraw.Draw(photo).rectangle((left, top, left + width - 1, top + height - 1), (230, 220, 90 * number))
        photo.save(stream, "PNG")
        contents[folder / f"{number}.png"] = stream.getvalue()
        contents[folder / f"{number}.txt"] = f"{label} {left} {top} {width} {height}\n".encode()
    return contents
