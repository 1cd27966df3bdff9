"""Small sums over measured values."""

from __future__ import annotations

import statistics
from collections.abc import Iterable


def median(values: Iterable[float]) -> float | None:
    """None when there are none."""
    listed = list(values)
    return statistics.median(listed) if listed else None


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The smallest value that at least ``percent`` of all do not exceed; None when there are none."""
    listed = sorted(values)
    if not listed:
        return None
    return listed[min(len(listed) - 1, int(len(listed) * percent / 100))]


def milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)
