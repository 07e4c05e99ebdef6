"""Hard votes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def hard_vote(voters: Sequence[NDArray[np.uint8]], shares: Sequence[float]) -> NDArray[np.uint8]:
    """The label with the most votes at each pixel; of several, the one that the earliest voter gave.

    Args:
        voters: (H, W) labels each.
        shares: the weight of each vote.
    """
    import numpy as np

    given = np.stack(voters)
    votes = np.zeros((int(given.max()) + 1, *given.shape[1:]), np.float64)
    for label, room in enumerate(votes):
        for one, share in zip(given, shares, strict=True):
            room += share * (one == label)
    most = votes.max(0) * (1 - 1e-9)  # sums of the same shares in another order are equal
    winner: NDArray[np.uint8] = given[0]
    for one in given[::-1]:
        winner = np.where(np.take_along_axis(votes, one[None].astype(np.int64), 0)[0] >= most, one, winner)
    return winner
