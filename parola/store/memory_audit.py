"""The audit log in memory."""

from __future__ import annotations

from parola.store.audit import AuditQuery, AuditRow
from parola.store.memory_pages import page
from parola.store.pages import Page


class MemoryAuditLog:
    def __init__(self) -> None:
        self._rows: list[AuditRow] = []

    async def append(self, row: AuditRow) -> None:
        self._rows.append(row)

    async def page(self, query: AuditQuery, *, page_size: int, cursor: str | None = None) -> Page[AuditRow]:
        return page(
            (row for row in self._rows if _matches(row, query)),
            lambda row: (row.at, row.entry_id),
            ascending=False,
            page_size=page_size,
            cursor=cursor,
        )

    async def forget(self, before: float) -> int:
        kept = [row for row in self._rows if row.at >= before]
        gone, self._rows = len(self._rows) - len(kept), kept
        return gone


def _matches(row: AuditRow, query: AuditQuery) -> bool:
    return (
        query.action in (None, row.action)
        and query.resource in (None, row.resource)
        and query.key_id in (None, row.key_id)
        and query.result in (None, row.result)
        and (query.after is None or row.at > query.after)
        and (query.before is None or row.at < query.before)
    )
