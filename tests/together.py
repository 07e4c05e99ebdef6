"""What several workers need and one of them makes."""

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


class Together:
    """Folders that all workers of a run share.

    The first who asks for a folder makes it, the others wait; what fails half-way is made anew by the next. Nobody
    may change it, and it is gone when the run has passed.

    Args:
        root: where they lie.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self._root = root

    def __call__(self, name: str, make: Callable[[Path], object]) -> Path:
        """The folder called `name`, after `make(folder)` has filled it once."""
        folder, whole = self._root / name, self._root / f"{name}.whole"
        with FileLock(self._root / f"{name}.lock"):
            if not whole.exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                whole.touch()
        return folder
