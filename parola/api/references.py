"""Which agents and tools refer to something, found by its id wherever it stands in their documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from parola.protocol.mcp_servers import KIND as MCP_SERVER
from parola.store.base import AgentRow, DocumentRow, Store, ToolRow
from parola.store.pages import Document

_AT_A_TIME = 100


async def agents_with(store: Store, referred_id: str) -> AsyncIterator[AgentRow]:
    """Agents whose document mentions the id."""
    cursor: str | None = None
    while True:
        page = await store.agents.page(page_size=_AT_A_TIME, cursor=cursor)
        for agent in page.items:
            if mentions(agent.document, referred_id):
                yield agent
        cursor = page.next_cursor
        if cursor is None:
            return


async def tools_with(store: Store, referred_id: str) -> AsyncIterator[ToolRow]:
    """Tools whose document mentions the id."""
    cursor: str | None = None
    while True:
        page = await store.tools.page(page_size=_AT_A_TIME, cursor=cursor)
        for tool in page.items:
            if mentions(tool.document, referred_id):
                yield tool
        cursor = page.next_cursor
        if cursor is None:
            return


async def mcp_servers_with(store: Store, referred_id: str) -> AsyncIterator[DocumentRow]:
    """MCP servers whose config mentions the id."""
    cursor: str | None = None
    while True:
        page = await store.documents.page(MCP_SERVER, page_size=_AT_A_TIME, cursor=cursor)
        for server in page.items:
            if mentions(server.document, referred_id):
                yield server
        cursor = page.next_cursor
        if cursor is None:
            return


def mentions(document: Document, referred_id: str) -> bool:
    """Whether the id is a value anywhere in the document."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if value == referred_id:
            return True
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


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
