"""The audit log: who did what, when, from where, to which thing, and how it ended. Rows are added and, when they are
old, removed; nothing changes one. No row holds what people said, nor any secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from parola.store.pages import Document, Page


@dataclass(frozen=True, slots=True)
class AuditRow:
    entry_id: str
    at: float
    """Unix seconds."""
    action: str
    """The operation's name in the description of the API, or ``secret_used``, ``monitor`` …"""
    resource: str
    """The id of what it was done to; empty when it has none."""
    key_id: str | None
    """The API key that asked; None: somebody without one, or the server itself."""
    result: str
    """``done``, ``refused`` (4xx) or ``failed`` (5xx)."""
    document: Document = field(default_factory=dict)
    """``key_name``, ``member_id``, ``address``, ``method``, ``path``, ``status``, ``conversation_id`` … where known."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is None does not matter."""

    action: str | None = None
    resource: str | None = None
    key_id: str | None = None
    result: str | None = None
    after: float | None = None
    before: float | None = None


class AuditLog(Protocol):
    async def append(self, row: AuditRow) -> None:
        """Returns once it would survive the process being killed."""

    async def page(self, query: AuditQuery, *, page_size: int, cursor: str | None = None) -> Page[AuditRow]:
        """Newest first."""

    async def forget(self, before: float) -> int:
        """Remove what is older; how many there were."""
