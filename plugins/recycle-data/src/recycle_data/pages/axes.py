"""Axes of charts: where a value lies, and at which values ticks stand."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis.

    Attributes:
        at: its place in units of the chart.
        text: its value as people write it.
    """

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A line of values.

    Attributes:
        low: the value at its start.
        high: the value at its end, above `low`; on a log axis both are above 0.
        start: place of `low` in units of the chart.
        end: place of `high`; below `start` where the axis points up.
        log: equal distances are equal ratios.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value, to a tenth of a unit; that of `low` on a log axis for values below it."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int, whole: bool = False) -> list[Tick]:
        """At most `most` + 1 round values; on a log axis powers of ten, `whole` leaves out fractions otherwise."""
        values = _powers(self.low, self.high, most) if self.log else _steps(self.low, self.high, most, whole)
        return [Tick(self.at(value), number(value)) for value in values]


def _steps(low: float, high: float, most: int, whole: bool) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]  # 0.3 and not 0.30000000000000004


def _powers(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    every = max(1, math.ceil((last - first) / most))
    return [10.0**power for power in range(first, last + 1, every)]


def number(value: float) -> str:
    """A value as people write it: `1,234`, `12.3`, `0.0203`."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
