"""Auth connections over REST: kept sealed, never read back."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.protocol.auth_connections import KIND
from tests.api.conftest import call

PATH = "/v1/x/auth-connections"

OAUTH = {
    "name": "CRM",
    "auth_type": "oauth2_client_credentials",
    "client_id": "me",
    "client_secret": "hush-hush",
    "token_url": "https://crm.example/token",
    "scopes": ["read"],
}


def created(client: TestClient, **changes: Any) -> str:
    answer = client.post(PATH, json={**OAUTH, **changes})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["auth_connection_id"])


def kept(client: TestClient, connection_id: str) -> dict[str, Any]:
    store = client.app.state.services.store  # type: ignore[attr-defined]
    row = call(client, store.documents.get, KIND, connection_id)
    document: dict[str, Any] = row.document
    return document


def test_a_connection_is_created_listed_changed_and_deleted(client: TestClient) -> None:
    connection_id = created(client)
    shown = client.get(f"{PATH}/{connection_id}").json()
    assert (shown["name"], shown["client_id"], shown["scopes"]) == ("CRM", "me", ["read"])
    assert [one["auth_connection_id"] for one in client.get(PATH).json()["auth_connections"]] == [connection_id]
    changed = client.patch(f"{PATH}/{connection_id}", json={"name": "New CRM", "scopes": []}).json()
    assert (changed["name"], changed["scopes"], changed["client_id"]) == ("New CRM", [], "me")
    assert client.delete(f"{PATH}/{connection_id}").status_code == 200
    assert client.get(f"{PATH}/{connection_id}").status_code == 404


def test_secrets_are_sealed_never_shown_and_survive_a_change_of_other_fields(client: TestClient) -> None:
    from parola.tools.auth import opened

    connection_id = created(client)
    client.patch(f"{PATH}/{connection_id}", json={"client_id": "you"})
    everything = client.get(PATH).text + client.get(f"{PATH}/{connection_id}").text
    assert "hush" not in everything and "sealed" not in everything
    document = kept(client, connection_id)
    assert "hush" not in str(document)
    services = client.app.state.services  # type: ignore[attr-defined]
    assert opened(document, services.vault)["client_secret"] == "hush-hush"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "auth_type"),
        ({"name": "x", "auth_type": "mtls"}, "auth_type"),
        ({"name": "x", "auth_type": "basic_auth", "username": "u"}, "password"),
        ({"name": "x", "auth_type": "custom_header_auth", "header_name": "a b", "token": "t"}, "header_name"),
        ({"name": "x", "auth_type": "oauth2_jwt", "secret_key": "k", "algorithm": "none"}, "algorithm"),
        ({"name": "", "auth_type": "bearer_auth", "token": "t"}, "name"),
    ],
)
def test_what_cannot_work_is_refused_by_name(client: TestClient, body: dict[str, Any], field: str) -> None:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 422 and field in answer.text


def test_a_connection_in_use_is_deleted_only_with_force(client: TestClient) -> None:
    connection_id = created(client)
    schema = {"url": "https://crm.example/", "auth_connection": {"auth_connection_id": connection_id}}
    client.post("/v1/convai/tools", json={"tool_config": {"type": "webhook", "name": "look", "api_schema": schema}})
    refused = client.delete(f"{PATH}/{connection_id}")
    assert refused.status_code == 409 and "look" in refused.text
    assert client.delete(f"{PATH}/{connection_id}", params={"force": True}).status_code == 200


def test_the_signing_secret_stays_the_same_and_a_callback_nobody_gave_out_is_unknown(client: TestClient) -> None:
    secrets = {client.get("/v1/x/tool-signing-secret").json()["signing_secret"] for _ in range(2)}
    assert len(secrets) == 1 and secrets.pop().startswith("tsec_")
    assert client.post("/v1/x/tool-callbacks/nonsense", json={}).status_code == 404


def test_only_webhook_tools_can_be_tried(client: TestClient) -> None:
    body = {"tool_config": {"type": "client", "name": "show", "description": ""}}
    tool_id = client.post("/v1/convai/tools", json=body).json()["id"]
    answer = client.post(f"/v1/x/tools/{tool_id}/invoke", json={})
    assert answer.status_code == 400 and "webhook" in answer.text
