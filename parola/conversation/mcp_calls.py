"""Calls of MCP servers' tools: what the client sees of them, and who has to agree before they run.

Each call goes ``loading`` → (``awaiting_approval`` →) ``success`` or ``failure`` (reference: websocket.md §4). While
one waits for approval nothing else waits: it is a call without a result, as any other that takes long. An approval is
asked for once, and its first answer counts: the JavaScript client sends one for each call, ever. Once it is given, the
time that the tool itself has begins.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parola.conversation import public_words
from parola.conversation.events import McpServerTried
from parola.conversation.mcp_tools import tools_of
from parola.conversation.outgoing import Outgoing
from parola.conversation.setup import Setup
from parola.conversation.tool_mocks import config_in, mocked, unknown_in
from parola.conversation.tools import Mocking, Tool, ToolCall, as_text
from parola.conversation.variables import Variables
from parola.errors import ConversationRefused
from parola.protocol.client_messages import McpToolApprovalResult, ToolMockConfig
from parola.protocol.server_messages import McpConnectionStatus, McpIntegration, McpToolCall

APPROVAL_SECONDS = 300
"""So long a call waits for somebody to agree to it."""

SHOWN_CHARACTERS = 64 * 1024
"""The client is shown so much of a result."""

NOT_APPROVED = "The user did not approve this call: it was not made."

NOBODY_APPROVED = f"Nobody approved this call within {APPROVAL_SECONDS} s: it was not made."


class McpCalls:
    """The calls of one conversation that its MCP servers run."""

    __slots__ = ("_agreed", "_asked", "_begun", "_out", "_variables")

    def __init__(self, out: Outgoing, variables: Variables) -> None:
        self._out = out
        self._variables = variables
        self._begun: set[str] = set()
        """Calls that the client has been told of and that have no result yet, by id."""
        self._asked: set[str] = set()
        """Those that await approval."""
        self._agreed: set[str] = set()
        """Those that have it."""

    def obstacle(self, call: ToolCall, tool: Tool, now: float) -> str | None:
        """What keeps the call from running now; None: nothing. Empty: it awaits approval, until ``timeout_at``. A
        text: nobody can approve it, and that is its result."""
        if call.call_id in self._agreed:
            return None
        config = tool.config
        call.details = {
            "type": "mcp",
            "mcp_server_id": config.get("mcp_server_id", ""),
            "mcp_server_name": config.get("mcp_server_name", ""),
            "integration_type": "mcp_server",
            "parameters": {name: as_text(value) for name, value in call.arguments.items()},
            "approval_policy": config.get("approval_policy", ""),
            "requires_approval": bool(config.get("requires_approval")),
            "mcp_tool_name": config.get("mcp_tool_name", ""),
            "mcp_tool_description": tool.definition.description,
        }
        self._begun.add(call.call_id)
        self._tell(call, now, "loading")
        if not config.get("requires_approval"):
            return None
        if not self._out.is_asked_for(McpToolCall.event_type):
            self._out.warn(
                f'The tool "{tool.name}" needs approval, and nobody is asked: the agent\'s client_events leave out '
                "mcp_tool_call."
            )
            return "Calls of this tool have to be approved, and here nobody can be asked: it was not made."
        self._asked.add(call.call_id)
        call.timeout_at = now + APPROVAL_SECONDS
        self._tell(call, now, "awaiting_approval", approval_timeout_secs=APPROVAL_SECONDS)
        return ""

    def awaits_approval(self, call: ToolCall) -> bool:
        return call.call_id in self._asked

    def decided(self, answer: McpToolApprovalResult) -> bool:
        """Somebody has agreed, or refused; False when nobody was asked, or the answer came before."""
        if answer.tool_call_id not in self._asked:
            return False
        self._asked.discard(answer.tool_call_id)
        if answer.is_approved:
            self._agreed.add(answer.tool_call_id)
        return True

    def finished(self, call: ToolCall, now: float) -> None:
        """It has its result."""
        if call.call_id not in self._begun:
            return
        for ids in (self._begun, self._asked, self._agreed):
            ids.discard(call.call_id)
        if call.is_error:
            told = public_words.of_tool(call.error_type) if call.failed_on_way else call.raw_error or call.result or ""
            self._tell(call, now, "failure", error_message=told)
        else:
            self._tell(call, now, "success", result=_blocks(call))

    def _tell(self, call: ToolCall, now: float, state: Any, **fields: Any) -> None:
        assert call.tool is not None
        config = call.tool.config
        message = McpToolCall(
            service_id=str(config.get("mcp_server_id", "")),
            tool_call_id=call.call_id,
            tool_name=str(config.get("mcp_tool_name") or call.name),
            tool_description=call.tool.definition.description or None,
            parameters=dict(call.arguments),
            timestamp=self._variables.lookup(now)("system__time_utc") or "",
            state=state,
            **fields,
        )
        self._out.send(message)


class McpServers:
    """The agent's MCP servers: as they are reached, their tools are added, from the model's next step on."""

    __slots__ = ("_latest", "_others", "_out", "_servers", "_settled", "_told", "_warned")

    def __init__(self, setup: Setup, out: Outgoing) -> None:
        self._out = out
        self._servers = setup.mcp_servers
        self._others = setup.tools
        """The agent's other tools."""
        self._latest: dict[str, McpServerTried] = {}
        self._settled: set[str] = set()
        """Servers that have been tried, by id."""
        self._told: tuple[McpIntegration, ...] = ()
        self._warned: set[str] = set()

    def tried(self, event: McpServerTried, setup: Setup) -> Setup:
        """What is known of a server now; the setup with the tools that are there. The client is told when all have
        been tried, and at every change after that."""
        if event.is_settled or event.is_connected:
            self._settled.add(event.server_id)
        self._latest[event.server_id] = event
        if event.problem:
            name = next((one.name for one in self._servers if one.server_id == event.server_id), event.server_id)
            self._warn(f"MCP server {name}: {event.problem}")
        return self._with_tools(setup)

    def taken_over(self, setup: Setup) -> Setup:
        """Another agent has the conversation, with servers of its own: its setup, with their tools."""
        self._servers, self._others = setup.mcp_servers, setup.tools
        return self._with_tools(setup)

    def _with_tools(self, setup: Setup) -> Setup:
        if not self._servers:
            return setup
        reached = [
            (server, self._latest[server.server_id]) for server in self._servers if server.server_id in self._latest
        ]
        tools, warnings = tools_of(((server, event.tools) for server, event in reached), self._others)
        for warning in warnings:
            self._warn(warning)
        mocks = config_in(setup.client_data)
        tools = {name: self._mocked(tool, mocks) for name, tool in tools.items()}
        if all(server.server_id in self._settled for server in self._servers):
            names = (*self._others, *tools, *(tool.name for tool in setup.workflow_tools.values()))
            for warning in unknown_in(mocks, names):
                self._warn(warning)
            status = tuple(_integration(event) for _, event in reached)
            if status != self._told:
                self._told = status
                self._out.send(McpConnectionStatus(integrations=status))
        return replace(setup, tools={**self._others, **tools})

    def _mocked(self, tool: Tool, config: ToolMockConfig | None) -> Tool:
        """It is too late to refuse the conversation: a tool whose mocks cannot be read has none that fits."""
        try:
            return mocked(tool, config)
        except ConversationRefused as error:
            self._warn(error.message)
            return replace(tool, mocking=Mocking(()))

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            self._out.warn(message)


def _integration(event: McpServerTried) -> McpIntegration:
    count = len(event.tools) if event.is_connected else 0
    return McpIntegration(integration_id=event.server_id, is_connected=event.is_connected, tool_count=count)


def _blocks(call: ToolCall) -> list[dict[str, Any]]:
    """The result as content blocks, as much of it as a message may carry."""
    blocks: list[dict[str, Any]] = []
    left = SHOWN_CHARACTERS
    for block in call.content or ({"type": "text", "text": call.result or ""},):
        text = block.get("text")
        if isinstance(text, str):
            blocks.append({**block, "text": text[:left]})
            left -= len(text)
        elif (size := len(as_text(block))) <= left:
            blocks.append(dict(block))
            left -= size
        else:
            shown = f"[{block.get('type')}, {size} characters: too long to be shown]"
            blocks.append({"type": "text", "text": shown})
            left -= len(shown)
        if left <= 0:
            break
    return blocks
