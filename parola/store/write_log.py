"""SQLite's log of writes, emptied after something was deleted.

Deleted rows are overwritten (``secure_delete``), but the log still holds them as they were until it is copied into the
database and emptied. That needs a moment in which nobody reads what was there before: another program that reads the
database, a backup for example, can keep it up for as long as it likes. Whoever deletes does not wait for that: it is
tried again in the background until it is done.
"""

from __future__ import annotations

import asyncio
from itertools import chain, repeat

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from parola.logs import logger
from parola.store.outage import reason
from parola.store.sqlite import BUSY_MILLISECONDS

TRY_MILLISECONDS = 500
"""How long one try waits for readers. Nothing is written meanwhile, so it is short."""

PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between tries; the last one goes on for as long as it takes."""

log = logger(__name__)


class WriteLog:
    """One database's. Others than SQLite have nothing to empty."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.emptying: asyncio.Task[None] | None = None
        """The background task that tries again; done when the log has been emptied."""
        self._is_closed = False

    async def empty(self) -> None:
        """Have what was deleted overwritten: now, or if somebody reads the database, in the background as soon as they
        have finished."""
        if self._engine.dialect.name != "sqlite" or await self._try():
            return
        if not self._is_closed and (self.emptying is None or self.emptying.done()):
            log.warning("deleted_rows_not_overwritten", hint="something reads the database; it is tried again")
            self.emptying = asyncio.create_task(self._try_again(), name="write-log")

    async def aclose(self) -> None:
        """What is not emptied yet is when the database is opened next."""
        self._is_closed = True
        if self.emptying is not None:
            self.emptying.cancel()
            await asyncio.gather(self.emptying, return_exceptions=True)

    async def _try_again(self) -> None:
        for tries, pause in enumerate(chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])), 2):
            await asyncio.sleep(pause)
            if await self._try():
                log.info("deleted_rows_overwritten", tries=tries)
                return

    async def _try(self) -> bool:
        try:
            return await asyncio.to_thread(self._checkpoint)
        except SQLAlchemyError as error:
            log.error("deleted_rows_not_overwritten", error=reason(error))
            return False

    def _checkpoint(self) -> bool:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {TRY_MILLISECONDS}")
            try:
                is_busy, _, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            return not is_busy
