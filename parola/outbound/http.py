"""Asking services over HTTP: the process's one client, and endpoints that turn whatever goes wrong into a sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from parola.config import ProviderSettings
from parola.errors import ProviderError
from parola.outbound.addresses import joined, shown, told
from parola.outbound.guard import AddressRefused, Guard
from parola.tracing.context import headers as tracing

if TYPE_CHECKING:
    from ssl import SSLContext

    import aiohttp

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 60.0

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_ERROR = 300
_QUOTED = re.compile(r":\s|['\"{]")


class _Clients(NamedTuple):
    owners: aiohttp.ClientSession
    """For the owner's addresses."""
    guarded: aiohttp.ClientSession
    """For those of agents."""
    once: aiohttp.ClientSession
    """The same, a connection for each request."""


class Connections:
    """The process's HTTP clients, made when they are first needed. What takes long about them, the import and the TLS
    context, is done in a thread."""

    def __init__(self, guard: Guard | None = None) -> None:
        """``guard`` says what addresses agents may name; without one, public ones only."""
        self.guard = guard or Guard()
        self._clients: _Clients | None = None
        self._making = asyncio.Lock()

    async def client(self) -> aiohttp.ClientSession:
        """For addresses that the owner of this server has configured; guarded only where nothing may leave."""
        return (await self._made()).owners

    async def guarded(self) -> aiohttp.ClientSession:
        """For addresses that an agent's configuration, a client or a redirect names: raises ``AddressRefused`` instead
        of asking what the guard bars."""
        return (await self._made()).guarded

    async def guarded_once(self) -> aiohttp.ClientSession:
        """The same with a connection of its own for each request. One that is kept may be closed by the other side in
        the very moment it is used again, and nobody knows then whether what was sent has arrived."""
        return (await self._made()).once

    async def _made(self) -> _Clients:
        if self._clients is None:
            async with self._making:
                if self._clients is None:
                    tls = await asyncio.to_thread(_tls_context)
                    owner_guard = self.guard if self.guard.loopback_only else None
                    self._clients = _Clients(
                        _new_client(tls, owner_guard),
                        _new_client(tls, self.guard),
                        _new_client(tls, self.guard, keeps=False),
                    )
        return self._clients

    async def aclose(self) -> None:
        clients, self._clients = self._clients, None
        for client in clients or ():
            await client.close()


class GuardedConnections(Connections):
    """The guarded client of other connections, for whoever takes ``Connections`` and knows nothing of guards."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._of = connections

    async def client(self) -> aiohttp.ClientSession:
        return await self._of.guarded()

    async def guarded(self) -> aiohttp.ClientSession:
        return await self._of.guarded()

    async def guarded_once(self) -> aiohttp.ClientSession:
        return await self._of.guarded_once()


def _tls_context() -> SSLContext:
    import ssl

    import aiohttp  # noqa: F401

    return ssl.create_default_context()


def _new_client(tls: SSLContext, guard: Guard | None = None, *, keeps: bool = True) -> aiohttp.ClientSession:
    """``keeps``: connections, for the next request."""
    import aiohttp

    resolver = guard.resolver() if guard is not None else Guard().unchecked_resolver()
    kept: dict[str, Any] = {"keepalive_timeout": KEEPALIVE_SECONDS} if keeps else {"force_close": True}
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=0, resolver=resolver, **kept),
        middlewares=(guard.middleware,) if guard is not None else (),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"user-agent": "parola", "accept-encoding": "identity"},
    )


class Endpoint:
    """One URL of one service, and how to ask it."""

    def __init__(
        self,
        settings: ProviderSettings,
        path: str,
        connections: Connections,
        name: str,
        headers: Mapping[str, str] | None = None,
        api_version: str = "",
    ) -> None:
        """``api_version`` goes behind the path, as Azure wants it; what the address has there stays."""
        self.url = joined(settings.base_url, path, f"api-version={quote(api_version)}" if api_version else "")
        self.name = name
        self._connections = connections
        self._seconds = settings.timeout_seconds
        self._headers = {"authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._headers |= {key.lower(): value for key, value in (headers or {}).items()}

    def failed(
        self, what: str, *, retry_after_seconds: float | None = None, logged: str | None = None
    ) -> ProviderError:
        """``logged`` is what of ``what`` a log may hold; without it, all up to what it quotes."""
        return ProviderError(
            self.name,
            f"{shown(self.url)} {what}",
            retry_after_seconds=retry_after_seconds,
            logged=f"{shown(self.url)} {logged or _QUOTED.split(what)[0]}",
        )

    @asynccontextmanager
    async def post(
        self, body: bytes | Callable[[], aiohttp.FormData], headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response, its body still to be read, whatever its status; leaving closes it. A form is made anew for
        each attempt. Raises ``ProviderError`` when there is no response, and when its body breaks off."""
        import aiohttp

        client = await self._connections.client()
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=min(CONNECT_SECONDS, self._seconds), sock_read=self._seconds
        )
        try:
            # A kept connection may have been closed by the server in the very moment it is used again.
            for is_last in (False, True):
                try:
                    response = await client.post(
                        self.url,
                        data=body() if callable(body) else body,
                        headers=tracing() | self._headers | dict(headers or {}),
                        timeout=timeout,
                        proxy=proxy_for(self.url),
                        allow_redirects=False,
                    )
                    break
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    if is_last or isinstance(error, aiohttp.ClientConnectorError):
                        raise
            async with response:
                yield response
        except aiohttp.ConnectionTimeoutError:
            raise self.failed("could not be reached in time. Is the server running, is the address right?") from None
        except TimeoutError:
            raise self.failed(f"sent nothing for {self._seconds:g} s.") from None
        except aiohttp.ClientConnectorError as error:
            raise self.failed(
                f"cannot be reached ({error.strerror or told(error)}). Is the server running, is the address right?"
            ) from None
        except AddressRefused as error:
            raise self.failed(f"is not asked. {error.message}") from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise self.failed(f"cannot be asked: {told(error)}.") from None
        except aiohttp.ClientError as error:
            raise self.failed(f"broke off: {told(error)}.") from None

    async def refusal(self, response: aiohttp.ClientResponse) -> tuple[str, ProviderError]:
        """What a response with an error status says: its body, and the error to raise."""
        body = (await response.read()).decode(errors="replace")
        return body, self.failed(
            f"answered {response.status}: {message_in(body) or 'no reason given'}",
            retry_after_seconds=_retry_after(response) if response.status in (429, 503) else None,
            logged=f"answered {response.status}",
        )


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds; None when the service does not say, or names a date."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names. It is for the world outside, whether or not it excepts this machine."""
    address = urlsplit(url)
    host = address.hostname or ""
    if host in _THIS_MACHINE or not (proxies := getproxies()) or proxy_bypass(host):
        return None
    return proxies.get(address.scheme) or proxies.get("all")


def message_in(body: str) -> str:
    """The message of an error body, whichever shape it has."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = re.sub(r"<[^>]+>", " ", body)
    while isinstance(found, Mapping | list):
        if isinstance(found, list):
            found = found[0] if found else ""
        else:
            keys = ("error", "message", "detail", "msg", "error_message")
            found = next((found[key] for key in keys if found.get(key)), orjson.dumps(found).decode())
    text = " ".join(str(found).split())
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]} …"
