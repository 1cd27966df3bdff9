"""Work that takes a core for seconds: few pieces at a time, the rest wait, and what is asked for twice is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from parola.errors import TooMany

T = TypeVar("T")

ASK_AGAIN_SECONDS = 5.0
"""What those are told who found too many waiting."""


class InTurn:
    """One kind of work; one for the process."""

    def __init__(self, at_a_time: int, most_waiting: int) -> None:
        """``most_waiting``: pieces of work that are asked for while others are done; of more, the rest is refused."""
        self._places = asyncio.Semaphore(at_a_time)
        self._most = at_a_time + most_waiting
        self._asked: dict[Hashable, asyncio.Task[Any]] = {}

    def __contains__(self, what: Hashable) -> bool:
        """Whether it is being done, or waits to be."""
        return what in self._asked

    async def do(self, what: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, or wait for somebody who asked for the same: what is begun is brought to its end, whoever leaves.
        Raises what the work raises, and ``TooMany``."""
        task = self._asked.get(what)
        if task is None:
            if len(self._asked) >= self._most:
                message = f"The server has {self._most} of these requests to do; expected fewer at a time."
                raise TooMany(message, code="system_busy", retry_after_seconds=ASK_AGAIN_SECONDS)
            task = self._asked[what] = asyncio.ensure_future(self._in_turn(work))
            task.add_done_callback(lambda done: self._done(what, done))
        return await asyncio.shield(task)

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._places:
            return await work()

    def _done(self, what: Hashable, task: asyncio.Task[Any]) -> None:
        del self._asked[what]
        if not task.cancelled():
            task.exception()  # those who asked are told; if all have left, nobody needs to be
