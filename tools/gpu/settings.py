"""What the environment says of a check, the same for all of its processes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """One check.

    Attributes:
        device: `cuda` or `cpu`.
        small: tiny models, photos and numbers of steps, to rehearse.
        out: folder of the results.
        work: folder of everything else that is written; kept, so that a second check need not install again.
        photos: folder with train.json, val.json and the photos that they name.
    """

    device: str
    small: bool
    out: Path
    work: Path
    photos: Path

    @property
    def cuda(self) -> bool:
        """Whether a GPU is checked."""
        return self.device == "cuda"

    @property
    def size(self) -> int:
        """Side of the photos in pixels."""
        return 64 if self.small else 512

    @property
    def site(self) -> Path:
        """Where the wheels are installed."""
        return self.work / "site"

    @property
    def runs(self) -> Path:
        """Folder of the trained runs."""
        return self.work / "runs"


def settings() -> Settings:
    """The check that $DEVICE, $SMALL, $OUT, $WORK and $PHOTOS describe."""
    place = Path(os.environ.get("WORK") or Path(tempfile.gettempdir()) / f"recycle-gpu-check-{os.getuid()}")
    return Settings(
        device=os.environ.get("DEVICE") or "cuda",
        small=bool(os.environ.get("SMALL")),
        out=Path(os.environ.get("OUT") or place / "out").absolute(),
        work=place.absolute(),
        photos=Path(os.environ.get("PHOTOS") or ROOT / ".photos").absolute(),
    )
