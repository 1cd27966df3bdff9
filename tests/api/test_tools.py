"""Tools and secrets, and what depends on them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from parola.api.services import Services
from tests.api.conftest import call, create_agent
from tests.store.test_contract import DOCUMENTS

TOOLS = "/v1/convai/tools"

WEBHOOK: dict[str, Any] = {
    "type": "webhook",
    "name": "lookup_order",
    "description": "Find an order by number",
    "response_timeout_secs": 20,
    "api_schema": {
        "url": "https://shop.example/orders/{order_id}",
        "method": "POST",
        "path_params_schema": {"order_id": {"type": "string", "description": "order number the caller said"}},
        "request_headers": {"X-Api-Key": {"secret_id": "sec_1"}, "X-Agent": {"variable_name": "system__agent_id"}},
        "request_body_schema": {
            "type": "object",
            "required": ["agent_id"],
            "properties": {"agent_id": {"type": "string", "dynamic_variable": "system__agent_id"}},
        },
    },
    "assignments": [{"source": "response", "dynamic_variable": "order_status", "value_path": "order.status"}],
}
CLIENT: dict[str, Any] = {"type": "client", "name": "show_map", "description": "Shows a map", "expects_response": True}


def create_tool(client: TestClient, config: dict[str, Any] = CLIENT, **document: Any) -> dict[str, Any]:
    response = client.post(TOOLS, json={"tool_config": config, **document})
    assert response.status_code == 200, response.text
    tool: dict[str, Any] = response.json()
    return tool


@pytest.mark.parametrize(
    "config",
    [
        WEBHOOK,
        CLIENT,
        {"type": "system", "name": "end_call", "params": {"system_tool_type": "end_call"}},
        {"type": "mcp", "value": {"x": 1}},
        {"type": "from_the_future", "x": [1]},
    ],
)
def test_a_tool_of_any_kind_comes_back_as_it_was_pushed(client: TestClient, config: dict[str, Any]) -> None:
    mocks = [{"mock_result": "ok", "parameter_conditions": []}]
    made = create_tool(client, config, response_mocks=mocks)
    got = client.get(f"{TOOLS}/{made['id']}").json()
    assert got == made
    assert got["tool_config"] == config
    assert got["response_mocks"] == mocks
    assert got["usage_stats"] == {"total_calls": 0, "avg_latency_secs": 0}


@given(unknown=DOCUMENTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unknown_fields_of_a_tool_come_back(client: TestClient, unknown: dict[str, Any]) -> None:
    config = {**CLIENT, "x_unknown": unknown}
    made = create_tool(client, config)
    assert repr(client.get(f"{TOOLS}/{made['id']}").json()["tool_config"]) == repr(config)


def test_a_patch_replaces_the_config(client: TestClient) -> None:
    made = create_tool(client, response_mocks=[])
    changed = client.patch(f"{TOOLS}/{made['id']}", json={"tool_config": {"type": "client", "name": "other"}}).json()
    assert changed["tool_config"] == {"type": "client", "name": "other"}
    assert changed["response_mocks"] == []


@pytest.mark.parametrize(
    ("config", "field", "said"),
    [
        ({"type": "client", "name": "a b"}, "name", 'got "a b"'),
        ({"type": "client", "name": "a" * 65}, "name", "pattern"),
        ({"type": "client"}, "name", "required"),
        ({"type": "client", "name": "a", "response_timeout_secs": 0}, "response_timeout_secs", "1 to 120, got 0"),
        ({**WEBHOOK, "response_timeout_secs": 301}, "response_timeout_secs", "5 to 300, got 301"),
        ({"type": "webhook", "name": "a"}, "api_schema", "required"),
        ({"type": "client", "name": "a", "parameters": {"properties": {"tool_call_id": {}}}}, "parameters", "wrong id"),
    ],
)
def test_a_tool_that_cannot_work_is_refused(client: TestClient, config: dict[str, Any], field: str, said: str) -> None:
    response = client.post(TOOLS, json={"tool_config": config})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"][-1] == field
    assert said in problem["msg"]


def test_tools_are_listed_and_filtered(client: TestClient) -> None:
    map_id, order_id = create_tool(client)["id"], create_tool(client, WEBHOOK)["id"]
    agent_id = create_agent(client, conversation_config={"agent": {"prompt": {"tool_ids": [map_id, "tool_gone"]}}})

    def ids(query: str = "") -> list[str]:
        return [tool["id"] for tool in client.get(f"{TOOLS}?{query}").json()["tools"]]

    assert ids() == [order_id, map_id]
    assert ids("types=client") == [map_id]
    assert ids("types=client&types=webhook&sort_by=name&sort_direction=asc") == [order_id, map_id]
    assert ids("search=ORDER") == [order_id]
    assert ids(f"used_by_agent_id={agent_id}") == [map_id]


def test_a_tool_in_use_is_deleted_only_with_force(client: TestClient) -> None:
    tool_id = create_tool(client)["id"]
    prompt = {"prompt": {"tool_ids": [tool_id]}}
    agent_id = create_agent(client, "Front desk", conversation_config={"agent": prompt})
    dependents = client.get(f"{TOOLS}/{tool_id}/dependent-agents").json()
    assert [(agent["id"], agent["name"]) for agent in dependents["agents"]] == [(agent_id, "Front desk")]
    idle = create_tool(client)["id"]
    listed = {tool["id"]: tool["x_dependent_agents"] for tool in client.get(TOOLS).json()["tools"]}
    assert listed == {tool_id: dependents["agents"], idle: []}
    shown = client.get(TOOLS).json()["tools"][1]
    client.patch(f"{TOOLS}/{tool_id}", json=shown)
    assert "x_dependent_agents" not in client.get(f"{TOOLS}/{tool_id}").json()
    refused = client.delete(f"{TOOLS}/{tool_id}")
    assert refused.status_code == 409
    assert "Front desk" in refused.json()["detail"]["message"]
    assert client.delete(f"{TOOLS}/{tool_id}?force=true").json() == {}
    assert client.get(f"{TOOLS}/{tool_id}").status_code == 404


# -- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = "/v1/convai/secrets"


def test_a_secret_is_written_and_never_shown(client: TestClient) -> None:
    made = client.post(SECRETS, json={"type": "new", "name": "Shop", "value": "swordfish"})
    assert made.json() == {"type": "stored", "secret_id": made.json()["secret_id"], "name": "Shop"}
    secret_id = made.json()["secret_id"]
    for response in (client.get(f"{SECRETS}/{secret_id}"), client.get(SECRETS)):
        assert "swordfish" not in response.text
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    kept = call(client, services.store.secrets.get, secret_id)
    assert b"swordfish" not in kept.sealed
    assert services.vault.open(kept.sealed) == "swordfish"


def test_a_secret_is_renamed_with_a_new_value_and_deleted(client: TestClient) -> None:
    secret_id = client.post(SECRETS, json={"name": "Shop", "value": "a"}).json()["secret_id"]
    changed = client.patch(f"{SECRETS}/{secret_id}", json={"type": "update", "name": "Store", "value": "b"})
    assert changed.json() == {"type": "stored", "secret_id": secret_id, "name": "Store"}
    assert [secret["name"] for secret in client.get(f"{SECRETS}?search=store").json()["secrets"]] == ["Store"]
    assert client.delete(f"{SECRETS}/{secret_id}").status_code == 200
    assert client.get(f"{SECRETS}/{secret_id}").status_code == 404


def test_a_secret_says_what_uses_it(client: TestClient) -> None:
    secret_id = client.post(SECRETS, json={"name": "Shop", "value": "a"}).json()["secret_id"]
    config = {**WEBHOOK, "api_schema": {"url": "http://x", "request_headers": {"K": {"secret_id": secret_id}}}}
    tool_id = create_tool(client, config)["id"]
    custom = {"url": "http://llm", "api_key": {"secret_id": secret_id}}
    agent_id = create_agent(client, conversation_config={"agent": {"prompt": {"custom_llm": custom}}})
    used_by = client.get(f"{SECRETS}/{secret_id}").json()["used_by"]
    assert [tool["id"] for tool in used_by["tools"]] == [tool_id]
    assert [agent["id"] for agent in used_by["agents"]] == [agent_id]


@pytest.mark.parametrize("body", [{"name": "x"}, {"value": "x"}, {"name": "", "value": "x"}, {"name": "x", "value": 1}])
def test_a_secret_needs_a_name_and_a_value(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post(SECRETS, json=body).status_code == 422
