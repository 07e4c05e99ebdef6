"""Files that somebody removes or moves while a command still writes others beside them."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from recyclecli.errors import RunFailed, counted


def refuse_gone(files: Collection[Path], remedy: str = "type the command again") -> None:
    """Raise RunFailed where files that were just written are not there."""
    gone = [file for file in files if not os.path.lexists(file)]
    if gone:
        raise RunFailed(
            f"removed or moved while the command ran: {len(gone):,} of {counted(len(files), 'file')} that it wrote, as "
            f"{gone[0]}",
            remedy,
        )
