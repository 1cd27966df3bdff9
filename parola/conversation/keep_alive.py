"""Pings, and what their pongs tell: how long a message takes to the client and back."""

from __future__ import annotations

from parola.conversation.deadlines import Deadlines
from parola.conversation.outgoing import Outgoing
from parola.protocol.client_messages import Pong
from parola.protocol.server_messages import Ping

FIRST_PING_SECONDS = (2.0, 3.0, 5.0)
"""Waits between the first pings; ``PING_SECONDS`` after them."""

PING_SECONDS = 10.0

REMEMBERED_PINGS = 16
"""Pongs to older pings say nothing any more."""


class KeepAlive:
    """Ids of pings count on their own. A missing pong is nobody's fault: some clients send none."""

    __slots__ = ("_deadlines", "_out", "_ping_ms", "_sent", "_sent_at")

    def __init__(self, out: Outgoing, deadlines: Deadlines) -> None:
        self._out = out
        self._deadlines = deadlines
        self._sent = 0
        self._sent_at: dict[int, float] = {}
        self._ping_ms: int | None = None

    def ping(self, now: float) -> None:
        """Send one, and ask to be woken for the next."""
        wait = FIRST_PING_SECONDS[self._sent] if self._sent < len(FIRST_PING_SECONDS) else PING_SECONDS
        self._sent += 1
        self._sent_at[self._sent] = now
        self._sent_at.pop(self._sent - REMEMBERED_PINGS, None)
        self._out.send(Ping(event_id=self._sent, ping_ms=self._ping_ms))
        self._deadlines.set("ping", now + wait)

    def pong(self, event: Pong, now: float) -> None:
        sent_at = self._sent_at.pop(event.event_id, None)
        if sent_at is not None:
            self._ping_ms = round(1000 * (now - sent_at))
