"""``parola serve``: run the server, and say how to point each official client here."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

from parola.config import Settings
from parola.errors import InvalidRequest

BACKLOG = 2048
LARGEST_FRAME = 16 * 1024 * 1024

GUIDE = """
Parola listens.

  API        {http}
  Socket     {ws}/v1/convai/conversation?agent_id=agent_demo
  Contract   {http}/openapi.json   {http}/asyncapi.json
  Demo       parola chat            parola call --in question.wav --out answer.wav

Point your app here:

  Python     ElevenLabs(base_url="{http}")
  JavaScript Conversation.startSession({{ agentId, connectionType: "websocket", origin: "{ws}" }})
  React      startSession({{ signedUrl }})   from GET {http}/v1/convai/conversation/get-signed-url?agent_id=agent_demo
  Node       new ElevenLabsClient({{ baseUrl: "{http}" }}), requiresAuth: true
"""


def addresses(settings: Settings) -> tuple[str, str]:
    """The http and the ws address that clients on this machine use."""
    if settings.public_url:
        http = settings.public_url.rstrip("/")
    else:
        host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
        http = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    return http, "ws" + http.removeprefix("http")


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises ``InvalidRequest`` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise InvalidRequest(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}. Choose another port with --port."
        ) from None
    listener.set_inheritable(True)
    return listener


def serve(settings: Settings) -> None:
    """Run until stopped."""
    import uvicorn

    from parola.app import create_app
    from parola.logs import configure

    configure(settings.log_level)
    listener = listen(settings)
    http, ws = addresses(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_FRAME,
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        access_log=False,
        log_level="warning",
        backlog=BACKLOG,
        timeout_graceful_shutdown=15,
    )
    live = app.state.services.live

    async def farewell() -> None:
        await live.end_all("The server is stopping.")

    server = _Server(config, lambda: print(GUIDE.format(http=http, ws=ws), flush=True), farewell)
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        server.run(sockets=[listener])
    if not server.started:
        raise SystemExit(1)


def _server_class() -> type:
    import uvicorn

    class Server(uvicorn.Server):
        """Says something once it listens, and lets its conversations end well when it is stopped."""

        def __init__(
            self, config: uvicorn.Config, announce: Callable[[], None], farewell: Callable[[], Awaitable[None]]
        ) -> None:
            super().__init__(config)
            self._announce = announce
            self._farewell = farewell

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                self._announce()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            # uvicorn would close every WebSocket with 1012 and no reason before the application learns of it.
            for listener in self.servers:
                listener.close()
            await self._farewell()
            await super().shutdown(sockets)

    return Server


def _Server(config: object, announce: Callable[[], None], farewell: Callable[[], Awaitable[None]]):  # noqa: N802
    return _server_class()(config, announce, farewell)
