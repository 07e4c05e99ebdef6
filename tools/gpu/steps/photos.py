"""The photos that the other steps work on: those that were gathered, else drawn now."""

from __future__ import annotations

from gpu import photos
from gpu.figures import note
from gpu.settings import settings


def main() -> None:
    """Draw the photos where there are none."""
    check = settings()
    if not photos.files(check.photos):
        photos.draw(check.photos, 12 if check.small else 192)
    note("photos trained and validated on", str(len(photos.files(check.photos))))


if __name__ == "__main__":
    main()
