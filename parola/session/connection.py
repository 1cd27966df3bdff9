"""The line to the client: read, watched, and replaced by another when the client comes back over one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from parola.conversation.events import ClientDisconnected, ClientResumed, Event, InputStalled
from parola.conversation.phases import Phase
from parola.protocol.server_messages import ConversationInitiationMetadata
from parola.session.outbox import Outbox
from parola.session.reading import Reader
from parola.session.resuming import GONE, REPLACED, REPLACED_REASON, Resumption, refused
from parola.session.transport import Transport

INPUT_STALL_SECONDS = 60.0
"""A voice client from which nothing at all comes for so long is gone."""

UNREAD_SECONDS = 20.0
"""A client that reads nothing for so long is gone."""

WATCH_SECONDS = 5.0
"""How often the two limits above are looked at."""


class Connection:
    """One conversation's; over one transport after the other, if the client resumes."""

    def __init__(
        self,
        transport: Transport,
        outbox: Outbox,
        reader: Reader,
        resumption: Resumption | None,
        tell: Callable[[Event], None],
        *,
        text_only: bool,
        greeting: ConversationInitiationMetadata,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._outbox = outbox
        self._reader = reader
        self._resumption = resumption
        self._tell = tell
        self._text_only = text_only
        self._greeting = greeting
        self._group: asyncio.TaskGroup | None = None
        self._over = asyncio.Event()
        """The present transport is not needed any more."""
        self._closing: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self.is_gone = False
        """The client has left, or its line has broken."""

    def open(self, group: asyncio.TaskGroup, first_frames: tuple[str, ...]) -> None:
        """Read from now on; ``first_frames`` have been read already."""
        self._group = group
        self._reading = group.create_task(self._read(self._transport, first_frames))

    async def _read(self, transport: Transport, first_frames: tuple[str, ...] = ()) -> None:
        gone = await self._reader.run(transport, first_frames)
        self._left(gone.code, gone.reason)
        self._over.set()

    def _left(self, code: int, reason: str) -> None:
        self.is_gone = True
        if self._resumption is not None:
            self._outbox.detach()
        self._tell(ClientDisconnected(code, reason))

    async def go_on(self, phase: Phase, transport: Transport, token: str, last_event_id: int | None) -> None:
        """The client comes over another transport, because the one before broke, or is about to: use this one, as long
        as it is the one. Raises ``ConversationRefused``, and nothing has happened then."""
        if self._group is None or self._reading is None or phase is Phase.ENDED:
            raise refused(GONE)
        if self._resumption is None or phase is Phase.ENDING:
            raise refused("The conversation is ending, or was not begun with x_resume=1.")
        self._resumption.take(token)
        old, over = self._transport, self._over
        self._reading.cancel()
        if not self.is_gone:
            self._left(REPLACED, REPLACED_REASON)
            closing = self._loop.create_task(old.close(REPLACED, REPLACED_REASON))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            closing.add_done_callback(lambda _: over.set())
        self._transport, self._over, self.is_gone = transport, asyncio.Event(), False
        self._outbox.attach(transport, self._greeting, last_event_id)
        self._tell(ClientResumed())
        self._reading = self._group.create_task(self._read(transport))
        await self._over.wait()

    async def watch(self) -> None:
        """Notice a client that sends nothing, or reads nothing."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            now = self._loop.time()
            if self.is_gone:
                continue
            if not self._text_only and now - self._reader.heard_at >= INPUT_STALL_SECONDS:
                self._tell(InputStalled(now - self._reader.heard_at))
            since = self._outbox.writing_since
            if since is not None and now - since >= UNREAD_SECONDS:
                if self._reading is not None:
                    self._reading.cancel()
                self._transport.drop()
                self._left(1006, "it stopped reading")
                self._over.set()

    def stop_reading(self) -> list[asyncio.Task[None]]:
        """Nothing that comes counts any more, and nobody comes back. Gives what has been cancelled by this."""
        self._group = None
        stopped = [*self._closing, *([] if self._reading is None else [self._reading])]
        for task in stopped:
            task.cancel()
        return stopped

    async def close(self, code: int, reason: str) -> None:
        """If the client is still there."""
        if not self.is_gone:
            await self._transport.close(code, reason)

    def let_go(self) -> None:
        """Whoever holds the present transport open may leave."""
        self._over.set()
