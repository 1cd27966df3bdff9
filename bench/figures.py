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


Buckets = dict[float, float]
"""The upper end of each bucket of a histogram, and how many values are not above it."""


def buckets(text: str, name: str) -> Buckets:
    """One histogram out of Prometheus' text format."""
    found: Buckets = {}
    for line in text.splitlines():
        if line.startswith(f'{name}_bucket{{le="'):
            bound, _, count = line.removeprefix(f'{name}_bucket{{le="').partition('"} ')
            found[float(bound)] = float(count)
    return found


def percentile_of_buckets(before: Buckets, after: Buckets, percent: float) -> float | None:
    """The percentile of what came in between, evenly spread within its bucket; of the last bucket, where it begins.
    None when nothing came."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    total = max(counts.values(), default=0.0)
    if not total:
        return None
    wanted, lower, below = total * percent / 100, 0.0, 0.0
    for bound, count in counts.items():
        if count >= wanted:
            inside = (wanted - below) / (count - below) if count > below else 1.0
            return lower if bound == float("inf") else lower + (bound - lower) * inside
        lower, below = bound, count
    return lower
