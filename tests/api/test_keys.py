"""Keys with rights and an end, whose they are, and what the audit log says of it all."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from parola.app import create_app
from parola.config import Settings
from tests.api.conftest import beside, call, create_agent

KEYS = "/v1/x/api-keys"
AGENTS = "/v1/convai/agents"
LOG = "/v1/x/audit-log"


def headers(made: dict[str, Any]) -> dict[str, str]:
    return {"xi-api-key": made["api_key"]}


@pytest.fixture
def owner(client: TestClient) -> dict[str, str]:
    """The headers of a key that may do everything."""
    return headers(client.post(KEYS, json={"name": "owner"}).json())


def entries(client: TestClient, owner: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    response = client.get(LOG, params=query, headers=owner)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["entries"]
    return found


def test_a_rotated_key_goes_on_until_its_grace_is_over(client: TestClient, owner: dict[str, str]) -> None:
    old = client.post(KEYS, json={"name": "CI", "scopes": ["convai_read"]}, headers=owner).json()
    assert old["scopes"] == ["agents:read", "conversations:read"]
    new = client.post(f"{KEYS}/{old['key_id']}/rotate", json={"grace_secs": 60}, headers=owner).json()
    assert new["scopes"] == old["scopes"]
    assert new["api_key"] != old["api_key"]
    for key in (old, new):
        assert client.get(AGENTS, headers=headers(key)).status_code == 200
    listed = {key["key_id"]: key for key in client.get(KEYS, headers=owner).json()["api_keys"]}
    assert listed[old["key_id"]]["replaced_by"] == new["key_id"]
    assert 50 < listed[old["key_id"]]["expires_at_unix_secs"] - time.time() <= 60
    assert listed[new["key_id"]]["expires_at_unix_secs"] is None
    assert abs(listed[new["key_id"]]["last_used_at_unix_secs"] - time.time()) < 60

    newest = client.post(f"{KEYS}/{new['key_id']}/rotate", json={"grace_secs": 0}, headers=owner).json()
    refused = client.get(AGENTS, headers=headers(new))
    assert refused.status_code == 401
    assert newest["key_id"] in refused.json()["detail"]["message"]
    assert client.get(AGENTS, headers=headers(newest)).status_code == 200


def test_what_a_key_may_do_changes_with_the_next_request(client: TestClient, owner: dict[str, str]) -> None:
    made = client.post(KEYS, json={"scopes": ["agents:read"], "expires_in_secs": 1000}, headers=owner).json()
    assert client.post(f"{AGENTS}/create", json={}, headers=headers(made)).status_code == 401
    changed = client.patch(
        f"{KEYS}/{made['key_id']}", json={"scopes": ["agents:write"], "name": "Robot"}, headers=owner
    )
    assert changed.json()["name"] == "Robot"
    assert client.get(AGENTS, headers=headers(made)).status_code == 401
    assert client.post(f"{AGENTS}/create", json={"conversation_config": {}}, headers=headers(made)).status_code == 200
    client.patch(f"{KEYS}/{made['key_id']}", json={"expires_at_unix_secs": 1}, headers=owner)
    assert client.post(f"{AGENTS}/create", json={}, headers=headers(made)).status_code == 401
    assert client.delete(f"{KEYS}/{made['key_id']}", headers=owner).status_code == 200
    assert client.delete(f"{KEYS}/{made['key_id']}", headers=owner).status_code == 404


def test_nobody_makes_a_key_that_may_do_more_than_their_own(client: TestClient, owner: dict[str, str]) -> None:
    clerk = client.post(KEYS, json={"scopes": ["keys", "agents:read"]}, headers=owner).json()
    first = client.get(KEYS, headers=owner).json()["api_keys"][0]["key_id"]
    for method, path, body in (
        ("POST", KEYS, {"scopes": ["agents:write"]}),
        ("POST", KEYS, {"scopes": ["admin"]}),
        ("POST", f"{KEYS}/{first}/rotate", {}),
        ("PATCH", f"{KEYS}/{first}", {"name": "mine"}),
        ("PATCH", f"{KEYS}/{clerk['key_id']}", {"scopes": ["webhooks"]}),
        ("DELETE", f"{KEYS}/{first}", None),
    ):
        refused = client.request(method, path, json=body, headers=headers(clerk))
        assert refused.status_code == 403, (method, path)
        assert refused.json()["detail"]["message"].startswith("Your key may do agents:read, keys, and cannot make")
    like_it = client.post(KEYS, json={}, headers=headers(clerk)).json()
    assert like_it["scopes"] == ["agents:read", "keys"]
    wrong = client.post(KEYS, json={"scopes": ["agents"]}, headers=owner)
    assert wrong.status_code == 400
    assert wrong.json()["detail"]["message"].endswith('got "agents".')


def test_the_last_key_goes_only_with_one_that_may_do_everything(client: TestClient, owner: dict[str, str]) -> None:
    clerk = client.post(KEYS, json={"scopes": ["keys"]}, headers=owner).json()
    first = client.get(KEYS, headers=owner).json()["api_keys"][0]["key_id"]
    assert client.delete(f"{KEYS}/{first}", headers=owner).status_code == 200
    refused = client.delete(f"{KEYS}/{clerk['key_id']}", headers=headers(clerk))
    assert refused.status_code == 403 and "It is the last key of this server" in refused.text
    assert client.get(AGENTS).status_code == 401


def test_who_may_read_webhooks_changes_none(client: TestClient, owner: dict[str, str]) -> None:
    reader = client.post(KEYS, json={"scopes": ["workspace_read"]}, headers=owner).json()
    assert reader["scopes"] == ["webhooks:read"]
    webhooks, settings = "/v1/workspace/webhooks", "/v1/convai/settings"
    for path in (webhooks, settings, "/v1/x/webhook-deliveries"):
        assert client.get(path, headers=headers(reader)).status_code == 200
    for method, path in (("POST", webhooks), ("PATCH", settings)):
        refused = client.request(method, path, json={}, headers=headers(reader))
        assert refused.status_code == 401 and "missing the permission webhooks " in refused.text
    clerk = client.post(KEYS, json={"scopes": ["keys", "webhooks"]}, headers=owner).json()
    less = client.post(KEYS, json={"scopes": ["webhooks:read"]}, headers=headers(clerk))
    assert less.status_code == 200, "who may change them may read them"


def test_the_role_of_a_member_is_the_most_that_their_keys_may_do(client: TestClient, owner: dict[str, str]) -> None:
    member = client.post(
        "/v1/x/members", json={"name": "Ada", "email": "ada@example.com", "role": "viewer"}, headers=owner
    ).json()
    path = f"/v1/x/members/{member['member_id']}"
    key = client.post(KEYS, json={"member_id": member["member_id"]}, headers=owner).json()
    assert key["scopes"] == ["agents:read", "conversations:read"]
    more = {"member_id": member["member_id"], "scopes": ["agents:write"]}
    refused = client.post(KEYS, json=more, headers=owner)
    assert refused.status_code == 403
    assert refused.json()["detail"]["message"] == (
        f"The role of {member['member_id']} allows its keys agents:read, conversations:read; got agents:write."
    )
    assert client.get(path, headers=owner).json()["api_keys"] == [key["key_id"]]
    assert client.patch(path, json={"role": "editor"}, headers=owner).json()["role"] == "editor"
    editor = client.post(KEYS, json=more, headers=owner)
    assert editor.status_code == 200
    assert client.patch(path, json={"role": "viewer"}, headers=owner).status_code == 409
    assert client.delete(path, headers=owner).status_code == 409
    for made in (key, editor.json()):
        client.delete(f"{KEYS}/{made['key_id']}", headers=owner)
    assert client.delete(path, headers=owner).status_code == 200
    assert client.get(path, headers=owner).status_code == 404
    assert client.get("/v1/x/members", headers=owner).json()["members"] == []


def test_every_change_leaves_an_entry_that_says_who_and_what_and_nothing_of_the_content(
    client: TestClient, owner: dict[str, str]
) -> None:
    robot = client.post(KEYS, json={"name": "robot", "scopes": ["agents:read"]}, headers=owner).json()
    agent = client.post(
        f"{AGENTS}/create", json={"name": "Unspeakable", "conversation_config": {}}, headers=owner
    ).json()["agent_id"]
    client.patch(f"{AGENTS}/{agent}", json={"name": "Unspeakable too"}, headers=owner)
    client.patch(f"{AGENTS}/agent_none", json={"name": "x"}, headers=owner)
    client.delete(f"{AGENTS}/{agent}", headers=headers(robot))
    client.get(AGENTS, headers=headers(robot))
    client.post("/v1/convai/secrets", json={"name": "s", "value": "swordfish"}, headers=owner)
    client.post("/v1/x/tool-callbacks/TOKEN-OF-SOMEBODY", json={})

    log = entries(client, owner)
    assert [(one["action"], one["result"], one["key_name"]) for one in log] == [
        ("x_tool_callbacks_create", "refused", None),
        ("secrets_create", "done", "owner"),
        ("agents_delete", "refused", "robot"),
        ("agents_update", "refused", "owner"),
        ("agents_update", "done", "owner"),
        ("agents_create", "done", "owner"),
        ("x_api_keys_create", "done", "owner"),
        ("x_api_keys_create", "done", None),
    ]
    assert log[5]["resource"] == log[4]["resource"] == log[2]["resource"] == agent
    assert log[6]["resource"] == robot["key_id"] == log[2]["key_id"]
    assert log[2]["details"] == {"method": "DELETE", "path": f"{AGENTS}/{{agent_id}}", "status": 401}
    assert log[0]["address"] == "testclient"
    shown = client.get(LOG, headers=owner).text
    for secret in ("swordfish", "Unspeakable", "TOKEN-OF-SOMEBODY", robot["api_key"], owner["xi-api-key"]):
        assert secret not in shown

    assert len(entries(client, owner, resource=agent)) == 3
    assert [one["action"] for one in entries(client, owner, key_id=robot["key_id"])] == ["agents_delete"]
    assert len(entries(client, owner, action="agents_update", result="done")) == 1
    assert entries(client, owner, before_unix=1) == []
    page = client.get(LOG, params={"page_size": 3}, headers=owner).json()
    assert page["has_more"]
    rest = client.get(LOG, params={"cursor": page["next_cursor"]}, headers=owner).json()["entries"]
    assert [one["entry_id"] for one in [*page["entries"], *rest]] == [one["entry_id"] for one in log]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, LOG, headers=owner).status_code == 405
    assert client.patch("/v1/x/conversations/conv_any/takeover", headers=owner).status_code == 405
    assert len(entries(client, owner)) == len(log), "what is not possible has no name, and nobody did it"


def test_looks_and_words_into_a_running_conversation_are_in_the_log(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(data=tmp_path)), base_url="http://127.0.0.1:8400") as client:
        agent = create_agent(
            client,
            conversation_config={
                "agent": {"first_message": "Hello.", "prompt": {"llm": "x-script"}},
                "conversation": {"text_only": True},
            },
        )
        owner = headers(client.post(KEYS, json={"name": "owner"}).json())
        watcher = headers(client.post(KEYS, json={"name": "watcher", "scopes": ["monitor"]}, headers=owner).json())
        stranger = headers(client.post(KEYS, json={"name": "stranger", "scopes": ["audit"]}, headers=owner).json())
        with client.websocket_connect(f"/v1/convai/conversation?agent_id={agent}") as call_socket:
            call_socket.send_json({"type": "conversation_initiation_client_data"})
            metadata = json.loads(call_socket.receive_text())["conversation_initiation_metadata_event"]
            path = f"/v1/x/conversations/{metadata['conversation_id']}"
            with beside(client, f"{path}/attach?role=operator", owner) as operator:
                operator.send_json({"type": "user_message", "text": "the word is Unspeakable"})
                while json.loads(operator.receive_text())["type"] != "command_result":
                    pass
            monitor_path = f"/v1/convai/conversations/{metadata['conversation_id']}/monitor"
            with beside(client, monitor_path, watcher) as monitor:
                monitor.send_json({"command_type": "end_call"})
                while json.loads(monitor.receive_text())["type"] != "command_result":
                    pass
            with (
                pytest.raises(WebSocketDisconnect),
                client.websocket_connect(monitor_path, headers=stranger) as refused,
            ):
                refused.receive_text()
            said = {"type": "agent_message", "text": "Unspeakable too"}
            assert client.post(f"{path}/messages", json=said, headers=owner).status_code == 202
            assert client.get(f"{path}/events", headers=owner).status_code == 200
        assert client.get("/v1/x/conversations/export", headers=owner).status_code == 200
        log = entries(client, owner)
        told = [(one["action"], one["result"], one["key_name"], one["details"].get("command")) for one in log]
        assert told[:8] == [
            ("x_conversations_export", "done", "owner", None),
            ("monitor", "done", "owner", None),
            ("live_messages_create", "done", "owner", None),
            ("monitor", "refused", "stranger", None),
            ("command", "refused", "watcher", "end_call"),
            ("monitor", "done", "watcher", None),
            ("command", "done", "owner", "user_message"),
            ("attach", "done", "owner", None),
        ]
        assert {one["resource"] for one in log[1:8]} == {metadata["conversation_id"]}
        assert "Unspeakable" not in json.dumps(log)


def test_the_audit_log_forgets_what_is_older_than_its_retention(client: TestClient, owner: dict[str, str]) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    (first,) = call(client, services.store.audit.page, _everything(), page_size=10).items
    old = type(first)("audit_old", time.time() - 400 * 86400, "agents_delete", "agent_1", None, "done", {})
    call(client, services.store.audit.append, old)
    assert [one["action"] for one in entries(client, owner)] == ["x_api_keys_create", "agents_delete"]
    services.audit._tidied_at = 0.0
    create_agent_as(client, owner)
    assert [one["action"] for one in entries(client, owner)] == ["agents_create", "x_api_keys_create"]


def create_agent_as(client: TestClient, owner: dict[str, str]) -> None:
    client.headers.update(owner)
    create_agent(client)


def _everything() -> Any:
    from parola.store.audit import AuditQuery

    return AuditQuery()
