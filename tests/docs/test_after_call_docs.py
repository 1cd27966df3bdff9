"""What after-the-call.md shows is what happens: the agent in it is called, and its record is read in every way."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parola.analysis import after_call, analysing
from parola.webhooks import opentelemetry
from tests.docs.snippets import block, blocks, curl
from tests.terminal.test_cli import parola
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent

DOCUMENT = (Path(__file__).parents[2] / "docs" / "after-the-call.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    arguments = ("--data", str(tmp_path_factory.mktemp("docs")))
    with ServerProcess(*arguments, environment={"PAROLA_ANALYSIS": "auto"}) as server:
        yield server


def why(server: ServerProcess, conversation_id: str, *flags: str) -> list[str]:
    told = parola("why", conversation_id, *flags, "--url", server.url)
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


async def _ask(server: ServerProcess, agent_id: str) -> str:
    async with RawClient(server.socket_of(agent_id)) as caller:
        begun = await caller.begin(user_id="user-7", dynamic_variables={"shop": "north"})
        assert await caller.answer("A table for four, please") == "It is booked."
        return str(begun["conversation_id"])


@pytest.fixture(scope="module")
def record(server: ServerProcess) -> dict[str, Any]:
    conversation_id = asyncio.run(_ask(server, server.create_agent(json.loads(block("after-the-call.md", "json")))))
    return server.ended_record(conversation_id)


def test_the_agent_of_the_document_is_analysed_as_it_says(record: dict[str, Any]) -> None:
    analysis = record["analysis"]
    assert analysis["call_successful"] == "success" and analysis["call_success_score"] == 0.85
    polite = analysis["evaluation_criteria_results"]["polite"]
    assert (polite["result"], polite["score"], polite["max_score"]) == ("success", 7, 10)
    values = {name: result["value"] for name, result in analysis["data_collection_results"].items()}
    assert values == {"guests": 4, "meal": "dinner", "shop": "north"}
    assert analysis["call_summary_title"] == "A table for four"


def test_the_command_of_the_document_reads_a_conversation_once_more(
    server: ServerProcess, record: dict[str, Any]
) -> None:
    again, _ = blocks("after-the-call.md", "bash", 2)
    (answer,) = curl(again, **{"8400": str(server.port), "CONVERSATION": record["conversation_id"]})
    assert answer["analysis"]["call_summary_title"] == record["analysis"]["call_summary_title"]


def test_why_says_what_the_document_shows(server: ServerProcess, record: dict[str, Any]) -> None:
    def without_times(line: str) -> str:
        line = re.sub(r"less than a second|\d+:\d\d min", "…", line)
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+:\d\d|[\d.]+ s\b|“[^”]*” *\)", "…", line)

    _, *told = why(server, record["conversation_id"])
    shown = [without_times(line) for line in block("after-the-call.md", "text").splitlines()]
    assert [line for line in map(without_times, told) if not line.startswith("The slowest")] == shown
    timeline = why(server, record["conversation_id"], "--timeline")
    assert [line.split()[1] for line in timeline[-4:]] == ["began", "user", "agent", "close"]
    asked = json.loads("\n".join(why(server, record["conversation_id"], "--json")))
    assert asked["close"]["by"] == "client" and asked["story"] == told


def test_a_refused_a_running_and_a_killed_conversation_are_explained_too(server: ServerProcess) -> None:
    private = agent(first_message="Hello {{name}}.", config={"conversation": {"text_only": True}})
    agent_id, open_id = server.create_agent(private), server.create_agent(agent(first_message="Hello."))

    async def refused() -> None:
        async with RawClient(server.socket_of(agent_id)) as caller:
            await caller.send({"type": "conversation_initiation_client_data"})
            assert (await caller.closed())[0] == 1008

    asyncio.run(refused())
    listed = server.http.get("/v1/convai/conversations", params={"agent_id": agent_id}).json()["conversations"]
    lines = why(server, listed[0]["conversation_id"])
    assert lines[0].endswith("failed")
    (end,) = [line for line in lines if line.startswith("It was refused before it began: ")]
    assert "name" in end and "close 1008" in end

    async def running() -> str:
        async with RawClient(server.socket_of(open_id)) as caller:
            begun = await caller.begin(conversation_config_override={"conversation": {"text_only": True}})
            await caller.answer("Hi")
            told = await asyncio.to_thread(why, server, begun["conversation_id"])
            assert told[0].endswith("in-progress") and told[-1] == "It still runs."
            await asyncio.to_thread(server.kill)
            return str(begun["conversation_id"])

    killed = asyncio.run(running())
    server.start()
    assert any(line.startswith("The server was killed or crashed while it ran") for line in why(server, killed))
    unknown = parola("why", "conv_nobody", "--url", server.url)
    assert unknown.returncode == 1 and "conv_nobody" in unknown.stderr


def test_a_collector_gets_the_spans_of_the_document(server: ServerProcess, record: dict[str, Any]) -> None:
    _, asked = blocks("after-the-call.md", "bash", 2)
    (answer,) = curl(asked, **{"8400": str(server.port), "CONVERSATION": record["conversation_id"]})
    traces = answer["otlp_traces"]
    names = {span["name"] for span in traces["resourceSpans"][0]["scopeSpans"][0]["spans"]}
    assert names == {
        "elevenlabs.conversation",
        "elevenlabs.recv.user_transcript",
        "elevenlabs.recv.agent_response",
    } and all(name in DOCUMENT for name in names)


def test_the_figures_are_those_of_the_code() -> None:
    assert after_call.AT_A_TIME == 2 and "two are read at a time" in DOCUMENT
    assert after_call.LONGEST_WAIT_SECONDS == 300 and "at most five minutes" in DOCUMENT
    assert analysing.ANALYSIS_SECONDS == 180 and "at most 180 s" in DOCUMENT
    assert f"{opentelemetry.MOST_BYTES} bytes" in DOCUMENT
