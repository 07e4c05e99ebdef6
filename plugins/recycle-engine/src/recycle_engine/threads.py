"""How OpenMP's threads wait for each other, which torch's library reads once, as it is loaded."""

import os

SPINS = 1000  # turns; 300,000 by itself, in which threads that wait keep cores from the processes that have work


def spin_briefly() -> None:
    """Have threads sleep soon where they wait, unless the user has said how they wait."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
