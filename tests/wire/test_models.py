"""Models that fail, and what the record says of them: over real connections, configured as ``docs/models.md`` shows."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"


class House:
    """Every model of a house, by name: an answer is words, or an HTTP status."""

    def __init__(self, server: HTTPServer) -> None:
        self.base = server.url_for("/v1")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, int | list[dict[str, Any]]] = {}
        server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)
        server.expect_request("/v1/responses", method="POST").respond_with_handler(self._respond)

    def _answer(self, request: Request) -> Response:
        body = request.get_json()
        self.asked.append((body["model"], body))
        answer = self.answers.get(body["model"], 503)
        if isinstance(answer, int):
            return Response('{"error": {"message": "the model is on strike"}}', answer)
        chunks = [part.get("x", {"choices": [{"index": 0, "delta": part}]}) for part in answer]
        details = {"prompt_tokens_details": {"cached_tokens": 400}}
        chunks.append({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100, **details}})
        return _stream([*map(json.dumps, chunks), "[DONE]"])

    def _respond(self, request: Request) -> Response:
        body = request.get_json()
        self.asked.append((body["model"], body))
        answer = self.answers[body["model"]]
        assert isinstance(answer, list)
        return _stream(list(map(json.dumps, answer)))


def _stream(messages: list[str]) -> Response:
    return Response("".join(f"data: {message}\n\n" for message in messages), content_type="text/event-stream")


@pytest.fixture
def house(httpserver: HTTPServer) -> House:
    return House(httpserver)


@pytest.fixture
def server(house: House, tmp_path: Path) -> Iterator[ServerProcess]:
    """Configured by the example of the document, its address replaced by the house's."""
    example = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[0]
    config = tmp_path / "parola.toml"
    example = re.sub(r'base_url = "[^"]*"', f'base_url = "{house.base}"', example)
    config.write_text(f'{example}\n[stt.default]\nprovider = "scripted"\n\n[tts.default]\nprovider = "scripted"\n')
    with ServerProcess("--ephemeral", "--config", str(config)) as running:
        yield running


def thinking(llm: str, events: list[str] | None = None, **prompt: Any) -> dict[str, Any]:
    conversation: dict[str, Any] = {"text_only": True}
    if events:
        conversation["client_events"] = events
    document = agent(config={"conversation": conversation})
    document["conversation_config"]["agent"]["prompt"] = {"prompt": "Help.", "llm": llm, **prompt}
    return document


def talk(server: ServerProcess, agent_id: str, *questions: str) -> tuple[list[str], dict[str, Any]]:
    """The answers, and the record."""

    async def call() -> tuple[list[str], str]:
        async with RawClient(server.socket_of(agent_id)) as caller:
            metadata = await caller.begin()
            return [await caller.answer(question) for question in questions], metadata["conversation_id"]

    answers, conversation_id = asyncio.run(call())
    return answers, server.ended_record(conversation_id)


def test_the_owners_backup_answers_when_the_agents_model_fails(server: ServerProcess, house: House) -> None:
    house.answers = {"qwen3:8b": 500, "qwen3:1.7b": [{"content": "Hello."}]}
    answers, record = talk(server, server.create_agent(thinking("gpt-4o")), "Hi", "Again")
    assert answers == ["Hello.", "Hello."]
    turn = record["transcript"][1]
    assert (turn["producing_llm"], turn["llm_override"]) == ("qwen3:1.7b", "small")
    assert any("on strike" in warning for warning in record["metadata"]["warnings"])
    assert [model for model, _ in house.asked] == ["qwen3:8b", "qwen3:1.7b", "qwen3:1.7b"], "it is left to rest"


def test_an_agent_may_name_its_backups_or_have_none(server: ServerProcess, house: House) -> None:
    house.answers = {"qwen3:8b": 500, "qwen3:1.7b": 500, "mistral": [{"content": "Bonjour."}]}
    named = thinking("gpt-4o", backup_llm_config={"preference": "override", "order": ["big/mistral"]})
    answers, record = talk(server, server.create_agent(named), "Hi")
    assert answers == ["Bonjour."] and record["transcript"][1]["llm_override"] == "big/mistral"
    assert [model for model, _ in house.asked] == ["qwen3:8b", "mistral"]


@pytest.mark.parametrize(("preference", "error_type"), [("default", "cascade_brain_error"), ("disabled", "llm_error")])
def test_when_nobody_answers_the_call_ends_with_every_reason(
    server: ServerProcess, house: House, preference: str, error_type: str
) -> None:
    house.answers = {"qwen3:8b": 500, "qwen3:1.7b": 502}
    agent_id = server.create_agent(thinking("gpt-4o", backup_llm_config={"preference": preference}))

    async def call() -> str:
        async with RawClient(server.socket_of(agent_id)) as caller:
            metadata = await caller.begin()
            await caller.say("Hi")
            error = await caller.next("error")
            code, reason = await caller.closed()
            assert (error["error_type"], code) == (error_type, 1002) and "model" in reason
            assert "http" not in f"{error} {reason}", "the provider's address is not for callers"
            return str(metadata["conversation_id"])

    record = server.ended_record(asyncio.run(call()))
    told = record["metadata"]["error"]["reason"]
    assert record["status"] == "failed" and "http://localhost" in told and "answered 500" in told
    assert ("answered 502" in told) == (preference == "default")


def test_tokens_are_counted_and_priced_by_the_owners_list(server: ServerProcess, house: House) -> None:
    house.answers = {"qwen3:8b": [{"content": "Hello."}]}
    _, record = talk(server, server.create_agent(thinking("gpt-4o")), "Hi")
    usage = record["transcript"][1]["llm_usage"]["model_usage"]["qwen3:8b"]
    assert {kind: amounts["tokens"] for kind, amounts in usage.items()} == {
        "input": 600,
        "input_cache_read": 400,
        "output_total": 100,
    }
    charging = record["metadata"]["charging"]
    for category in ("irreversible_generation", "initiated_generation"):
        assert charging["llm_usage"][category]["model_usage"]["qwen3:8b"] == usage
    assert charging["llm_price"] == pytest.approx((600 * 0.1 + 400 * 0.02 + 100 * 0.4) / 1_000_000)


def test_a_voice_conversation_says_what_was_spoken_and_heard(parola: ServerProcess) -> None:
    document = agent(first_message="Hello there.")

    async def call() -> str:
        async with RawClient(parola.socket_of(parola.create_agent(document))) as caller:
            metadata = await caller.begin()
            await caller.next("audio")
            return str(metadata["conversation_id"])

    usage = parola.ended_record(asyncio.run(call()))["metadata"]["charging"]["tts_usage"]
    assert usage["total_characters"] == len("Hello there.") and usage["total_audio_output_seconds"] > 0
    assert sum(v["audio_output_seconds"] for v in usage["per_voice_usage"]) == pytest.approx(
        usage["total_audio_output_seconds"], abs=0.01
    )


def test_thoughts_and_metadata_of_a_custom_llm_reach_who_listens(parola: ServerProcess, house: House) -> None:
    house.answers = {
        "m": [
            {"reasoning_content": "They greet me."},
            {"content": "Well... "},
            {"content": "hello."},
            {"x": {"choices": [], "metadata": {"intent": "greet"}}},
        ]
    }
    events = ["agent_response", "agent_reasoning_response_part", "agent_response_metadata"]
    custom = {"url": house.base, "model_id": "m"}
    agent_id = parola.create_agent(thinking("custom-llm", events, custom_llm=custom, enable_reasoning_summary=True))

    async def call() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            metadata = await caller.begin()
            await caller.say("Hi")
            parts = [await caller.next("agent_reasoning_response_part") for _ in range(2)]
            assert [part["type"] for part in parts] == ["start", "delta"] and parts[1]["text"] == "They greet me."
            assert (await caller.next("agent_response_metadata"))["metadata"] == {"intent": "greet"}
            assert (await caller.next("agent_response"))["agent_response"] == "Well... hello."
            return str(metadata["conversation_id"])

    record = parola.ended_record(asyncio.run(call()))
    assert record["transcript"][1]["reasoning"][0]["summary"] == "They greet me."


def test_a_custom_llm_may_be_asked_by_the_responses_api_tools_included(parola: ServerProcess, house: House) -> None:
    function = {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": '{"order":"A-9"}'}
    house.answers["m"] = [{"type": "response.output_item.done", "output_index": 0, "item": function}]
    custom = {"url": house.base, "model_id": "m", "api_type": "responses"}
    tools = [client_tool("lookup", order="string")]
    agent_id = parola.create_agent(thinking("custom-llm", custom_llm=custom, tools=tools))

    async def call() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            await caller.say("Where is A-9?")
            asked = await caller.next("client_tool_call")
            house.answers["m"] = [{"type": "response.output_text.delta", "delta": "It comes on Friday."}]
            answer = {"tool_call_id": asked["tool_call_id"], "result": "Friday", "is_error": False}
            await caller.send({"type": "client_tool_result", **answer})
            assert (await caller.next("agent_response"))["agent_response"] == "It comes on Friday."

    asyncio.run(call())
    call_item, result = house.asked[1][1]["input"][-2:]
    assert call_item["type"] == "function_call" and call_item["arguments"] == '{"order":"A-9"}'
    assert result == {"type": "function_call_output", "call_id": call_item["call_id"], "output": "Friday"}


def test_a_custom_llm_of_an_unknown_kind_is_refused_with_the_reason(parola: ServerProcess, house: House) -> None:
    custom = {"url": house.base, "api_type": "websocket"}
    agent_id = parola.create_agent(thinking("custom-llm", custom_llm=custom))

    async def call() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.send({"type": "conversation_initiation_client_data"})
            code, reason = await caller.closed()
            assert code == 1008 and "api_type" in reason

    asyncio.run(call())
