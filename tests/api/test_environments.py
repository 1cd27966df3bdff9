"""Environment variables over REST, and with the official SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.environment_variables import (
    EnvironmentVariablesCreateRequestBody_Secret,
    EnvironmentVariablesCreateRequestBody_String,
)
from starlette.testclient import TestClient

from parola.outbound.locators import Locators, ValueNotFound
from parola.store.base import SecretRow
from parola.store.memory import MemoryStore
from tests.api.conftest import call
from tests.conftest import RunningServer

VARIABLES = "/v1/convai/environment-variables"
ENVIRONMENTS = "/v1/convai/environments"


def made(client: TestClient, label: str = "base_url", **body: Any) -> dict[str, Any]:
    answer = client.post(VARIABLES, json={"label": label, "type": "string", "values": {"production": "p"}, **body})
    assert answer.status_code == 200, answer.text
    variable: dict[str, Any] = answer.json()
    return variable


def test_a_variable_is_made_changed_and_deleted(client: TestClient) -> None:
    variable = made(client, values={"production": "https://shop", "staging": "https://test"})
    assert variable["label"] == "base_url" and variable["type"] == "string"
    path = f"{VARIABLES}/{variable['id']}"
    changed = client.patch(path, json={"values": {"staging": None, "dev": "http://localhost"}}).json()
    assert changed["values"] == {"production": "https://shop", "dev": "http://localhost"}
    assert client.get(path).json() == changed
    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == 404 and client.delete(path).status_code == 404


def test_a_label_is_there_once(client: TestClient) -> None:
    made(client)
    again = client.post(VARIABLES, json={"label": "base_url", "type": "string", "values": {"production": "q"}})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"values": {"staging": "x"}}, "production"),
        ({"values": {"production": {"secret_id": "s"}}}, "expects a text"),
        ({"type": "secret", "values": {"production": "x"}}, "expects an object with secret_id"),
        ({"type": "auth_connection", "values": {"production": {}}}, "expects an object with auth_connection_id"),
        ({"label": "no spaces"}, "String should match"),
        ({"type": "secret", "values": {"production": {"secret_id": "sec_none"}}}, "There is no secret sec_none."),
    ],
)
def test_what_cannot_work_is_told(client: TestClient, body: dict[str, Any], says: str) -> None:
    answer = client.post(VARIABLES, json={"label": "x", "type": "string", "values": {"production": "p"}, **body})
    assert answer.status_code in (400, 422) and says in answer.text


def test_production_keeps_its_value_and_every_value_its_type(client: TestClient) -> None:
    path = f"{VARIABLES}/{made(client)['id']}"
    for values, says in (({"production": None}, "cannot be taken away"), ({"dev": {"secret_id": "s"}}, "a text")):
        answer = client.patch(path, json={"values": values})
        assert answer.status_code == 400 and says in answer.text


def test_lists_are_by_label_page_by_page_and_filtered(client: TestClient) -> None:
    for label in ("c", "a", "b"):
        made(client, label, values={"production": "x", **({"dev": "y"} if label == "b" else {})})
    first = client.get(VARIABLES, params={"page_size": 2}).json()
    assert [one["label"] for one in first["environment_variables"]] == ["a", "b"] and first["has_more"]
    second = client.get(VARIABLES, params={"page_size": 2, "cursor": first["next_cursor"]}).json()
    assert [one["label"] for one in second["environment_variables"]] == ["c"] and not second["has_more"]

    def labels(**query: str) -> list[str]:
        return [one["label"] for one in client.get(VARIABLES, params=query).json()["environment_variables"]]

    assert labels(environment="dev") == ["b"] and labels(label="c") == ["c"] and labels(type="secret") == []


def test_an_environment_goes_with_its_values(client: TestClient) -> None:
    path = f"{VARIABLES}/{made(client, values={'production': 'x', 'dev': 'y'})['id']}"
    assert client.post(ENVIRONMENTS, json={"name": "staging"}).json()["name"] == "staging"
    assert client.post(ENVIRONMENTS, json={"name": "staging"}).status_code == 409
    names = [one["name"] for one in client.get(ENVIRONMENTS).json()["environments"]]
    assert names == ["production", "dev", "staging"]
    assert client.delete(f"{ENVIRONMENTS}/production").status_code == 400
    assert client.delete(f"{ENVIRONMENTS}/nowhere").status_code == 404
    assert (
        client.delete(f"{ENVIRONMENTS}/dev").status_code == client.delete(f"{ENVIRONMENTS}/staging").status_code == 200
    )
    assert client.get(path).json()["values"] == {"production": "x"}


def test_the_official_sdk_manages_them(server: RunningServer) -> None:
    sdk = ElevenLabs(api_key="anything", base_url=server.base_url)
    secret = sdk.conversational_ai.secrets.create(name="Shop", value="swordfish")
    plain = sdk.environment_variables.create(
        request=EnvironmentVariablesCreateRequestBody_String(label="shop", values={"production": "Soups"})
    )
    hidden = sdk.environment_variables.create(
        request=EnvironmentVariablesCreateRequestBody_Secret(
            label="key", values={"production": {"secret_id": secret.secret_id}}
        )
    )
    assert [v.label for v in sdk.environment_variables.list().environment_variables] == ["key", "shop"]
    updated = sdk.environment_variables.update(plain.id, values={"dev": "Test soups"})
    assert updated.values == {"production": "Soups", "dev": "Test soups"}
    assert sdk.environment_variables.get(hidden.id).type == "secret"
    sdk.environment_variables.delete(plain.id)
    sdk.environment_variables.delete(hidden.id)
    with pytest.raises(ApiError) as error:
        sdk.environment_variables.get(plain.id)
    assert error.value.status_code == 404


# -- what a locator with a label leads to -----------------------------------------------------------------------------


class Open:
    """A seal that seals nothing."""

    def open(self, sealed: bytes) -> str:
        return sealed.decode()


def test_a_label_means_what_its_environment_says(client: TestClient) -> None:
    store = client.app.state.services.store  # type: ignore[attr-defined]
    call(client, store.secrets.put, SecretRow("sec_1", "Key", b"swordfish", 0.0))
    made(client, "shop", values={"production": "Soups of {{city}}", "dev": "Test"})
    made(client, "key", type="secret", values={"production": {"secret_id": "sec_1"}})
    made(client, "login", type="auth_connection", values={"production": {"auth_connection_id": "auth_1"}})

    def value(label: str, environment: str) -> str:
        locators = Locators(store, Open(), environment)
        found: str = call(client, locators.value, {"env_var_label": label}, {"city": "Rome"})
        return found

    assert value("shop", "dev") == "Test"
    assert value("shop", "staging") == "Soups of Rome"
    assert value("key", "dev") == "swordfish"
    locators = Locators(store, Open())
    assert call(client, locators.connection_id, {"env_var_label": "login"}) == "auth_1"
    assert call(client, locators.connection_id, {"auth_connection_id": "auth_2"}) == "auth_2"


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda locators: locators.value({"env_var_label": "none"}, {}), "none does not exist"),
        (lambda locators: locators.connection_id({"env_var_label": "none"}), "none does not exist"),
        (lambda locators: locators.connection_id({}), "Expected an auth_connection_id or an env_var_label"),
        (lambda locators: locators.value({"elsewhere": 1}, {}), "Expected a text, a secret_id"),
    ],
)
def test_a_locator_that_leads_nowhere_says_so(ask: Callable[[Locators], Any], says: str) -> None:
    with pytest.raises(ValueNotFound) as error:
        asyncio.run(ask(Locators(MemoryStore(), Open())))
    assert says in error.value.message
