"""How much is measured, for how long: the difference between a quick look and a figure to quote."""

from __future__ import annotations

from dataclasses import dataclass

from bench.caller import Times


@dataclass(frozen=True, slots=True)
class Plan:
    callers: tuple[int, ...]
    """Voice calls at once, one run each."""
    seconds: float
    """During which turns begin, in a voice run."""
    alone_seconds: float
    """The same for one call alone, which has few turns to judge by."""
    cold_starts: int
    connect_rounds: int
    barge_in_callers: int
    barge_in_times: Times
    text_callers: int
    text_times: Times
    burst_running: int
    burst_coming: int
    """Calls that begin in one moment, while others run."""
    burst_times: Times
    kept_callers: int
    kept_rounds: int
    kept_times: Times
    embedded_callers: tuple[int, ...]
    stop_when_answered: float = 0.5
    """When a smaller share of the turns than this was answered, more callers are not tried."""

    def voice_times(self, count: int) -> Times:
        return Times(turns_end=self.alone_seconds if count == 1 else self.seconds)


FULL = Plan(
    callers=(1, 10, 50, 100),
    seconds=30.0,
    alone_seconds=54.0,
    cold_starts=3,
    connect_rounds=7,
    barge_in_callers=3,
    barge_in_times=Times(turns_end=30.0, listen=4.0),
    text_callers=3,
    text_times=Times(period=2.0, turns_end=12.0, listen=2.0),
    burst_running=30,
    burst_coming=20,
    burst_times=Times(turns_end=12.0, listen=4.0),
    kept_callers=20,
    kept_rounds=4,
    kept_times=Times(turns_end=8.4, listen=5.0),
    embedded_callers=(1, 3),
)
"""About seven minutes."""

QUICK = Plan(
    callers=(1, 10),
    seconds=12.0,
    alone_seconds=12.0,
    cold_starts=2,
    connect_rounds=3,
    barge_in_callers=2,
    barge_in_times=Times(turns_end=9.0, listen=3.0),
    text_callers=3,
    text_times=Times(period=1.5, turns_end=4.0, listen=1.5),
    burst_running=5,
    burst_coming=20,
    burst_times=Times(period=4.0, turns_end=6.0, listen=3.0),
    kept_callers=5,
    kept_rounds=2,
    kept_times=Times(period=1.5, turns_end=2.0, listen=4.0),
    embedded_callers=(1,),
)
"""About a minute, for a first impression; too short for a p95."""
