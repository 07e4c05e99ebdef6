"""The path rule: a `file_name` is relative to the source's root and stays inside it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from recyclecli.errors import RecycleError

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".heif"}
)
UNREAD_SUFFIXES = frozenset(
    {
        *(".gif", ".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".tga", ".psd", ".exr", ".hdr"),
        *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
    }
)
"""What files of pictures end in that are not read: among photos they are photos that cannot be read."""
SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
"""The splits of data, each with what folders and files of it are called."""
on_list: list[Callable[[Path], None]] = []  # told of each folder of which all photos are taken, first; may raise
MAX_FOLDER_DEPTH = 64  # folders inside each other
WHOLE_FILE, ANNOTATIONS_FILE = "train_all.json", "annotations.json"
TRAIN_FILE, VAL_FILE, TEST_FILE = "train.json", "val.json", "test.json"
ANNOTATION_FILES = (WHOLE_FILE, TRAIN_FILE, ANNOTATIONS_FILE)
SPLIT_FILES = (TRAIN_FILE, VAL_FILE)
CLASSES_FILE = "classes.txt"  # names, one a line, beside masks


def split_called(name: str) -> str:
    """The split that a folder or file of that name is of, `train`, `val` or `test`; "" for none."""
    return next((split for split, names in SPLITS.items() if name.lower() in names), "")


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is none of the user's: `._1.jpg`, `.ipynb_checkpoints`, `__MACOSX`."""
    return name.startswith(".") or name in ("__MACOSX", "@eaDir")


def copy_beside(root: Path, called: str = "coco") -> Path:
    """Where a line that a message names may write what it makes of a data folder: `NAME-coco` beside it."""
    if root.name in ("", os.pardir):  # as `.`
        root = root.resolve()
    names = (f"{root}-{called}{number}" for number in ("", *(f"-{k}" for k in range(2, 100))))
    return next((Path(name) for name in names if not os.path.lexists(name)), Path(f"{root}-{called}"))


def walk(
    top: Path, onerror: Callable[[OSError], None] | None = None, followlinks: bool = False
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """As `os.walk`, from the top down, as far as folders of photos go.

    Raises:
        RecycleError: folders lie inside each other more than `MAX_FOLDER_DEPTH` deep.
    """
    for place, folders, files in os.walk(top, onerror=onerror, followlinks=followlinks):
        folder = Path(place)
        depth = len(folder.parts) - len(top.parts)
        if depth > MAX_FOLDER_DEPTH:
            lies = Path(*folder.parts[: len(top.parts) + 1])
            raise RecycleError(
                f"{lies} holds folders inside each other, more than {MAX_FOLDER_DEPTH} deep",
                f"look what it is, and move it out of {shlex.quote(str(top))}",
            )
        yield folder, folders, files


def below(folder: Path) -> Iterator[Path]:
    """All files and folders below a folder; links to folders are not followed, see `walk`."""
    for place, folders, files in walk(folder):
        yield from (place / name for name in (*folders, *files))


def photos_below(folder: Path) -> list[Path]:
    """The photos in a folder and the folders in it, by name; what is hidden, and what its name is of, is left out."""
    for look in on_list:
        look(folder)
    found = []
    for place, folders, files in walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        named = [place / name for name in files if not is_hidden(name)]
        found += [file for file in named if file.suffix.lower() in PHOTO_SUFFIXES and os.path.isfile(file)]  # noqa: PTH113 - Path's fails for long ones
    return sorted(found)


def find_annotation_files(root: Path) -> list[Path]:
    """The annotation files of the whole source in `root`: train.json with val.json, or `find_annotation_file`'s.

    Raises:
        RecycleError: see there.
    """
    first = find_annotation_file(root)
    pair = [root / name for name in SPLIT_FILES]
    return pair if first == pair[0] and pair[1].is_file() else [first]


def find_annotation_file(root: Path) -> Path:
    """The annotation file of the whole source in `root`: the first of `ANNOTATION_FILES`.

    Raises:
        RecycleError: no such folder, or none of the files in it.
    """
    from recycle_coco.layouts import no_annotation_file, refuse_file

    refuse_file(root)
    if not root.is_dir():
        raise RecycleError(
            f"data folder {root} does not exist",
            "name it with --data DIR or $RECYCLE_DATA; `recycle data sample` makes one to try",
        )
    for name in ANNOTATION_FILES:
        if (root / name).is_file():
            return root / name
    raise no_annotation_file(root, ANNOTATION_FILES)


class Folders:
    """Which files lie in the folders below a root: each is listed once, however many files are asked for.

    Args:
        root: links in it are followed as the user laid them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, frozenset[str]] = {}

    def hold(self, place: str) -> bool:
        """Whether a file lies at a place inside the root; names that no file can have are none."""
        folder, _, base = place.rpartition("/")
        if folder not in self._files:
            try:
                inside = resolve_file(self._root, folder) if os.path.normpath(folder) != "." else self._root
                with os.scandir(inside) as entries:
                    self._files[folder] = frozenset(entry.name for entry in entries if entry.is_file())
            except (RecycleError, OSError, ValueError):
                self._files[folder] = frozenset()
        return base in self._files[folder] and not place.startswith("/")


def resolve_file(root: Path, file_name: str) -> Path:
    """`root / file_name`, by name alone: links inside the root are followed as the user laid them.

    Raises:
        RecycleError: an absolute name, or one that climbs out of the root.
    """
    inside = os.path.normpath(file_name)
    climbs = inside == os.pardir or inside.startswith((os.sep, os.pardir + os.sep))
    if climbs or "\0" in file_name or inside in ("", os.curdir):
        raise RecycleError(
            f"file_name {file_name!r} leaves the data folder {root}",
            "file names are relative to --data; move the photo inside, or pass its folder as --data",
        )
    return root / inside
