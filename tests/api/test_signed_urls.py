"""Signed URLs: what they say, and where they point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from starlette.testclient import TestClient

from parola.api.services import Services
from parola.config import Settings
from tests.api.conftest import create_agent

ADDRESS = "/v1/convai/conversation/get-signed-url"


def signed(client: TestClient, agent_id: str, query: str = "", **headers: str) -> str:
    response = client.get(f"{ADDRESS}?agent_id={agent_id}{query}", headers=headers)
    assert response.status_code == 200, response.text
    url: str = response.json()["signed_url"]
    return url


def test_a_signed_url_opens_this_agent_for_a_quarter_of_an_hour(client: TestClient) -> None:
    agent_id = create_agent(client)
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    for path in (ADDRESS, ADDRESS.replace("-", "_")):
        url = client.get(f"{path}?agent_id={agent_id}").json()["signed_url"]
        parts = urlsplit(url)
        assert url.startswith(f"ws://127.0.0.1:8400/v1/convai/conversation?agent_id={agent_id}&conversation_signature=")
        query = dict(parse_qsl(urlencode(parse_qsl(parts.query))))  # as the Python client re-encodes it
        claims = services.credentials.verify(query["conversation_signature"], 0)
        assert claims.agent_id == agent_id
        assert claims.conversation_id is None


def test_a_reserved_conversation_is_named_in_the_url_and_waits(client: TestClient) -> None:
    agent_id = create_agent(client, "Front desk")
    url = signed(client, agent_id, "&include_conversation_id=true")
    conversation_id = parse_qs(urlsplit(url).query)["conversation_id"][0]
    assert conversation_id.startswith("conv_")
    record = client.get(f"/v1/convai/conversations/{conversation_id}").json()
    assert (record["status"], record["agent_name"]) == ("initiated", "Front desk")
    assert record["metadata"]["call_duration_secs"] == 0


def test_what_was_asked_for_is_signed(client: TestClient) -> None:
    agent_id = create_agent(client)
    version = client.get(f"/v1/convai/agents/{agent_id}").json()["version_id"]
    asked = f"&branch_id=b&version_id={version}&environment=staging&debug_events_request=true"
    url = signed(client, agent_id, asked)
    query = parse_qs(urlsplit(url).query)
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    claims = services.credentials.verify(query["conversation_signature"][0], 0)
    assert (claims.branch_id, claims.version_id, claims.environment, claims.debug) == ("b", version, "staging", True)
    assert (query["branch_id"], query["environment"]) == (["b"], ["staging"])


@pytest.mark.parametrize(
    ("headers", "start_of_url"),
    [
        ({}, "ws://127.0.0.1:8400/v1/"),
        ({"host": "desk:99"}, "ws://desk:99/v1/"),
        ({"x-forwarded-proto": "https"}, "wss://127.0.0.1:8400/v1/"),
        ({"x-forwarded-proto": "https, http", "x-forwarded-host": "a.example, b"}, "wss://a.example/v1/"),
        ({"x-forwarded-host": "a.example", "x-forwarded-prefix": "/voice/"}, "ws://a.example/voice/v1/"),
    ],
)
def test_a_signed_url_points_to_where_the_client_came_in(
    client: TestClient, headers: dict[str, str], start_of_url: str
) -> None:
    assert signed(client, create_agent(client), **headers).startswith(start_of_url)


def test_the_configured_address_wins(start: Callable[..., TestClient], settings: Settings) -> None:
    client = start(replace(settings, public_url="https://voice.example/prefix/"))
    url = signed(client, create_agent(client), **{"x-forwarded-host": "evil.example"})
    assert url.startswith("wss://voice.example/prefix/v1/convai/conversation?")


def test_routes_match_under_a_prefix_whether_the_proxy_strips_it_or_not(
    start: Callable[..., TestClient], settings: Settings
) -> None:
    client = start(replace(settings, public_url="https://voice.example/prefix"))
    assert client.get("/prefix/health").status_code == 200
    assert client.get("/health").status_code == 200
    assert client.get("/kept/health", headers={"x-forwarded-prefix": "/kept"}).status_code == 200
    assert client.get("/other/health").status_code == 404


def test_an_agent_has_to_be_named(client: TestClient) -> None:
    assert client.get(ADDRESS).status_code == 422


def test_webrtc_is_declined_with_a_message_that_helps(client: TestClient) -> None:
    response = client.get("/v1/convai/conversation/token?agent_id=agent_1&source=js_sdk&version=1")
    assert response.status_code == 501
    assert "websocket" in response.json()["detail"]["message"]
