"""The one thread that writes to the database. Changes of conversations that wait together share a commit.

One writer means no lock is ever waited for inside the process, and a hundred calls that each add a turn at the same
moment cost five statements. Each caller returns when its own change is committed; a change that fails fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from parola.errors import StoreError
from parola.metrics import WRITE_SECONDS, Histogram
from parola.store.database import Database
from parola.store.outage import Away, Outage, reason

T = TypeVar("T")
C = TypeVar("C")

MOST_CHANGES = 500
"""In one commit: statements stay below every database's limit of parameters."""

Work = Callable[[Connection], Any]
ApplyAll = Callable[[Connection, Sequence[C]], Sequence[Exception | None]]
"""Applies changes in order and says of each what was wrong with it, if anything."""


@dataclass(frozen=True, slots=True)
class _Asked(Generic[C]):
    """What one caller waits for: a change to share a commit, or work for a transaction of its own."""

    future: asyncio.Future[Any]
    work: Work | None = None
    change: C | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    result: Any = None
    error: Exception | None = None


class Writer(Generic[C]):
    """Owns one connection and its thread. ``change`` and ``run`` return after the commit."""

    def __init__(
        self, database: Database, outage: Outage, apply_all: ApplyAll[C], times: Histogram | None = None
    ) -> None:
        """``times`` is told how long each batch took, commits included."""
        self._times = times or Histogram(WRITE_SECONDS)
        self._database = database
        self._outage = outage
        self._apply_all = apply_all
        self._thread = ThreadPoolExecutor(1, "store-writer")
        self._connection: Connection | None = None
        self._queue: deque[_Asked[C]] = deque()
        self._has_work = asyncio.Event()
        self._is_closing = False
        self._task = asyncio.create_task(self._serve(), name="store-writer")

    async def change(self, change: C) -> None:
        """Apply one change, in a commit shared with others."""
        await self._ask(_Asked(asyncio.get_running_loop().create_future(), change=change))

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction of its own."""
        result: T = await self._ask(_Asked(asyncio.get_running_loop().create_future(), work=work))
        return result

    async def aclose(self) -> None:
        """Finish what was asked for, then stop."""
        self._is_closing = True
        self._has_work.set()
        await self._task
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _ask(self, asked: _Asked[C]) -> Any:
        if self._is_closing:
            raise StoreError("The store is closed.")
        self._queue.append(asked)
        self._has_work.set()
        return await asked.future

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue or not self._is_closing:
            if not self._queue:
                self._has_work.clear()
                await self._has_work.wait()
                continue
            batch = list(self._queue)
            self._queue.clear()
            began_at = loop.time()
            outcomes = await loop.run_in_executor(self._thread, self._perform, batch)
            self._times.observe(loop.time() - began_at)
            for asked, outcome in zip(batch, outcomes, strict=True):
                if asked.future.done():  # its caller was cancelled; the change is made all the same
                    continue
                if outcome.error is not None:
                    asked.future.set_exception(outcome.error)
                else:
                    asked.future.set_result(outcome.result)

    # -- in the thread ------------------------------------------------------------------------------------------------

    def _perform(self, batch: Sequence[_Asked[C]]) -> Sequence[_Outcome]:
        outcomes: list[_Outcome] = []
        changes: list[C] = []
        for asked in batch:
            if asked.change is not None:
                changes.append(asked.change)
                if len(changes) < MOST_CHANGES:
                    continue
            outcomes += self._commit(changes)
            changes = []
            if asked.work is not None:
                outcomes.append(self._run(asked.work))
        return outcomes + self._commit(changes)

    def _run(self, work: Work) -> _Outcome:
        """Until it is committed or refused: a transaction that was cut off is made anew."""
        while True:
            try:
                with self._connected().begin():
                    result = work(self._connected())
                self._outage.over()
                return _Outcome(result)
            except SQLAlchemyError as error:
                try:
                    if self._outage.wait(error):
                        self._let_go()
                        continue
                except Away as away:
                    return _Outcome(error=away)
                if self._connection is None:
                    return _Outcome(error=Away(f"The database refused the connection: {reason(error)}"))
                return _Outcome(error=StoreError(f"The database refused a write: {error}"))
            except Exception as error:
                return _Outcome(error=error)

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = self._database.engine.connect()
            try:
                self._database.when_writing(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _let_go(self) -> None:
        """Of a connection that leads nowhere any more: nobody shall get it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if not connection.invalidated:
                connection.invalidate()
            connection.close()

    def _commit(self, changes: Sequence[C]) -> list[_Outcome]:
        if not changes:
            return []
        together = self._run(lambda connection: self._apply_all(connection, changes))
        if together.error is None:
            return [_Outcome(error=problem) for problem in together.result]
        if len(changes) == 1 or isinstance(together.error, Away):
            return [together] * len(changes)
        return [outcome for change in changes for outcome in self._commit([change])]
