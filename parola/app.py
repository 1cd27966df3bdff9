"""The composition root: the one file that knows everybody.

``create_app`` puts the pieces together; the lifespan opens the store, tidies up after a server that was killed, and
loads agents. The server must listen within a second, so it is made of parts: what holds conversations and the REST API
(``parola/api/rest.py``, where the routers are listed) are imported once it listens.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp as App
from starlette.types import Receive, Scope, Send

from parola.analysis.after_call import AfterCall
from parola.api.address import SOCKET_PATH, Prefix
from parola.api.alive import health, not_loaded
from parola.api.auditing import Audit
from parola.api.auth import ApiKeyCheck
from parola.api.credentials import Credentials, Vault, server_secret
from parola.api.process import Services
from parola.api.sealing import master_key, sealed_data_key
from parola.api.signed_url_grants import SignedUrlGrants
from parola.config import Settings
from parola.dashboard.pages import PATH as DASHBOARD_PATH
from parola.dashboard.pages import Pages, to_dashboard
from parola.errors import InvalidRequest
from parola.knowledge.library import Library
from parola.logs import logger, reason
from parola.metrics import Metrics
from parola.privacy.keeping import Witness, keep_private
from parola.privacy.reaping import Reaper
from parola.site.pages import PATH as DOCS_PATH
from parola.site.pages import TEXTS, Site, text_of_all
from parola.static_pages import with_slash
from parola.store.base import Store
from parola.store.lock import held_by_this_server
from parola.tools.context import ToolContext

if TYPE_CHECKING:
    from fastapi import FastAPI

    from parola.analysis.analysing import Analysing
    from parola.api.conversation_socket import ConversationSocket
    from parola.session.load import LoopLag
    from parola.tracing.tracer import Tracer
    from parola.webhooks.delivery import Delivery

log = logger(__name__)

LOAD_AFTER_SECONDS = 0.2
"""What is imported in the background is begun once the first answers have gone out; whoever needs a part earlier does
not wait for this."""

LOADING_TURN_SECONDS = 0.001
"""How long the thread that imports may keep the others waiting; Python's own 5 ms add up over an answer."""

GARBAGE_THRESHOLD = 10_000
"""New objects after which the young ones are looked at; Python's own 700 is thought for scripts."""


def create_app(
    settings: Settings, *, store: Store | None = None, registry: Any | None = None, owns_process: bool = False
) -> Starlette:
    """The server as an ASGI application. ``store`` and ``registry`` replace those that the settings name. With
    ``owns_process`` it arranges the process for itself: nothing else of importance runs there."""
    owns_folder = store is None and not settings.ephemeral
    store = store or _store(settings)
    registry = registry or _registry(settings)
    live = _live()
    metrics = Metrics()
    lag = _lag(metrics)
    tracer = _tracer(settings, lambda: registry.connections)
    secret = server_secret(None if settings.ephemeral else settings.data)
    vault = Vault(secret)
    reaper = Reaper(store)
    audit = Audit(store, settings.audit_retention_days)
    tools = ToolContext(settings, store, vault, lambda: registry.connections, secret, audit.secret_used)
    after_call = AfterCall(store, lambda: _analysing(settings, tools, registry), lag.is_late, tracer)
    library = Library(store, lambda: registry.connections, lambda model: registry.embedder(model).provider)
    webhooks = _Webhooks(lambda: _delivery(services))
    services = Services(
        settings=settings,
        store=store,
        credentials=Credentials(secret),
        vault=vault,
        keys=ApiKeyCheck(settings, store),
        audit=audit,
        grants=SignedUrlGrants(store, vault),
        live=live,
        registry=registry,
        metrics=metrics,
        tools=tools,
        library=library,
        after_call=after_call,
        webhooks=webhooks.made,
        tracer=tracer,
    )

    loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
    failures: dict[str, str] = {}
    conversations = _Part("conversations", lambda: _conversations(services, registry, live, lag), loader, failures)
    rest = _Part("rest", lambda: _rest(services), loader, failures)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await store.open()
        keep_private(store, settings, lambda: _originals(store, vault))
        belongings = ExitStack()
        try:
            if owns_folder:
                belongings.enter_context(held_by_this_server(settings.data))
            master = await asyncio.to_thread(master_key, settings)
            sealed = await sealed_data_key(store, master)
            vault.unlock(lambda: master.open(sealed))
            await after_call.take_up()
            if settings.project is not None:
                await load_project(store, settings.project)
            await _add_demo_agent(store)
            readying = asyncio.create_task(
                _get_ready(conversations, rest, registry, settings, services.tools, owns_process=owns_process)
            )
            delivering = asyncio.create_task(webhooks.deliver(failures, is_alone=owns_folder), name="webhooks")
            library.start()
            reaper.start()
            lag.start()
            if tracer is not None:
                tracer.start()
            yield
            lag.stop()
            readying.cancel()
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
        finally:
            await live.end_all("The server is stopping.")
            await after_call.aclose()
            await reaper.aclose()
            await library.aclose()
            await services.tools.aclose()
            if tracer is not None:
                await tracer.aclose()
            await registry.aclose()
            await store.aclose()
            loader.shutdown(wait=False)
            belongings.close()

    app = Starlette(
        lifespan=lifespan,
        middleware=[
            Middleware(Prefix, public_url=settings.public_url),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["*"],
                max_age=600,
            ),
        ],
        routes=[
            Route("/health", health),
            Route("/", to_dashboard),
            Route(DASHBOARD_PATH, with_slash),
            Mount(DASHBOARD_PATH, Pages(public_url=settings.public_url), name="dashboard"),
            Route(DOCS_PATH, with_slash),
            Mount(DOCS_PATH, Site(), name="docs"),
            *(Route(path, text_of_all) for path in TEXTS),
            WebSocketRoute(SOCKET_PATH, conversations, name="conversation"),
            Mount("", rest, name="rest"),
        ],
    )
    app.router.default = rest  # a Mount matches no path with a line break in it
    app.state.services = services
    app.state.failures = failures
    return app


async def _get_ready(
    conversations: _Part, rest: _Part, registry: Any, settings: Settings, tools: ToolContext, *, owns_process: bool
) -> None:
    """Do before the first call what would be in its way; which models are missing is said once, here."""
    await asyncio.sleep(LOAD_AFTER_SECONDS)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(LOADING_TURN_SECONDS)
    try:
        for step in (conversations.loaded, registry.get_ready, rest.loaded):
            await _tried(step)
    finally:
        sys.setswitchinterval(usual)
    await _tried(partial(_get_others_ready, registry, settings, tools))
    if owns_process:
        await asyncio.to_thread(_keep_out_of_collections)


async def _tried(step: Callable[[], Awaitable[Any]]) -> None:
    """What cannot be got ready keeps nothing else from it; who needs it will hear why."""
    try:
        await step()
    except Exception:
        log.exception("not_ready")


async def _get_others_ready(registry: Any, settings: Settings, tools: ToolContext) -> None:
    from parola.protocol.mcp_servers import KIND

    if (await tools.store.documents.page(KIND, page_size=1)).items:
        await tools.mcp.get_ready()
    if settings.preload:
        begun = time.perf_counter()
        log.info("models_loading")
        for trouble in await registry.warm_up(told=_loaded):
            log.warning("not_ready", reason=trouble)
        log.info("models_ready", seconds=round(time.perf_counter() - begun, 2))


def _loaded(model: str, seconds: float) -> None:
    log.info("model_loaded", model=model, seconds=round(seconds, 2))


def _keep_out_of_collections() -> None:
    """What is there now stays: a full garbage collection need not look at it again and again. With it, one takes a
    twentieth of a second, and all calls wait for that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, *gc.get_threshold()[1:])


def _store(settings: Settings) -> Store:
    if settings.ephemeral:
        from parola.store.memory import MemoryStore

        return MemoryStore()
    from parola.store.address import is_on_this_machine, without_password
    from parola.store.sql import SqlStore

    if settings.database_url and settings.egress == "none" and not is_on_this_machine(settings.database_url):
        raise InvalidRequest(
            f"egress is none, and {without_password(settings.database_url)} is on another machine: use a database on "
            "this one, or allow egress."
        )
    return SqlStore(settings.data, settings.database_url, connections=settings.database_connections, is_server=True)


def _registry(settings: Settings) -> Any:
    from parola.providers.registry import Registry

    return Registry(settings)


def _live() -> Any:
    from parola.session.live import LiveSessions

    return LiveSessions()


def _lag(metrics: Metrics) -> LoopLag:
    from parola.session.load import LoopLag

    return LoopLag(metrics.loop_lag)


def _tracer(settings: Settings, connections: Callable[[], Any]) -> Tracer | None:
    if not settings.otlp_endpoint:
        return None
    from parola.tracing.tracer import Collector, Tracer

    return Tracer(settings, Collector(settings, connections))


def _analysing(settings: Settings, tools: ToolContext, registry: Any) -> Analysing:
    from parola.analysis.analysing import Analysing

    return Analysing(settings, tools, registry)


def _rest(services: Services) -> FastAPI:
    from parola.api.rest import rest

    return rest(services)


def _delivery(services: Services) -> Delivery:
    """What delivers webhooks; recordings are mixed for it as they are for whoever listens to them."""
    from parola.api.conversation_record import record
    from parola.webhooks.delivery import Delivery
    from parola.webhooks.endpoints import Endpoints
    from parola.webhooks.payloads import Payloads
    from parola.webhooks.sending import HttpSender

    async def recording(conversation_id: str) -> Path | None:
        from parola.session.mixing import mix_down

        path = services.store.recording_path(conversation_id)
        async with services.mixing:
            return path if await asyncio.to_thread(mix_down, path) else None

    return Delivery(
        services.store,
        Endpoints(services.store, services.vault),
        Payloads(services.store, record, recording, services.vault),
        HttpSender(services.tools.connections, services.settings.webhook_timeout_seconds),
        services.metrics,
        services.tracer,
    )


def _originals(store: Store, vault: Vault) -> Witness:
    from parola.webhooks.unredacted import Originals

    return Originals(store, vault)


class _Webhooks:
    """The postman, made when the server has been listening for a moment, or when somebody asks for him."""

    def __init__(self, make: Callable[[], Delivery]) -> None:
        self._make = make
        self._making = Lock()
        self._delivery: Delivery | None = None

    def made(self) -> Delivery:
        with self._making:
            if self._delivery is None:
                self._delivery = self._make()
            return self._delivery

    async def deliver(self, failures: MutableMapping[str, str], *, is_alone: bool) -> None:
        """Until cancelled. ``failures`` is told when there is no delivering. ``is_alone``: no other server has the
        store, so what is claimed was claimed by one that is gone."""
        await asyncio.sleep(LOAD_AFTER_SECONDS)
        try:
            delivery = await asyncio.to_thread(self.made)
            await delivery.run(releases=is_alone)
        except Exception as error:
            failures["webhooks"] = reason(error)
            log.exception("part_failed", part="webhooks", error=reason(error))


def _conversations(services: Services, registry: Any, live: Any, lag: LoopLag) -> ConversationSocket:
    from parola import logs
    from parola.api.admission import Admission
    from parola.api.conversation_socket import ConversationSocket
    from parola.session.load import Load, no_trouble
    from parola.session.opening import Opening, rehearse
    from parola.session.waiting_room import FEW_CALLS, WaitingRoom

    logs.load()
    rehearse()
    settings = services.settings
    load = Load(lag, registry.queues.values)
    trouble = load.trouble if settings.hold_when_busy else no_trouble
    room = WaitingRoom(live, services.metrics, most=settings.max_conversations, trouble=trouble, limits=settings.limits)

    def is_loop_late() -> bool:
        return live.count() >= FEW_CALLS and lag.is_late()

    opening = Opening(
        settings,
        services.store,
        registry,
        live,
        services.tools,
        room,
        services.metrics,
        is_loop_late,
        services.library.index_soon,
        services.after_call.end,
        services.tracer,
    )
    admission = Admission(settings, services.store, services.credentials, services.keys, services.grants)
    return ConversationSocket(admission, opening)


class _Part:
    """An ASGI application that is slow to import: loaded in a thread while the server already answers. What comes
    before it is there waits for it; nothing is answered in its place."""

    def __init__(
        self, name: str, make: Callable[[], App], loader: Executor, failures: MutableMapping[str, str]
    ) -> None:
        """``loader`` has one thread, so that no two imports wait for each other. ``failures`` is told, under ``name``,
        what kept this from being made: that is for good."""
        self._name = name
        self._make = make
        self._loader = loader
        self._failures = failures
        self._loading: asyncio.Future[App] | None = None

    async def loaded(self) -> App:
        """Raises whatever kept it from being loaded."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(self._loader, self._made)
        return await asyncio.shield(self._loading)

    def _made(self) -> App:
        # FastAPI silences this for itself, for as long as it looks at a parameter; whoever does the same in another
        # thread undoes that.
        warnings.filterwarnings("ignore", r"The .+ attribute with value .+ was provided to the `Field\(\)` function")
        try:
            return self._make()
        except Exception as error:
            self._failures[self._name] = reason(error)
            log.exception("part_failed", part=self._name, error=reason(error))
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            app = await self.loaded()
        except Exception:
            await not_loaded(scope, receive, send)
            return
        await app(scope, receive, send)


async def load_project(store: Store, folder: Path) -> None:
    """Put the agents of a folder of JSON files into the store. Raises ``InvalidRequest`` naming the file."""
    from pydantic import ValidationError

    from parola.api.agents import stored
    from parola.protocol.agents import CreateAgentRequest
    from parola.protocol.lossless import loads
    from parola.store.base import AgentRow

    files = await asyncio.to_thread(lambda: sorted(folder.glob("*.json")))
    if not files and not await asyncio.to_thread(folder.is_dir):
        raise InvalidRequest(f"The project folder {folder} does not exist.")
    for file in files:
        try:
            document = loads(await asyncio.to_thread(file.read_bytes))
            read = CreateAgentRequest.model_validate(document)
        except (OSError, ValueError) as error:
            reason = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else error
            raise InvalidRequest(f"{file} is no agent: {reason}") from None
        agent_id, now = str(document.get("agent_id") or file.stem), time.time()
        old = await store.agents.get(agent_id)
        agent = AgentRow(agent_id, read.name or file.stem, stored(document), now, now)
        if old is not None:
            agent = replace(agent, created_at=old.created_at)
        await store.agents.put(agent)


async def _add_demo_agent(store: Store) -> None:
    """Somebody to talk to, in a store without agents."""
    if (await store.agents.page(page_size=1)).items:
        return
    from parola.demo import DEMO_AGENT_ID, demo_agent
    from parola.store.base import AgentRow

    document, now = demo_agent(), time.time()
    name = str(document.pop("name"))
    await store.agents.put(AgentRow(DEMO_AGENT_ID, name, document, now, now))
