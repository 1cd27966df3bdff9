"""How busy a process is: what one hiccup is worth, and what is not one."""

from __future__ import annotations

import asyncio

import pytest

from parola.metrics import LAG_SECONDS, Histogram
from parola.session.load import RECENT_TICKS, Load, LoopLag
from tests.virtual_time import run


class Queue:
    name = "stt"

    def __init__(self, late: float) -> None:
        self._late = late

    def lateness(self, now: float) -> float:
        return self._late


def lag_of(*seen: float) -> LoopLag:
    lag = LoopLag(Histogram(LAG_SECONDS))
    for seconds in seen:
        lag.saw(seconds)
    return lag


@pytest.mark.parametrize(
    ("seen", "p99", "is_late"),
    [
        ([], 0.0, False),
        ([5.0], 0.0, False),  # too few to judge by
        ([0.001] * 99 + [5.0], 0.001, False),
        ([0.001] * 98 + [5.0] * 2, 5.0, False),
        ([0.001] * 89 + [0.03] * 11, 0.03, True),
        ([0.03] * 11 + [0.001] * RECENT_TICKS, 0.001, False),
    ],
)
def test_one_hiccup_in_ten_seconds_is_no_load(seen: list[float], p99: float, is_late: bool):
    lag = lag_of(*seen)
    assert (lag.p99(), lag.is_late()) == (p99, is_late)


@pytest.mark.parametrize(
    ("lag", "late", "trouble"),
    [
        (0.05, 0.1, None),
        (0.5, 0.0, "the event loop is 0.50 s late"),
        (0.0, 1.25, "work for stt begins 1.2 s late"),
    ],
)
def test_what_is_saturated_is_named(lag: float, late: float, trouble: str | None):
    assert Load(lag_of(*[lag] * RECENT_TICKS), lambda: [Queue(late)]).trouble(0.0) == trouble


def test_the_loop_is_looked_at_ten_times_a_second_and_no_more_when_it_stops():
    async def tell() -> int:
        seen = Histogram(LAG_SECONDS)
        lag = LoopLag(seen)
        lag.start()
        await asyncio.sleep(1.05)
        lag.stop()
        await asyncio.sleep(1)
        assert lag.p99() == pytest.approx(0.0, abs=1e-6)
        return seen.count

    assert run(tell()) == 10
