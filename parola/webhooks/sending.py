"""One attempt over HTTP: the message goes out, and what comes back is told as a code and a sentence.

Requests go through the guard of addresses (``outbound/guard.py``), and redirects are not followed: whoever may set an
endpoint's answer could otherwise choose where conversations go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from parola.logs import logger
from parola.logs import reason as reason_of
from parola.outbound.addresses import shown, told
from parola.outbound.guard import AddressRefused
from parola.outbound.http import proxy_for
from parola.webhooks.payloads import Message

if TYPE_CHECKING:
    import aiohttp

    from parola.outbound.http import Connections

log = logger(__name__)

SHOWN_BYTES = 1000
"""Of an answer, in the log of deliveries."""

BODY_SECONDS = 2.0
"""How long the beginning of a body is waited for, once its status is there."""

SLOWEST_BYTES_A_SECOND = 50_000
"""A recording gets so much more time than other messages."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt."""

    status: int | None
    """None: there was no answer."""
    reason: str
    """``ok``, ``http_503``, ``timeout``, ``connection_failed``, ``address_refused`` …"""
    detail: str = ""
    """The beginning of the body, or what went wrong."""
    retry_after: str | None = None


class Sends(Protocol):
    """Makes an attempt. Never raises but for being cancelled."""

    async def __call__(self, url: str, headers: Mapping[str, str], message: Message) -> Answer: ...


class HttpSender:
    """A ``Sends`` over the process's guarded client."""

    def __init__(self, connections: Callable[[], Connections], timeout_seconds: float) -> None:
        self._connections = connections
        self._timeout_seconds = timeout_seconds

    async def __call__(self, url: str, headers: Mapping[str, str], message: Message) -> Answer:
        import aiohttp

        seconds = self._timeout_seconds
        if message.recording is not None:
            seconds += (await asyncio.to_thread(message.recording.stat)).st_size / SLOWEST_BYTES_A_SECOND
        try:
            return await self._post(url, headers, message, seconds)
        except TimeoutError:
            return Answer(None, "timeout", f"No answer within {seconds:g} s.")
        except AddressRefused as error:
            return Answer(None, "address_refused", error.message)
        except (aiohttp.InvalidURL, ValueError) as error:
            return Answer(None, "invalid_url", f"{shown(url)} cannot be asked: {told(error)}.")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(None, "connection_failed", told(error))

    async def _post(self, url: str, headers: Mapping[str, str], message: Message, seconds: float) -> Answer:
        import aiohttp

        client = await self._connections().guarded_once()
        async with client.post(
            url,
            data=message.head if message.recording is None else message.stream(),
            headers={"content-type": "application/json", **headers},
            timeout=aiohttp.ClientTimeout(total=seconds),
            proxy=proxy_for(url),
            allow_redirects=False,
        ) as response:
            status = response.status
            answer = await _beginning(response.content)
            reason = "ok" if 200 <= status < 300 else f"http_{status}"
            return Answer(status, reason, answer.decode(errors="replace"), response.headers.get("retry-after"))


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """What of a body is shown, as far as it comes. The status has said it all: whatever becomes of the body changes
    nothing."""
    beginning = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while len(beginning) < SHOWN_BYTES and (piece := await content.read(SHOWN_BYTES - len(beginning))):
                beginning += piece
    except Exception as error:
        log.debug("webhook_answer_cut_off", error=reason_of(error))
    return beginning
