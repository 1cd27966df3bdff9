"""Every error in the shapes of the hosted platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.config import Settings
from parola.errors import StoreError
from tests.api.conftest import create_agent

AGENTS = "/v1/convai/agents"


def test_an_unknown_route_is_404(client: TestClient) -> None:
    response = client.get("/v1/convai/nothing")
    assert response.status_code == 404
    assert response.json() == {"detail": {"status": "not_found", "message": "There is no GET /v1/convai/nothing here."}}


def test_a_path_with_a_line_break_is_404_in_the_same_shape(client: TestClient) -> None:
    assert client.get("/v1/convai/agents/a%0Ab").json()["detail"]["status"] == "document_not_found"
    assert client.get("/v1/%0A").json()["detail"]["status"] == "not_found"


def test_a_wrong_method_is_405(client: TestClient) -> None:
    response = client.put(AGENTS)
    assert response.status_code == 405
    assert response.json()["detail"]["status"] == "method_not_allowed"
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/convai/agents/agent_x",
        "/v1/convai/agents/agent_x/widget",
        "/v1/convai/agents/agent_x/link",
        "/v1/convai/conversations/conv_x",
        "/v1/convai/conversations/conv_x/audio",
        "/v1/convai/tools/tool_x",
        "/v1/convai/secrets/sec_x",
        "/v1/convai/conversation/get-signed-url?agent_id=agent_x",
    ],
)
def test_an_unknown_id_is_404_and_named(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    (named,) = {part for part in path.replace("=", "/").split("/") if part.endswith("_x")}
    assert response.json() == {
        "detail": {"status": "document_not_found", "message": f"Document with id {named} not found."}
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"conversation_config": {', "json_invalid"),
        ('{"conversation_config": {"x": NaN}}', "json_invalid"),
        ('{"conversation_config": {"x": "\\ud800"}}', "json_invalid"),
        ('{"conversation_config": {"x": 1e999}}', "json_invalid"),
        ('{"conversation_config": {"x": ' + "9" * 5000 + "}}", None),
        ('{"conversation_config": {"x": ' + "[" * 700 + "]" * 700 + "}}", "json_invalid"),
        ("[1]", None),
        ("", None),
        ("null", None),
    ],
)
def test_malformed_json_is_refused_in_the_list_form(client: TestClient, body: str, kind: str | None) -> None:
    response = client.post(f"{AGENTS}/create", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    detail = response.json()["detail"]
    if response.status_code == 422:
        assert isinstance(detail, list)
        assert set(detail[0]) == {"loc", "msg", "type"}
        assert detail[0]["loc"][0] == "body"
    if kind is not None:
        assert detail[0]["type"] == kind


def test_wrong_types_are_located(client: TestClient) -> None:
    response = client.post(f"{AGENTS}/create", json={"conversation_config": [], "tags": "x"})
    assert response.status_code == 422
    problems = {tuple(problem["loc"]): problem["msg"] for problem in response.json()["detail"]}
    assert set(problems) == {("body", "conversation_config"), ("body", "tags")}
    assert problems["body", "tags"].endswith('got "x"')
    assert problems["body", "conversation_config"].endswith("got a list")


def test_a_cursor_that_is_not_ours_is_400(client: TestClient) -> None:
    response = client.get(f"{AGENTS}?cursor=nonsense")
    assert response.status_code == 400
    assert response.json()["detail"]["status"] == "invalid_request"
    assert "cursor" in response.json()["detail"]["message"]


def test_a_body_over_the_limit_is_413_announced_or_not(client: TestClient) -> None:
    big = b'{"conversation_config": {"x": "' + b"a" * (4 * 1024 * 1024) + b'"}}'

    def drops() -> Any:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    for content in (big, drops()):
        response = client.post(f"{AGENTS}/create", content=content, headers={"content-type": "application/json"})
        assert response.status_code == 413
        assert response.json()["detail"]["status"] == "content_too_large"


def test_what_nobody_foresaw_is_500_without_details(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    store = client.app.state.services.store  # type: ignore[attr-defined]

    async def fails(agent_id: str) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(store.agents, "get", fails)
    response = client.get(f"{AGENTS}/agent_1", headers={"origin": "http://localhost:3000"})
    assert response.status_code == 500
    assert response.json()["detail"]["status"] == "internal_error"
    assert "swordfish" not in response.text
    assert response.headers["access-control-allow-origin"] == "*"


def test_a_failing_database_is_500_without_details(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    store = client.app.state.services.store  # type: ignore[attr-defined]

    async def fails(agent_id: str) -> None:
        raise StoreError("SELECT secret FROM table")

    monkeypatch.setattr(store.agents, "get", fails)
    response = client.get(f"{AGENTS}/agent_1")
    assert response.status_code == 500
    assert response.json()["detail"]["status"] == "store_error"
    assert "SELECT" not in response.text


def test_a_body_needs_no_content_type(client: TestClient) -> None:
    response = client.post(f"{AGENTS}/create", content=b'{"conversation_config": {}}')
    assert response.status_code == 200


def test_browsers_of_any_origin_may_ask(client: TestClient) -> None:
    headers = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,xi-api-key,authorization",
    }
    response = client.options("/v1/convai/conversations/conv_1/feedback", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] in ("*", "https://app.example")
    for name in ("content-type", "xi-api-key", "authorization"):
        assert name in response.headers["access-control-allow-headers"]
    for method in ("GET", "POST", "DELETE"):
        assert method in response.headers["access-control-allow-methods"]


def test_only_configured_origins_may_ask(start: Callable[..., TestClient], settings: Settings) -> None:
    client = start(replace(settings, cors_origins=("https://app.example",)))
    agent_id = create_agent(client)
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        response = client.get(f"{AGENTS}/{agent_id}/widget", headers={"origin": origin})
        assert response.headers.get("access-control-allow-origin") == allowed
