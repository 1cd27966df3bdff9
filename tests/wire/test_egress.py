"""With ``egress = "none"`` a server connects to nothing but its own machine, with everything configured that could.

A witness sits in the server's process from its first line on (``sys.addaudithook``, by a ``sitecustomize`` of its own)
and writes down every connection, datagram and look-up that leads elsewhere, whoever makes it, before anything of the
server could refuse it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

WITNESS = """
import os, sys

_file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
_here = ("127.", "::1", "localhost", "0.0.0.0")


def _see(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or "localhost"
    else:
        return
    if not str(host).startswith(_here) or str(host) != "localhost" and str(host).endswith("localhost"):
        os.write(_file, f"{event} {host}\\n".encode())


sys.addaudithook(_see)
os.write(_file, b"awake\\n")
"""

CONFIG = """
outbound_private = "allow"
outbound_allow = ["crm.example.com", "10.0.0.0/8", "*.example.com"]

[llm.default]
provider = "scripted"
[stt.default]
provider = "scripted"
[tts.default]
provider = "scripted"
[llm.far]
base_url = "http://10.1.2.3/v1"
model = "m"
[llm.named]
base_url = "http://llm.example.com/v1"
model = "m"
[stt.far]
base_url = "http://10.1.2.3/v1"
[tts.far]
base_url = "http://10.1.2.3/v1"
[embedding.default]
base_url = "http://10.1.2.3/v1"
model = "m"
"""


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("egress") / "witness.txt"


@pytest.fixture(scope="module")
def server(witnessed: Path) -> Iterator[ServerProcess]:
    folder = witnessed.parent
    (folder / "sitecustomize.py").write_text(WITNESS)
    (folder / "far.toml").write_text(CONFIG)
    environment = {
        "WITNESS": str(witnessed),
        "PYTHONPATH": str(folder),
        "PAROLA_EGRESS": "none",
        "HTTP_PROXY": "http://10.9.9.9:3128",
        "HTTPS_PROXY": "http://proxy.example.com:3128",
    }
    with ServerProcess("--ephemeral", "--config", str(folder / "far.toml"), environment=environment) as server:
        yield server


def far_agent(llm: str = "scripted", **prompt: Any) -> dict[str, Any]:
    """An agent that asks everybody there is to ask, before, during and after the call."""
    tool = {
        "type": "webhook",
        "name": "crm",
        "description": "x",
        "api_schema": {"url": "http://crm.example.com/x", "method": "GET"},
    }
    document = agent(
        {"when": "*", "call": {"tool": "crm", "arguments": {}}, "then": "ok", "otherwise": "It failed: {{result}}"},
        tools=[tool],
        platform={
            "analysis_llm": "far",
            "evaluation": {"criteria": [{"id": "c", "name": "c", "conversation_goal_prompt": "polite?"}]},
            "overrides": {"enable_conversation_initiation_client_data_from_webhook": True},
        },
    )
    document["conversation_config"]["agent"]["prompt"] |= {"llm": llm, **prompt}
    return document


def configure(server: ServerProcess) -> dict[str, Any]:
    """Whatever of a workspace names an address; and what the API says when it is told at once."""
    post = server.http.post
    hook = {"settings": {"auth_type": "hmac", "name": "hook", "webhook_url": "http://10.1.2.3/hook"}}
    webhook = post("/v1/workspace/webhooks", json=hook)
    mcp = {"url": "http://mcp.example.com/mcp", "name": "far", "transport": "STREAMABLE_HTTP"}
    answers = {
        "webhook": webhook,
        "mcp": post("/v1/convai/mcp-servers", json={"config": mcp}),
        "url": post("/v1/convai/knowledge-base/url", json={"url": "http://docs.example.com/a"}),
        "localhost": post("/v1/convai/knowledge-base/url", json={"url": "http://exfil-canary.localhost/a"}),
    }
    settings: dict[str, Any] = {
        "conversation_initiation_client_data_webhook": {"url": "http://10.1.2.3/pre", "request_headers": {}}
    }
    if webhook.status_code == 200:
        settings["webhooks"] = {"post_call_webhook_id": webhook.json()["webhook_id"], "events": ["transcript"]}
    server.http.patch("/v1/convai/settings", json=settings)
    return answers


async def held(server: ServerProcess, document: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Say something; what was answered, or why the conversation failed, and its record."""
    async with RawClient(server.socket_of(server.create_agent(document)), checked=False) as client:
        begun = await client.begin(conversation_config_override={"conversation": {"text_only": True}})
        await client.say("Go")
        ended = asyncio.ensure_future(client.closed(timeout=20))
        answered = asyncio.ensure_future(client.next("agent_response", timeout=20))
        await asyncio.wait((ended, answered), return_when=asyncio.FIRST_COMPLETED)
        said = answered.result()["agent_response"] if answered.done() and not answered.exception() else ""
        ended.cancel()
        answered.cancel()
    return said, await asyncio.to_thread(server.ended_record, str(begun["conversation_id"]), 30.0)


async def test_nothing_leaves_whatever_is_configured(server: ServerProcess, witnessed: Path) -> None:
    answers = configure(server)
    for refused in (answers["url"], answers["localhost"]):
        assert 400 <= refused.status_code < 500 and "egress" in refused.text
    mcp = answers["mcp"].json().get("id")
    text = server.http.post("/v1/convai/knowledge-base/text", json={"text": "soup " * 300, "name": "menu"}).json()
    knowledge = [{"type": "text", "id": text["id"], "name": "menu", "usage_mode": "auto"}]
    more: dict[str, Any] = {"knowledge_base": knowledge, "rag": {"enabled": True}}
    if mcp:
        more["mcp_server_ids"] = [mcp]

    said, record = await held(server, far_agent(**more))
    assert "It failed" in said
    (result,) = (one for turn in record["transcript"] for one in turn["tool_results"])
    assert result["is_error"] and "egress" in result["raw_error_message"] + result["result_value"]
    for llm in ("far", "named"):
        _, record = await held(server, far_agent(llm))
        assert "egress" in str(record["metadata"]["error"]), record["metadata"]
    custom = {"url": "http://10.1.2.3/v1", "model_id": "m"}
    _, record = await held(server, far_agent("custom-llm", custom_llm=custom))
    assert "egress" in str(record["metadata"]["error"])
    assert server.process is not None and server.process.poll() is None
    assert witnessed.read_text() == "awake\n"


def test_what_no_guard_has_looked_at_is_refused_at_the_socket(tmp_path: Path) -> None:
    code = """
import socket
from parola.outbound.egress import bar_all_but_this_machine

bar_all_but_this_machine()
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname()).close()
socket.create_connection(("localhost", listener.getsockname()[1])).close()
here, there = socket.socketpair()
here.sendall(b"x")
for reach in (
    lambda: socket.create_connection(("192.0.2.1", 80), 1),
    lambda: socket.create_connection(("example.com", 80), 1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    lambda: socket.getaddrinfo("example.com", 80),
    lambda: socket.getaddrinfo("exfil-canary.localhost", 80),
    lambda: socket.getaddrinfo("localhost.localdomain", 80),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
):
    try:
        reach()
    except PermissionError as error:
        assert "egress" in str(error)
    else:
        raise AssertionError("it was let through")
print("all refused")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "all refused\n", done.stderr
