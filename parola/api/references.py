"""Which agents and tools refer to something, found by its id wherever it stands in their documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, TypeVar

from parola.protocol.mcp_servers import KIND as MCP_SERVER
from parola.store.base import AgentRow, DocumentRow, Store, ToolRow
from parola.store.pages import Document

_AT_A_TIME = 100

R = TypeVar("R", AgentRow, ToolRow, DocumentRow)

Users = Mapping[str, Sequence[R]]
"""By id, what mentions it."""


async def agents_with(store: Store, referred_id: str) -> AsyncIterator[AgentRow]:
    """Agents whose document mentions the id."""
    async for agent in _agents(store):
        if mentions(agent.document, referred_id):
            yield agent


async def agents_by(store: Store, referred_ids: Collection[str]) -> Users[AgentRow]:
    """The same for several ids, in one pass."""
    return await _sorted(_agents(store), referred_ids)


async def tools_by(store: Store, referred_ids: Collection[str]) -> Users[ToolRow]:
    """Tools whose document mentions the ids."""
    return await _sorted(_tools(store), referred_ids)


async def mcp_servers_by(store: Store, referred_ids: Collection[str]) -> Users[DocumentRow]:
    """MCP servers whose config mentions the ids."""
    return await _sorted(_mcp_servers(store), referred_ids)


def mentions(document: Document, referred_id: str) -> bool:
    """Whether the id is a value anywhere in the document."""
    return bool(_mentioned(document, frozenset((referred_id,))))


def _mentioned(document: Document, ids: frozenset[str]) -> set[str]:
    """Those of the ids that are a value anywhere in the document."""
    found: set[str] = set()
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if value in ids:
                found.add(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found


async def _sorted(rows: AsyncIterator[R], referred_ids: Collection[str]) -> Users[R]:
    ids = frozenset(referred_ids)
    users: dict[str, list[R]] = {one: [] for one in ids}
    if ids:
        async for row in rows:
            for one in _mentioned(row.document, ids):
                users[one].append(row)
    return users


async def _agents(store: Store) -> AsyncIterator[AgentRow]:
    cursor: str | None = None
    while True:
        page = await store.agents.page(page_size=_AT_A_TIME, cursor=cursor)
        for agent in page.items:
            yield agent
        cursor = page.next_cursor
        if cursor is None:
            return


async def _tools(store: Store) -> AsyncIterator[ToolRow]:
    cursor: str | None = None
    while True:
        page = await store.tools.page(page_size=_AT_A_TIME, cursor=cursor)
        for tool in page.items:
            yield tool
        cursor = page.next_cursor
        if cursor is None:
            return


async def _mcp_servers(store: Store) -> AsyncIterator[DocumentRow]:
    cursor: str | None = None
    while True:
        page = await store.documents.page(MCP_SERVER, page_size=_AT_A_TIME, cursor=cursor)
        for server in page.items:
            yield server
        cursor = page.next_cursor
        if cursor is None:
            return


def dependent(row: AgentRow | ToolRow | DocumentRow) -> Document:
    """How the hosted platform names what depends on something."""
    match row:
        case AgentRow():
            row_id = row.agent_id
        case ToolRow():
            row_id = row.tool_id
        case DocumentRow():
            row_id = row.document_id
    return {
        "type": "available",
        "id": row_id,
        "name": row.name,
        "created_at_unix_secs": int(row.created_at),
        "access_level": "admin",
        "referenced_resource_ids": [],
    }
