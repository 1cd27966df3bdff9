"""A filter that nobody knows: our own routes say so, those of the hosted platform answer as if it were not there."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize("path", ["/v1/x/audit-log", "/v1/x/webhook-deliveries", "/v1/x/members", "/v1/x/limits"])
def test_a_typo_in_a_filter_of_ours_is_an_error_that_names_what_there_is(client: TestClient, path: str):
    assert client.get(path).status_code == 200
    answer = client.get(path, params={"acton": "agents_update", "page_sise": 3})
    assert answer.status_code == 422, answer.text
    first, second = answer.json()["detail"]
    assert (first["loc"], first["type"]) == (["query", "acton"], "extra_forbidden")
    assert first["msg"].startswith("Expected only parameters that this route has: ")
    assert first["msg"].endswith('; got "agents_update"') and second["loc"] == ["query", "page_sise"]


def test_parameters_of_dependencies_are_known_and_so_are_those_of_requests_that_change_something(client: TestClient):
    assert client.get("/v1/x/audit-log", params={"page_size": 3, "action": "a", "result": "done"}).status_code == 200
    assert "action, after_unix" in client.get("/v1/x/audit-log?x=1").json()["detail"][0]["msg"]
    assert client.post("/v1/x/members?rol=admin", json={"name": "Ada", "role": "viewer"}).status_code == 422
    assert client.get("/v1/x/members").json()["members"] == [], "nothing was done"


def test_who_is_not_let_in_is_told_nothing_about_parameters(client: TestClient):
    assert client.post("/v1/x/api-keys", json={"name": "first"}).status_code == 200
    assert client.get("/v1/x/audit-log?nobody=1").status_code == 401


@pytest.mark.parametrize(
    "path", ["/v1/convai/agents", "/v1/convai/conversations", "/v1/convai/tools", "/v1/convai/knowledge-base"]
)
def test_the_platforms_own_routes_ignore_what_they_do_not_know(client: TestClient, path: str):
    assert client.get(path, params={"later_filter": "x", "page_size": 3}).status_code == 200


def bodies_of_ours(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of each route of ours whose body has fields of its own."""
    document = client.get("/openapi.json").json()
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
            if path.startswith("/v1/x/") and document["components"]["schemas"].get(name, {}).get("properties"):
                found.append((method, path))
    return found


def test_a_typo_in_a_field_of_ours_is_an_error_that_names_what_there_is(client: TestClient):
    asked = bodies_of_ours(client)
    assert ("post", "/v1/x/signed-urls") in asked and len(asked) > 15
    for method, path in asked:
        answer = client.request(method, re.sub(r"\{[^}]+\}", "unknown", path), json={"ttl": 60})
        assert answer.status_code == 422, (method, path, answer.text)
        (told,) = answer.json()["detail"]
        assert (told["loc"], told["type"]) == (["body", "ttl"], "extra_forbidden"), (method, path, told)
        assert told["msg"].startswith("Expected only fields that this route has: ") and told["msg"].endswith("; got 60")
    assert "ttl_secs" in client.post("/v1/x/signed-urls", json={"ttl": 60}).text


def test_documents_and_what_the_platform_takes_may_have_any_fields(client: TestClient):
    assert client.post("/v1/convai/agents/create", json={"conversation_config": {}, "later": 1}).status_code == 200
    assert client.patch("/v1/x/conversations/unknown/variables", json={"anything": 1}).status_code == 404
    assert client.post("/v1/x/members", json={"name": "Ada", "role": "viewer"}).status_code == 200
