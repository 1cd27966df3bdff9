"""How far ahead of playback audio is sent: enough that a late frame is not heard, little enough that the agent falls
silent at once when it is interrupted.

What the network does to a message shows in how long pings take to come back. Their mean and their deviation are
smoothed as TCP does for its time-outs (RFC 6298, 2.3: "RTTVAR <- (1 - beta) * RTTVAR + beta * |SRTT - R'|", then "SRTT
<- (1 - alpha) * SRTT + alpha * R'", alpha 1/8 and beta 1/4).
"""

from __future__ import annotations

LEAST_SECONDS = 0.6
"""On a perfect line: a moment of our own, and what players want before they begin."""

MOST_SECONDS = 3.0
"""On the worst: more would be talk that nobody can take back."""

FIRST_SECONDS = 1.0
"""Before the line is known; also for clients that never answer a ping."""

DEVIATIONS = 4.0
"""A frame this many deviations late is still in time."""


class Pacing:
    """Told of round trips; says how many seconds of audio to be ahead."""

    __slots__ = ("_deviation", "_mean")

    def __init__(self) -> None:
        self._mean: float | None = None
        self._deviation = 0.0

    def round_trip(self, seconds: float) -> None:
        """A ping came back after this long."""
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(self._mean - seconds) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    @property
    def ahead_seconds(self) -> float:
        if self._mean is None:
            return FIRST_SECONDS
        return min(max(LEAST_SECONDS + self._mean + DEVIATIONS * self._deviation, LEAST_SECONDS), MOST_SECONDS)
