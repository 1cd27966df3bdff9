"""Stored secrets are locked twice, a new master key takes nothing down, and no secret is ever seen."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from parola.api import sealing
from parola.api.credentials import Vault, server_secret
from parola.app import create_app
from parola.config import Settings, load
from parola.errors import Conflict, InvalidRequest
from parola.store.base import SecretRow
from parola.store.sql import SqlStore
from parola.terminal import keys
from tests.api.conftest import Registry, call, create_agent

CANARY = "canary-7f3a91-swordfish"


def server(settings: Settings) -> TestClient:
    return TestClient(create_app(settings, registry=Registry()), base_url="http://127.0.0.1:8400")


def keep(client: TestClient, value: str = CANARY) -> str:
    kept: str = client.post("/v1/convai/secrets", json={"name": "crm", "value": value}).json()["secret_id"]
    return kept


def value_of(client: TestClient, secret_id: str) -> str:
    services = client.app.state.services  # type: ignore[attr-defined]
    found: str = call(client, services.tools.locators().secret, secret_id)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def test_a_secret_survives_a_restart_and_a_new_master_key_without_downtime(settings: Settings) -> None:
    with server(settings) as client:
        secret_id = keep(client)
        master = settings.data / sealing.MASTER_FILE
        assert stat.S_IMODE(master.stat().st_mode) == 0o600
        old = master.read_text()
        said = run(keys.rotate_master(settings, None))
        assert "Servers that run go on" in said
        assert master.read_text() != old
        assert stat.S_IMODE(master.stat().st_mode) == 0o600
        assert value_of(client, secret_id) == CANARY
        second = keep(client, "another")
    with server(settings) as client:
        assert (value_of(client, secret_id), value_of(client, second)) == (CANARY, "another")
    master.write_text(old)
    with pytest.raises(InvalidRequest, match="master key is not the one"), server(settings):
        pass


def test_a_master_key_that_lives_elsewhere_is_changed_in_two_steps(settings: Settings, tmp_path: Path) -> None:
    first = replace(settings, master_key="first master key, of 32 characters or more")
    with server(first) as client:
        secret_id = keep(client)
    assert not (settings.data / sealing.MASTER_FILE).exists()
    with pytest.raises(Conflict, match="--to FILE"):
        run(keys.rotate_master(first, None))
    new_file = tmp_path / "mounted" / "master"
    run(keys.rotate_master(first, new_file))
    second = replace(settings, master_key_file=new_file)
    for either in (first, second):
        with server(either) as client:
            assert value_of(client, secret_id) == CANARY
    assert run(keys.finish_rotation(second)).endswith("others that no longer do: 1.")
    with server(second) as client:
        assert value_of(client, secret_id) == CANARY
    with pytest.raises(InvalidRequest, match="master key is not the one"), server(first):
        pass


def test_what_an_older_version_sealed_is_still_read(settings: Settings) -> None:
    before = Vault(server_secret(settings.data)).seal(CANARY)

    async def keep_old() -> None:
        store = SqlStore(settings.data)
        await store.open()
        await store.secrets.put(SecretRow("sec_old", "old", before, 1.0))
        await store.aclose()

    run(keep_old())
    with server(settings) as client:
        assert value_of(client, "sec_old") == CANARY


def test_the_database_opens_nothing_without_the_master_key(settings: Settings) -> None:
    with server(settings) as client:
        keep(client)
    (settings.data / sealing.MASTER_FILE).unlink()
    with pytest.raises(InvalidRequest, match="master key is not the one"), server(settings):
        pass


def test_a_short_master_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="master_key: expected at least 32 characters, got 5"):
        load(environ={"PAROLA_MASTER_KEY": "short"})
    file = tmp_path / "master"
    with pytest.raises(InvalidRequest, match="cannot be read"):
        sealing.from_file(file)
    assert "first" not in repr(sealing.from_text("first" * 10, "here"))


def test_no_secret_is_in_the_database_the_logs_the_answers_or_the_errors(
    settings: Settings, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with server(settings) as client:
        secret_id = keep(client)
        connection = client.post(
            "/v1/x/auth-connections",
            json={"name": "crm", "auth_type": "api_key", "provider": "crm", "token": CANARY, "api_key": CANARY},
        )
        tool = client.post("/v1/convai/tools", json={"tool_config": webhook_tool(secret_id)}).json()
        create_agent(client, conversation_config={"agent": {"prompt": {"tool_ids": [tool["id"]]}}})
        terms = {"dynamic_variables": {"secret__token": CANARY}, "agent_id": "agent_demo"}
        client.post("/v1/x/signed-urls", json=terms)
        broken = client.post("/v1/convai/secrets", json={"name": "", "value": CANARY})
        assert broken.status_code == 422
        shown += [connection.text, json.dumps(tool), broken.text]
        for path in (
            f"/v1/x/tools/{tool['id']}/invoke",
            *("/v1/convai/secrets", f"/v1/convai/secrets/{secret_id}", "/v1/x/auth-connections", "/v1/x/audit-log"),
        ):
            method = "POST" if path.endswith("invoke") else "GET"
            shown.append(client.request(method, path, json={} if method == "POST" else None).text)
        log = client.get("/v1/x/audit-log", params={"action": "secret_used"}).json()["entries"]
        assert [one["resource"] for one in log] == [secret_id]
    out, err = capfd.readouterr()
    shown += [out, err, caplog.text]
    for text in shown:
        assert CANARY not in text
    looked_at = 0
    for file in settings.data.rglob("*"):
        if file.is_file():
            looked_at += 1
            assert CANARY.encode() not in file.read_bytes(), file
    assert looked_at >= 3


def webhook_tool(secret_id: str) -> dict[str, Any]:
    return {
        "type": "webhook",
        "name": "look_up",
        "description": "Looks it up",
        "api_schema": {
            "url": "http://crm.invalid/look",
            "method": "GET",
            "request_headers": {"X-Key": {"secret_id": secret_id}},
        },
    }


def run(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("PAROLA_MASTER_KEY", raising=False)
    yield
