"""Everything that came from and went to the client, every command, in order: numbered, timed, and by whom.

For those who watch a conversation while it runs and those who ask afterwards. It lives in memory, bounded; at the end
it is written to a file beside the recording. No audio is in it, no pings and no ``vad_score``: nothing here is touched
forty times a second. Whoever reads keeps a place of its own (the number it has read up to), so a slow reader costs
nobody anything: it misses what has been dropped meanwhile, and is told which.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from parola.protocol.messages import ClientMessage, ServerMessage

Direction = Literal["to_client", "from_client", "command", "internal"]

MOST_EVENTS = 5000
"""Of one conversation, kept; then the oldest are dropped."""

MOST_BYTES = 4_000_000
"""The same, by their size as JSON."""

LONGEST_EVENT = 100_000
"""Characters; of a longer one only its type is kept."""

UNLOGGED = frozenset({"audio", "ping", "pong", "vad_score", "user_audio_chunk", "internal_turn_probability"})

BEGINNINGS = frozenset({"conversation_initiation_client_data", "enclave_setup_config"})
"""Messages that begin a conversation, with secrets in them. ``started`` logs what holds; a second one means nothing."""

DROPPED = "x_events_dropped"
CLOSED = "x_conversation_ended"


def without_secrets(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Dynamic variables as they may be shown."""
    return {name: "<REDACTED>" if name.startswith("secret__") else value for name, value in variables.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event."""

    seq: int
    """From 1, without gaps."""
    at: float
    """Unix seconds."""
    direction: Direction
    by: str
    """Who: ``agent``, ``client``, or whoever gave the command."""
    frame: str
    """The event as JSON, an object with ``type``."""

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = orjson.loads(self.frame)
        return event

    @property
    def document(self) -> dict[str, Any]:
        """As REST shows it, and as the file keeps it."""
        return {
            "seq": self.seq,
            "at": round(self.at, 3),
            "direction": self.direction,
            "by": self.by,
            "event": self.event,
        }


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a reader has missed."""

    first: int
    last: int

    @property
    def event(self) -> dict[str, Any]:
        count = self.last - self.first + 1
        return {"type": DROPPED, f"{DROPPED}_event": {"count": count, "first_seq": self.first, "last_seq": self.last}}


class EventLog:
    """One conversation's. Filled by its session."""

    def __init__(self, *, most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._waiters: set[asyncio.Future[None]] = set()
        self.last_seq = 0
        self.is_closed = False
        """The conversation has ended: nothing more comes."""

    # -- writing ------------------------------------------------------------------------------------------------------

    def sent(self, message: ServerMessage) -> None:
        """The client got this."""
        if message.event_type not in UNLOGGED:
            self._add("to_client", "agent", message.encode())

    def received(self, message: ClientMessage) -> None:
        """The client sent this."""
        if message.event_type not in UNLOGGED and message.event_type not in BEGINNINGS:
            event = message.model_dump(mode="json", exclude_none=True)
            self.add("from_client", "client", {"type": message.event_type, **event})

    def started(self, client_data: Mapping[str, Any]) -> None:
        """What the client began with, without its secrets."""
        variables = client_data.get("dynamic_variables") or {}
        event = {**client_data, "dynamic_variables": without_secrets(variables)}
        self.add("from_client", "client", {"type": "conversation_initiation_client_data", **event})

    def add(self, direction: Direction, by: str, event: Mapping[str, Any]) -> int:
        """Anything else; gives back its number."""
        frame = orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        return self._add(direction, by, frame, str(event.get("type")))

    def _add(self, direction: Direction, by: str, frame: str, event_type: str = "") -> int:
        if len(frame) > LONGEST_EVENT:
            event_type = event_type or str(orjson.loads(frame).get("type"))
            frame = orjson.dumps({"type": event_type, "x_too_long": len(frame)}).decode()
        self.last_seq += 1
        self._entries.append(Entry(self.last_seq, time.time(), direction, by, frame))
        self._bytes += len(frame)
        while len(self._entries) > self._most_events or self._bytes > self._most_bytes:
            self._bytes -= len(self._entries.popleft().frame)
        if self._waiters:
            self._wake()
        return self.last_seq

    def close(self, reason: str, code: int) -> None:
        """The conversation has ended."""
        if not self.is_closed:
            self.add("internal", "server", {"type": CLOSED, f"{CLOSED}_event": {"reason": reason, "code": code}})
            self.is_closed = True
            self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    # -- reading ------------------------------------------------------------------------------------------------------

    @property
    def first_seq(self) -> int:
        """The oldest event there is."""
        return self._entries[0].seq if self._entries else self.last_seq + 1

    def after(self, seq: int, most: int | None = None) -> tuple[Dropped | None, Sequence[Entry]]:
        """What came after an event, at most ``most``, and what of that is not there any more."""
        return _after(self._entries, seq, most)

    async def wait(self, seq: int) -> None:
        """Until there is something after this event, or nothing will come."""
        while self.last_seq <= seq and not self.is_closed:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    def lines(self) -> bytes:
        """The whole as a file: one entry on each line."""
        return b"".join(orjson.dumps(entry.document) + b"\n" for entry in list(self._entries))

    @classmethod
    def read(cls, path: Path) -> EventLog:
        """The log of a conversation that has ended. Raises ``OSError`` when there is none. Slow: call it in a
        thread."""
        log = cls()
        log._entries.extend(_stored(path))
        log.last_seq = log._entries[-1].seq if log._entries else 0
        log.is_closed = True
        return log


def _stored(path: Path) -> Iterator[Entry]:
    for line in path.read_bytes().splitlines():
        one = orjson.loads(line)
        yield Entry(one["seq"], one["at"], one["direction"], one["by"], orjson.dumps(one["event"]).decode())


def _after(entries: deque[Entry], seq: int, most: int | None) -> tuple[Dropped | None, Sequence[Entry]]:
    if not entries or entries[-1].seq <= seq:
        return None, ()
    first = entries[0].seq
    start = max(0, seq + 1 - first)  # numbers have no gaps
    stop = len(entries) if most is None else min(len(entries), start + most)
    dropped = Dropped(seq + 1, first - 1) if seq + 1 < first else None
    if start == 0 and stop == len(entries):
        return dropped, tuple(entries)
    return dropped, tuple(entries[index] for index in range(start, stop))
