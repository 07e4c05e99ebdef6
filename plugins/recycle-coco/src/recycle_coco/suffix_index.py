"""Paths by their last parts, so that those that agree best with a name are found without a look at each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

SUFFIX_PARTS = 16  # last ones that count: what differs above them alone is alike


class Endings:
    """Paths by what they end in.

    Args:
        paths: each as it is compared, with slashes, and as it is.
    """

    def __init__(self, paths: Iterable[tuple[str, str]]) -> None:
        found: dict[str, list[str]] = defaultdict(list)
        for compared, path in paths:
            parts = compared.split("/")
            for count in range(1, min(len(parts), SUFFIX_PARTS) + 1):
                found["/".join(parts[-count:])].append(path)
        self._found = {ending: tuple(paths) for ending, paths in found.items()}

    def whole(self, parts: Sequence[str]) -> tuple[str, ...]:
        """The paths that end in all these parts, the last `SUFFIX_PARTS` of them."""
        return self._found.get("/".join(parts[-SUFFIX_PARTS:]), ())

    def best(self, parts: Sequence[str]) -> tuple[str, ...]:
        """The paths that end in the most of these parts, counted from the last; none where not even that agrees."""
        counts = range(min(len(parts), SUFFIX_PARTS), 0, -1)
        return next((found for count in counts if (found := self.whole(parts[-count:]))), ())
