"""Numbers that no column holds: each parameter and each field says which it takes, and no database is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.config import Settings
from tests.api.conftest import create_agent
from tests.api.test_conversations import keep

NUMBERS = ("2147483648", "9223372036854775808", "-18446744073709551616", "1e308", "nan")


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url: str = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return Settings(data=tmp_path / "data", database_url=url)


def kinds(schema: Any) -> set[str]:
    """What a schema takes, those of its alternatives included."""
    found = {schema["type"]} if isinstance(schema.get("type"), str) else set()
    return found.union(*(kinds(one) for one in schema.get("anyOf", ())))


def numbers_of(document: Any) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Path, method, the name of a number in its query, and the other parameters that must be there."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
            needed = {one["name"]: "1" for one in asked if one.get("required")}
            for one in asked:
                if kinds(one["schema"]) & {"integer", "number"}:
                    yield path, method, one["name"], needed


def test_no_number_in_a_query_is_too_much_for_the_server(client: TestClient) -> None:
    keep(client, agent_id=create_agent(client), rating=3, ended_at=1010.0)
    asked = list(numbers_of(client.get("/openapi.json").json()))
    assert len(asked) > 30, "the OpenAPI names them"
    for path, method, name, needed in asked:
        at = re.sub(r"\{conversation_id\}", "conv_1", path)
        at = re.sub(r"\{[^}]+\}", "unknown", at)
        for number in NUMBERS:
            answer = client.request(method, at, params={**needed, name: number})
            assert answer.status_code < 500, (method, at, name, number, answer.text)


@pytest.mark.parametrize("name", ["rating_min", "rating_max"])
@pytest.mark.parametrize("path", ["/v1/convai/conversations", "/v1/x/conversations/export"])
def test_who_asks_for_such_a_rating_is_told_what_there_is(client: TestClient, path: str, name: str) -> None:
    answer = client.get(path, params={name: "9223372036854775808"})
    assert answer.status_code == 422
    (told,) = answer.json()["detail"]
    assert told["loc"] == ["query", name]
    assert told["msg"] == 'Input should be less than or equal to 2147483647; got "9223372036854775808"'


def bodies(document: Any) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Path, method, a body with what it needs, and the name of a number in it."""
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = str(content.get("schema", {}).get("$ref", "")).rpartition("/")[2]
            schema = schemas.get(name, {})
            needed = {key: example(schema["properties"][key]) for key in schema.get("required", ())}
            for key, field in schema.get("properties", {}).items():
                if kinds(field) & {"integer", "number"}:
                    yield path, method, needed, key


def example(schema: Any) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": []}.get(schema.get("type"), {})


def test_no_number_in_a_body_is_too_much_for_the_server(client: TestClient) -> None:
    agent_id = create_agent(client)
    keep(client, agent_id=agent_id)
    asked = list(bodies(client.get("/openapi.json").json()))
    assert {key for *_, key in asked} >= {"rating", "ttl_secs", "expires_at_unix_secs"}
    for path, method, needed, key in asked:
        at = path.replace("{conversation_id}", "conv_1").replace("{agent_id}", agent_id)
        at = re.sub(r"\{[^}]+\}", "unknown", at)
        for number in (2**31, 2**63, 10**400):
            answer = client.request(method, at, json={**needed, key: number})
            assert answer.status_code < 500, (method, at, key, number, answer.text)
