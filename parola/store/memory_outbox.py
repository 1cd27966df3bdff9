"""The outbox of webhooks in memory."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from parola.store.memory_pages import page as _page
from parola.store.outbox import DeliveryQuery, DeliveryRow
from parola.store.pages import Page


class MemoryOutbox:
    def __init__(self, is_there: Callable[[str], bool]) -> None:
        """``is_there`` says whether a conversation exists."""
        self._rows: dict[str, DeliveryRow] = {}
        self._bodies: dict[str, bytes] = {}
        self._claims: dict[str, float] = {}
        self._is_there = is_there
        self.news = asyncio.Event()

    async def put(self, deliveries: Sequence[DeliveryRow], body: bytes | None = None) -> None:
        self.put_all(deliveries, body)

    def put_all(self, deliveries: Sequence[DeliveryRow], body: bytes | None = None) -> None:
        for row in deliveries:
            if row.conversation_id is not None and not self._is_there(row.conversation_id):
                continue
            self._rows[row.delivery_id] = row
            self._claims.pop(row.delivery_id, None)
            if body is not None:
                self._bodies[row.delivery_id] = body
        self.news.set()

    async def update(self, delivery: DeliveryRow) -> bool:
        is_there = delivery.delivery_id in self._rows
        if is_there:
            self.put_all([delivery])
        return is_there

    async def keep_body(self, delivery_id: str, body: bytes) -> bool:
        is_there = delivery_id in self._rows
        if is_there:
            self._bodies[delivery_id] = body
        return is_there

    async def body(self, delivery_id: str) -> bytes | None:
        return self._bodies.get(delivery_id)

    async def get(self, delivery_id: str) -> DeliveryRow | None:
        return self._rows.get(delivery_id)

    async def of(self, conversation_id: str) -> Sequence[DeliveryRow]:
        rows = [row for row in self._rows.values() if row.conversation_id == conversation_id]
        return sorted(rows, key=lambda row: (row.created_at, row.delivery_id))

    async def page(self, query: DeliveryQuery, *, page_size: int, cursor: str | None = None) -> Page[DeliveryRow]:
        return _page(
            (
                row
                for row in self._rows.values()
                if query.conversation_id in (None, row.conversation_id)
                and query.endpoint in (None, row.endpoint)
                and (not query.statuses or row.status in query.statuses)
                and (not query.types or row.type in query.types)
            ),
            lambda row: (row.created_at, row.delivery_id),
            ascending=query.ascending,
            page_size=page_size,
            cursor=cursor,
        )

    async def due_endpoints(self, now: float) -> Mapping[str, int]:
        return Counter(row.endpoint for row in self._rows.values() if self._is_due(row, now))

    async def claim(self, endpoint: str, now: float, until: float, most: int) -> Sequence[DeliveryRow]:
        due = [row for row in self._rows.values() if row.endpoint == endpoint and self._is_due(row, now)]
        due.sort(key=lambda row: (row.due_at or 0.0, row.created_at, row.delivery_id))
        self._claims |= {row.delivery_id: until for row in due[:most]}
        return due[:most]

    async def next_due(self, now: float) -> float | None:
        waiting = (row for row in self._rows.values() if row.status == "waiting" and row.due_at is not None)
        times = (max(row.due_at or 0.0, self._claims.get(row.delivery_id, 0.0)) for row in waiting)
        return min((time for time in times if time > now), default=None)

    async def bring_forward(self, endpoint: str, now: float) -> None:
        for row in list(self._rows.values()):
            if row.endpoint == endpoint and row.status == "waiting" and row.due_at is not None and row.due_at > now:
                self._rows[row.delivery_id] = replace(row, due_at=now)
        self.news.set()

    async def release(self) -> None:
        self._claims.clear()
        self.news.set()

    async def counts(self) -> Mapping[str, int]:
        return Counter(row.status for row in self._rows.values())

    async def oldest_waiting(self) -> float | None:
        return min((row.created_at for row in self._rows.values() if row.status == "waiting"), default=None)

    def forget(self, conversation_id: str) -> None:
        """With the conversation."""
        for delivery_id in [row.delivery_id for row in self._rows.values() if row.conversation_id == conversation_id]:
            del self._rows[delivery_id]
            self._bodies.pop(delivery_id, None)
            self._claims.pop(delivery_id, None)

    def _is_due(self, row: DeliveryRow, now: float) -> bool:
        is_free = self._claims.get(row.delivery_id, now) <= now
        return row.status == "waiting" and row.due_at is not None and row.due_at <= now and is_free
