"""Where everything that happens to one conversation waits for the loop that decides."""

from __future__ import annotations

import asyncio
from collections import deque

from parola.conversation.events import Event


class Inbox:
    """Filled from anywhere on the event loop, emptied by one loop."""

    __slots__ = ("_events", "_loop", "_waiter")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self) -> Event | None:
        """The oldest event, None when there is none."""
        return self._events.popleft() if self._events else None

    async def wait(self, until: float | None) -> None:
        """Return when there is an event, or at ``until`` (the loop's clock)."""
        if self._events:
            return
        waiter = self._waiter = self._loop.create_future()
        timer = None if until is None else self._loop.call_at(until, _wake, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
