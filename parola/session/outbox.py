"""What leaves for the client, in order, and not before what it depends on is safe.

Holds messages and, between them, writes to the store that are still under way. The writer waits for such a write
before it sends what comes behind it, so that nothing the client has seen can be lost; the loop that decides never
waits.

When the connection breaks and the client may come back, what would have been sent is kept, as far as it means
something later; the connection that follows gets it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import ConversationInitiationMetadata
from parola.session.resuming import MOST_KEPT, Resumption, lasts
from parola.session.transport import Transport

METADATA_SECONDS = 0.02
"""The pause after the metadata. The official JavaScript client under Node misses the frames that reach it in one read
with the metadata: it listens for them only a moment later."""

Item = ServerMessage | asyncio.Future[None]


class Outbox:
    """Filled by the deciding loop, emptied by ``run``."""

    __slots__ = (
        *("_idle", "_is_swapped", "_items", "_loop", "_resumption", "_sending", "_task", "_transport", "_unsent"),
        *("_waiter", "writing_since"),
    )

    def __init__(self, transport: Transport, resumption: Resumption | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: Transport | None = transport
        self._resumption = resumption
        self._items: deque[Item] = deque()
        self._unsent: deque[ServerMessage] = deque(maxlen=MOST_KEPT)
        """What came while there was no connection."""
        self._sending: ServerMessage | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_swapped = False
        self._waiter: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.writing_since: float | None = None
        """Since when one frame has been waiting for the client to read; None while nothing is being sent."""

    def put(self, item: Item) -> None:
        self._items.append(item)
        self._idle.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def detach(self) -> None:
        """The connection broke: nothing is sent over it any more."""
        self._transport = None
        if self.writing_since is not None and self._task is not None and not self._is_swapped:
            self._is_swapped = True  # it may wait for a client that never reads again
            self._task.cancel()

    def attach(self, transport: Transport, metadata: ConversationInitiationMetadata, last_event_id: int | None) -> None:
        """Go on over this connection: with the metadata, what the client has missed after ``last_event_id``, and what
        came while there was none. ``detach`` first."""
        missed = [] if self._resumption is None else self._resumption.missed(last_event_id)
        if self._sending is not None:
            self._keep(self._sending)
            self._sending = None
        self._items.extendleft(reversed([metadata, *missed, *self._unsent]))
        self._unsent.clear()
        self._transport = transport
        self._idle.clear()
        self._wake()

    async def run(self, failed: Callable[[Exception], None]) -> None:
        """Send for ever. A write that failed is told once, and nothing is sent any more."""
        task = self._task = asyncio.current_task()
        assert task is not None
        while True:
            try:
                await self._run(failed)
                return
            except asyncio.CancelledError:
                if not self._is_swapped or task.uncancel() > 0:
                    raise
                self._is_swapped = False
                self.writing_since = None
                if self._sending is not None:
                    self._keep(self._sending)
                    self._sending = None

    async def _run(self, failed: Callable[[Exception], None]) -> None:
        while True:
            while self._items:
                item = self._items.popleft()
                if isinstance(item, ServerMessage):
                    await self._send(item)
                    continue
                try:
                    await asyncio.shield(item)  # a write goes on when sending is given up
                except Exception as error:
                    failed(error)
                    self._items.clear()
                    self._idle.set()
                    return
            self._idle.set()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def _send(self, message: ServerMessage) -> None:
        transport, resumption = self._transport, self._resumption
        if transport is None:
            self._keep(message)
            return
        is_first = isinstance(message, ConversationInitiationMetadata)
        if is_first and resumption is not None:
            assert isinstance(message, ConversationInitiationMetadata)
            message = resumption.greeting(message)
        self._sending = message
        self.writing_since = self._loop.time()
        await transport.send(message.encode())
        self.writing_since = self._sending = None
        if resumption is not None:
            if transport.is_closed:
                self._keep(message)
            else:
                resumption.written(message)
        if is_first:
            await asyncio.sleep(METADATA_SECONDS)

    def _keep(self, message: ServerMessage) -> None:
        if self._resumption is not None and lasts(message):
            self._unsent.append(message)

    async def drained(self) -> None:
        """Wait until everything has been sent."""
        await self._idle.wait()
