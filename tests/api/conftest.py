"""The API over both stores, without a network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from parola.app import create_app
from parola.config import Settings
from parola.outbound.guard import Guard
from parola.outbound.http import Connections
from parola.providers.base import Voice
from parola.providers.fair_queue import FairQueue


async def _nobody(host: str, port: int, family: socket.AddressFamily) -> list[tuple[Any, ...]]:
    raise socket.gaierror(f"nobody knows {host}")


class Registry:
    """A registry with two voices and one language model. From it nothing outside can be reached."""

    def __init__(self) -> None:
        self.connections = Connections(Guard(lookup=_nobody))

    def voices(self) -> Sequence[Voice]:
        return (
            Voice("amy", "Amy", "Calm", labels={"accent": "british"}),
            Voice("bob", "Bob", "Loud", labels={"accent": "american"}),
        )

    def llms(self) -> Sequence[dict[str, Any]]:
        return ({"llm": "scripted", "is_checkpoint": False},)

    @property
    def queues(self) -> dict[str, FairQueue]:
        return {}

    async def get_ready(self) -> None:
        pass

    async def aclose(self) -> None:
        await self.connections.aclose()


@pytest.fixture(params=["sqlite", "memory"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", ephemeral=request.param == "memory")


@pytest.fixture
def start(settings: Settings) -> Iterator[Callable[..., TestClient]]:
    """Start a server with other settings; it stops when the test ends."""
    with ExitStack() as stack:

        def start(other: Settings = settings) -> TestClient:
            app = create_app(other, registry=Registry())
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1:8400"))

        yield start


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    return start()


@contextmanager
def beside(client: TestClient, path: str, headers: dict[str, str] | None = None) -> Iterator[WebSocketTestSession]:
    """A socket beside a conversation. Leaving it cancels what serves it, and this client would raise that."""
    failure: BaseException | None = None
    with suppress(CancelledError), client.websocket_connect(path, headers=headers or {}) as socket:
        try:
            yield socket
        except BaseException as error:
            failure = error
    if failure is not None:
        raise failure


def create_agent(client: TestClient, name: str = "Front desk", **document: Any) -> str:
    """The id of a new agent."""
    response = client.post("/v1/convai/agents/create", json={"name": name, "conversation_config": {}, **document})
    assert response.status_code == 200, response.text
    agent_id: str = response.json()["agent_id"]
    return agent_id


def call(client: TestClient, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run something asynchronous, such as a method of the store, where the server runs."""

    async def run() -> Any:
        return await function(*args, **kwargs)

    assert client.portal is not None
    return client.portal.call(run)
