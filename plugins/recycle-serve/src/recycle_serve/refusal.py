"""What the page says no with, and the bounds within which it says yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class RequestRejected(Exception):
    """A request that is not answered as it was meant to be.

    Args:
        status: of HTTP.
        message: the cause.
        remedy: what to do.
        headers: that the answer has beside the usual ones.
    """

    def __init__(self, status: int, message: str, remedy: str = "", headers: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.status, self.message, self.remedy, self.headers = status, message, remedy, dict(headers)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost.

    Attributes:
        size: bytes of a photo's file.
        pixels: of a photo, by what its file says before it is decoded.
        look: longest side in pixels at which photos are looked at on the page.
        mask: pixels of the largest mask; the photo is reduced to that for it.
        passes: of the model at its training size, for one photo.
        idle: seconds without a byte after which an upload has failed, and that a request's headers may take.
        upload: seconds that a whole upload may take.
        places: requests that are uploaded, wait or are worked on at a time.
        places_of_address: those of one network address.
        places_of_page: those of one open page.
    """

    size: int = 30 * 2**20
    pixels: int = 120_000_000
    look: int = 1600
    mask: int = 24_000_000
    passes: float = 64
    idle: float = 10
    upload: float = 60
    places: int = 20
    places_of_address: int = 16
    places_of_page: int = 3
