"""Ranges that are stated by two options."""

from recyclecli.types import Options, RecycleError


def refuse_reversed(component: str, options: Options, low: str, high: str) -> None:
    """Raise RecycleError where the option `low` is above `high`; None for `high` is no bound."""
    first, second = getattr(options, low), getattr(options, high)
    if second is not None and first > second:
        raise RecycleError(f"{component}: {low} {first} is above {high} {second}", "swap them")
