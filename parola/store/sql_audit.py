"""The audit log in an SQL database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from parola.protocol.lossless import dumps, loads
from parola.store.audit import AuditQuery, AuditRow
from parola.store.pages import Page
from parola.store.readers import Readers
from parola.store.tables import audit_log as table
from parola.store.writer import Writer


class SqlAuditLog:
    def __init__(self, readers: Readers, writer: Writer[Any]) -> None:
        self._readers = readers
        self._writer = writer

    async def append(self, row: AuditRow) -> None:
        values = {column.name: getattr(row, column.name) for column in table.c} | {"document": dumps(row.document)}

        def work(connection: Connection) -> None:
            connection.execute(insert(table).values(values))

        await self._writer.run(work)

    async def page(self, query: AuditQuery, *, page_size: int, cursor: str | None = None) -> Page[AuditRow]:
        statement = select(table)
        for name in ("action", "resource", "key_id", "result"):
            if (wanted := getattr(query, name)) is not None:
                statement = statement.where(table.c[name] == wanted)
        if query.after is not None:
            statement = statement.where(table.c.at > query.after)
        if query.before is not None:
            statement = statement.where(table.c.at < query.before)
        return await self._readers.page(
            statement,
            sort=table.c.at,
            key=table.c.entry_id,
            ascending=False,
            page_size=page_size,
            cursor=cursor,
            make=_row,
        )

    async def forget(self, before: float) -> int:
        def work(connection: Connection) -> int:
            return connection.execute(delete(table).where(table.c.at < before)).rowcount

        return await self._writer.run(work)


def _row(row: RowMapping) -> AuditRow:
    return AuditRow(**{**row, "document": loads(row["document"])})
