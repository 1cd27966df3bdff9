"""Audio runs ahead by what the line needs: a little on a good one, more on one that wavers, never too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parola.session.pacing import FIRST_SECONDS, LEAST_SECONDS, MOST_SECONDS, Pacing


def ahead(*round_trips: float) -> float:
    pacing = Pacing()
    for seconds in round_trips:
        pacing.round_trip(seconds)
    return round(pacing.ahead_seconds, 2)


@pytest.mark.parametrize(
    ("line", "round_trips", "seconds"),
    [
        ("not known yet", (), FIRST_SECONDS),
        ("this machine", (0.001,) * 10, LEAST_SECONDS),
        ("one ping over a mobile line", (0.1,), 0.9),
        ("a mobile line that holds", (0.1,) * 20, 0.7),
        ("another continent", (0.3,) * 20, 0.9),
        ("a line that wavers", (0.05, 0.25) * 10, 1.17),
        ("a train", (0.1, 0.9, 0.2, 1.4, 0.1, 0.8) * 3, MOST_SECONDS),
    ],
)
def test_the_lead_grows_with_what_the_network_does(line, round_trips, seconds):
    assert ahead(*round_trips) == pytest.approx(seconds, abs=0.02), line


def test_one_late_pong_is_forgotten_in_time():
    calm, late = (0.05,) * 10, (1.5,)
    assert ahead(*calm) < 0.7
    assert ahead(*calm, *late) > 1.5
    assert ahead(*calm, *late, *(0.05,) * 30) < 0.8


@given(st.lists(st.floats(min_value=0, max_value=60)))
def test_it_never_leaves_its_bounds(round_trips):
    assert LEAST_SECONDS <= ahead(*round_trips) <= MOST_SECONDS
