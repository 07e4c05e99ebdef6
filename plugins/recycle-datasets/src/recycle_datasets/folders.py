"""What folder datasets share: finding photos, reading lists and class names."""

import logging
import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from recycle_coco import Tree, photos_below, read_loose_text
from recycle_coco.paths import UNREAD_SUFFIXES

from recyclecli.types import IGNORE, DatasetContext, Layout, RecycleError, counted

log = logging.getLogger("recycle.datasets")

HOW = "`recycle plugins show DATASET` lists the options, -o data.dataset.KEY=VALUE sets one"


def say_moved(file: Path, found: Mapping[str, str]) -> None:
    """Say that photos lie elsewhere than their labels name, or under other names.

    Args:
        file: of the labels.
        found: the name of each photo to its place, relative to the root. What lies there, beside the file or in a
            folder `images` is none to be said.
    """
    usual = {"", "images/", f"{file.parent.name}/"}
    moved = {name: place for name, place in found.items() if place.removesuffix(posixpath.normpath(name)) not in usual}
    for name, place in list(moved.items())[:1]:
        count = f"{counted(len(moved), 'photo')} {'lie' if len(moved) > 1 else 'lies'}"
        log.warning(f"note: {file}: {count} elsewhere than it says: {name!r} is {place}")


def photos_in(folder: Path) -> list[Path]:
    """The photos in `folder` and the folders in it, by name.

    Raises:
        RecycleError: no such folder.
    """
    if not folder.is_dir():
        raise RecycleError(
            f"folder {folder} does not exist", f"name the data's root with --data, or its folders: {HOW}"
        )
    return photos_below(folder)


def lines_of(file: Path) -> list[str]:
    """The lines of a text file, without blanks around them; empty ones are left out.

    Raises:
        RecycleError: missing, no regular file, too large, or no UTF-8 text.
    """
    return [line.strip() for line in read_loose_text(file).split("\n") if line.strip()]


def checked_names(names: Iterable[str], where: object) -> tuple[str, ...]:
    """Class names as they are, when they can be a class list.

    Raises:
        RecycleError: none, one twice or with half a character (a lone surrogate), or more than 8-bit masks hold.
    """
    found = tuple(names)
    for name in found:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise RecycleError(f"{where}: class {name!r} holds half a character", "rename it") from error
    doubled = sorted(name for name, count in Counter(found).items() if count > 1)
    if doubled:
        raise RecycleError(f"{where}: class {doubled[0]!r} occurs twice", "make each name unique")
    if not found or len(found) > IGNORE:
        raise RecycleError(
            f"{where}: {counted(len(found), 'class')}; masks of 8 bits hold 1 to {IGNORE}",
            "list the classes there; merge some where there are more, in the masks too",
        )
    return found


def names_of(
    tree: Tree,
    context: DatasetContext,
    recognise: Callable[[Tree], Iterable[Layout]],
    key: str,
    what: str,
    example: str,
) -> tuple[str, ...]:
    """The files or folders that a reader takes where no option names them: the split, else what is recognised.

    Args:
        tree: of the root.
        context: the split may name one of them.
        recognise: yields layouts.
        key: the option of a layout, and of the component, that names them.
        what: the tool, for the message.
        example: of a name, for the remedy.

    Raises:
        RecycleError: nothing is recognised.
    """
    if context.split is not None:
        return (context.split,)
    for layout in recognise(tree):
        names: tuple[str, ...] = layout.options[key]
        return names
    raise RecycleError(f"{context.root} holds no labels of {what}", f"name it: -o data.dataset.{key}=[{example}]")


def photos_there(root: Path) -> str:
    """What photos a folder holds in the place of those that are looked for, as the end of a sentence."""
    tree = Tree(root)
    if tree.photos:
        return f"its photos are called {', '.join(map(repr, tree.photos[:3]))}"
    if unread := tree.ending(*UNREAD_SUFFIXES):
        return f"its pictures are of a kind that is not read, as {unread[0]!r}: save them as PNG, under the same names"
    return "it holds no photo"
