"""How busy this process is: whether one more call would make the others stutter.

Two things tell: the event loop that is late for its own timers, and work for an embedded model that begins late. Both
are looked at over the last seconds, so that one hiccup is no load.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from parola.metrics import Histogram

TICK_SECONDS = 0.1
RECENT_TICKS = 100
"""Ten seconds."""

MOST_LAG_SECONDS = 0.4
"""The p99 of the event loop's lag above which it is saturated: audio is sent a little more than that ahead of its
playback (``pacing``), so that callers hear nothing of less."""

LATE_SECONDS = 0.02
"""A tenth of the ticks being later than this is the beginning of it: work that can be left undone is."""

MOST_LATE_SECONDS = 0.5
"""Work for a model that begins so late on average is work that callers hear waiting."""


class LoopLag:
    """Looks ten times a second by how much the event loop is late."""

    def __init__(self, seen: Histogram) -> None:
        self._seen = seen
        self._recent: deque[float] = deque(maxlen=RECENT_TICKS)
        self._late = 0
        """How many of them were later than ``LATE_SECONDS``."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + TICK_SECONDS, self._tick, loop, loop.time() + TICK_SECONDS)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def p99(self) -> float:
        """Of the last ten seconds: one late tick in a hundred does not count. 0.0 before there are enough."""
        recent = sorted(self._recent)
        return recent[len(recent) * 99 // 100 - 1] if len(recent) >= RECENT_TICKS // 10 else 0.0

    def is_late(self) -> bool:
        """Whether the loop has more to do than it should, though nobody hears it yet: looked at over ten seconds."""
        return len(self._recent) >= RECENT_TICKS // 10 and self._late * 10 > len(self._recent)

    def _tick(self, loop: asyncio.AbstractEventLoop, due_at: float) -> None:
        now = loop.time()
        self.saw(max(0.0, now - due_at))
        # From now on, not from when it was due: a loop that stood still for a second was late once, not ten times.
        self._timer = loop.call_at(now + TICK_SECONDS, self._tick, loop, now + TICK_SECONDS)

    def saw(self, lag: float) -> None:
        self._seen.observe(lag)
        if len(self._recent) == RECENT_TICKS:
            self._late -= self._recent[0] > LATE_SECONDS
        self._recent.append(lag)
        self._late += lag > LATE_SECONDS


class Queue(Protocol):
    """Where work for a model waits."""

    name: str

    def lateness(self, now: float) -> float: ...


def no_trouble(now: float) -> str | None:
    """For a server whose owner wants nobody held back."""
    return None


class Load:
    """Says what is too busy for another voice call."""

    def __init__(self, lag: LoopLag, queues: Callable[[], Iterable[Queue]]) -> None:
        self._lag = lag
        self._queues = queues

    def trouble(self, now: float) -> str | None:
        """What is saturated, in words for the owner; None when there is room. ``now`` is the loop's time."""
        lag = self._lag.p99()
        if lag > MOST_LAG_SECONDS:
            return f"the event loop is {lag:.2f} s late"
        for queue in self._queues():
            late = queue.lateness(now)
            if late > MOST_LATE_SECONDS:
                return f"work for {queue.name} begins {late:.1f} s late"
        return None
