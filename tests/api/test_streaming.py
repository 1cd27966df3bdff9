"""A reader of a stream that stops reading is let go, with all that was held for it."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest
import uvicorn

from parola.api import streaming
from parola.api.cutting import ABORT, UNREAD_SECONDS
from parola.api.live import _told
from parola.api.streaming import HEARTBEAT_SECONDS, EventStream, event
from parola.api.watching import follow
from parola.metrics import Metrics
from parola.session.event_log import EventLog
from parola.terminal.serve import served
from tests import virtual_time


async def always() -> bool:
    return True


class Reader:
    """The other end of a stream, which reads as many pieces as it likes and then no more."""

    def __init__(self, reads: int, pause: float = 0.0) -> None:
        self.pieces: list[bytes] = []
        self.was_cut = False
        self._reads = reads
        self._pause = pause

    async def gets(self, response: EventStream) -> None:
        scope = {"type": "http", "state": {ABORT: self._cut}, "asgi": {"spec_version": "2.3"}}
        await response(scope, self._receive, self._send)

    def _cut(self) -> None:
        self.was_cut = True

    async def _receive(self) -> dict[str, Any]:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            if len(self.pieces) == self._reads:
                await asyncio.get_running_loop().create_future()
            await asyncio.sleep(self._pause)
            self.pieces.append(message["body"])


def test_a_reader_that_stops_is_cut_and_holds_neither_memory_nor_the_conversation() -> None:
    async def story() -> None:
        log, reader, loop = EventLog(), Reader(reads=2), asyncio.get_running_loop()
        for n in range(100):
            log.add("internal", "agent", {"type": "agent_response", "n": n})
        reading = asyncio.ensure_future(reader.gets(EventStream(follow(log, Metrics()), _told, always)))
        await asyncio.sleep(1)
        for n in range(6000):
            log.add("internal", "agent", {"type": "agent_response", "n": n})
        assert not reading.done(), "the conversation has gone on as if nobody read"
        await reading
        assert loop.time() == pytest.approx(UNREAD_SECONDS) and reader.was_cut and len(reader.pieces) == 2
        held = weakref.ref(log)
        del log, reading
        gc.collect()
        assert held() is None, "nothing of it is held for the reader"

    virtual_time.run(story())


def test_a_reader_that_is_slow_or_has_nothing_to_read_stays() -> None:
    async def story() -> None:
        log, reader = EventLog(), Reader(reads=1000, pause=UNREAD_SECONDS - 1)
        reading = asyncio.ensure_future(reader.gets(EventStream(follow(log, Metrics()), _told, always)))
        await asyncio.sleep(10 * HEARTBEAT_SECONDS)
        log.add("internal", "agent", {"type": "agent_response"})
        log.close("done", 1000)
        await reading
        assert not reader.was_cut
        kinds = [piece.split(b"\n")[0] for piece in reader.pieces if piece]
        assert kinds[0] == b"event: history_complete" and b": heartbeat" in kinds
        assert kinds[-2:] == [b"id: 1", b"id: 2"]

    virtual_time.run(story())


@pytest.mark.parametrize("pause", [1.0, 40.0])
def test_a_stream_ends_with_the_key_that_opened_it_however_busy_it_is(pause: float) -> None:
    async def story() -> None:
        log, reader, loop = EventLog(), Reader(reads=1000), asyncio.get_running_loop()

        async def holds() -> bool:
            return loop.time() < 20

        reading = asyncio.ensure_future(reader.gets(EventStream(follow(log, Metrics()), _told, holds)))
        while not reading.done():
            log.add("internal", "agent", {"type": "agent_response"})
            await asyncio.wait([reading], timeout=pause)
        assert loop.time() <= 30 + pause
        assert reader.pieces[-2].startswith(b"event: x_stream_ended") and b"has been deleted" in reader.pieces[-2]

    virtual_time.run(story())


def test_the_server_drops_the_connection_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Against the real server, over a real socket: what is buffered is bounded, and the connection is gone."""
    monkeypatch.setattr(streaming, "UNREAD_SECONDS", 0.3)

    async def story() -> None:
        made, over = 0, asyncio.Event()

        async def endless() -> AsyncGenerator[bytes, None]:
            nonlocal made
            try:
                while True:
                    made += 1
                    yield bytes(50_000)
            finally:
                over.set()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await EventStream(endless(), lambda piece: event("piece", piece), always)(scope, receive, send)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(served(app))
            serving = asyncio.ensure_future(server.serve([listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1024)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(20):
                await over.wait()
                assert made * 50_000 < 20_000_000, "no more is made than what the connection takes"
                while server.server_state.connections:
                    await asyncio.sleep(0)
                with suppress(ConnectionResetError):
                    while await reader.read(1_000_000):
                        pass
            server.should_exit = True
            await serving

    asyncio.run(story())
    assert not [one for one in caplog.records if one.name.startswith("uvicorn")], "nothing is wrong with the server"
