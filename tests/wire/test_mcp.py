"""Tools of real MCP servers, called in real conversations: over both transports, approved or not, and when the server
is down, hangs, dies or floods."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from elevenlabs.client import ElevenLabs

from parola.tools.mcp import CONNECT_SECONDS
from tests.wire.frames import RawClient
from tests.wire.mcp_server import McpProcess, register
from tests.wire.servers import ServerProcess, agent, free_port
from tests.wire.test_python_sdk import Caller, results_of

CALLS: dict[str, dict[str, Any]] = {
    "search": {"query": "soup"},
    "count": {"shelf": 4},
    "open_close_the_door": {},
    "fails": {},
    "picture": {},
    "flood": {"megabytes": 20},
    "much": {"megabytes": 1},
    "slow": {},
    "dies": {},
    "who": {},
    "trace": {},
}

EVENTS = ["mcp_tool_call", "mcp_connection_status", "agent_tool_request", "agent_tool_response", "agent_response"]


def reader(*server_ids: str, **conversation: Any) -> dict[str, Any]:
    """An agent that calls the tool it is told the name of."""
    rules = [
        {
            "when": name,
            "call": {"tool": "flood" if name == "much" else name, "arguments": arguments},
            "then": "Got {{result}}",
            "otherwise": "Failed: {{result}}",
        }
        for name, arguments in CALLS.items()
    ]
    document = agent(*rules, config={"conversation": {"text_only": True, "client_events": EVENTS, **conversation}})
    document["conversation_config"]["agent"]["prompt"]["mcp_server_ids"] = list(server_ids)
    return document


@pytest.fixture(scope="module", params=["http", "sse"])
def library(request: pytest.FixtureRequest) -> Iterator[McpProcess]:
    with McpProcess(request.param) as server:
        yield server


def test_the_official_sdk_hears_what_a_server_said(parola, tap, library: McpProcess) -> None:
    server_id = register(parola, library.config)
    with Caller(tap, parola.create_agent(reader(server_id))) as caller:
        caller.began()
        assert caller.asks("search") == "Got 3 books about soup"
        assert caller.asks("count").startswith("Got ")
        assert caller.asks("open_close_the_door") == "Got the door is open"
        assert "the shelf is empty" in caller.asks("fails")
        assert "image/png" in caller.asks("picture")
        conversation_id = caller.hangs_up()
    results = results_of(parola.ended_record(conversation_id))
    assert results["search"] == ("3 books about soup", False)
    assert json.loads(results["count"][0]) == {"books": 40}
    assert results["fails"][1] is True
    calls = caller.call.of("mcp_tool_call")
    assert [(call["tool_name"], call["state"]) for call in calls[:2]] == [("search", "loading"), ("search", "success")]
    assert calls[1]["result"] == [{"type": "text", "text": "3 books about soup"}]
    assert {call["tool_name"] for call in calls} >= {"open/close the.door", "fails"}
    [status] = caller.call.of("mcp_connection_status")
    assert status["integrations"] == [
        {"integration_id": server_id, "integration_type": "mcp_server", "is_connected": True, "tool_count": 10}
    ]
    details = parola.record(conversation_id)["transcript"][1]["tool_calls"][0]["tool_details"]
    assert details["mcp_server_id"] == server_id and details["parameters"] == {"query": "soup"}


def test_secrets_and_variables_go_along(parola, library: McpProcess) -> None:
    secret = parola.http.post("/v1/convai/secrets", json={"type": "new", "name": "t", "value": "sesame"}).json()
    server_id = register(
        parola,
        library.config,
        secret_token={"secret_id": secret["secret_id"]},
        request_headers={"x-shop": {"variable_name": "shop"}},
    )
    agent_id = parola.create_agent(reader(server_id))

    async def talk(shop: str) -> str:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin(dynamic_variables={"shop": shop})
            await caller.next("mcp_connection_status")
            return await caller.answer("who")

    assert asyncio.run(talk("Soups")) == "Got Bearer sesame Soups"
    assert asyncio.run(talk("Breads")) == "Got Bearer sesame Breads"


# -- approvals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_call_waits_for_an_approval_and_nothing_else_does(parola, library: McpProcess, is_approved: bool) -> None:
    server_id = register(parola, library.config, approval_policy="require_approval_all")
    agent_id = parola.create_agent(reader(server_id))

    async def talk() -> tuple[str, dict[str, Any]]:
        async with RawClient(parola.socket_of(agent_id)) as caller:
            begun = await caller.begin()
            await caller.say("search")
            call = await caller.next("mcp_tool_call", lambda call: call["state"] == "awaiting_approval")
            assert call["approval_timeout_secs"] == 300 and call["service_id"] == server_id
            await caller.next("ping")
            answer = {"type": "mcp_tool_approval_result", "tool_call_id": call["tool_call_id"]}
            await caller.send({**answer, "tool_call_id": "made_up", "is_approved": True})
            await caller.send({**answer, "is_approved": is_approved})
            await caller.send({**answer, "is_approved": not is_approved})
            last = await caller.next("mcp_tool_call")
            assert last["state"] == ("success" if is_approved else "failure")
            response = await caller.next("agent_response")
            return response["agent_response"], begun

    answer, begun = asyncio.run(talk())
    assert answer == "Got 3 books about soup" if is_approved else "did not approve" in answer
    record = parola.ended_record(begun["conversation_id"])
    [call] = [call for turn in record["transcript"] for call in turn.get("tool_calls") or ()]
    assert call["tool_has_been_called"] is is_approved


# -- servers that are not well ----------------------------------------------------------------------------------------


Talk = tuple[list[str], list[dict[str, Any]], float]


def conversation(parola: ServerProcess, agent_id: str, *questions: str) -> Talk:
    """What the agent answers, the calls' states, and the seconds until the greeting."""

    async def talk() -> Talk:
        began_at = time.monotonic()
        async with RawClient(parola.socket_of(agent_id)) as caller:
            await caller.begin()
            seconds = time.monotonic() - began_at
            answers = [await caller.answer(question) for question in questions]
            return answers, caller.of("mcp_tool_call"), seconds

    return asyncio.run(talk())


def test_a_server_that_is_down_holds_nobody_up(parola) -> None:
    config = {"name": "Gone", "url": f"http://127.0.0.1:{free_port()}/mcp", "transport": "STREAMABLE_HTTP"}
    agent_id = parola.create_agent(reader(register(parola, config, reach=False)))
    answers, calls, seconds = conversation(parola, agent_id, "hello", "search")
    assert answers[0] == "I heard: hello" and not calls and seconds < CONNECT_SECONDS
    listed = parola.http.get("/v1/convai/conversations", params={"agent_id": agent_id}).json()
    record = parola.ended_record(listed["conversations"][0]["conversation_id"])
    assert any("MCP server Gone: cannot be reached" in warning for warning in record["metadata"]["warnings"])


def test_a_server_that_hangs_costs_a_second_at_most(parola) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = {"name": "Silent", "url": f"http://127.0.0.1:{silent.getsockname()[1]}/sse", "transport": "SSE"}
        agent_id = parola.create_agent(reader(register(parola, config, reach=False)))
        answers, _, seconds = conversation(parola, agent_id, "hello")
        assert answers == ["I heard: hello"] and seconds < CONNECT_SECONDS


def test_a_server_that_dies_in_a_call_fails_that_call_and_works_again_when_it_is_back(parola) -> None:
    for transport in ("http", "sse"):
        with McpProcess(transport) as library:
            agent_id = parola.create_agent(reader(register(parola, library.config)))
            [answer], calls, _ = conversation(parola, agent_id, "dies")
            assert answer.startswith("Failed: ") and calls[-1]["state"] == "failure"
            library.kill()
            library.start()
            answers, _, _ = conversation(parola, agent_id, "search", "search")
            assert answers == ["Got 3 books about soup"] * 2


def test_a_server_that_is_started_anew_between_two_calls_is_called_again(parola) -> None:
    for transport in ("http", "sse"):
        with McpProcess(transport) as library:
            agent_id = parola.create_agent(reader(register(parola, library.config)))

            async def talk(library: McpProcess = library, agent_id: str = agent_id) -> list[str]:
                async with RawClient(parola.socket_of(agent_id)) as caller:
                    await caller.begin()
                    first = await caller.answer("search")
                    await asyncio.to_thread(library.kill)
                    await asyncio.to_thread(library.start)
                    return [first, await caller.answer("search")]

            assert asyncio.run(talk()) == ["Got 3 books about soup"] * 2


def test_a_server_that_floods_fails_its_call_and_others_go_on(parola, library: McpProcess) -> None:
    agent_id = parola.create_agent(reader(register(parola, library.config)))
    answers, calls, _ = conversation(parola, agent_id, "flood", "search", "hello")
    assert answers[0].startswith("Failed: ") and answers[1:] == ["Got 3 books about soup", "I heard: hello"]
    assert calls[1]["state"] == "failure"


def test_a_tool_that_is_too_slow_fails_and_the_call_goes_on(parola, library: McpProcess) -> None:
    agent_id = parola.create_agent(reader(register(parola, library.config, response_timeout_secs=5)))
    answers, calls, _ = conversation(parola, agent_id, "slow", "search")
    assert "within 5 s" in answers[0] and answers[1] == "Got 3 books about soup"
    assert calls[1]["state"] == "failure"


def test_of_five_hundred_tools_the_first_are_offered(parola) -> None:
    with McpProcess(further_tools=500) as library:
        server_id = register(parola, library.config)
        agent_id = parola.create_agent(reader(server_id))
        answers, _, _ = conversation(parola, agent_id, "search")
        assert answers == ["Got 3 books about soup"]
        listed = parola.http.get(f"/v1/convai/mcp-servers/{server_id}/tools").json()
        assert listed["success"] and len(listed["tools"]) == 510


def test_addresses_that_nobody_may_ask_are_not_asked(tmp_path, library: McpProcess) -> None:
    with ServerProcess("--ephemeral", environment={"PAROLA_OUTBOUND_PRIVATE": "deny"}) as strict:
        server_id = register(strict, library.config, reach=False)
        listed = strict.http.get(f"/v1/convai/mcp-servers/{server_id}/tools").json()
        assert not listed["success"] and "does not ask it" in listed["error_message"]
        answers, _, _ = conversation(strict, strict.create_agent(reader(server_id)), "hello")
        assert answers == ["I heard: hello"]


# -- REST, by the official SDK ----------------------------------------------------------------------------------------


def test_the_official_sdk_manages_servers_and_approvals(parola, library: McpProcess) -> None:
    client = ElevenLabs(api_key="any", base_url=parola.url).conversational_ai.mcp_servers
    created = client.create(config={**library.config, "approval_policy": "require_approval_per_tool"})  # type: ignore[arg-type]
    listed = client.tools.list(created.id)
    assert listed.success and {"search", "fails"} <= {tool.name for tool in listed.tools}
    assert {status.state for status in listed.tool_approval_statuses or ()} == {"not_approved"}
    tool = next(tool for tool in listed.tools if tool.name == "search")
    client.tool_approvals.create(
        created.id,
        tool_name="search",
        tool_description=tool.description or "",
        input_schema=tool.input_schema,
        approval_policy="auto_approved",
    )
    statuses = {status.tool_id: status for status in client.tools.list(created.id).tool_approval_statuses or ()}
    assert (statuses["search"].state, statuses["search"].approval_policy) == ("up_to_date", "auto_approved")
    agent_id = parola.create_agent(reader(created.id))
    answers, calls, _ = conversation(parola, agent_id, "search")
    assert answers == ["Got 3 books about soup"] and [call["state"] for call in calls] == ["loading", "success"]
    assert [one.id for one in client.get(created.id).dependent_agents or ()] == [agent_id]
    client.tool_approvals.delete(created.id, "search")
    assert client.get(created.id).config.tool_approval_hashes == []
    client.delete(created.id)
    assert created.id not in [server.id for server in client.list().mcp_servers]
