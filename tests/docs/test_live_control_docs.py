"""What docs/live-control.md shows works as it says, and its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from parola.api.attach_socket import ROLES
from parola.api.commanding import MONITOR_COMMANDS
from parola.api.cutting import UNREAD_SECONDS
from parola.api.streaming import HEARTBEAT_SECONDS
from parola.conversation.happening import Happening
from parola.conversation.live_control import MOST_WAITING
from parola.conversation.takeover import GRACE_SECONDS, LONGEST_SECONDS
from parola.protocol.live import LastMessage
from parola.session.commands import BURST, MOST_A_SECOND
from parola.session.event_log import MOST_BYTES, MOST_EVENTS
from parola.session.operators import MOST_LINES
from tests.docs.snippets import block, blocks
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "live-control.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as server:
        yield server


@asynccontextmanager
async def call(server: ServerProcess) -> AsyncIterator[tuple[RawClient, str]]:
    async with RawClient(server.socket_of(server.create_agent(agent()))) as caller:
        begun = await caller.begin(conversation_config_override={"conversation": {"text_only": True}})
        yield caller, str(begun["conversation_id"])


async def run(server: ServerProcess, conversation_id: str, *command: str) -> str:
    """What a command prints, with the document's variables set."""
    variables = {"PAROLA": server.url, "PAROLA_WS": server.url.replace("http", "ws"), "ID": conversation_id}
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **variables, "NO_PROXY": "*"}, stdout=subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return printed.decode()


def test_the_curls_of_the_document_answer_as_it_says(server: ServerProcess) -> None:
    async def story() -> None:
        message, events, _ = blocks("live-control.md", "bash", 3)
        async with call(server) as (_, conversation_id):
            answer = json.loads(await run(server, conversation_id, "bash", "-c", message))
            shown = json.loads(blocks("live-control.md", "json", 4)[0])
            assert {**answer, "seq": 0} == {**shown, "seq": 0} and answer["event_id"] == 1
        server.ended_record(conversation_id)
        printed = await run(server, conversation_id, "bash", "-c", events)
        assert '"seq":1' in printed and "id: 3" in printed and "event: x_conversation_ended" in printed

    asyncio.run(story())


def test_the_conversation_is_taken_away_from_its_holder_as_the_document_shows(server: ServerProcess) -> None:
    async def story() -> None:
        *_, force = blocks("live-control.md", "bash", 3)
        async with call(server) as (caller, conversation_id):
            path = f"/v1/x/conversations/{conversation_id}/takeover"
            assert server.http.post(path, json={"operator": "Ann"}).status_code == 202
            refused = json.loads(await run(server, conversation_id, "bash", "-c", force.replace("true", "false")))
            assert refused["detail"]["status"] == "taken_over"
            assert json.loads(await run(server, conversation_id, "bash", "-c", force))["accepted"] is True
            await caller.next("external_agent_disconnected")

    asyncio.run(story())


def test_the_program_of_the_document_takes_over_and_gives_back(server: ServerProcess, tmp_path: Path) -> None:
    file = tmp_path / "desk.py"
    file.write_text(block("live-control.md", "python"), encoding="utf-8")

    async def story() -> None:
        async with call(server) as (caller, conversation_id):
            printed = await run(server, conversation_id, sys.executable, str(file))
            assert "2 conversation_initiation_metadata" in printed
            assert printed.splitlines()[-3:] == [
                *("enable_human_takeover ok", "send_human_message ok", "disable_human_takeover ok")
            ]
            assert (await caller.next("agent_response"))["agent_response"] == "Ann here. How can I help?"

    asyncio.run(story())


def test_the_figures_are_those_of_the_code() -> None:
    for figure in (
        f"at most {MOST_WAITING} wait",
        f"more than {BURST} commands at once, or {MOST_A_SECOND:g} a second; {MOST_WAITING} messages wait",
        f"newest {MOST_EVENTS} events",
        f"{MOST_BYTES // 1_000_000} MB of them",
        f"every {HEARTBEAT_SECONDS:g} s",
    ):
        assert figure in DOCUMENT, figure
    assert f"whose last socket is gone, may come back for {GRACE_SECONDS:g} s" in " ".join(DOCUMENT.split())
    assert f"takes nothing for\n{UNREAD_SECONDS:g} s is cut off" in DOCUMENT
    assert "more\n  than two hours" in DOCUMENT and LONGEST_SECONDS == 2 * 3600
    rows = re.findall(r"^\| (`.*?) \|", DOCUMENT, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(MONITOR_COMMANDS) <= told and set(ROLES) <= told


def test_the_list_of_the_document_is_what_the_server_shows(server: ServerProcess) -> None:
    (shown,) = json.loads(blocks("live-control.md", "json", 4)[3])["conversations"]
    assert {f"`{one}`" for one in Happening} - {"`ended`"} <= set(re.findall(r"`\w+`", DOCUMENT))

    async def story() -> None:
        async with call(server) as (_, conversation_id):
            listed = server.http.get("/v1/x/conversations/live").json()["conversations"]
            (found,) = [one for one in listed if one["conversation_id"] == conversation_id]
            assert set(found) == set(shown) and set(shown["last_message"]) == set(LastMessage.model_fields)

    asyncio.run(story())
    assert "five people at once" in DOCUMENT and MOST_LINES == 5
