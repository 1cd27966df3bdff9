"""The server in the document is called as the document says, and its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from parola.conversation import mcp_calls, mcp_tools
from parola.session import mcp as session
from parola.tools import mcp, mcp_http
from tests.docs.snippets import block, blocks, curl
from tests.wire.frames import RawClient
from tests.wire.mcp_server import McpProcess
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")


class Library(McpProcess):
    """The server of the document, on a port that is free."""

    def __init__(self, file: Path) -> None:
        super().__init__("http")
        self._file = file
        file.write_text(block("mcp.md", "python").replace("port=9100", f"port={self.port}"), encoding="utf-8")

    def spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_the_example_is_called_once_it_is_approved(tmp_path: Path) -> None:
    shown, approving = map(json.loads, blocks("mcp.md", "json", 2))
    rule = {"when": "Emma", "call": {"tool": "find_book", "arguments": {"title": "Emma"}}, "then": "{{result}}"}
    with Library(tmp_path / "library.py") as library, ServerProcess("--ephemeral") as server:
        agent_id = server.create_agent(agent(rule, config={"conversation": {"text_only": True}}))
        start_and_tell, assign = blocks("mcp.md", "sh", 2)
        start, tell = start_and_tell.split("\n", 1)
        assert start == "python library.py &"
        ports = {"8400": str(server.port), "9100": str(library.port)}
        (told,) = curl(tell, **ports)
        curl(assign, AGENT_ID=agent_id, MCP_SERVER_ID=told["id"], **ports)

        async def talk() -> str:
            async with RawClient(server.socket_of(agent_id)) as caller:
                await caller.begin()
                # The first connection may take longer than a conversation waits.
                await caller.next("mcp_connection_status")
                await caller.say("Where is Emma?")
                call = await caller.next("mcp_tool_call", lambda call: call["state"] == "awaiting_approval")
                assert call.keys() == shown["mcp_tool_call"].keys()
                await caller.send({**approving, "tool_call_id": call["tool_call_id"]})
                return (await caller.next("agent_response"))["agent_response"]

        assert asyncio.run(talk()) == "Emma stands on shelf 7"


def test_the_figures_are_those_of_the_code() -> None:
    assert (mcp_calls.APPROVAL_SECONDS, mcp_tools.DEFAULT_SECONDS, mcp_tools.MOST_TOOLS) == (300, 30, 128)
    assert (session.FIRST_SECONDS, mcp.CONNECT_SECONDS, mcp.RETRY_SECONDS, mcp.IDLE_SECONDS) == (1, 15, 5, 300)
    assert (mcp.MOST_TOOLS, mcp_http.MOST_BYTES) == (1000, 4 * 1024 * 1024)
    assert mcp_tools.name_for("open/close the.door", "Library", ()) == "open_close_the_door"
