"""Reading from the database: rows and pages, in a few threads with a connection each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Double, Integer, RowMapping, Select, and_, or_
from sqlalchemy.exc import SQLAlchemyError

from parola.errors import StoreError
from parola.store import cursors
from parola.store.database import Database
from parola.store.outage import Outage
from parola.store.pages import Page

T = TypeVar("T")


class Readers:
    """Owns the engine and its reading threads."""

    def __init__(self, database: Database, outage: Outage, threads: int) -> None:
        self._engine = database.reading
        self._outage = outage
        self._threads = ThreadPoolExecutor(threads, "store-reader")

    async def rows(self, statement: Select[Any]) -> Sequence[RowMapping]:
        """All rows of a query. Raises ``StoreError``."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, statement)

    async def page(
        self,
        statement: Select[Any],
        *,
        sort: ColumnElement[Any],
        key: ColumnElement[str],
        ascending: bool,
        page_size: int,
        cursor: str | None,
        make: Callable[[RowMapping], T],
    ) -> Page[T]:
        """The rows after ``cursor`` in the order of ``sort``, then ``key``: by keyset, so that there is no offset to
        shift when something is inserted. Raises ``InvalidRequest`` for the cursor."""
        if cursor is not None:
            value, last = cursors.read(cursor, float if isinstance(sort.type, Double | Integer) else str)
            beyond = sort.__gt__ if ascending else sort.__lt__
            beyond_key = key.__gt__ if ascending else key.__lt__
            # The plain bound says nothing new; SQLite finds the place in an index by it, and not by the other.
            bound = sort >= value if ascending else sort <= value
            statement = statement.where(bound, or_(beyond(value), and_(sort == value, beyond_key(last))))
        order = (sort.asc(), key.asc()) if ascending else (sort.desc(), key.desc())
        rows = await self.rows(statement.order_by(*order).limit(page_size + 1))
        shown = rows[:page_size]
        more = len(rows) > page_size
        return Page(
            [make(row) for row in shown],
            cursors.write((shown[-1][sort.name], shown[-1][key.name])) if more else None,
        )

    async def aclose(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    def _read(self, statement: Select[Any]) -> Sequence[RowMapping]:
        while True:
            try:
                with self._engine.connect() as connection:
                    rows = connection.execute(statement).mappings().all()
                self._outage.over()
                return rows
            except SQLAlchemyError as error:
                if not self._outage.wait(error):
                    raise StoreError(f"The database refused a read: {error}") from error
