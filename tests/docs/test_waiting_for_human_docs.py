"""What docs/waiting-for-human.md shows works as it says, and its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from parola.api.streaming import HEARTBEAT_SECONDS
from parola.conversation.waiting_for_human import Outcome
from parola.protocol.tools import TransferToHumanParams
from parola.session.human_waits import LAST_LINES
from tests.docs.snippets import block
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "waiting-for-human.md").read_text(encoding="utf-8")
TEXT = {"conversation_config_override": {"conversation": {"text_only": True}}}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral") as server:
        yield server


def documented_agent() -> dict[str, Any]:
    arguments = {"reason": "wants a refund", "message_to_user": "One moment."}
    made = agent({"when": "person", "call": {"tool": "x_transfer_to_human", "arguments": arguments}})
    made["conversation_config"]["agent"]["prompt"]["built_in_tools"] = json.loads(block("waiting-for-human.md", "json"))
    return made


async def started(server: ServerProcess, *command: str, conversation_id: str = "") -> asyncio.subprocess.Process:
    variables = {"PAROLA": server.url, "ID": conversation_id, "NO_PROXY": "*", "PYTHONUNBUFFERED": "1"}
    environment = {**os.environ, **variables}
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)


async def ended(process: asyncio.subprocess.Process) -> str:
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return printed.decode()


def test_the_desk_of_the_document_rings_and_takes_the_caller(server: ServerProcess, tmp_path: Path) -> None:
    file = tmp_path / "desk.py"
    file.write_text(block("waiting-for-human.md", "python"), encoding="utf-8")

    async def story() -> None:
        desk = await started(server, sys.executable, str(file))
        async with RawClient(server.socket_of(server.create_agent(documented_agent()))) as caller:
            begun = await caller.begin(**TEXT)
            await caller.say("I want a person")
            assert (await caller.next("agent_response"))["agent_response"] == "One moment."
            assert (await caller.next("agent_response"))["agent_response"] == "Ann here. How can I help?"
            assert "Ring! wants a refund" in await ended(desk)
        record = server.ended_record(str(begun["conversation_id"]))
        (wait,) = record["metadata"]["x_waiting_for_human"]
        told = DOCUMENT.partition("`metadata.x_waiting_for_human` of the record")[2].partition("`parola why`")[0]
        assert set(wait) == set(re.findall(r"`(\w+)`", told)) and wait["operator"] == "Ann"

    asyncio.run(story())


def test_the_curls_of_the_document_ask_for_a_person_and_list_who_waits(server: ServerProcess) -> None:
    async def story() -> None:
        async with RawClient(server.socket_of(server.create_agent(agent()))) as caller:
            begun = await caller.begin(**TEXT)
            conversation_id = str(begun["conversation_id"])
            curls = await started(
                server, "bash", "-c", block("waiting-for-human.md", "bash"), conversation_id=conversation_id
            )
            accepted, _, listed = (await ended(curls)).partition("}")
            assert '"accepted":true' in accepted
            (waiting,) = json.loads(listed)["waiting"]
            assert (await caller.next("agent_response"))["agent_response"] == "I am calling a colleague."
        assert waiting["reason"] == "third complaint this week"
        told = DOCUMENT.partition("Each on the list has")[2].partition("The list is that")[0]
        assert set(waiting) == set(re.findall(r"`(\w+)`", told)) - {"agent"}

    asyncio.run(story())


def test_the_figures_are_those_of_the_code() -> None:
    defaults = TransferToHumanParams()
    assert json.loads(block("waiting-for-human.md", "json"))["x_transfer_to_human"]["params"] | {
        "waiting_message": ""
    } == {
        "system_tool_type": "x_transfer_to_human",
        **defaults.model_dump(),
    }
    assert f"the last {LAST_LINES} messages" in DOCUMENT and f"every {HEARTBEAT_SECONDS:g} s" in DOCUMENT
    rows = re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert set(get_args(Outcome)) | set(TransferToHumanParams.model_fields) <= set(rows)
