"""Connections to MCP servers: one for each server and its credentials, shared by all conversations of the process.

A connection is opened in the background and by whoever needs it first; nobody waits for it who does not have to. Its
task holds the official client from the first word to the last, as that client wants it. What a server listed last is
remembered when the connection is gone, so a conversation has its tools at once. A connection that nobody has used for
a while is closed; one that broke is opened anew by the next call.

The official client (the extra ``mcp``) is imported in a thread, when the first server is to be reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import Context
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from parola.conversation.mcp_tools import ListedTool
from parola.errors import ClientError
from parola.logs import logger
from parola.outbound.addresses import told
from parola.outbound.guard import Guard
from parola.outbound.locators import Locators

if TYPE_CHECKING:
    from parola.tools.auth import AuthConnections
    from parola.tools.mcp_listings import McpListings
from parola.tools.mcp_target import Target

log = logger(__name__)

CONNECT_SECONDS = 15.0
"""For all of it: the address, the handshake, the list of tools."""

CLOSE_SECONDS = 2.0
"""For saying goodbye."""

IDLE_SECONDS = 300.0
"""A connection that nobody has used for so long is closed."""

FRESH_SECONDS = 60.0
"""A list of tools that is older is asked for again, in the background, when a conversation begins."""

RETRY_SECONDS = 5.0
"""Conversations that begin do not try a server again that failed less than this ago."""

MOST_TOOLS = 1000
"""So many of a server's tools are read."""

MOST_REMEMBERED = 256
"""Servers, with the credentials they are asked with."""


class McpFailed(ClientError):
    """A server could not be reached, or did not do what it was asked; the message says why."""

    code = "mcp_server_failed"

    def __init__(self, message: str, *, was_called: bool = True) -> None:
        super().__init__(message)
        self.was_called = was_called
        """False: the tool itself was not reached."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What is known of a server."""

    tools: tuple[ListedTool, ...] = ()
    documents: tuple[Mapping[str, Any], ...] = ()
    """The tools as the server described them."""
    is_connected: bool = False
    problem: str = ""
    """Why it is not connected."""
    is_tried: bool = False
    """There was an attempt, and it is over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gave."""

    content: tuple[Mapping[str, Any], ...]
    """Content blocks, as the protocol has them."""
    structured: Any = None
    is_error: bool = False


async def target_of(
    server_id: str,
    config: Mapping[str, Any],
    locators: Locators,
    variables: Mapping[str, Any],
    auth: AuthConnections | None = None,
) -> Target:
    """A server's address and credentials, all values looked up. Raises ``ParolaError``."""
    headers: dict[str, str] = {}
    if auth is not None and (located := config.get("auth_connection")):
        for name, value in (await auth.headers(await locators.connection_id(located))).items():
            headers[name.lower()] = value
    secret = config.get("secret_token")
    if secret is not None:
        if not isinstance(secret, Mapping) or not secret.get("secret_id"):
            raise McpFailed("has a secret_token without a secret_id: keep it as a secret of this server.")
        token = await locators.value(secret, variables)
        headers["authorization"] = token if token.lower().startswith(("bearer ", "basic ")) else f"Bearer {token}"
    for name, value in (config.get("request_headers") or {}).items():
        headers[str(name).lower()] = await locators.value(value, variables)
    for name, value in headers.items():
        if any(character in value for character in "\r\n\0") or not name.isascii():
            raise McpFailed(f"has a request header {name!r} that no request can carry.")
    return Target(
        server_id=server_id,
        transport=str(config.get("transport") or "SSE"),
        url=await locators.value(config.get("url"), variables),
        headers=tuple(sorted(headers.items())),
        compresses=not config.get("disable_compression"),
    )


class Connection:
    """One server, asked with one set of credentials."""

    def __init__(self, target: Target, guard: Guard, listings: McpListings | None = None) -> None:
        self.target = target
        self.listing = Listing()
        self._listings = listings
        self._has_recalled = listings is None
        self._guard = guard
        self._owner: asyncio.Task[None] | None = None
        self._client: Any = None
        self._attempt: asyncio.Future[None] | None = None
        """Done once the attempt that runs has an outcome."""
        self._relist = asyncio.Event()
        self._fresh = asyncio.Event()
        self._lost = asyncio.Event()
        self._changed = asyncio.Event()
        self._users = 0
        self._used_at = 0.0
        self._listed_at = 0.0
        self._failed_at = float("-inf")
        self._is_closed = False

    # -- knowing its tools --------------------------------------------------------------------------------------------

    @property
    def was_seen(self) -> bool:
        """Its tools are known, though they may be old."""
        return bool(self.listing.documents) or self.listing.is_connected

    @property
    def is_opening(self) -> bool:
        """An attempt runs."""
        return self._attempt is not None and not self._attempt.done()

    async def recall(self) -> None:
        """Know what it listed before this process began, if nothing else is known of it."""
        if self._has_recalled or self._listings is None:
            return
        self._has_recalled = True
        documents = tuple(await self._listings.get(self.target))
        if documents and not self.was_seen:
            known = self.listing
            tools = tuple(map(ListedTool.of, documents))
            self._know(Listing(tools, documents, False, known.problem, is_tried=known.is_tried))

    def refresh(self) -> None:
        """Have it connected, and its list of tools a fresh one, sooner or later."""
        now = _clock()
        self._used_at = now
        if self._client is None:
            if now - self._failed_at >= RETRY_SECONDS:
                self._open()
        elif now - self._listed_at >= FRESH_SECONDS:
            self._relist.set()

    async def listed(self, *, anew: bool = False) -> Listing:
        """What it offers. Returns when it has been reached, or could not be; ``anew``: and asked just now."""
        self._used_at = _clock()
        if self._client is None:
            await self._opened()
        elif anew:
            with self.held():
                self._fresh.clear()
                self._relist.set()
                owner = self._owner
                assert owner is not None
                fresh = asyncio.ensure_future(self._fresh.wait())
                await asyncio.wait({fresh, owner}, return_when=asyncio.FIRST_COMPLETED)
                fresh.cancel()
        return self.listing

    async def after(self, known: Listing) -> Listing:
        """What is known next, once it is not ``known`` any more."""
        while self.listing is known:
            await self._changed.wait()
        return self.listing

    @contextmanager
    def held(self) -> Iterator[None]:
        """It is not closed for being idle."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._used_at = _clock()

    # -- calling ------------------------------------------------------------------------------------------------------

    async def call(self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
        """Have a tool run. Raises ``McpFailed``. Takes as long as the server does: whoever waits sets the limit."""
        with self.held():
            for is_last in (False, True):
                if self._client is None:
                    await self._opened()
                if self._client is None:
                    problem = self.listing.problem or "is not connected."
                    raise McpFailed(f"The server {problem}", was_called=False)
                owner = self._owner
                try:
                    return await self._asked(name, arguments, meta)
                except _Lost as lost:
                    await self._close(owner)
                    # A server that was started anew knows nothing of the old connection.
                    if is_last or not lost.is_safe_to_repeat:
                        raise McpFailed(lost.message) from None
            raise AssertionError("unreachable")

    async def _asked(self, name: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
        from mcp.shared.exceptions import MCPError
        from mcp_types import CONNECTION_CLOSED

        client, owner = self._client, self._owner
        assert owner is not None
        asking = asyncio.ensure_future(client.call_tool(name, dict(arguments), meta=dict(meta) or None))
        try:
            await asyncio.wait({asking, owner}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise _Lost("The connection to the server broke while the tool ran.")
            result = asking.result()
        except MCPError as error:
            message = str(error) or "The server gave no reason."
            if message == "Session terminated":
                raise _Lost("The server has forgotten this connection.", is_safe_to_repeat=True) from None
            if error.code == CONNECTION_CLOSED:
                raise _Lost("The connection to the server broke while the tool ran.") from None
            raise McpFailed(f"The server refused the call: {message}") from None
        except (_Lost, asyncio.CancelledError):
            raise
        except Exception as error:
            if owner.done():
                raise _Lost("The connection to the server broke while the tool ran.") from None
            raise McpFailed(f"The server's answer cannot be read: {explained(error)}") from None
        finally:
            asking.cancel()
        dumped = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        return Answer(tuple(dumped.get("content") or ()), dumped.get("structuredContent"), bool(dumped.get("isError")))

    # -- the task that holds it ---------------------------------------------------------------------------------------

    def _open(self) -> asyncio.Future[None]:
        """Begin an attempt, unless one runs."""
        if self._owner is None or self._owner.done():
            loop = asyncio.get_running_loop()
            self._attempt = loop.create_future()
            # It serves whoever comes: nothing of the conversation that came first goes with it.
            nobody = Context()
            self._owner = loop.create_task(
                self._hold(self._attempt), name=f"mcp {self.target.server_id}", context=nobody
            )
        assert self._attempt is not None
        return self._attempt

    async def _opened(self) -> None:
        await asyncio.shield(self._open())

    async def _hold(self, attempt: asyncio.Future[None]) -> None:
        problem = "closed the connection."
        try:
            client = await self._new_client()
            async with asyncio.timeout(CONNECT_SECONDS) as limit:
                async with client:
                    await self._list(client)
                    limit.reschedule(None)
                    self._client = client
                    _settle(attempt)
                    await self._keep(client)
            problem = ""
        except asyncio.CancelledError:
            raise
        except TimeoutError:
            problem = f"did not answer within {CONNECT_SECONDS:g} s."
        except ModuleNotFoundError:
            problem = "cannot be asked: the package mcp is not installed (pip install 'parola[mcp]')."
        except BaseException as error:  # the client raises groups, of whatever went wrong
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            problem = f"cannot be reached: {explained(error)}"
        finally:
            self._client = None
            if problem and not self._is_closed:
                log.warning("mcp_server_lost", server=self.target.server_id)
                self._failed_at = _clock()
            known = self.listing
            self._know(Listing(known.tools, known.documents, False, problem, is_tried=True))
            _settle(attempt)

    async def _new_client(self) -> Any:
        await asyncio.to_thread(_import)
        from mcp.client.client import Client
        from mcp.client.sse import sse_client
        from mcp.client.streamable_http import streamable_http_client
        from mcp_types import Implementation, ToolListChangedNotification

        from parola import __version__
        from parola.tools import mcp_http

        target = self.target

        def http(headers: Any = None, timeout: Any = None, auth: Any = None) -> Any:
            return mcp_http.client_for(
                self._guard, target.url, dict(target.headers), auth=auth, compresses=target.compresses
            )

        async def heard(message: Any) -> None:
            if isinstance(message, ToolListChangedNotification):
                self._relist.set()

        @asynccontextmanager
        async def streams() -> AsyncIterator[Any]:
            async with AsyncExitStack() as stack:
                if is_sse:
                    read, write = await stack.enter_async_context(sse_client(target.url, httpx_client_factory=http))
                else:
                    own = await stack.enter_async_context(http())
                    connecting = streamable_http_client(target.url, http_client=own)
                    read, write = await stack.enter_async_context(connecting)
                yield _Watched(read, self._wake_on_end), write

        is_sse = target.transport != "STREAMABLE_HTTP"
        self._lost.clear()
        return Client(
            streams(),
            mode="legacy" if is_sse else "auto",
            client_info=Implementation(name="parola", version=__version__),
            message_handler=heard,
            cache=None,
        )

    async def _list(self, client: Any) -> None:
        """Ask for its tools, all pages of them."""
        documents: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            documents += [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools]
            if page.next_cursor is None or page.next_cursor == cursor or len(documents) >= MOST_TOOLS:
                break
            cursor = page.next_cursor
        del documents[MOST_TOOLS:]
        self._listed_at = _clock()
        self._know(Listing(tuple(map(ListedTool.of, documents)), tuple(documents), True, is_tried=True))
        self._fresh.set()
        if self._listings is not None:
            await self._listings.put(self.target, documents)

    async def _keep(self, client: Any) -> None:
        """Until nobody needs it: list its tools again when they have changed."""
        while True:
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    await self._relist.wait()
            except TimeoutError:
                if self._users == 0 and _clock() - self._used_at >= IDLE_SECONDS:
                    return
                continue
            self._relist.clear()
            if self._lost.is_set():
                raise ConnectionError("it closed the connection")
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._list(client)

    def _wake_on_end(self) -> None:
        self._lost.set()
        self._relist.set()

    def _know(self, listing: Listing) -> None:
        if listing != self.listing:
            self.listing = listing
            self._changed.set()
            self._changed = asyncio.Event()

    async def _close(self, owner: asyncio.Task[None] | None) -> None:
        """End this attempt, unless a later one has begun."""
        if owner is not None:
            owner.cancel()
            await asyncio.wait({owner}, timeout=CLOSE_SECONDS)

    async def aclose(self) -> None:
        self._is_closed = True
        await self._close(self._owner)


class McpServers:
    """All connections of the process."""

    def __init__(self, guard: Guard, listings: McpListings | None = None) -> None:
        """``listings``: where what servers list is kept over restarts."""
        self._guard = guard
        self._listings = listings
        self._connections: dict[Target, Connection] = {}

    def connection(self, target: Target) -> Connection:
        """Made when it is first asked for. Those of the same server that are known longest are forgotten first."""
        connection = self._connections.pop(target, None) or Connection(target, self._guard, self._listings)
        self._connections[target] = connection
        for old in list(self._connections.values()):
            if len(self._connections) <= MOST_REMEMBERED:
                break
            if old._owner is None or old._owner.done():
                del self._connections[old.target]
        return connection

    @staticmethod
    async def get_ready() -> None:
        """Import what the first connection needs; without the extra, nothing."""
        try:
            await asyncio.to_thread(_import)
        except ModuleNotFoundError:
            pass

    async def aclose(self) -> None:
        """Say goodbye to all of them."""
        connections = list(self._connections.values())
        self._connections.clear()
        await asyncio.gather(*(connection.aclose() for connection in connections), return_exceptions=True)


class _Lost(Exception):
    def __init__(self, message: str, is_safe_to_repeat: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.is_safe_to_repeat = is_safe_to_repeat
        """The server has not seen the call."""


class _Watched:
    """What comes from a server, and the news that nothing more will."""

    def __init__(self, stream: Any, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended = ended

    @property
    def last_context(self) -> Any:
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        return await self._stream.receive()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except StopAsyncIteration:
            self._ended()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._stream.aclose()


def explained(error: BaseException) -> str:
    """The first thing that went wrong, as a sentence."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return " ".join(told(error).split())[:300]


def _settle(attempt: asyncio.Future[None]) -> None:
    if not attempt.done():
        attempt.set_result(None)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _import() -> None:
    """The official client, and what it needs: most of a second."""
    for name in ("mcp.client.client", "mcp.client.sse", "parola.tools.mcp_http"):
        import_module(name)
