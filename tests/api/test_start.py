"""What a server does when it starts: tidy up, load agents, be quick."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from parola.app import create_app
from parola.config import Settings
from parola.errors import InvalidRequest
from parola.store.base import ConversationChange, ConversationRow, spool_of
from parola.store.sql import SqlStore
from tests.api.conftest import Registry


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


async def leave_behind(settings: Settings) -> None:
    """What a killed server leaves in the store."""
    store = SqlStore(settings.data)
    await store.open()
    for status in ("initiated", "in-progress", "processing"):
        await store.conversations.create(ConversationRow(f"conv_{status}", "agent_1", status, 1000.0, {}))
    turn = {"role": "agent", "message": "Hi", "time_in_call_secs": 42}
    await store.conversations.write("conv_in-progress", ConversationChange(turns={0: turn}))
    await store.conversations.write("conv_processing", ConversationChange(termination_reason="Bye", ended_at=1005.0))
    await store.aclose()


def test_conversations_of_a_killed_server_end_with_a_reason(
    start: Callable[..., TestClient], settings: Settings
) -> None:
    asyncio.run(leave_behind(settings))
    client = start()

    def record(status: str) -> tuple[str, str, int]:
        got = client.get(f"/v1/convai/conversations/conv_{status}").json()
        metadata = got["metadata"]
        return got["status"], metadata["termination_reason"], metadata["call_duration_secs"]

    assert record("in-progress") == ("failed", "The server stopped while the conversation was running", 42)
    assert record("processing") == ("done", "Bye", 5)
    assert record("initiated") == ("initiated", "", 0)
    error = client.get("/v1/convai/conversations/conv_in-progress").json()["metadata"]["error"]
    assert error == {"code": 1011, "reason": "The server stopped while the conversation was running"}


def test_what_a_killed_server_recorded_is_there(start: Callable[..., TestClient], settings: Settings) -> None:
    asyncio.run(leave_behind(settings))
    spool_of(SqlStore(settings.data).recording_path("conv_in-progress")).write_bytes(b"x")
    client = start()
    assert client.get("/v1/convai/conversations/conv_in-progress").json()["has_audio"] is True


def test_a_data_folder_belongs_to_one_server(start: Callable[..., TestClient], settings: Settings) -> None:
    start()
    with pytest.raises(InvalidRequest, match="in use by another server"):
        start()


def test_a_data_folder_is_free_again_when_its_server_has_stopped(settings: Settings) -> None:
    for _ in range(2):
        with TestClient(create_app(settings, registry=Registry())) as client:
            assert client.get("/v1/convai/agents").status_code == 200


def test_a_new_server_has_somebody_to_talk_to(start: Callable[..., TestClient], settings: Settings) -> None:
    agents = start().get("/v1/convai/agents").json()["agents"]
    assert [agent["agent_id"] for agent in agents] == ["agent_demo"]


def test_a_server_with_agents_gets_no_other(start: Callable[..., TestClient], settings: Settings) -> None:
    with TestClient(create_app(settings, registry=Registry())) as first:
        first.delete("/v1/convai/agents/agent_demo")
        first.post("/v1/convai/agents/create", json={"name": "Mine", "conversation_config": {}})
    agents = start().get("/v1/convai/agents").json()["agents"]
    assert [agent["name"] for agent in agents] == ["Mine"]


def test_a_projects_agents_are_loaded_and_follow_their_files(
    start: Callable[..., TestClient], settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = {"name": "Desk", "conversation_config": {"x": 2**80}, "agent_id": "agent_desk", "x_more": True}
    (folder / "desk.json").write_text(json.dumps(desk))
    (folder / "night.json").write_text('{"conversation_config": {}}')
    loading = replace(settings, project=folder)
    with TestClient(create_app(loading, registry=Registry())) as client:
        got = client.get("/v1/convai/agents/agent_desk").json()
        assert {key: got[key] for key in desk} == desk
        assert client.get("/v1/convai/agents/night").json()["name"] == "night"
        assert client.get("/v1/convai/agents/agent_demo").status_code == 404
    (folder / "desk.json").write_text(json.dumps({**desk, "name": "Desk 2"}))
    again = start(loading).get("/v1/convai/agents/agent_desk").json()
    assert again["name"] == "Desk 2"
    assert again["metadata"]["created_at_unix_secs"] == got["metadata"]["created_at_unix_secs"]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"conversation_config": {"turn": {"turn_timeout": 999}}}', '{"conversation_config": "x"}'],
)
def test_a_file_that_is_no_agent_stops_the_start_and_is_named(
    start: Callable[..., TestClient], settings: Settings, tmp_path: Path, content: str
) -> None:
    (tmp_path / "broken.json").write_text(content)
    with pytest.raises(InvalidRequest, match=r"broken\.json is no agent"):
        start(replace(settings, project=tmp_path))


def test_a_project_that_does_not_exist_stops_the_start(
    start: Callable[..., TestClient], settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match="does not exist"):
        start(replace(settings, project=tmp_path / "nowhere"))


LISTENING = """
import asyncio, pathlib, sys
import parola.terminal.serve
from parola.app import create_app
from parola.config import Settings

async def main(folder):
    settings = Settings(data=pathlib.Path(folder)) if folder else Settings(ephemeral=True)
    app = create_app(settings, owns_process=True)
    async with app.router.lifespan_context(app):
        print(*sys.modules)

asyncio.run(main(sys.argv[1]))
"""
"""What is imported when a server begins to listen."""

HEAVY = {
    "aiohttp",
    "alembic",
    "argon2",
    "cryptography",
    "fastapi",
    "numpy",
    "onnxruntime",
    "parola.api.agents",
    "parola.api.rest",
    "parola.conversation.conversation",
    "parola.conversation.events",
    "parola.knowledge.formats",
    "parola.protocol.agents",
    "parola.providers.base",
    "parola.session.opening",
    "parola.session.session",
    "parola.webhooks.delivery",
    "pydantic",
    "structlog",
}
"""What costs more than a few milliseconds to import. Whatever needs it at the start: import it in the function."""


def test_a_server_listens_before_it_has_loaded_the_heavy_things(tmp_path: Path) -> None:
    def loaded(folder: str) -> set[str]:
        arguments = [sys.executable, "-c", LISTENING, folder]
        return set(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split())

    new_store = {"cryptography"}  # what is in it is sealed, so a key is made
    assert loaded("") & (HEAVY | {"sqlalchemy"}) <= new_store
    assert loaded(str(tmp_path)) & HEAVY <= new_store | {"alembic"}
    assert loaded(str(tmp_path)) & HEAVY == set()


FIRST_CALL = """
import asyncio, json, os, sys
from parola.app import create_app
from parola.config import Settings

async def main():
    app = create_app(Settings(ephemeral=True))
    async with app.router.lifespan_context(app):
        parts = {route.name: route for route in app.routes}
        await parts["conversation"].endpoint.loaded()
        await app.state.services.registry.get_ready()
        await parts["rest"].app.loaded()
        before, began = set(sys.modules), asyncio.Event()
        frames = asyncio.Queue()
        frames.put_nowait({"type": "websocket.connect"})
        init = json.dumps({"type": "conversation_initiation_client_data"})
        frames.put_nowait({"type": "websocket.receive", "text": init})

        async def send(message):
            if "conversation_initiation_metadata" in message.get("text", "") and not began.is_set():
                print(*(name for name in set(sys.modules) - before if name.startswith("parola.")))
                began.set()

        scope = {"type": "websocket", "path": "/v1/convai/conversation", "query_string": b"agent_id=agent_demo"}
        call = asyncio.create_task(app({**scope, "headers": [], "subprotocols": []}, frames.get, send))
        await asyncio.wait_for(began.wait(), 20)
        sys.stdout.flush()
        os._exit(0)  # nobody waits for the models, which a thread loads now

asyncio.run(main())
"""


def test_a_server_that_is_ready_has_nothing_left_to_load_for_its_first_call() -> None:
    result = subprocess.run([sys.executable, "-c", FIRST_CALL], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


def test_health_and_limits(start: Callable[..., TestClient]) -> None:
    client = start()
    assert client.get("/health").json() == {"status": "ok", "version": "0.1.0", "live_conversations": 0}
    limits = client.get("/v1/x/limits").json()
    assert limits["signed_url_lifetime_secs"] == 900 and limits["llm_silence_secs"] == 20
    assert limits["conversations"]["maximum"] is None and limits["close_codes"]["waited_too_long"] == 4300


def test_how_it_was_started_is_told_to_admins(start: Callable[..., TestClient], settings: Settings) -> None:
    client = start(replace(settings, retention_days=30, master_key="m" * 32))
    told = client.get("/v1/x/server").json()
    assert told["retention_days"] == 30 and told["egress"] == "all" and told["is_key_needed"] is False
    assert "m" * 32 not in str(told)
    key = client.post("/v1/x/api-keys", json={"scopes": ["agents:read"]}).json()["api_key"]
    assert client.get("/v1/x/server", headers={"xi-api-key": key}).json()["detail"]["status"] == "missing_permissions"


def test_a_part_that_cannot_be_loaded_is_told_by_health_and_by_whoever_needs_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'codec'", name="codec")

    monkeypatch.setattr("parola.app._rest", missing)
    monkeypatch.setattr("parola.app._conversations", missing)
    monkeypatch.setattr("parola.app._delivery", missing)
    monkeypatch.setattr("parola.app.LOAD_AFTER_SECONDS", 0.0)
    with TestClient(create_app(settings, registry=Registry())) as client:
        assert client.get("/v1/convai/agents").status_code == 503
        told = client.get("/v1/convai/agents").json()["detail"]
        assert told["status"] == "service_unavailable" and "log says why" in told["message"]
        with client.websocket_connect("/v1/convai/conversation?agent_id=agent_demo") as socket:
            closed = socket.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1011)
        while len((health := client.get("/health")).json().get("failed", {})) < 3:
            pass  # the postman is made in the background
        assert health.status_code == 503 and health.json()["status"] == "failed"
        why = "ModuleNotFoundError: codec"
        assert health.json()["failed"] == {"rest": why, "conversations": why, "webhooks": why}
    log = capsys.readouterr().err
    assert log.count("part_failed") == 3 and log.count("codec") >= 3
