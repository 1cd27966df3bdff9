"""How often somebody may do something: a bucket of tokens for each, filled bit by bit."""

from __future__ import annotations

from collections.abc import Hashable

MINUTE = 60.0

MOST_BUCKETS = 10_000
"""With more, those that have filled up again are forgotten."""


class Rates:
    """Buckets by whose they are. A bucket that nobody has drawn from is full. Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, tuple[float, float, float]] = {}
        """Tokens when it was last looked at, that time, and when it will be full."""

    def wait(self, whose: Hashable, a_minute: float, now: float, burst: float | None = None) -> float:
        """Seconds until there is a token; 0: there is one. ``a_minute`` 0 means no limit. ``burst`` is how many may be
        drawn at once; by default a minute's."""
        if not a_minute:
            return 0.0
        tokens = self._tokens(whose, a_minute, now, burst or a_minute)
        return 0.0 if tokens >= 1 else (1 - tokens) * MINUTE / a_minute

    def take(self, whose: Hashable, a_minute: float, now: float, burst: float | None = None) -> float:
        """Draw a token if there is one; else the seconds until there will be."""
        seconds = self.wait(whose, a_minute, now, burst)
        if a_minute and not seconds:
            most = burst or a_minute
            tokens = self._tokens(whose, a_minute, now, most) - 1
            self._buckets[whose] = tokens, now, now + (most - tokens) * MINUTE / a_minute
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket[2] > now}
        return seconds

    def _tokens(self, whose: Hashable, a_minute: float, now: float, most: float) -> float:
        tokens, at, _ = self._buckets.get(whose, (most, now, now))
        return min(most, tokens + (now - at) * a_minute / MINUTE)
