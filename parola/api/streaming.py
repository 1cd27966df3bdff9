"""Answers that are sent while they are made: server-sent events, and anything long.

A reader that stops reading holds what was made for it, and the connection. So each piece may wait for it only so
long; then the connection is cut. Nothing is made ahead of the reader: what waits is one piece, and what the connection
buffers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import orjson
from starlette.responses import StreamingResponse

from parola.api.access import rule_of
from parola.api.auth import CALLER, Caller
from parola.api.cutting import UNREAD_SECONDS, cut
from parola.logs import logger

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

    from parola.api.process import Services

log = logger(__name__)

HEARTBEAT_SECONDS = 15.0
"""A comment is sent so often when nothing happens, so that nobody in between takes the stream for dead."""

KEY_IS_GONE = "The API key that opened this stream has been deleted, has expired, or may not read it any more."

T = TypeVar("T")

Holds = Callable[[], Awaitable[bool]]
"""Whether whoever reads still may."""


class Streamed(StreamingResponse):
    """Pieces of bytes as they come, to a reader who reads."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def bounded(message: Message) -> None:
            async with asyncio.timeout(UNREAD_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, bounded)
        except TimeoutError:
            log.warning("stream_not_read", path=getattr(scope.get("route"), "path", None), seconds=UNREAD_SECONDS)
            cut(scope)
            await asyncio.sleep(0)  # the server learns of it, and does not miss the end of the answer
        finally:
            await self._pieces.aclose()  # at once, and not when it is collected


class EventStream(Streamed):
    """Server-sent events: what ``told`` makes of each item, and a comment when nothing comes. It ends with
    ``x_stream_ended`` when the key that opened it does."""

    def __init__(self, items: AsyncGenerator[T, None], told: Callable[[T], bytes], holds: Holds) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(_with_heartbeats(items, told, holds), "text/event-stream", headers)


def key_of(request: Request, services: Services) -> Holds:
    """Whether the key that a request came with may still make it."""
    caller = request.scope.get(CALLER)
    key_id = caller.key_id if isinstance(caller, Caller) else None
    scope = rule_of(request.scope["route"]).scope

    async def holds() -> bool:
        return key_id is None or await services.keys.still_may(key_id, *filter(None, [scope]))

    return holds


def event(kind: str, data: bytes, number: int | None = None) -> bytes:
    """One server-sent event."""
    name = "".join(kind.split())[:100].encode()
    return (b"" if number is None else b"id: %d\n" % number) + b"event: %b\ndata: %b\n\n" % (name, data)


async def _with_heartbeats(
    items: AsyncGenerator[T, None], told: Callable[[T], bytes], holds: Holds
) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    checked_at, coming = clock(), None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(items))
            done, _ = await asyncio.wait([coming], timeout=HEARTBEAT_SECONDS)
            if clock() - checked_at >= HEARTBEAT_SECONDS:
                checked_at = clock()
                if not await holds():
                    yield event("x_stream_ended", orjson.dumps({"reason": KEY_IS_GONE}))
                    return
            if not done:
                yield b": heartbeat\n\n"
                continue
            try:
                item = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield told(item)
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait([coming])
        await items.aclose()
