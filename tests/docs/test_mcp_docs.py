"""The server in the document is called as the document says, and its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

from parola.conversation import mcp_calls, mcp_tools
from parola.session import mcp as session
from parola.tools import mcp, mcp_http
from tests.wire.frames import RawClient
from tests.wire.mcp_server import McpProcess, register
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


class Library(McpProcess):
    """The server of the document, on a port that is free."""

    def __init__(self, file: Path) -> None:
        super().__init__("http")
        self._file = file
        file.write_text(blocks("python")[0].replace("port=9100", f"port={self.port}"), encoding="utf-8")

    def spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_the_example_is_called_once_it_is_approved(tmp_path: Path) -> None:
    config = json.loads(re.findall(r"-d '(\{.*?\})'", DOCUMENT, re.DOTALL)[0])["config"]
    shown, approving = (json.loads(block) for block in blocks("json"))
    rule = {"when": "Emma", "call": {"tool": "find_book", "arguments": {"title": "Emma"}}, "then": "{{result}}"}
    with Library(tmp_path / "library.py") as library, ServerProcess("--ephemeral") as server:
        server_id = register(server, config, reach=False, url=config["url"].replace("9100", str(library.port)))
        document = agent(rule, config={"conversation": {"text_only": True}})
        document["conversation_config"]["agent"]["prompt"]["mcp_server_ids"] = [server_id]
        agent_id = server.create_agent(document)

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
