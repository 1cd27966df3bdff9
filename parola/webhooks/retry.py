"""When a webhook is tried again: a table and some arithmetic, no clock.

What may pass by itself is tried again: no connection, no answer in time, 5xx, 429, 408. Anything else an endpoint says
is its last word about this message.
"""

from __future__ import annotations

PAUSES_SECONDS = (30.0, 120.0, 480.0, 1800.0)
"""After the first attempt, which is made at once, and those behind it."""

THEN_SECONDS = 3600.0
"""After all later ones."""

GIVE_UP_SECONDS = 72 * 3600.0
"""After the first attempt became due."""

JITTER = 0.1
"""So much longer may a pause be, so that messages that failed together do not come back together."""

LONGEST_ASKED_SECONDS = THEN_SECONDS
"""An endpoint that asks for more time than this (``Retry-After``) gets this."""

TRIED_AGAIN = frozenset({408, 429})


def is_success(status: int) -> bool:
    return 200 <= status < 300


def is_tried_again(status: int) -> bool:
    """Whether another attempt may end differently."""
    return status >= 500 or status in TRIED_AGAIN


def family(reason: str) -> str:
    """A reason as metrics count it: an endpoint may answer with any number, and each would be a series for ever."""
    status = reason.removeprefix("http_")
    if status == reason:
        return reason
    return f"http_{status[0]}xx" if len(status) == 3 and status[0] in "345" else "http_other"


def next_attempt(
    attempts: int, since: float, now: float, dice: float, asked_seconds: float | None = None
) -> float | None:
    """When to try again after that many attempts, of which the first became due at ``since``; None: never. ``dice`` is
    0 to 1; times are unix seconds."""
    pause = PAUSES_SECONDS[attempts - 1] if attempts <= len(PAUSES_SECONDS) else THEN_SECONDS
    pause *= 1 + JITTER * dice
    if asked_seconds is not None:
        pause = max(pause, min(asked_seconds, LONGEST_ASKED_SECONDS))
    return now + pause if now + pause <= since + GIVE_UP_SECONDS else None
