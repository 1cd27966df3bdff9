"""The outbox of webhooks in an SQL database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, func, insert, or_, select, update

from parola.protocol.lossless import dumps, loads
from parola.store.outbox import DeliveryQuery, DeliveryRow
from parola.store.pages import Page
from parola.store.readers import Readers
from parola.store.tables import conversations
from parola.store.tables import webhook_deliveries as table
from parola.store.writer import Writer

_COLUMNS = tuple(table.c[field.name] for field in fields(DeliveryRow))
"""All but the body, which may be large, and the claim, which is nobody's to see."""


class SqlOutbox:
    def __init__(self, readers: Readers, writer: Writer[Any]) -> None:
        self._readers = readers
        self._writer = writer
        self.news = asyncio.Event()

    async def put(self, deliveries: Sequence[DeliveryRow], body: bytes | None = None) -> None:
        def work(connection: Connection) -> None:
            gone = missing(connection, deliveries)
            put_all(connection, [row for row in deliveries if row.conversation_id not in gone], body)

        await self._writer.run(work)
        self.news.set()

    async def update(self, delivery: DeliveryRow) -> bool:
        statement = update(table).where(table.c.delivery_id == delivery.delivery_id).values(_values(delivery))
        is_there: bool = await self._writer.run(lambda connection: connection.execute(statement).rowcount > 0)
        self.news.set()
        return is_there

    async def keep_body(self, delivery_id: str, body: bytes) -> bool:
        statement = update(table).where(table.c.delivery_id == delivery_id).values(body=body)
        is_there: bool = await self._writer.run(lambda connection: connection.execute(statement).rowcount > 0)
        return is_there

    async def body(self, delivery_id: str) -> bytes | None:
        rows = await self._readers.rows(select(table.c.body).where(table.c.delivery_id == delivery_id))
        return rows[0]["body"] if rows else None

    async def get(self, delivery_id: str) -> DeliveryRow | None:
        rows = await self._readers.rows(select(*_COLUMNS).where(table.c.delivery_id == delivery_id))
        return _row(rows[0]) if rows else None

    async def of(self, conversation_id: str) -> Sequence[DeliveryRow]:
        found = select(*_COLUMNS).where(table.c.conversation_id == conversation_id)
        rows = await self._readers.rows(found.order_by(table.c.created_at, table.c.delivery_id))
        return [_row(row) for row in rows]

    async def page(self, query: DeliveryQuery, *, page_size: int, cursor: str | None = None) -> Page[DeliveryRow]:
        statement = select(*_COLUMNS)
        if query.conversation_id is not None:
            statement = statement.where(table.c.conversation_id == query.conversation_id)
        if query.endpoint is not None:
            statement = statement.where(table.c.endpoint == query.endpoint)
        if query.statuses:
            statement = statement.where(table.c.status.in_(query.statuses))
        if query.types:
            statement = statement.where(table.c.type.in_(query.types))
        return await self._readers.page(
            statement,
            sort=table.c.created_at,
            key=table.c.delivery_id,
            ascending=query.ascending,
            page_size=page_size,
            cursor=cursor,
            make=_row,
        )

    async def due_endpoints(self, now: float) -> Mapping[str, int]:
        found = select(table.c.endpoint, func.count().label("due")).where(_due(now)).group_by(table.c.endpoint)
        return {row["endpoint"]: row["due"] for row in await self._readers.rows(found)}

    async def claim(self, endpoint: str, now: float, until: float, most: int) -> Sequence[DeliveryRow]:
        wanted = select(*_COLUMNS).where(table.c.endpoint == endpoint, _due(now))
        wanted = wanted.order_by(table.c.due_at, table.c.created_at, table.c.delivery_id).limit(most)

        def work(connection: Connection) -> list[DeliveryRow]:
            """Each by itself, and only if it is still due: another server may have looked at the same moment."""
            taken = []
            for found in connection.execute(wanted).mappings().all():
                is_it = and_(table.c.delivery_id == found["delivery_id"], _due(now))
                if connection.execute(update(table).where(is_it).values(claimed_until=until)).rowcount:
                    taken.append(_row(found))
            return taken

        return await self._writer.run(work)

    async def next_due(self, now: float) -> float | None:
        claimed = table.c.claimed_until
        when = case((claimed > table.c.due_at, claimed), else_=table.c.due_at)
        waiting = select(func.min(when).label("next")).where(table.c.status == "waiting", when > now)
        next_due: float | None = (await self._readers.rows(waiting))[0]["next"]
        return next_due

    async def bring_forward(self, endpoint: str, now: float) -> None:
        waits = and_(table.c.endpoint == endpoint, table.c.status == "waiting", table.c.due_at > now)
        statement = update(table).where(waits).values(due_at=now)
        await self._writer.run(lambda connection: connection.execute(statement))
        self.news.set()

    async def release(self) -> None:
        statement = update(table).where(table.c.claimed_until.is_not(None)).values(claimed_until=None)
        await self._writer.run(lambda connection: connection.execute(statement))
        self.news.set()

    async def counts(self) -> Mapping[str, int]:
        found = select(table.c.status, func.count().label("count")).group_by(table.c.status)
        return {row["status"]: row["count"] for row in await self._readers.rows(found)}

    async def oldest_waiting(self) -> float | None:
        found = select(func.min(table.c.created_at).label("oldest")).where(table.c.status == "waiting")
        oldest: float | None = (await self._readers.rows(found))[0]["oldest"]
        return oldest


def put_all(connection: Connection, deliveries: Sequence[DeliveryRow], body: bytes | None = None) -> None:
    """Create or replace, inside a transaction of whoever calls."""
    for row in deliveries:
        values = _values(row)
        if body is not None:
            values["body"] = body
        replaced = connection.execute(update(table).where(table.c.delivery_id == row.delivery_id).values(values))
        if not replaced.rowcount:
            connection.execute(insert(table).values(values))


def _values(row: DeliveryRow) -> dict[str, Any]:
    """Its columns, claimed by nobody."""
    return {field.name: getattr(row, field.name) for field in fields(DeliveryRow)} | {
        "options": dumps(dict(row.options)),
        "attempts": dumps([dict(attempt) for attempt in row.attempts]),
        "claimed_until": None,
    }


def missing(connection: Connection, deliveries: Sequence[DeliveryRow]) -> set[str]:
    """Conversations of these deliveries that are gone."""
    wanted = {row.conversation_id for row in deliveries if row.conversation_id is not None}
    known = select(conversations.c.conversation_id).where(conversations.c.conversation_id.in_(wanted))
    return wanted - set(connection.execute(known).scalars())


def _due(now: float) -> Any:
    is_free = or_(table.c.claimed_until.is_(None), table.c.claimed_until <= now)
    return and_(table.c.status == "waiting", table.c.due_at <= now, is_free)


def _row(row: RowMapping) -> DeliveryRow:
    return DeliveryRow(**{**row, "options": loads(row["options"]), "attempts": tuple(loads(row["attempts"]))})
