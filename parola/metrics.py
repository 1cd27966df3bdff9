"""What a process counts about itself while it works; ``api/metrics.py`` shows it to Prometheus.

Counting costs a list lookup and an addition, so it may stand anywhere. Nothing here knows what is counted, or how it
is shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0)
LATENCY_SECONDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
WORK_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
WAIT_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Histogram:
    """How often a value fell into each bucket; ``bounds`` are the buckets' upper ends, ascending."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """Each bucket by itself; the last holds what is above all bounds."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        return sum(self.counts)


def _latencies() -> Histogram:
    return Histogram(LATENCY_SECONDS)


@dataclass(slots=True)
class Metrics:
    """What one server has seen since it started."""

    loop_lag: Histogram = field(default_factory=lambda: Histogram(LAG_SECONDS))
    """By how much the event loop was late for a timer."""
    vad_batch: Histogram = field(default_factory=lambda: Histogram(BATCH_SIZES))
    """Windows of different calls that shared one run of the voice activity detector."""
    turn_verdicts: Callable[[], Mapping[str, int]] = dict
    """What came of asking the turn detector; set by whoever has one."""
    turn_latency: Histogram = field(default_factory=_latencies)
    """From the user's last sound to the first audio of the answer, for answers that were heard."""
    turns_answered: int = 0
    """Turns of the user, spoken or typed, that the agent has begun to answer."""
    interruptions: int = 0
    waited: Histogram = field(default_factory=lambda: Histogram(WAIT_SECONDS))
    """How long those waited who had to wait for a place, whatever came of it."""
    waiting_ended: Counter[str] = field(default_factory=Counter)
    """What came of it: ``admitted``, ``timed_out``, ``hung_up``, ``refused``, ``stopped``."""
    ended: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Conversations that have ended, by status (``done`` or ``failed``) and close code."""
    webhooks_delivered: Counter[str] = field(default_factory=Counter)
    """By the message's type."""
    webhooks_failed: Counter[str] = field(default_factory=Counter)
    """Webhooks that were given up, by reason."""
    webhook_attempts_failed: Counter[str] = field(default_factory=Counter)
    """Attempts that came to nothing, whatever became of the webhook, by reason."""
    webhooks_waiting: int = 0
    """For their next attempt, when somebody last counted."""
