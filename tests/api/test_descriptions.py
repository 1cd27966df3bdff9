"""The API and the socket describe themselves, and do what they describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.api.asyncapi import document
from parola.app import create_app
from parola.config import Settings
from parola.protocol.client_messages import CLIENT_MESSAGES
from parola.protocol.server_messages import SERVER_MESSAGES
from soak.api import run
from tests.api.conftest import Registry


@pytest.fixture(scope="module")
def running_app() -> Iterator[Any]:
    app = create_app(Settings(ephemeral=True), registry=Registry())
    with TestClient(app) as client:
        client.get("/openapi.json")  # loads the API on the loop that lasts
        yield app


def test_every_route_is_described_with_a_name_and_a_sentence(running_app: Any) -> None:
    described = TestClient(running_app).get("/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 35
    assert all(operation["description"] for operation in operations)
    assert {"agents_create", "agents_get", "conversations_get_signed_url", "tools_create"} <= set(names)


def test_nothing_that_fits_the_description_breaks_the_server_or_is_answered_otherwise_than_described() -> None:
    found = run(examples=2)
    assert found.operations > 100
    assert not found.faults, "\n".join(found.faults)


def test_the_socket_is_described_with_every_message(running_app: Any) -> None:
    client = TestClient(running_app, base_url="https://voice.example")
    described = client.get("/asyncapi.json", headers={"x-forwarded-prefix": "/p"}).json()
    assert described["asyncapi"] == "3.0.0"
    assert described["servers"] == {"this": {"host": "voice.example", "protocol": "wss", "pathname": "/p"}}
    messages = described["components"]["messages"]
    assert len(messages) == len(SERVER_MESSAGES) + len(CLIENT_MESSAGES)
    assert all(message["payload"]["properties"] for message in messages.values())


def test_every_reference_of_the_socket_description_leads_somewhere() -> None:
    whole = document()

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for child in value.values():
                yield from references(child)
        elif isinstance(value, list):
            for child in value:
                yield from references(child)

    found = set(references(whole))
    assert found
    for reference in found:
        value: Any = whole
        for key in reference.removeprefix("#/").split("/"):
            value = value[key]
