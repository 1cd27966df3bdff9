"""Rules of tool calls over a real connection: the official SDK runs the tools, a model of the owner's calls them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from elevenlabs.conversational_ai.conversation import ClientTools
from pytest_httpserver import HTTPServer

from tests.wire.frames import RawClient
from tests.wire.servers import ServerProcess, agent, client_tool
from tests.wire.test_custom_llm import Brain, thinking
from tests.wire.test_python_sdk import Caller


@pytest.fixture
def brain(httpserver: HTTPServer) -> Brain:
    return Brain(httpserver)


def results_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [result for turn in record["transcript"] for result in turn.get("tool_results") or ()]


def doubling() -> ClientTools:
    tools = ClientTools()
    tools.register("double", lambda given: 2 * given["number"])
    tools.register("profile", lambda _: {"user": {"name": "Ann", "token": "t-1"}})
    return tools


def read_by(brain: Brain, request: int = -1) -> list[str]:
    """What the model has read of its tools."""
    return [message["content"] for message in brain.asked[request]["messages"] if message["role"] == "tool"]


DOUBLE = client_tool("double", number="integer")


def test_arguments_that_do_not_fit_go_back_to_the_model_which_tries_again(parola, tap, brain):
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[DOUBLE]))
    brain.calls("double", {"number": "four"})
    brain.calls("double", {"number": 4, "why": "fun"})
    brain.says("It is eight.")
    with Caller(tap, agent_id, client_tools=doubling()) as caller:
        caller.began()
        assert caller.asks("Double four") == "It is eight."
        record = parola.ended_record(caller.hangs_up())
    assert [call["parameters"] for call in caller.call.of("client_tool_call")] == [{"number": 4}]
    problem = '"number": expected a whole number, got "four"'
    assert read_by(brain) == [
        f"Error: Not called: {problem}. Call it again with arguments that fit.",
        "8\n[Not parameters of this tool, ignored: why.]",
    ]
    first, second = results_of(record)
    assert first["error_type"] == "invalid_arguments" and not first["tool_has_been_called"]
    assert (second["result_value"], second["is_error"], second["raw_error_message"]) == ("8", False, "")


def test_arguments_that_are_no_json_do_not_end_the_call(parola, tap, brain):
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[DOUBLE]))
    broken = {"name": "double", "arguments": '{"number": 4'}
    brain.answers.append([{"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": broken}]}])
    brain.says("Let me think again.")
    with Caller(tap, agent_id, client_tools=doubling()) as caller:
        caller.began()
        assert caller.asks("Double four") == "Let me think again."
        assert caller.asks("And now?") == "Yes."
        caller.hangs_up()
    wrote = '{"number": 4'
    assert read_by(brain) == [
        f"Error: Not called: expected the arguments as one JSON object, got {wrote!r}. Call it again."
    ]


def test_twenty_calls_at_once_are_sixteen(parola, tap, brain):
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[DOUBLE]))
    calls = [
        {"index": i, "id": f"c{i}", "function": {"name": "double", "arguments": json.dumps({"number": i})}}
        for i in range(20)
    ]
    brain.answers.append([{"tool_calls": calls}])
    brain.says("Done.")
    with Caller(tap, agent_id, client_tools=doubling()) as caller:
        caller.began()
        assert caller.asks("Double all") == "Done."
        caller.hangs_up()
    assert len(caller.call.of("client_tool_call")) == 16
    read = read_by(brain)
    assert read[1:16] == [str(2 * number) for number in range(1, 16)]  # the SDK does not send a 0
    assert read[16:] == ["Error: Not called: at most 16 tools can be called at once, and this is one more."] * 4


def test_a_tool_the_agent_does_not_have_is_an_error_for_the_model(parola, tap, brain):
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[DOUBLE]))
    brain.calls("triple", {"number": 4})
    brain.says("I cannot.")
    with Caller(tap, agent_id, client_tools=doubling()) as caller:
        caller.began()
        assert caller.asks("Triple four") == "I cannot."
        caller.hangs_up()
    assert read_by(brain) == ['Error: There is no tool called "triple". Tools of this agent: double.']


def test_an_answer_sets_variables_and_what_is_sanitized_is_kept_from_all(parola, tap, brain):
    profile = client_tool("profile") | {
        "assignments": [
            {"dynamic_variable": "name", "value_path": "user.name"},
            {"dynamic_variable": "secret__token", "value_path": "user.token", "sanitize": True},
        ]
    }
    agent_id = parola.create_agent(thinking(brain, prompt="You talk to {{name}}.", tools=[profile]))
    placeholders = {"dynamic_variable_placeholders": {"name": "somebody"}}
    config = {"conversation_config": {"agent": {"dynamic_variables": placeholders}}}
    assert parola.http.patch(f"/v1/convai/agents/{agent_id}", json=config).status_code == 200
    brain.calls("profile", {})
    brain.says("Hello Ann.")
    with Caller(tap, agent_id, client_tools=doubling()) as caller:
        caller.began()
        assert caller.asks("Who am I?") == "Hello Ann."
        record = parola.ended_record(caller.hangs_up())
    systems = [asked["messages"][0]["content"].partition("\n")[0] for asked in brain.asked[:2]]
    assert systems == ["You talk to somebody.", "You talk to Ann."]
    assert read_by(brain) == ['{"user":{"name":"Ann"}}'] and "t-1" not in json.dumps(record)
    updates = results_of(record)[0]["dynamic_variable_updates"]
    assert [(u["variable_name"], u["old_value"], u["new_value"]) for u in updates] == [
        ("name", "somebody", "Ann"),
        ("secret__token", "[redacted]", "[redacted]"),
    ]


def test_a_call_in_the_background_is_told_when_it_is_done(parola: ServerProcess, brain: Brain) -> None:
    slow = client_tool("book") | {"execution_mode": "async"}
    agent_id = parola.create_agent(thinking(brain, prompt="Help.", tools=[slow]))
    brain.calls("book", {})
    brain.says("I am on it.")
    brain.says("It is booked.")

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            assert await caller.answer("Book it") == "I am on it."
            call = caller.of("client_tool_call")[0]
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": "number 7"}
            await caller.send({**result, "is_error": False})
            assert (await caller.next("agent_response"))["agent_response"] == "It is booked."

    asyncio.run(talk())
    assert read_by(brain) == [
        "The tool runs in the background. Go on without its result; it comes later, by itself.",
        "number 7",
    ]


def test_a_client_can_have_tools_mocked(parola: ServerProcess) -> None:
    rule = {"when": "double", "call": {"tool": "double", "arguments": {"number": 4}}, "then": "Got {{result}}"}
    mock = {
        "parameter_conditions": [{"path": "number", "eval": {"type": "exact", "expected_value": "4"}}],
        "mock_result": "eight, they say",
    }
    created = parola.http.post("/v1/convai/tools", json={"tool_config": DOUBLE, "response_mocks": [mock]})
    document = agent(rule, config={"conversation": {"text_only": True}})
    document["conversation_config"]["agent"]["prompt"]["tool_ids"] = [created.json()["id"]]
    agent_id = parola.create_agent(document)

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin(tool_mock_config={"mocking_strategy": "selected", "mocked_tool_names": ["double"]})
            assert await caller.answer("double it") == "Got eight, they say"
            assert caller.of("client_tool_call") == []
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            await caller.say("double it")
            assert (await caller.next("client_tool_call"))["parameters"] == {"number": 4}

    asyncio.run(talk())


def test_mocked_tools_stay_mocked_when_another_agent_takes_over(parola: ServerProcess) -> None:
    mock = {"parameter_conditions": [], "mock_result": "eight, they say"}
    created = parola.http.post("/v1/convai/tools", json={"tool_config": DOUBLE, "response_mocks": [mock]})
    rule = {"when": "double", "call": {"tool": "double", "arguments": {"number": 4}}, "then": "Got {{result}}"}
    other = agent(rule, config={"conversation": {"text_only": True}})
    other["conversation_config"]["agent"]["prompt"]["tool_ids"] = [created.json()["id"]]
    transfers = [{"agent_id": parola.create_agent(other), "condition": "wants to buy"}]
    params = {"system_tool_type": "transfer_to_agent", "transfers": transfers}
    transfer = {"type": "system", "name": "transfer_to_agent", "description": "", "params": params}
    call = {"when": "buy", "call": {"tool": "transfer_to_agent", "arguments": {"agent_number": 0}}}
    agent_id = parola.create_agent(agent(call, tools=[transfer], config={"conversation": {"text_only": True}}))

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin(tool_mock_config={"mocking_strategy": "all"})
            await caller.answer("I want to buy")
            assert await caller.answer("double it") == "Got eight, they say"
            assert caller.of("client_tool_call") == []

    asyncio.run(talk())


def test_a_mock_strategy_nobody_knows_refuses_the_conversation(parola: ServerProcess) -> None:
    agent_id = parola.create_agent(agent())

    async def talk() -> tuple[int, str]:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.send(
                {"type": "conversation_initiation_client_data", "tool_mock_config": {"mocking_strategy": "some"}}
            )
            return await caller.closed()

    code, reason = asyncio.run(talk())
    assert code == 1008 and "mocking_strategy" in reason


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_client_brings_tools_of_its_own_when_the_agent_allows_it(parola: ServerProcess, is_allowed: bool) -> None:
    rule = {"when": "beep", "call": {"tool": "beep"}, "then": "Got {{result}}"}
    platform = {"overrides": {"x_tools": is_allowed}}
    agent_id = parola.create_agent(agent(rule, config={"conversation": {"text_only": True}}, platform=platform))
    init = {"type": "conversation_initiation_client_data", "x_tools": [client_tool("beep")]}

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.send(init)
            if not is_allowed:
                code, reason = await caller.closed()
                assert (code, reason) == (1008, "Override for field 'x_tools' is not allowed by config.")
                return
            await caller.next("conversation_initiation_metadata")
            await caller.say("beep")
            call = await caller.next("client_tool_call")
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": "beep!"}
            await caller.send({**result, "is_error": False})
            assert (await caller.next("agent_response"))["agent_response"] == "Got beep!"

    asyncio.run(talk())


def test_a_tool_that_takes_its_time_is_heard_until_it_answers(parola: ServerProcess) -> None:
    tool = client_tool("dig") | {"tool_call_sound": "elevator2", "tool_call_sound_behavior": "always"}
    rule = {"when": "dig", "call": {"tool": "dig"}, "then": "Found {{result}}."}
    agent_id = parola.create_agent(agent(rule, tools=[tool]))

    async def talk() -> None:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            await caller.say("dig")
            call = await caller.next("client_tool_call")
            for _ in range(3):
                sound = await caller.next("audio")
                assert sound["event_id"] == call["event_id"]
            result = {"type": "client_tool_result", "tool_call_id": call["tool_call_id"], "result": "gold"}
            await caller.send({**result, "is_error": False})
            assert (await caller.next("agent_response"))["agent_response"] == "Found gold."

    asyncio.run(talk())
