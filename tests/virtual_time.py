"""An event loop whose clock jumps: nothing sleeps, a minute of call takes milliseconds, and every run is the same.

When nothing is ready to run, the clock moves to the next timer instead of waiting for it. What really waits (a
thread, a socket) is still waited for, without moving the clock::

    assert run(conversation_of_a_minute()) == ...
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

MOST_SECONDS = 60.0
"""Of real time, for what comes from elsewhere."""


class _JumpingSelector(selectors.DefaultSelector):
    """Says when the loop would have slept, and does not sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.jumped = 0.0
        self.busy = 0
        """Things that happen outside the loop; while there are any, time stands still."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self.busy:
            ready = super().select(MOST_SECONDS if timeout is None else timeout)
            if timeout is None and not ready:
                raise TimeoutError(f"Everybody waits, and nothing has happened for {MOST_SECONDS:.0f} s.")
            return ready
        ready = super().select(0)
        if not ready and timeout > 0:
            self.jumped += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Begins at 0 and moves only by jumps."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.jumped

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._jumping.busy += 1
        future.add_done_callback(self._came_back)
        return future

    def _came_back(self, _: asyncio.Future[Any]) -> None:
        self._jumping.busy -= 1


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run to the end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story)
