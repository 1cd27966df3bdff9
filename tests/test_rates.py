"""A bucket of tokens: drawn from at once, filled bit by bit."""

from __future__ import annotations

from parola import rates
from parola.rates import Rates


def test_a_minutes_allowance_may_be_used_at_once_and_comes_back_bit_by_bit() -> None:
    bucket = Rates()
    assert [bucket.take("a", 3, 100.0) for _ in range(4)] == [0, 0, 0, 20]
    assert bucket.take("b", 3, 100.0) == 0
    assert bucket.wait("a", 3, 110.0) == 10
    assert bucket.take("a", 3, 120.0) == 0
    assert bucket.take("a", 3, 120.0) == 20
    assert [bucket.take("a", 3, 1000.0) for _ in range(4)] == [0, 0, 0, 20]


def test_a_burst_is_fewer_at_once_and_no_limit_is_no_limit() -> None:
    bucket = Rates()
    assert [bucket.take("a", 60, 0.0, burst=2) for _ in range(3)] == [0, 0, 1]
    assert bucket.take("a", 60, 1.0, burst=2) == 0
    assert all(bucket.take("c", 0, 0.0) == 0 for _ in range(1000))


def test_those_who_came_long_ago_are_forgotten() -> None:
    bucket = Rates()
    for n in range(rates.MOST_BUCKETS):
        bucket.take(n, 60, 0.0)
    bucket.take("new", 60, 100.0)
    assert len(bucket._buckets) == 1
