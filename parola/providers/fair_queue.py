"""Work of many conversations for one model, done in a few threads: nobody waits behind all of somebody else's.

Conversations take turns, one piece of work each. A piece that is not urgent lets others go first until it is due: the
second sentence of a reply need not be there before the first has been played, so it does not keep another caller from
hearing a first one. What is given up while it waits is never done.

Everything but the work itself happens on the event loop, so there is nothing to lock.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, TypeVarTuple

from parola.metrics import WORK_SECONDS, Histogram

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")

RECENT_SECONDS = 5.0
"""How long a wait counts for ``lateness``."""


def default_threads() -> int:
    """Half of the cores this process may use: there are two queues, for listening and for speaking."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    caller: Hashable
    work: Callable[[], Any]
    result: asyncio.Future[Any]
    asked_at: float
    due_at: float


class FairQueue:
    """Made once for a model, used on one event loop at a time."""

    def __init__(self, name: str, threads: int | None = None) -> None:
        """``threads`` is how many pieces of work may be done at the same time, each on one core."""
        self.name = name
        self.threads = threads or default_threads()
        self.running = 0
        self.waited = Histogram(WORK_SECONDS)
        """From asking to beginning, for all that has begun."""
        self.ran = Histogram(WORK_SECONDS)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix=name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[Hashable, deque[_Job]] = {}
        """By caller; who was served longest ago stands first."""
        self._late: deque[tuple[float, float]] = deque(maxlen=100)
        """When work began, and how late it was."""

    @property
    def depth(self) -> int:
        """How many pieces of work wait."""
        return sum(map(len, self._waiting.values()))

    def lateness(self, now: float) -> float:
        """By how much work begins late at present, in seconds: on average of late, or what still waits if that is
        more. ``now`` is the loop's time."""
        recent = [late for at, late in self._late if now - at <= RECENT_SECONDS]
        waiting = (now - jobs[0].due_at for jobs in self._waiting.values())
        return max(0.0, sum(recent) / len(recent) if recent else 0.0, *waiting)

    async def run(
        self,
        caller: Hashable,
        work: Callable[[*_Arguments], _Result],
        *arguments: *_Arguments,
        due_in_seconds: float = 0.0,
    ) -> _Result:
        """What ``work`` returns or raises, done in a thread when it is ``caller``'s turn.

        Until ``due_in_seconds`` have gone by, work that is due goes first. Cancelled while it waits, it is never done;
        cancelled while it is being done, its thread is free only when it has finished.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting, self.running = loop, {}, 0
        now = loop.time()
        job = _Job(caller, partial(work, *arguments), loop.create_future(), now, now + due_in_seconds)
        self._waiting.setdefault(caller, deque()).append(job)
        self._begin_next(loop)
        try:
            result: _Result = await job.result
        except asyncio.CancelledError:
            self._forget(job)
            raise
        return result

    def close(self) -> None:
        """What waits is cancelled; what is being done is left to finish in its thread."""
        waiting, self._waiting = self._waiting, {}
        for jobs in waiting.values():
            for job in jobs:
                job.result.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _forget(self, job: _Job) -> None:
        jobs = self._waiting.get(job.caller)
        if jobs is not None and job in jobs:
            jobs.remove(job)
            if not jobs:
                del self._waiting[job.caller]

    def _begin_next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting and self.running < self.threads:
            now = loop.time()
            job = self._take(now)
            try:
                done = loop.run_in_executor(self._pool, job.work)
            except RuntimeError as error:  # it has been closed
                job.result.set_exception(error)
                return
            self.running += 1
            self.waited.observe(now - job.asked_at)
            self._late.append((now, max(0.0, now - job.due_at)))
            done.add_done_callback(partial(self._ended, loop, job, now))

    def _take(self, now: float) -> _Job:
        """The next piece of work: of those who have something due, else of all, who was served longest ago."""
        waiting = self._waiting
        caller = next((one for one, jobs in waiting.items() if jobs[0].due_at <= now), None) or next(iter(waiting))
        jobs = waiting.pop(caller)
        job = jobs.popleft()
        if jobs:
            waiting[caller] = jobs  # behind all the others
        return job

    def _ended(self, loop: asyncio.AbstractEventLoop, job: _Job, began_at: float, done: asyncio.Future[Any]) -> None:
        if loop is not self._loop:
            return
        self.running -= 1
        self.ran.observe(loop.time() - began_at)
        if done.cancelled():
            job.result.cancel()
        elif (error := done.exception()) is not None:
            if not job.result.done():
                job.result.set_exception(error)
        elif not job.result.done():
            job.result.set_result(done.result())
        self._begin_next(loop)
