"""HTTP for the official MCP client: addresses are checked and pinned, and no server sends more than it may.

The client brings an ``httpx2`` of its own; what it asks goes through one transport, here. A name is looked up and
checked by the guard for every request, redirects included, and the connection goes to an address that was checked.

This module imports ``httpx2`` when it is imported: do that in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2

from parola.outbound.guard import AddressRefused, Guard
from parola.outbound.http import proxy_for

CONNECT_SECONDS = 5.0

READ_SECONDS = 310.0
"""The longest that a tool may take, and a little."""

MOST_BYTES = 4 * 1024 * 1024
"""Of one response; a stream that stays open may bring as much again every minute."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to addresses that the guard has checked, and to no others."""

    def __init__(self, guard: Guard, url: str) -> None:
        self._guard = guard
        self._proxy = proxy_for(url)
        self._transport = httpx2.AsyncHTTPTransport(proxy=self._proxy, trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            pinned = await self._pinned(request)
        except AddressRefused as error:
            raise httpx2.ConnectError(error.message, request=request) from error
        except OSError:
            raise httpx2.ConnectError(f"Nobody knows the name {request.url.host}", request=request) from None
        response = await self._transport.handle_async_request(pinned)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Limited(response.stream)
        return response

    async def _pinned(self, request: httpx2.Request) -> httpx2.Request:
        """The same request to one of the addresses of its host; its headers and TLS still name the host."""
        self._guard.check_url(str(request.url))
        host = request.url.host
        if self._proxy is not None:
            try:
                await self._guard.addresses(host, request.url.port or 0)
            except OSError:
                pass  # a name that only the proxy knows: what lies behind it is the proxy's to guard
            return request
        found = await self._guard.addresses(host, request.url.port or 0)
        addresses = [str(answer[4][0]) for answer in found]
        address = next((one for one in addresses if ":" not in one), addresses[0])
        return httpx2.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Limited(httpx2.AsyncByteStream):
    """A body that ends with an error once it has brought more than it may."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        began_at, received = clock(), 0
        async for chunk in self._stream:
            received += len(chunk)
            if received > MOST_BYTES * (1 + (clock() - began_at) / 60):
                raise httpx2.ReadError(f"The server sent more than {MOST_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def client_for(
    guard: Guard, url: str, headers: Mapping[str, str], *, auth: Any = None, compresses: bool = True
) -> httpx2.AsyncClient:
    """A client for one server."""
    encoding = {} if compresses else {"accept-encoding": "identity"}
    return httpx2.AsyncClient(
        transport=GuardedTransport(guard, url),
        headers={"user-agent": "parola", **encoding, **headers},
        timeout=httpx2.Timeout(CONNECT_SECONDS, read=READ_SECONDS),
        auth=auth,
        trust_env=False,
    )
