"""One attempt is one request, and its result is the status that came back, however an endpoint behaves otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from parola.outbound.guard import Guard
from parola.outbound.http import Connections
from parola.webhooks import sending
from parola.webhooks.payloads import Message
from parola.webhooks.sending import Answer, HttpSender

MESSAGE = Message(b'{"type": "test"}')


class Rude:
    """An endpoint that reads a request, writes these bytes, and then hangs up or says nothing more."""

    def __init__(self, answer: bytes, *, hangs_up: bool) -> None:
        self.answer = answer
        self.hangs_up = hangs_up
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(len(MESSAGE.head)))
                writer.write(self.answer)
                await writer.drain()
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def rude(answer: bytes, *, hangs_up: bool = False) -> AsyncIterator[tuple[Rude, HttpSender]]:
    connections = Connections(Guard(allows_local=True))
    endpoint = Rude(answer, hangs_up=hangs_up)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield endpoint, HttpSender(lambda: connections, 20.0)
    finally:
        await connections.aclose()
        server.close()


@pytest.mark.parametrize(
    ("answer", "hangs_up", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", False, Answer(200, "ok")),
        (b"HTTP/1.1 204 OK\r\ntransfer-encoding: chunked\r\n\r\n", False, Answer(204, "ok")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nas far as it ca", False, Answer(200, "ok", "as far as it ca")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nas far as it ca", True, Answer(200, "ok", "as far as it ca")),
        (b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 9\r\n\r\n", True, Answer(503, "http_503", "", "7")),
    ],
)
async def test_the_status_has_said_it_all_whatever_becomes_of_the_body(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, hangs_up: bool, expected: Answer
) -> None:
    monkeypatch.setattr(sending, "BODY_SECONDS", 0.1)
    async with rude(answer, hangs_up=hangs_up) as (endpoint, send):
        assert await send(endpoint.url, {}, MESSAGE) == expected
        assert len(endpoint.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200", b"\x00\xff not http\r\n\r\n"])
async def test_an_endpoint_that_hangs_up_without_an_answer_has_been_asked_once(answer: bytes) -> None:
    async with rude(answer, hangs_up=True) as (endpoint, send):
        result = await send(endpoint.url, {}, MESSAGE)
        assert (result.status, result.reason) == (None, "connection_failed")
        assert len(endpoint.requests) == 1


async def test_no_attempt_is_made_over_a_connection_that_may_be_gone() -> None:
    async with rude(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n") as (endpoint, send):
        for _ in range(2):
            assert await send(endpoint.url, {}, MESSAGE) == Answer(200, "ok")
        assert (endpoint.connections, len(endpoint.requests)) == (2, 2)
