"""What every test may use: the event loop, and a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI

from parola import logs
from parola.app import create_app
from parola.config import Settings
from parola.store.sql import SqlStore
from parola.store.tables import metadata
from tests.postgres import Postgres
from tests.postgres import running as running_postgres

REAL_TIME = ("tests/wire/", "tests/dashboard/")
"""Where servers, clients and browsers are processes with clocks of their own, which a machine may hold up."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails in real time is tried once more. The summary names it (``-rR``); what fails twice is broken. It comes
    first: its files are the longest, and at the end one process would wait for another."""
    for item in items:
        if item.nodeid.startswith(REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: not item.nodeid.startswith(REAL_TIME))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    logs.configure("warning")
    logs.load()  # now, while standard error is not that of a command that a test runs


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL, one for the whole run; started by the first test that asks for it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_store(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database with the tables."""

    async def prepare(url: str) -> None:
        store = SqlStore(tmp_path_factory.mktemp("postgres"), url)
        await store.open()
        await store.aclose()

    with postgres.database() as url:
        with ThreadPoolExecutor(1) as thread:  # in this one a loop may be running
            thread.submit(lambda: asyncio.run(prepare(url))).result()
        yield url


@pytest.fixture
def postgres_url(_postgres_store: str) -> Iterator[str]:
    """The address of a PostgreSQL database with the tables and nothing in them. A test that changes tables takes
    ``postgres.database()`` instead."""
    yield _postgres_store
    with psycopg.connect(_postgres_store) as connection:  # a tenth of what another database would cost
        for table in reversed(metadata.sorted_tables):
            connection.execute(f"DELETE FROM {table.name}".encode())


@dataclass(frozen=True)
class RunningServer:
    """A server on loopback, in a thread of its own."""

    base_url: str
    app: FastAPI
    loop: asyncio.AbstractEventLoop
    """The server's: for tests that reach into it with ``run_coroutine_threadsafe``."""

    @property
    def socket_url(self) -> str:
        return self.base_url.replace("http", "ws", 1)


@contextmanager
def running(app: FastAPI) -> Iterator[RunningServer]:
    """Serve ``app`` on a free port until the block ends. It listens before this returns."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    failure: list[BaseException] = []

    async def serve() -> None:
        startup = server.startup

        async def announced(*args: object, **kwargs: object) -> None:
            await startup(*args, **kwargs)  # type: ignore[arg-type]
            ready.set()

        server.startup = announced  # type: ignore[method-assign]
        await server.serve(sockets=[listener])

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            failure.append(error)
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=run, name="server", daemon=True)
    thread.start()
    ready.wait(30)
    if failure:
        raise failure[0]
    try:
        yield RunningServer(f"http://127.0.0.1:{port}", app, loop)
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., RunningServer]]:
    """Start servers with settings of one's own; they stop when the test ends."""
    with ExitStack() as stack:

        def start(settings: Settings | None = None, **parts: object) -> RunningServer:
            app = create_app(settings or Settings(ephemeral=True), **parts)  # type: ignore[arg-type]
            return stack.enter_context(running(app))

        yield start


@pytest.fixture
def server(start_server: Callable[..., RunningServer]) -> RunningServer:
    """A server that keeps everything in memory."""
    return start_server()
