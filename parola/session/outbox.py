"""What leaves for the client, in order, and not before what it depends on is safe.

Holds messages and, between them, writes to the store that are still under way. The writer waits for such a write
before it sends what comes behind it, so that nothing the client has seen can be lost; the loop that decides never
waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from parola.protocol.messages import ServerMessage
from parola.protocol.server_messages import ConversationInitiationMetadata
from parola.session.transport import Transport

METADATA_SECONDS = 0.02
"""The pause after the metadata. The official JavaScript client under Node misses the frames that reach it in one read
with the metadata: it listens for them only a moment later."""

Item = ServerMessage | asyncio.Future[None]


class Outbox:
    """Filled by the deciding loop, emptied by ``drain``."""

    __slots__ = ("_idle", "_items", "_loop", "_transport", "_waiter", "writing_since")

    def __init__(self, transport: Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._items: deque[Item] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self.writing_since: float | None = None
        """Since when one frame has been waiting for the client to read; None while nothing is being sent."""

    def put(self, item: Item) -> None:
        self._items.append(item)
        self._idle.clear()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def run(self, failed: Callable[[Exception], None]) -> None:
        """Send for ever. A write that failed is told once, and nothing is sent any more."""
        while True:
            while self._items:
                item = self._items.popleft()
                if isinstance(item, ServerMessage):
                    self.writing_since = self._loop.time()
                    await self._transport.send(item.encode())
                    self.writing_since = None
                    if isinstance(item, ConversationInitiationMetadata):
                        await asyncio.sleep(METADATA_SECONDS)
                    continue
                try:
                    await item
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

    async def drained(self) -> None:
        """Wait until everything has been sent."""
        await self._idle.wait()
