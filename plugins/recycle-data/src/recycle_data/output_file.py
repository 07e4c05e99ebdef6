"""Single files that commands write, by the names that people type or by ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recycle_data.owned import Owned
from recycle_data.replaced import never_read
from recyclecli.files import refuse_overwrite
from recyclecli.locks import held

PREVIEW_FILE, SHEET_FILE = "preview.png", "sheet.png"


@contextmanager
def output_file(file: Path, force: bool, ours: str = "") -> Iterator[Owned]:
    """Hold the place of a file that the block writes, and does not read; its folder.

    Args:
        file: the file.
        force: replace it.
        ours: its name where nobody types another: what is there then must be what was written there.

    Raises:
        RecycleError: another process writes it; it exists, and not `force`, or it is not ours, a link or no file; or
            the block reads it.
    """
    owned = Owned(file.parent)
    refuse = owned.refuse_overwrite if file == Path(ours) else refuse_overwrite
    refuse([file], force)  # before anything is made
    with held(file):
        refuse([file], force)  # another process may have ended meanwhile
        with never_read(file):
            yield owned
