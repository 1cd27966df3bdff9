"""What pages show of agents, messages and requests is what one server takes, keeps and acts upon."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from parola.api.commanding import MONITOR_COMMANDS
from parola.conversation.guardrails import guardrails_of
from parola.conversation.tool_rules import Assignment, assignments_of
from parola.protocol.agents import GuardrailsV1
from parola.protocol.conversations import WaveformResponse
from parola.session.audio import AudioFormat
from tests.docs.snippets import block, blocks, curl
from tests.docs.test_snippets import documents
from tests.knowledge.files import pdf
from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool

TEXT = {"conversation": {"text_only": True}}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral", "--log-level", "info", environment={"PAROLA_LOG_FORMAT": "json"}) as server:
        yield server


def changed(server: ServerProcess, change: dict[str, Any]) -> dict[str, Any]:
    """An agent to which this was sent."""
    answer = server.http.patch(f"/v1/convai/agents/{server.create_agent(agent())}", json=change)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def within(document: Any, shown: Any) -> bool:
    """Whether everything that is shown is in the document."""
    if isinstance(shown, dict):
        return isinstance(document, dict) and all(within(document.get(name), part) for name, part in shown.items())
    if isinstance(shown, list):
        return isinstance(document, list) and all(map(within, document, shown)) and len(document) == len(shown)
    return bool(document == shown)


@pytest.mark.parametrize(
    "shown",
    [
        blocks("first-agent.md", "json", 2)[1],
        block("guardrails.md", "json"),
        block("security.md", "json"),
        block("privacy.md", "json"),
    ],
    ids=["first-agent", "guardrails", "security", "privacy"],
)
def test_a_part_of_an_agent_is_kept_as_it_is_shown(server: ServerProcess, shown: str) -> None:
    change = json.loads(shown)
    document = changed(server, change)
    assert within(document, change)
    # What follows from it is checked too: an agent that cannot be called is found here.
    assert server.http.get(f"/v1/x/agents/{document['agent_id']}/lint").json()["errors"] == 0


def test_the_guardrails_are_three_judges_and_a_reminder() -> None:
    shown = json.loads(block("guardrails.md", "json"))["platform_settings"]["guardrails"]
    found = guardrails_of(GuardrailsV1.model_validate(shown))
    assert {one.kind for one in found} == {"prompt_injection", "content", "custom"}


def test_the_script_answers_as_the_rules_say(server: ServerProcess) -> None:
    document = agent(tools=[client_tool("book_table", guests="string")])
    document["conversation_config"]["conversation"] = {"text_only": True}
    prompt = document["conversation_config"]["agent"]["prompt"]
    prompt["x_script"], prompt["llm"] = json.loads(block("models.md", "json")), "x-script"

    async def talk() -> None:
        async with RawClient(server.socket_of(server.create_agent(document))) as caller:
            await caller.begin()
            assert await caller.answer("Are you open on Monday?") == "On Monday we open at nine."
            assert await caller.answer("What is this?") == "I can tell you the opening hours."
            assert await caller.answer("Tell me a joke") == "Two bits walk into a bar."
            assert await caller.answer("Another joke") == "I can tell you the opening hours."
            assert await caller.answer("A table for four") == "One moment."
            call = await caller.next("client_tool_call")
            assert call["parameters"] == {"guests": "four"}
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": '{"number": 7}'}
            await caller.send({**result, "is_error": False})
            assert (await caller.next("agent_response"))["agent_response"] == "Booked, your number is 7."

    asyncio.run(talk())


def test_a_client_brings_tools_and_asks_for_mocks(server: ServerProcess) -> None:
    assignment, mocks, tools = map(json.loads, blocks("tool-calls.md", "json", 3))
    assert assignments_of([assignment]) == (Assignment("city", "users.0.address.city", False, False),)
    booking = {"type": "webhook", "name": "book", "description": "Books", "api_schema": {"url": "https://x.example"}}
    asked = {"tool_config": booking, "response_mocks": [{"parameter_conditions": [], "mock_result": "table 7"}]}
    rules = [{"when": name, "call": {"tool": name}, "then": "{{result}}"} for name in ("beep", "book")]
    document = agent(*rules, config=TEXT, platform={"overrides": {"x_tools": True}})
    prompt = document["conversation_config"]["agent"]["prompt"]
    prompt["tool_ids"] = [server.http.post("/v1/convai/tools", json=asked).json()["id"]]

    async def talk() -> None:
        async with RawClient(server.socket_of(server.create_agent(document))) as caller:
            await caller.begin(**{**mocks, **tools})
            assert await caller.answer("book") == "table 7"
            await caller.say("beep")
            assert (await caller.next("client_tool_call"))["tool_name"] == "beep"

    asyncio.run(talk())


def test_the_variable_of_an_environment_is_made(server: ServerProcess) -> None:
    (made,) = curl(block("personalization.md", "bash"), **{"8400": str(server.port)})
    kept = server.http.get(f"/v1/convai/environment-variables/{made['id']}").json()
    assert (kept["label"], kept["values"]["staging"]) == ("shop_url", "https://test.example")


def test_documents_become_knowledge_of_an_agent(
    server: ServerProcess, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/hours").respond_with_data("<p>Nine to five.</p>", content_type="text/html")
    (tmp_path / "menu.pdf").write_bytes(pdf("Onion soup"))
    monkeypatch.chdir(tmp_path)
    program = block("knowledge-base.md", "python").replace("http://127.0.0.1:8400", server.url).replace("…", "any")
    ran: dict[str, Any] = {}
    exec(program.replace("https://example.com/hours", httpserver.url_for("/hours")), ran)
    newest = server.http.get("/v1/convai/agents", params={"page_size": 1}).json()["agents"][0]["agent_id"]
    prompt = server.http.get(f"/v1/convai/agents/{newest}").json()["conversation_config"]["agent"]["prompt"]
    assert prompt["knowledge_base"][0]["id"] == ran["menu"].id and prompt["rag"]["enabled"] is True
    content = server.http.get(f"/v1/convai/knowledge-base/{ran['hours'].id}/content").text
    assert "Nine to five." in content


def test_the_frames_of_live_control_are_those_of_the_sockets(server: ServerProcess) -> None:
    _, heard, sent, _ = blocks("live-control.md", "json", 4)
    for frame in documents(heard):
        (event,) = (frame[name] for name in frame if name != "type")
        assert f"{frame['type']}_event" in frame and set(event) == {"audio_base_64", "audio_format"}
        assert str(AudioFormat.parse(event["audio_format"]))
    begin, speak, end = documents(sent)
    assert {begin["command_type"], end["command_type"]} <= set(MONITOR_COMMANDS)
    assert speak == {"user_audio_chunk": "AAAA"}


def test_a_waveform_has_the_fields_that_are_shown() -> None:
    shown = json.loads(block("recordings.md", "json"))
    assert set(shown) == set(WaveformResponse.model_fields) and WaveformResponse.model_validate(shown)


def test_a_line_of_the_log_is_as_it_is_shown(server: ServerProcess) -> None:
    async def talk() -> str:
        async with RawClient(server.socket_of(server.create_agent(agent(config=TEXT)))) as caller:
            return str((await caller.begin())["conversation_id"])

    conversation_id = asyncio.run(talk())
    server.ended_record(conversation_id)
    _, shown = blocks("observability.md", "json", 2)
    while not (found := [one for one in server.log.splitlines() if conversation_id in one and "_ended" in one]):
        pass  # the record is there before the line
    (line,) = map(json.loads, found)
    assert line["event"] == "conversation_ended"
    assert set(line) == set(json.loads(shown)) and re.fullmatch(r"\d{4}-.*Z", line["timestamp"])


def test_prometheus_is_sent_to_where_the_metrics_are(server: ServerProcess) -> None:
    import yaml

    scrape, _ = blocks("observability.md", "yaml", 2)
    (job,) = yaml.safe_load(scrape)["scrape_configs"]
    assert set(job) == {"job_name", "authorization", "static_configs"}  # its path is Prometheus' own default
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:8400"]
    assert "parola_" in server.http.get("/metrics").text
