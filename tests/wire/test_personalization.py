"""Secrets, guardrails, environments and lenient agents as clients and records see them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.test_custom_llm import Brain, thinking

CANARY = "swordfish-canary-7f3a"

TEXT = {"conversation": {"text_only": True}}


@pytest.fixture
def brain(httpserver: HTTPServer) -> Brain:
    return Brain(httpserver)


def test_a_secret_reaches_the_header_and_nothing_else(parola: ServerProcess, brain: Brain) -> None:
    document = thinking(
        brain,
        prompt="Key: {{secret__key}}.",
        tools=[{**client_tool("lookup", order="string"), "description": "With {{secret__key}}"}],
        custom={"request_headers": {"X-Key": {"variable_name": "secret__key"}}},
    )
    document["conversation_config"]["agent"]["first_message"] = "Hello {{secret__key}}!"
    agent_id = parola.create_agent(document)
    keys: list[str | None] = []
    answer = brain._answer
    brain._answer = lambda request: (keys.append(request.headers.get("X-Key")), answer(request))[1]  # type: ignore[method-assign]
    frames: list[Any] = []

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            conversation_id = (await caller.begin(dynamic_variables={"secret__key": CANARY}))["conversation_id"]
            brain.says("Hi there.")
            await caller.answer("Hi")
            brain.status = 500
            await caller.say("And now?")
            await caller.next("error")
            frames.extend(caller.checker.frames)
            return str(conversation_id)

    conversation_id = asyncio.run(talk())
    record = parola.ended_record(conversation_id)
    assert record["conversation_initiation_client_data"]["dynamic_variables"]["secret__key"] == "<REDACTED>"
    for place, text in {
        "record": json.dumps(record),
        "frames": json.dumps(frames),
        "log": parola.log,
        "prompt": json.dumps(brain.asked),
        "list": parola.http.get("/v1/convai/conversations").text,
    }.items():
        assert CANARY not in text, place


def test_a_secret_in_a_tools_request_stays_there(parola: ServerProcess, httpserver: HTTPServer) -> None:
    keys: list[str | None] = []

    def refuse(request: Request) -> Response:
        keys.append(request.headers.get("X-Key"))
        return Response('{"order": "lost"}', 500, content_type="application/json")

    httpserver.expect_request("/orders").respond_with_handler(refuse)
    tool = {
        "type": "webhook",
        "name": "look_up",
        "description": "Looks an order up",
        "api_schema": {
            "url": httpserver.url_for("/orders"),
            "method": "POST",
            "request_headers": {"X-Key": {"variable_name": "secret__key"}},
            "request_body_schema": {
                "type": "object",
                "properties": {"id": {"type": "string", "description": "Order {{secret__key}}"}},
            },
        },
    }
    rule = {"when": "order", "call": {"tool": "look_up", "arguments": {"id": "7"}}, "otherwise": "No: {{result}}"}
    agent_id = parola.create_agent(agent(rule, tools=[tool], config=TEXT))
    frames: list[Any] = []

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            conversation_id = (await caller.begin(dynamic_variables={"secret__key": CANARY}))["conversation_id"]
            await caller.answer("my order")
            frames.extend(caller.frames)
            return str(conversation_id)

    record = parola.ended_record(asyncio.run(talk()))
    assert keys == [CANARY]
    assert any(turn["tool_results"] for turn in record["transcript"])
    assert CANARY not in json.dumps(record) + json.dumps(frames) + parola.log


def test_a_refused_start_keeps_its_secrets_too(parola: ServerProcess) -> None:
    agent_id = parola.create_agent(agent(first_message="Hi {{name}}", config=TEXT))

    async def talk() -> tuple[int, str]:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.send(
                {"type": "conversation_initiation_client_data", "dynamic_variables": {"secret__key": CANARY}}
            )
            return await caller.closed()

    code, reason = asyncio.run(talk())
    assert code == 1008 and "'name'" in reason
    listed = parola.http.get("/v1/convai/conversations", params={"agent_id": agent_id}).json()["conversations"][0]
    assert CANARY not in json.dumps(parola.record(listed["conversation_id"])) + parola.log


# -- guardrails -------------------------------------------------------------------------------------------------------


def guarded(action: dict[str, Any], mode: str = "blocking") -> dict[str, Any]:
    """An agent that would tell the recipe; the same scripted model is its judge."""
    custom = {
        "is_enabled": True,
        "name": "recipe",
        "prompt": "It tells the recipe.",
        "execution_mode": mode,
        "trigger_action": action,
    }
    return agent(
        {"when": "/<text>[\\s\\S]*two eggs/", "say": '{"violated": true, "rationale": "Eggs."}'},
        {"when": "/<text>/", "say": '{"violated": false, "rationale": ""}'},
        {"when": "recipe", "once": True, "say": "Take two eggs."},
        {"when": "hello", "say": "Good day."},
        config=TEXT,
        platform={"guardrails": {"version": "1", "custom": {"config": {"configs": [custom]}}}},
    )


def test_a_guardrail_that_ends_the_call(parola: ServerProcess) -> None:
    agent_id = parola.create_agent(guarded({"type": "end_call"}))

    async def talk() -> tuple[str, tuple[int, str]]:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            conversation_id = (await caller.begin())["conversation_id"]
            assert await caller.answer("hello") == "Good day."
            await caller.say("The recipe, please")
            assert (await caller.next("guardrail_triggered"))["guardrail_name"] == "recipe"
            return str(conversation_id), await caller.closed()

    conversation_id, (code, reason) = asyncio.run(talk())
    assert (code, reason) == (1002, "Guardrail triggered: recipe")
    record = parola.ended_record(conversation_id)
    assert record["status"] == "done" and record["metadata"]["termination_reason"] == reason
    turn = record["transcript"][-1]
    assert turn["message"] is None and turn["triggered_guardrails"] == [
        {
            "guardrail_type": "custom",
            "guardrail_name": "recipe",
            "execution_mode": "blocking",
            "guardrail_details": {"type": "llm", "rationale": "Eggs."},
        }
    ]


# -- environments, policies -------------------------------------------------------------------------------------------


def test_a_conversation_has_the_values_of_its_environment(parola: ServerProcess, brain: Brain) -> None:
    made = parola.http.post(
        "/v1/convai/environment-variables",
        json={"label": "shop_name", "type": "string", "values": {"production": "Soups", "dev": "Test soups"}},
    )
    assert made.status_code == 200, made.text
    agent_id = parola.create_agent(thinking(brain, prompt="You are {{system__env_shop_name}}."))

    async def prompt_of(query: str = "", **data: Any) -> str:
        async with RawClient(parola.socket_of(agent_id) + query) as caller:
            conversation_id = (await caller.begin(**data))["conversation_id"]
            await caller.answer("Hi")
        record = parola.ended_record(conversation_id)
        return f"{record['environment']}: {brain.asked[-1]['messages'][0]['content']}"

    assert asyncio.run(prompt_of()) == "production: You are Soups."
    assert asyncio.run(prompt_of("&environment=dev")) == "dev: You are Test soups."
    assert asyncio.run(prompt_of(environment="dev")) == "dev: You are Test soups."


def test_a_lenient_agent_tells_its_client_what_holds(parola: ServerProcess) -> None:
    platform = {"x_override_policy": "ignore_with_warning", "x_missing_variable_policy": "placeholder"}
    agent_id = parola.create_agent(agent(first_message="Hi {{name}}", config=TEXT, platform=platform))

    async def talk() -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            override = {"agent": {"prompt": {"prompt": "Be rude."}}, "conversation": {"text_only": True}}
            metadata = await caller.begin(conversation_config_override=override)
            assert metadata["x_accepted_overrides"] == ["conversation.text_only"]
            assert (await caller.next("agent_response"))["agent_response"] == "Hi [name]"
            return str(metadata["conversation_id"])

    warnings = parola.ended_record(asyncio.run(talk()))["metadata"]["warnings"]
    assert "The client may not override agent.prompt.prompt: it was ignored." in warnings
    assert any("x_missing_variable_policy is placeholder" in warning for warning in warnings)
