"""Who may use the server: keys, and the rule that says when one is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from parola.api import auth
from parola.api.credentials import Claims, Credentials, Vault, server_secret
from parola.config import Settings
from parola.errors import OwnError, Unauthorized
from tests.api.conftest import create_agent

AGENTS = "/v1/convai/agents"


def new_key(client: TestClient, **headers: str) -> dict[str, str]:
    made: dict[str, str] = client.post("/v1/x/api-keys", json={"name": "CI"}, headers=headers).json()
    return made


def test_on_loopback_no_key_is_needed_until_one_exists(client: TestClient) -> None:
    assert client.get(AGENTS, headers={"xi-api-key": "anything"}).status_code == 200
    made = new_key(client)
    refused = client.get(AGENTS)
    assert refused.status_code == 401
    assert refused.json() == {
        "detail": {
            "status": "needs_authorization",
            "message": "Expected an API key in the header xi-api-key, got none.",
        }
    }
    wrong = client.get(AGENTS, headers={"xi-api-key": made["api_key"] + "x"})
    assert wrong.status_code == 401
    assert wrong.json()["detail"]["status"] == "invalid_api_key"
    for headers in ({"xi-api-key": made["api_key"]}, {"authorization": f"Bearer {made['api_key']}"}):
        assert client.get(AGENTS, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:8400", 200),
        ("https://app.example", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
    ],
)
def test_without_keys_a_strangers_web_page_cannot_command_the_server(
    start: Callable[..., TestClient], settings: Settings, origin: str, status: int
) -> None:
    client = start(replace(settings, cors_origins=("*", "https://app.example")))
    agent_id = create_agent(client)
    assert client.get(AGENTS, headers={"origin": origin}).status_code == status
    assert client.post("/v1/x/api-keys", headers={"origin": origin}).status_code == status
    assert client.get(f"{AGENTS}/{agent_id}/widget", headers={"origin": origin}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8400", 200),
        ("127.0.0.1:8400", 200),
        ("[::1]:8400", 200),
        ("192.168.1.7", 200),
        ("box.localhost", 200),
        ("desk:8400", 200),
        ("voice.example", 200),
        ("app.example", 200),
        ("evil.example:8400", 403),
        ("127.0.0.1.evil.example", 403),
        ("[evil.example", 403),
    ],
)
def test_without_keys_a_name_that_leads_here_does_not_make_a_strangers_page_ours(
    start: Callable[..., TestClient], settings: Settings, host: str, status: int
) -> None:
    client = start(replace(settings, public_url="https://voice.example", cors_origins=("https://app.example",)))
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}"}):
        assert client.get(AGENTS, headers=headers).status_code == status
        answer = client.post(f"{AGENTS}/create", json={"conversation_config": {}}, headers=headers)
        assert answer.status_code == status
    if status == 403:
        assert answer.json()["detail"]["message"].startswith(f"{host.removesuffix(':8400')} is not known as a name of")
        key = new_key(client)["api_key"]
        assert client.get(AGENTS, headers={"host": host, "xi-api-key": key}).status_code == 200


def test_a_key_is_shown_once_and_opens_nothing_after_it_was_deleted(client: TestClient) -> None:
    first = new_key(client)
    headers = {"xi-api-key": first["api_key"]}
    second = new_key(client, **headers)
    listed = client.get("/v1/x/api-keys", headers=headers).json()["api_keys"]
    assert [key["key_id"] for key in listed] == [first["key_id"], second["key_id"]]
    assert first["api_key"].startswith("pk_") and first["api_key"].startswith(first["prefix"])
    assert "api_key" not in listed[0] and first["api_key"] not in str(listed)
    assert client.delete(f"/v1/x/api-keys/{first['key_id']}", headers=headers).status_code == 200
    assert client.get(AGENTS, headers=headers).status_code == 401
    assert client.get(AGENTS, headers={"xi-api-key": second["api_key"]}).status_code == 200


def test_the_slow_check_of_a_key_is_made_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def is_right(hashed: str, key: str) -> bool:
        checked.append(key)
        return slow(hashed, key)

    slow = auth._is_right
    monkeypatch.setattr(auth, "_is_right", is_right)
    headers = {"xi-api-key": new_key(client)["api_key"]}
    for _ in range(5):
        assert client.get("/v1/user", headers=headers).status_code == 200
    assert checked == [headers["xi-api-key"]]


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"host": "0.0.0.0"}, 401), ({"auth": "required"}, 401), ({"host": "0.0.0.0", "auth": "off"}, 200)],
)
def test_beyond_loopback_a_key_is_needed_unless_auth_is_off(
    start: Callable[..., TestClient], settings: Settings, changes: dict[str, str], status: int
) -> None:
    assert start(replace(settings, **changes)).get(AGENTS).status_code == status


def test_what_browsers_call_needs_no_key(client: TestClient) -> None:
    agent_id = create_agent(client)
    headers = {"xi-api-key": new_key(client)["api_key"]}
    address = f"/v1/convai/conversation/get-signed-url?agent_id={agent_id}&include_conversation_id=true"
    url = client.get(address, headers=headers).json()["signed_url"]
    conversation_id = url.partition("&conversation_id=")[2].partition("&")[0]
    conversation = f"/v1/convai/conversations/{conversation_id}"
    assert client.get(f"{AGENTS}/{agent_id}/widget").status_code == 200
    assert client.get(f"{AGENTS}/{agent_id}/link").status_code == 200
    assert client.post(f"{conversation}/feedback", json={"feedback": "like"}).status_code == 200
    upload = client.post(f"{conversation}/files", files={"file": ("a.txt", b"hi", "text/plain")})
    assert upload.status_code == 200
    assert client.get(f"{conversation}/files/{upload.json()['file_id']}").status_code == 200
    assert client.get("/v1/convai/conversation/token?agent_id=x").status_code == 501
    for path in ("/health", "/openapi.json", "/asyncapi.json"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        AGENTS,
        f"{AGENTS}/summaries?agent_ids=a",
        f"{AGENTS}/agent_1",
        "/v1/convai/conversations",
        "/v1/convai/conversations/conv_1",
        "/v1/convai/conversations/conv_1/audio",
        "/v1/convai/conversation/get-signed-url?agent_id=a",
        "/v1/convai/conversation/get_signed_url?agent_id=a",
        "/v1/convai/tools",
        "/v1/convai/secrets",
        "/v1/convai/llm/list",
        "/v1/convai/analytics/live-count",
        "/v1/user",
        "/v1/user/subscription",
        "/v1/voices",
        "/v2/voices",
        "/v1/models",
        "/v1/x/api-keys",
        "/v1/x/limits",
    ],
)
def test_everything_else_needs_a_key(client: TestClient, path: str) -> None:
    new_key(client)
    assert client.get(path).status_code == 401


# -- credentials ----------------------------------------------------------------------------------------------------

CREDENTIALS = Credentials(b"k" * 32)
TEXT = st.text(max_size=30)


@given(
    agent_id=TEXT,
    conversation_id=st.none() | TEXT,
    environment=st.none() | TEXT,
    debug=st.booleans(),
    expires_at=st.floats(0, 1e10),
)
def test_a_credential_says_what_was_signed_in_an_alphabet_that_survives_urls(
    agent_id: str, conversation_id: str | None, environment: str | None, debug: bool, expires_at: float
) -> None:
    claims = Claims(agent_id, expires_at, conversation_id, environment=environment, debug=debug)
    token = CREDENTIALS.sign(claims)
    assert CREDENTIALS.verify(token, expires_at) == claims
    assert not set(token) & set("+=/ &?#%")


@given(position=st.integers(0, 10_000), character=st.characters())
def test_a_changed_credential_is_refused(position: int, character: str) -> None:
    token = CREDENTIALS.sign(Claims("agent_1", 100.0))
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    if changed != token and not (position == len(token) - 1 and character in token[-1:]):
        try:
            claims = CREDENTIALS.verify(changed, 50.0)
        except Unauthorized as error:
            assert "not issued by this server" in error.message
        else:  # the last character has bits that do not count
            assert claims == CREDENTIALS.verify(token, 50.0)


def test_an_expired_credential_says_so() -> None:
    token = CREDENTIALS.sign(Claims("agent_1", 100.0))
    assert CREDENTIALS.verify(token, 100.0).agent_id == "agent_1"
    with pytest.raises(Unauthorized, match="expired 20 seconds ago"):
        CREDENTIALS.verify(token, 120.0)


def test_another_servers_credential_is_refused() -> None:
    with pytest.raises(Unauthorized, match="not issued"):
        Credentials(b"j" * 32).verify(CREDENTIALS.sign(Claims("agent_1", 100.0)), 1.0)


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = server_secret(tmp_path / "data")
    assert server_secret(tmp_path / "data") == first
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]
    assert server_secret(None) != server_secret(None)


def test_a_damaged_secret_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(OwnError, match="damaged"):
        server_secret(tmp_path)


@given(value=st.text(st.characters(exclude_categories=["Cs"])))
def test_the_vault_opens_only_what_it_sealed(value: str) -> None:
    sealed = Vault(b"k" * 32).seal(value)
    assert Vault(b"k" * 32).open(sealed) == value
    assert value.encode() not in sealed or len(value) < 4
    with pytest.raises(OwnError, match="sealed with"):
        Vault(b"j" * 32).open(sealed)
