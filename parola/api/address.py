"""Where clients reach this server: behind a proxy, under a path prefix, or directly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from parola.config import Settings

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]

SOCKET_PATH = "/v1/convai/conversation"


def base_url(request: Request, settings: Settings) -> str:
    """Scheme, host and prefix, without a trailing slash: configured, or as the proxy says, or as the client wrote."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    headers = request.headers
    scheme = _first(headers.get("x-forwarded-proto")) or request.url.scheme
    host = _first(headers.get("x-forwarded-host")) or headers.get("host") or request.url.netloc
    return f"{scheme}://{host}{request.scope.get('root_path', '').rstrip('/')}"


def asked_hosts(headers: Mapping[str, str]) -> tuple[str, ...]:
    """By which names a request asks for this server: as the client wrote it, and as the proxy says."""
    return tuple(host for host in (headers.get("host", ""), _first(headers.get("x-forwarded-host"))) if host)


def socket_url(request: Request, settings: Settings) -> str:
    """The same for WebSockets: ``ws`` or ``wss``."""
    scheme, _, rest = base_url(request, settings).partition("://")
    return f"{'wss' if scheme in ('https', 'wss') else 'ws'}://{rest}"


class Prefix:
    """ASGI middleware: routes match under the prefix a proxy announces, whether it strips it or not."""

    def __init__(self, app: App, *, public_url: str) -> None:
        self._app = app
        self._own = urlsplit(public_url).path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            prefix = next((value.decode("latin1") for name, value in scope["headers"] if name == _HEADER), self._own)
            prefix = "/" + prefix.strip("/") if prefix.strip("/") else ""
            if prefix:
                scope = {**scope, "root_path": prefix}
        await self._app(scope, receive, send)


_HEADER = b"x-forwarded-prefix"


def _first(header: str | None) -> str:
    return (header or "").partition(",")[0].strip()
