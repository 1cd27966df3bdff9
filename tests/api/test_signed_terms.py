"""Signed URLs on somebody's terms: what they settle wins, what they forbid is refused, and they can be taken back; and
from which pages a conversation may be opened at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from parola.api import socket_door
from parola.app import create_app
from parola.config import Settings
from tests.api.conftest import beside, create_agent

URLS = "/v1/x/signed-urls"
CONFIG = {
    "agent": {"first_message": "Hello {{name}} in {{town}}", "language": "en", "prompt": {"llm": "x-script"}},
    "conversation": {"text_only": True},
}
OVERRIDES = {"agent": {"first_message": True, "language": True, "prompt": {"prompt": True}}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=tmp_path)), base_url="http://127.0.0.1:8400") as client:
        yield client


@pytest.fixture
def agent(server: TestClient) -> str:
    return private_agent(server)


def private_agent(server: TestClient, **auth: Any) -> str:
    platform = {
        "auth": {"enable_auth": True, **auth},
        "overrides": {"conversation_config_override": OVERRIDES},
    }
    return create_agent(server, conversation_config=CONFIG, platform_settings=platform)


def made(server: TestClient, agent: str, **terms: Any) -> dict[str, Any]:
    response = server.post(URLS, json={"agent_id": agent, **terms})
    assert response.status_code == 200, response.text
    url: dict[str, Any] = response.json()
    return url


def opened(
    server: TestClient, signed_url: str, *, headers: dict[str, str] | None = None, **first: Any
) -> tuple[str, str] | tuple[int, str]:
    """The conversation's id and the agent's first words; or the code and the reason of a close."""
    path = signed_url.partition("8400")[2]
    init = {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "x", "town": "y"}, **first}
    with server.websocket_connect(path, headers=headers or {}) as socket:
        try:
            socket.send_json(init)
            conversation_id = ""
            while True:
                message = json.loads(socket.receive_text())
                if event := message.get("conversation_initiation_metadata_event"):
                    conversation_id = event["conversation_id"]
                elif event := message.get("agent_response_event"):
                    return conversation_id, event["agent_response"]
        except WebSocketDisconnect as close:
            return close.code, close.reason


def test_what_the_url_settles_wins_over_what_the_client_says(server: TestClient, agent: str) -> None:
    url = made(server, agent, user_id="user_7", dynamic_variables={"town": "Ghent", "secret__token": "T"}, ttl_secs=60)
    assert 50 < url["expires_at"] - time.time() <= 60
    assert "Ghent" not in url["signed_url"]
    for _ in range(2):
        conversation_id, said = opened(
            server, url["signed_url"], user_id="user_1", dynamic_variables={"name": "Bo", "town": "Rome"}
        )
        assert said == "Hello Bo in Ghent"
        record = server.get(f"/v1/convai/conversations/{conversation_id}").json()
        assert record["user_id"] == "user_7"
        assert record["metadata"]["authorization_method"] == "signed_url"


def test_only_the_listed_overrides_pass_and_only_those_the_agent_allows(server: TestClient, agent: str) -> None:
    url = made(server, agent, allowed_overrides=["agent.first_message", "tts"])["signed_url"]

    def overriding(**override: Any) -> tuple[Any, str]:
        return opened(server, url, conversation_config_override=override)

    assert overriding(agent={"first_message": "Mine"})[1] == "Mine"
    assert overriding(conversation={"text_only": True})[1] == "Hello x in y"
    assert overriding(agent={"prompt": {"prompt": "Obey"}}) == (
        1008,
        "Override for field 'agent.prompt.prompt' is not allowed by the signed URL.",
    )
    code, reason = overriding(tts={"voice_id": "deep"})
    assert (code, reason) == (1008, "Override for field 'voice_id' is not allowed by config.")
    code, reason = opened(server, url, custom_llm_extra_body={"a": 1})
    assert (code, reason) == (1008, "Override for field 'custom_llm_extra_body' is not allowed by the signed URL.")
    failed = server.get("/v1/convai/conversations").json()["conversations"]
    assert sum(one["status"] == "failed" for one in failed) == 3


def test_a_url_whose_conversation_was_deleted_says_so(server: TestClient, agent: str) -> None:
    query = {"agent_id": agent, "include_conversation_id": True}
    url = server.get("/v1/convai/conversation/get-signed-url", params=query).json()["signed_url"]
    (announced,) = server.get("/v1/convai/conversations").json()["conversations"]
    assert server.delete(f"/v1/convai/conversations/{announced['conversation_id']}").status_code == 200
    gone = "Could not authorize the conversation: the conversation of this signed URL was deleted."
    assert opened(server, url) == (3000, gone)


def test_a_url_is_used_once_expires_and_can_be_taken_back(server: TestClient, agent: str) -> None:
    once = made(server, agent, single_use=True)["signed_url"]
    assert opened(server, once)[1] == "Hello x in y"
    used = (3000, "Could not authorize the conversation: this signed URL has been used, or revoked.")
    assert opened(server, once) == used

    revoked = made(server, agent)
    assert opened(server, revoked["signed_url"])[1] == "Hello x in y"
    assert server.delete(f"{URLS}/{revoked['id']}").status_code == 200
    assert opened(server, revoked["signed_url"]) == used
    assert server.delete(f"{URLS}/{revoked['id']}").status_code == 404

    services = server.app.state.services  # type: ignore[attr-defined]
    claims = services.credentials.verify(revoked["signed_url"].rpartition("=")[2], time.time())
    late = services.credentials.sign(replace(claims, expires_at=time.time() - 5))
    code, reason = opened(server, f"http://127.0.0.1:8400/v1/convai/conversation?token={late}")
    assert (code, "expired 5 seconds ago" in reason) == (3000, True)


def test_what_makes_no_sense_is_refused_with_what_was_expected(server: TestClient, agent: str) -> None:
    for terms, status, words in (
        ({"agent_id": "agent_none"}, 404, "agent_none"),
        ({"ttl_secs": 0}, 422, "greater than or equal to 1"),
        ({"allowed_overrides": ["agent.x"]}, 400, "expected paths of conversation_config_override"),
        ({"dynamic_variables": {"system__time": "1"}}, 400, "the prefix system__ is reserved"),
        ({"attach": "observer"}, 400, "belong together"),
        ({"attach": "listener"}, 422, "operator"),
        ({"attach": "observer", "conversation_id": "conv_none"}, 404, "conv_none"),
        ({"agent_id": None}, 400, "Expected agent_id"),
    ):
        response = server.post(URLS, json={"agent_id": agent, **terms})
        assert response.status_code == status, terms
        assert words in response.text, terms


def signed_by_a_clerk(server: TestClient, agent: str) -> tuple[dict[str, str], str, tuple[str, str]]:
    """The owner's header, the id of another key that may start conversations, and two URLs that it signed: one with
    terms, one as the hosted platform does."""
    owner = {"xi-api-key": server.post("/v1/x/api-keys", json={"name": "owner"}).json()["api_key"]}
    clerk = server.post("/v1/x/api-keys", json={"scopes": ["conversations:start"]}, headers=owner).json()
    key = {"xi-api-key": clerk["api_key"]}
    with_terms = server.post(URLS, json={"agent_id": agent}, headers=key).json()["signed_url"]
    plain = server.get(f"/v1/convai/conversation/get-signed-url?agent_id={agent}", headers=key).json()["signed_url"]
    return owner, clerk["key_id"], (with_terms, plain)


def test_with_the_key_goes_what_it_signed(server: TestClient, agent: str) -> None:
    owner, key_id, urls = signed_by_a_clerk(server, agent)
    for url in urls:
        assert opened(server, url)[1] == "Hello x in y"
    server.delete(f"/v1/x/api-keys/{key_id}", headers=owner)
    for url in urls:
        assert opened(server, url)[0] == 3000
    log = server.get("/v1/x/audit-log", params={"key_id": key_id}, headers=owner).json()["entries"]
    assert [one["action"] for one in log] == ["conversations_get_signed_url", "x_signed_urls_create"]


def test_with_the_key_ends_what_it_signed_and_a_rotated_one_lives_on(server: TestClient, agent: str) -> None:
    owner = {"xi-api-key": server.post("/v1/x/api-keys", json={"name": "owner"}).json()["api_key"]}

    def signed() -> tuple[str, str]:
        clerk = server.post("/v1/x/api-keys", json={"scopes": ["conversations:start"]}, headers=owner).json()
        key = {"xi-api-key": clerk["api_key"]}
        return clerk["key_id"], server.post(URLS, json={"agent_id": agent}, headers=key).json()["signed_url"]

    store = server.app.state.services.store  # type: ignore[attr-defined]
    expired, its_url = signed()
    rotated, other_url = signed()
    server.post(f"/v1/x/api-keys/{rotated}/rotate", headers=owner)
    for row in server.portal.call(store.api_keys.all):  # type: ignore[union-attr]
        if row.key_id in (expired, rotated):
            server.portal.call(store.api_keys.put, replace(row, expires_at=time.time() - 1))  # type: ignore[union-attr]
    assert opened(server, its_url)[0] == 3000
    assert opened(server, other_url)[1] == "Hello x in y"


def test_what_a_key_signed_ends_with_the_scope_that_it_took(server: TestClient, agent: str) -> None:
    owner, key_id, urls = signed_by_a_clerk(server, agent)
    for scopes, is_refused in ((["agents:read"], True), (["agents:read", "conversations:start"], False)):
        server.patch(f"/v1/x/api-keys/{key_id}", json={"scopes": scopes}, headers=owner)
        for url in urls:
            assert (opened(server, url)[0] == 3000) is is_refused


@pytest.mark.parametrize("how", ["it is deleted", "it may do less"])
def test_a_socket_beside_a_conversation_closes_with_the_rights_of_its_key(
    server: TestClient, agent: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(socket_door, "KEY_CHECK_SECONDS", 0.02)
    url = made(server, agent)["signed_url"]
    owner = {"xi-api-key": server.post("/v1/x/api-keys", json={"name": "owner"}).json()["api_key"]}
    desk = server.post("/v1/x/api-keys", json={"scopes": ["monitor", "inject"]}, headers=owner).json()
    init = {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "x", "town": "y"}}
    with server.websocket_connect(url.partition("8400")[2]) as socket:
        socket.send_json(init)
        metadata = json.loads(socket.receive_text())["conversation_initiation_metadata_event"]
        path = f"/v1/convai/conversations/{metadata['conversation_id']}/monitor"
        with server.websocket_connect(path, headers={"xi-api-key": desk["api_key"]}) as monitor:
            while json.loads(monitor.receive_text())["type"] != "history_complete":
                pass
            its_path = f"/v1/x/api-keys/{desk['key_id']}"
            if how == "it is deleted":
                server.delete(its_path, headers=owner)
            else:
                server.patch(its_path, json={"scopes": ["monitor"]}, headers=owner)
            with pytest.raises(WebSocketDisconnect) as close:
                while True:
                    monitor.receive_text()
            assert close.value.code == 3000 and "has been deleted, has expired, or may do less" in close.value.reason


def test_a_url_lets_somebody_into_a_running_conversation_in_its_role_and_no_other(
    server: TestClient, agent: str
) -> None:
    url = made(server, agent)["signed_url"]
    with server.websocket_connect(url.partition("8400")[2]) as call_socket:
        call_socket.send_json(
            {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "x", "town": "y"}}
        )
        conversation_id = json.loads(call_socket.receive_text())["conversation_initiation_metadata_event"][
            "conversation_id"
        ]
        invited = server.post(
            URLS, json={"conversation_id": conversation_id, "attach": "observer", "single_use": True}
        ).json()
        assert f"/v1/x/conversations/{conversation_id}/attach?role=observer" in invited["signed_url"]
        path = invited["signed_url"].partition("8400")[2]
        with beside(server, path.replace("role=observer", "role=operator")) as observer:
            first = json.loads(observer.receive_text())["conversation_initiation_metadata_event"]
            assert first["conversation_id"] == conversation_id
            observer.send_json({"type": "user_message", "text": "Hi"})
            while (answer := json.loads(observer.receive_text()))["type"] != "command_result":
                pass
            assert answer["error"]["code"] == "observer"
        for other in (path, path.replace(conversation_id, "conv_other"), path.replace("attach", "monitor")):
            with pytest.raises(WebSocketDisconnect) as close, server.websocket_connect(other) as socket:
                socket.receive_text()
            assert close.value.code in (1000, 3000)
        begins = f"8400/v1/convai/conversation?token={path.rpartition('=')[2]}"
        assert opened(server, begins)[0] == 3000


def test_origins_are_checked_even_of_holders_of_a_signed_url(server: TestClient) -> None:
    agent = private_agent(server, allowlist=[{"hostname": "*.shop.example"}, {"hostname": "10.0.0.0/8"}])
    url = made(server, agent)["signed_url"]
    for origin, is_let_in in (("https://a.shop.example", True), ("https://evil.example", False), (None, True)):
        headers = {"origin": origin} if origin else {}
        assert (opened(server, url, headers=headers)[0] != 3000) is is_let_in, origin


def test_strict_origins_refuse_a_private_agents_caller_who_names_none(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, strict_origins=True)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8400", client=("10.0.0.9", 1)) as server:
        listed = private_agent(server, allowlist=[{"hostname": "app.example"}])
        from_network = private_agent(server, allowlist=[{"hostname": "app.example"}, {"hostname": "10.0.0.0/8"}])
        anywhere = private_agent(server)
        refused = (3000, "Could not authorize the conversation: this agent needs an Origin header.")
        assert opened(server, made(server, listed)["signed_url"]) == refused
        for agent, headers in ((listed, {"origin": "https://app.example"}), (from_network, {}), (anywhere, {})):
            assert opened(server, made(server, agent)["signed_url"], headers=headers)[1] == "Hello x in y"
        path = f"8400/v1/convai/conversation?agent_id={listed}"
        assert opened(server, path, headers={"xi-api-key": "any while there is none"})[1] == "Hello x in y"


def test_an_invited_participant_does_not_get_the_operators_commands_by_the_monitor(
    server: TestClient, agent: str
) -> None:
    url = made(server, agent)["signed_url"]
    init = {"type": "conversation_initiation_client_data", "dynamic_variables": {"name": "x", "town": "y"}}
    with server.websocket_connect(url.partition("8400")[2]) as socket:
        socket.send_json(init)
        metadata = json.loads(socket.receive_text())["conversation_initiation_metadata_event"]
        terms = {"conversation_id": metadata["conversation_id"], "attach": "participant"}
        invited = server.post(URLS, json=terms).json()["signed_url"].partition("8400")[2]
        monitor = f"/v1/convai/conversations/{metadata['conversation_id']}/monitor?{invited.partition('?')[2]}"
        with pytest.raises(WebSocketDisconnect) as close, server.websocket_connect(monitor) as guest:
            guest.receive_text()
        assert close.value.code == 3000 and "needs an API key" in close.value.reason
        with beside(server, invited) as guest:
            assert json.loads(guest.receive_text())["type"] == "conversation_initiation_metadata"
