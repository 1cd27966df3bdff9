"""Rows of one table, by id: what agents, tools, secrets and keys have in common in an SQL database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, delete, insert, select, update

from parola.store.readers import Readers
from parola.store.sql_conversations import SealedChange
from parola.store.writer import Writer


class Resource:
    """One table with a key of one column."""

    table: Table

    def __init__(self, readers: Readers, writer: Writer[SealedChange]) -> None:
        self._readers = readers
        self._writer = writer
        self._key = next(iter(self.table.primary_key))

    async def _put(self, values: Mapping[str, Any]) -> None:
        def work(connection: Connection) -> None:
            self._replace(connection, values)

        await self._writer.run(work)

    def _replace(self, connection: Connection, values: Mapping[str, Any]) -> None:
        is_it = self._key == values[self._key.name]
        replaced = connection.execute(update(self.table).where(is_it).values(values))
        if not replaced.rowcount:
            connection.execute(insert(self.table).values(values))

    async def _one(self, row_id: str) -> RowMapping | None:
        rows = await self._readers.rows(select(self.table).where(self._key == row_id))
        return rows[0] if rows else None

    async def _delete(self, row_id: str) -> bool:
        def work(connection: Connection) -> bool:
            return connection.execute(delete(self.table).where(self._key == row_id)).rowcount > 0

        return await self._writer.run(work)

    def _matching(self, search: str | None) -> Select[Any]:
        statement = select(self.table)
        if search:
            statement = statement.where(self.table.c.name_key.contains(search.casefold(), autoescape=True))
        return statement

    def _sorted_by(self, sort_by: str) -> Any:
        return self.table.c.name_key if sort_by == "name" else self.table.c.created_at
