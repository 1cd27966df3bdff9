"""MCP servers over REST: what is pushed is what is pulled; approvals and settings of single tools."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.conversation.mcp_tools import ListedTool
from tests.api.conftest import create_agent

SERVERS = "/v1/convai/mcp-servers"

CONFIG: dict[str, Any] = {
    "name": "Library",
    "url": "https://library.example/mcp",
    "transport": "STREAMABLE_HTTP",
    "request_headers": {"X-Key": {"secret_id": "sec_1"}, "X-User": {"variable_name": "user"}},
    "response_timeout_secs": 40,
    "from_the_future": {"a": [1, None]},
}


def create(client: TestClient, **changes: Any) -> dict[str, Any]:
    response = client.post(SERVERS, json={"config": {**CONFIG, **changes}})
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def change(client: TestClient, method: str, path: str, body: Any = None) -> dict[str, Any]:
    response = client.request(method, f"{SERVERS}/{path}", json=body)
    assert response.status_code == 200, response.text
    config: dict[str, Any] = response.json()["config"]
    return config


def test_what_is_pushed_is_what_is_pulled(client: TestClient):
    server = create(client)
    assert server["id"].startswith("mcp_") and server["config"] == CONFIG
    assert server["dependent_agents"] == [] and server["metadata"]["created_at"] > 0
    assert client.get(f"{SERVERS}/{server['id']}").json() == server
    assert client.get(SERVERS).json() == {"mcp_servers": [server]}
    assert client.delete(f"{SERVERS}/{server['id']}").json() == {}
    assert client.get(f"{SERVERS}/{server['id']}").status_code == 404


def test_a_change_leaves_what_it_does_not_name(client: TestClient):
    server_id = create(client)["id"]
    assert change(client, "PATCH", server_id, {"response_timeout_secs": 99, "url": "https://other.example"}) == {
        **CONFIG,
        "response_timeout_secs": 99,
    }
    config = change(client, "PATCH", f"{server_id}/approval-policy", {"approval_policy": "auto_approve_all"})
    assert config["approval_policy"] == "auto_approve_all" and config["response_timeout_secs"] == 99


def test_a_tool_with_numbers_beyond_64_bits_can_be_decided_about(client: TestClient):
    schema = {"properties": {"n": {"maximum": 10**30}}}
    body = {"tool_name": "count", "tool_description": "", "input_schema": schema}
    approvals = change(client, "POST", f"{create(client)['id']}/tool-approvals", body)["tool_approval_hashes"]
    assert [one["tool_hash"] for one in approvals] == [ListedTool("count", "", schema).hash]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://x"}, "begins with http"),
        ({"transport": "STDIO"}, "SSE"),
        ({"approval_policy": "sometimes"}, "require_approval_all"),
        ({"response_timeout_secs": 1}, "Expected 5 to 300, got 1"),
        ({"name": ""}, "at least 1 character"),
        ({"secret_token": "sesame"}, "secret_id"),
    ],
)
def test_what_cannot_work_is_refused(client: TestClient, changes: dict[str, Any], said: str):
    response = client.post(SERVERS, json={"config": {**CONFIG, **changes}})
    assert response.status_code == 422 and said in response.text and "sesame" not in response.text
    assert client.get(SERVERS).json() == {"mcp_servers": []}


def test_agents_that_use_a_server_are_named(client: TestClient):
    server_id = create(client)["id"]
    agent_id = create_agent(client, agent={"prompt": {"mcp_server_ids": [server_id]}})
    [dependent] = client.get(f"{SERVERS}/{server_id}").json()["dependent_agents"]
    assert dependent["id"] == agent_id and dependent["type"] == "available"


def test_a_tool_is_approved_and_that_is_taken_back(client: TestClient):
    server_id = create(client)["id"]
    tool = ListedTool("find book", "Finds", {"type": "object"})
    body = {"tool_name": tool.name, "tool_description": tool.description, "input_schema": dict(tool.input_schema)}
    first = change(client, "POST", f"{server_id}/tool-approvals", body)["tool_approval_hashes"]
    assert first == [{"tool_name": "find book", "tool_hash": tool.hash, "approval_policy": "requires_approval"}]
    again = change(client, "POST", f"{server_id}/tool-approvals", {**body, "approval_policy": "auto_approved"})
    assert [one["approval_policy"] for one in again["tool_approval_hashes"]] == ["auto_approved"]
    assert change(client, "DELETE", f"{server_id}/tool-approvals/find%20book")["tool_approval_hashes"] == []


def test_one_tool_is_configured_otherwise(client: TestClient):
    server_id = create(client)["id"]
    path = f"{server_id}/tool-configs"
    override = {"tool_name": "find/book", "response_timeout_secs": 90}
    assert change(client, "POST", path, override)["tool_config_overrides"] == [override]
    assert client.post(f"{SERVERS}/{path}", json=override).status_code == 409
    assert client.get(f"{SERVERS}/{path}/find/book").json() == override
    config = change(client, "PATCH", f"{path}/find/book", {"execution_mode": "async"})
    assert config["tool_config_overrides"] == [{**override, "execution_mode": "async"}]
    assert client.patch(f"{SERVERS}/{path}/find/book", json={"response_timeout_secs": 1}).status_code == 422
    assert change(client, "DELETE", f"{path}/find/book")["tool_config_overrides"] == []
    for method in ("get", "patch", "delete"):
        response = client.request(method, f"{SERVERS}/{path}/find/book", json=None if method != "patch" else {})
        assert response.status_code == 404, method


def test_a_server_that_cannot_be_asked_is_told_as_such(client: TestClient):
    server_id = create(client, request_headers={})["id"]
    listed = client.get(f"{SERVERS}/{server_id}/tools").json()
    assert listed["success"] is False and listed["tools"] == [] and "library.example" in listed["error_message"]


def test_a_secret_that_is_missing_is_named(client: TestClient):
    server_id = create(client)["id"]
    listed = client.get(f"{SERVERS}/{server_id}/tools").json()
    assert not listed["success"] and "sec_1" in listed["error_message"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("GET", "/tools", None),
        ("PATCH", "/approval-policy", {"approval_policy": "auto_approve_all"}),
        ("POST", "/tool-approvals", {"tool_name": "x", "tool_description": ""}),
        ("DELETE", "/tool-approvals/x", None),
        ("POST", "/tool-configs", {"tool_name": "x"}),
        ("GET", "/tool-configs/x", None),
    ],
)
def test_a_server_that_does_not_exist_is_not_found(client: TestClient, method: str, path: str, body: Any):
    assert client.request(method, f"{SERVERS}/mcp_none{path}", json=body).status_code == 404


def test_a_secret_says_which_servers_use_it(client: TestClient):
    secret_id = client.post("/v1/convai/secrets", json={"type": "new", "name": "k", "value": "v"}).json()["secret_id"]
    server_id = create(client, secret_token={"secret_id": secret_id})["id"]
    [dependent] = client.get(f"/v1/convai/secrets/{secret_id}").json()["used_by"]["mcp_servers"]
    assert (dependent["id"], dependent["name"]) == (server_id, "Library")
