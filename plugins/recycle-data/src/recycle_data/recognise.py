"""How labels lie in a folder: every dataset component is asked, and what is surest is taken."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from recycle_coco import Tree
from recycle_coco.archive import refuse_archive
from recycle_coco.layouts import inventory, photo_root
from recycle_coco.unreadable import LFS_POINTER, LFS_REFUSAL

from recycle_data.unsupported_exports import unread
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.plugins import RegisteredComponent, Registry
from recyclecli.types import EVIDENCE, DatasetComponent, Layout

log = logging.getLogger("recycle.data")


@dataclass(frozen=True, slots=True)
class LayoutMatch:
    """A layout that was recognised, and who reads it.

    Attributes:
        layout: as its component describes it.
        offer: the component.
    """

    layout: Layout
    offer: RegisteredComponent

    @property
    def title(self) -> str:
        """What people call the layout: its description up to the colon."""
        described = layouts_of(self.offer).get(self.layout.name, self.offer.component.summary)
        return str(described.partition(":")[0])


PROBED_POINTERS = 50  # files that are looked into for what Git has not fetched


def layouts_of(offer: RegisteredComponent) -> Mapping[str, str]:
    """The layouts of a dataset component, by name."""
    component = offer.component
    return component.layouts if isinstance(component, DatasetComponent) else {}


def layouts(registry: Registry) -> dict[str, str]:
    """Every installed layout by name, with what it is and what is looked for."""
    return {name: text for offer in registry.offers("dataset") for name, text in layouts_of(offer).items()}


def folder_of(src: Path) -> Path:
    """The folder that an export lies in, where one file of it may be named: for COCO, that of its photos."""
    return photo_root(src) if src.is_file() else src


def recognise(
    registry: Registry, src: Path, wanted: str | None = None, stated: bool = False
) -> tuple[LayoutMatch, list[LayoutMatch]]:
    """The layout of the labels in `src`, and others that are passed over as less sure.

    Args:
        registry: the installed components.
        src: the folder, or one annotation file in it.
        wanted: name of the layout, or of the component, to take.
        stated: options say how it is read, so that `wanted` is taken where it is not recognised, too.

    Raises:
        RecycleError: no such folder; nothing is recognised, or several layouts equally well.
    """
    refuse_archive(src, "the folder of an export is expected")
    folder = folder_of(src)
    if not folder.is_dir():
        raise RecycleError(f"{src} does not exist", "name the folder that the labelling tool's export lies in")
    offers = registry.offers("dataset")
    known = {**{name: offer for offer in offers for name in layouts_of(offer)}, **_components(offers)}
    if wanted is not None and wanted not in known:
        raise RecycleError(
            f"--as {wanted}: no such layout", suggest(wanted, {*layouts(registry), *registry.names("dataset")})
        )
    tree = Tree(folder)
    found = [one for offer in offers for one in _found(offer, tree)]
    if src.is_file():
        name = src.absolute().relative_to(folder.absolute()).as_posix()
        whole, found = found, _reading(found, name)
        if whole and not found:  # it may be read where no other such file lies beside it
            alone = Tree(folder, name)
            found = _reading([one for offer in offers for one in _found(offer, alone)], name)
        if whole and not found:
            names = join_limited(dict.fromkeys(one.layout.name for one in whole))
            raise RecycleError(
                f"{src} is read by no layout alone, and {folder} is recognised as a whole: {names}",
                f"import the folder: recycle data import {shlex.quote(str(folder))} OUT",
            )
    chosen = [one for one in found if wanted in (None, one.layout.name, one.offer.component.name, one.offer.qualified)]
    if not chosen and wanted is not None and stated:
        return LayoutMatch(Layout(wanted, "so it is named, with options", "folders"), known[wanted]), found
    if not chosen:
        raise _unknown(tree, src, wanted, known, found, registry.broken())
    surest = min(EVIDENCE.index(one.layout.evidence) for one in chosen)
    best = [one for one in chosen if EVIDENCE.index(one.layout.evidence) == surest]
    if len(best) > 1:
        raise _doubtful(src, best)
    return best[0], [one for one in found if one is not best[0]]


def _components(offers: list[RegisteredComponent]) -> dict[str, RegisteredComponent]:
    return {name: offer for offer in offers for name in (offer.component.name, offer.qualified)}


def _found(offer: RegisteredComponent, tree: Tree) -> list[LayoutMatch]:
    """What a component recognises; one that fails is named, and recognises nothing."""
    component = offer.component
    if not isinstance(component, DatasetComponent) or not component.recognise:
        return []
    module, _, attribute = component.recognise.partition(":")
    try:
        found = list(getattr(import_module(module), attribute)(tree))
        unknown = [one for one in found if not isinstance(one, Layout) or one.name not in component.layouts]
        if unknown:
            raise TypeError(f"it yields {unknown[0]!r}, none of its layouts")
    except Exception as error:  # a stranger's code
        log.warning(
            f"warning: {component.recognise} of {offer.plugin.distribution} failed, and its layouts are passed over: "
            f"{type(error).__name__}: {error}"
        )
        return []
    return [LayoutMatch(one, offer) for one in found]


def _reading(found: list[LayoutMatch], name: str) -> list[LayoutMatch]:
    """Of the layouts those that read a file."""
    return [own for one in found for own in _of_file(one, name)]


def _of_file(one: LayoutMatch, name: str) -> list[LayoutMatch]:
    """A layout that reads a file, of several as that of this one; none where it reads others."""
    layout = one.layout
    inside = name.removeprefix(f"{layout.root}/") if layout.root else name
    if inside in layout.options.get("files", ()):
        return [replace(one, layout=replace(layout, options={**layout.options, "files": (inside,)}))]
    return [one] if inside in layout.options.values() else []


def _doubtful(src: Path, best: list[LayoutMatch]) -> RecycleError:
    shown = "\n  ".join(f"{one.layout.name} ({one.title}): {_where(one)}{one.layout.why}" for one in best)
    names = list(dict.fromkeys(one.layout.name for one in best))
    if len(names) > 1:
        lines = [f"recycle data import {shlex.quote(str(src))} OUT --as {name}" for name in names]
    else:
        places = [src / one.layout.root for one in best]
        if len(set(places)) < len(places):
            places = [src / one.layout.root / one.layout.options.get("files", [""])[0] for one in best]
        lines = [f"recycle data import {shlex.quote(str(place))} OUT" for place in places]
    joined = "import each, and join what that makes: recycle data merge A B --out C"
    return RecycleError(
        f"{src} holds labels in {len(best)} ways that fit equally well:\n  {shown}",
        f"say which: {', or '.join(lines)}; where they label different photos, {joined}",
    )


def _where(one: LayoutMatch) -> str:
    return f"in {one.layout.root}, " if one.layout.root else ""


def _unknown(
    tree: Tree,
    src: Path,
    wanted: str | None,
    known: Mapping[str, RegisteredComponent],
    found: list[LayoutMatch],
    broken: str,
) -> RecycleError:
    """What is said where nothing fits: what was looked for, and what is there instead."""
    pointers = [
        name for name in tree.files[:PROBED_POINTERS] if tree.head(name, len(LFS_POINTER)) == LFS_POINTER.decode()
    ]
    if pointers:
        cause = f"{pointers[0]} {LFS_REFUSAL[0]}"
        return RecycleError(f"{src} holds labels in no known layout: {cause}", LFS_REFUSAL[1])
    if wanted is None:
        looked = f"{src} holds labels in no known layout"
    else:
        described = layouts_of(known[wanted]).get(wanted) or "; ".join(layouts_of(known[wanted]).values())
        looked = f"{src} does not look like {wanted} ({described})" if described else f"{wanted} recognises no folder"
    if wanted is None and (said := unread(tree, folder_of(src))):
        cause, remedy = said
        return RecycleError(f"{looked}: {cause}", remedy + broken)
    if tree.links and not found:
        whole, copy = shlex.quote(str(tree.root)), shlex.quote(f"{tree.root}-whole")
        remedy = f"copy what the links lead to: cp -rL {whole} {copy}, then recycle data import {copy} OUT"
    elif found:
        one = found[0]
        remedy = f"leave out --as: it looks like {one.layout.name} ({one.layout.why})"
    else:
        remedy = "`recycle data import --list` says what each layout needs; export the labels anew in one of them"
    return RecycleError(f"{looked}: it holds {inventory(tree)}", remedy + broken)
