"""Reading server-sent events: the streams of answers that language models write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

DRAIN_SECONDS = 0.05


async def payloads(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The payloads of a server-sent event stream, up to ``[DONE]``; of any other response, its body."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        body = await response.read()
        if not body.lstrip().startswith((b"data:", b":", b"event:")):
            yield body
            return
        chunks = _once(body)
    else:
        chunks = response.content.iter_any()
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                payload = line[5:].strip()
                if payload == b"[DONE]":
                    await _drain(chunks)
                    return
                if payload:
                    yield payload
    if rest.startswith(b"data:") and (payload := rest[5:].strip()) not in (b"", b"[DONE]"):
        yield payload


async def _drain(stream: AsyncIterator[bytes]) -> None:
    """Read what follows the last event, which is the end of the response: only then is the connection free for the
    next request. A server that does not end it loses the connection."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in stream:
                pass
    except TimeoutError:
        pass


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
