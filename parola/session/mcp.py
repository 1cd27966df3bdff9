"""The MCP servers of one conversation: reached while it runs, their tools told as they come, their calls made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from parola.conversation.actions import RunTool
from parola.conversation.events import Event, McpServerTried, ToolFinished
from parola.conversation.mcp_tools import McpServer, arguments_for
from parola.conversation.setup import Setup
from parola.errors import ParolaError
from parola.outbound.locators import Locators
from parola.protocol.mcp_servers import KIND
from parola.session.tool_calls import Asked
from parola.store.base import Store
from parola.tools.context import ToolContext
from parola.tools.mcp import Answer, Connection, Listing, McpFailed, target_of
from parola.tracing.context import headers as trace_headers

FIRST_SECONDS = 1.0
"""So long a conversation waits for servers that were never reached before. It does not wait for others."""


async def with_mcp_servers(setup: Setup, store: Store) -> Setup:
    """The setup with what the configs of its MCP servers say about their tools; those that do not exist are left
    out, with a warning."""
    if not setup.mcp_servers:
        return setup
    servers: list[McpServer] = []
    warnings = list(setup.warnings)
    for server in setup.mcp_servers:
        row = await store.documents.get(KIND, server.server_id)
        if row is None:
            warnings.append(f"There is no MCP server {server.server_id}; the agent runs without its tools.")
        else:
            servers.append(McpServer.of(server.server_id, row.document.get("config") or {}))
    return replace(setup, mcp_servers=tuple(servers), warnings=tuple(warnings))


class ConversationMcp:
    """Follows the servers of one conversation, and runs their tools."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._locators: Locators | None = None
        self._configs: dict[str, Mapping[str, Any]] = {}
        self._connections: dict[str, Connection] = {}
        self._problems: dict[str, str] = {}
        self._fresh = asyncio.Event()

    async def reach(self, setup: Setup) -> None:
        """Have its servers connected, beside those of agents it had before. Waits only for those that were never
        reached by this process, and not for long."""
        if not setup.mcp_servers:
            return
        locators = self._locators = self._context.locators(setup.environment)
        identity = {"system__agent_id": setup.agent_id, "system__conversation_id": setup.conversation_id}
        unknown: list[Connection] = []
        for server in setup.mcp_servers:
            server_id = server.server_id
            row = await self._context.store.documents.get(KIND, server_id)
            if row is None or server_id in self._connections:
                continue
            config = self._configs[server_id] = row.document.get("config") or {}
            try:
                variables = {**setup.variables, **identity}
                target = await target_of(server_id, config, locators, variables, self._context.auth)
            except ParolaError as error:
                self._problems[server_id] = f"cannot be asked: {error.message}"
                continue
            connection = self._connections[server_id] = self._context.mcp.connection(target)
            await connection.recall()
            connection.refresh()
            if not connection.was_seen and not connection.listing.is_tried:
                unknown.append(connection)
        if unknown:
            waiting = [asyncio.ensure_future(connection.listed()) for connection in unknown]
            _, late = await asyncio.wait(waiting, timeout=FIRST_SECONDS)
            for task in late:
                task.cancel()
        self._fresh.set()

    async def follow(self, tell: Callable[[Event], None]) -> None:
        """Tell what the servers offer, now and whenever it changes. Runs as long as the conversation."""
        followed: set[str] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                self._fresh.clear()
                for server_id in self._configs.keys() - followed:
                    followed.add(server_id)
                    connection = self._connections.get(server_id)
                    if connection is None:
                        tell(McpServerTried(server_id, is_connected=False, problem=self._problems[server_id]))
                        continue
                    known = connection.listing
                    if known.is_tried or known.tools:
                        tell(_event(server_id, known, connection))
                    group.create_task(_follow(server_id, connection, known, tell))
                await self._fresh.wait()

    async def run(self, call: RunTool, asked: Asked) -> ToolFinished:
        config = call.tool.config
        server_id = str(config.get("mcp_server_id"))
        connection = self._connections.get(server_id)
        if connection is None:
            problem = f"The server {self._problems.get(server_id) or 'is not one of this agent.'}"
            return ToolFinished(call.call_id, problem, is_error=True, error_type="external_server", is_called=False)
        try:
            meta = await self._meta(server_id, call.variables)
            arguments = arguments_for(call.tool, call.arguments, call.variables)
            answer = await connection.call(str(config.get("mcp_tool_name")), arguments, meta)
        except ParolaError as error:
            was_called = isinstance(error, McpFailed) and error.was_called
            return ToolFinished(
                call.call_id,
                error.message,
                is_error=True,
                error_type="external_server",
                is_called=was_called,
                raw_error=error.message,
            )
        return finished(call.call_id, answer)

    async def _meta(self, server_id: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """``request_meta``: literals keep their type, the rest is looked up for each call."""
        wanted = self._configs[server_id].get("request_meta") or {}
        assert self._locators is not None
        meta = {
            str(key): await self._locators.value(value, variables) if isinstance(value, str | Mapping) else value
            for key, value in wanted.items()
        }
        return trace_headers() | meta  # MCP has it there, by the header's name


async def _follow(server_id: str, connection: Connection, known: Listing, tell: Callable[[Event], None]) -> None:
    with connection.held():
        while True:
            known = await connection.after(known)
            tell(_event(server_id, known, connection))


def _event(server_id: str, known: Listing, connection: Connection) -> McpServerTried:
    is_settled = known.is_tried and not (connection.is_opening and not known.is_connected)
    problem = known.problem if is_settled else ""
    return McpServerTried(server_id, known.is_connected, known.tools, problem, is_settled)


def finished(call_id: str, answer: Answer) -> ToolFinished:
    """A server's answer: text for the model, JSON for ``assignments``, blocks for the client."""
    text = "\n".join(filter(None, map(_as_text, answer.content)))
    if not text and answer.structured is not None:
        text = orjson.dumps(answer.structured, default=str).decode()
    response = answer.structured
    if response is None:
        try:
            response = orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    if answer.is_error:
        message = text or "The tool failed and did not say why."
        return ToolFinished(
            call_id, message, is_error=True, error_type="external_server", raw_error=message, content=answer.content
        )
    return ToolFinished(call_id, text, response=response, content=answer.content)


def _as_text(block: Mapping[str, Any]) -> str:
    """A content block as a model without eyes and ears reads it."""
    match block.get("type"):
        case "text":
            return str(block.get("text") or "")
        case "resource":
            resource = block.get("resource") or {}
            return str(resource.get("text") or f"[resource {resource.get('uri')}]")
        case "resource_link":
            return f"[{block.get('name') or 'resource'}: {block.get('uri')}]"
        case kind:
            return f"[{kind}, {block.get('mimeType') or 'of no known type'}: cannot be read as text]"
