"""Events for those who watch: the log of a conversation, live or ended, as frames, with a place to read on from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from parola.api.conversation_record import LIVE
from parola.api.process import Services
from parola.errors import Conflict, NotFound
from parola.metrics import Metrics
from parola.privacy.policy import Policy
from parola.session.commands import NOT_ACTIVE, not_active
from parola.session.event_log import Dropped, Entry, EventLog
from parola.store.base import events_of

if TYPE_CHECKING:
    from parola.session.session import Session

AT_ONCE = 200
"""Events read from the log before anybody else has a turn."""


@dataclass(frozen=True, slots=True)
class HistoryComplete:
    """All that had happened when the watcher came has been told."""


Item = Entry | Dropped | HistoryComplete


async def log_of(services: Services, conversation_id: str) -> tuple[EventLog, Session | None]:
    """The events of a conversation, and its session while it runs. Raises ``NotFound``: there is no such conversation,
    nothing of it was to be kept, or it is lost with the server that was killed."""
    session = services.live.get(conversation_id)
    if session is not None:
        return session.events, session
    row = await services.store.conversations.get(conversation_id)
    if row is None:
        raise NotFound(f"Document with id {conversation_id} not found.")
    path = events_of(services.store.recording_path(conversation_id))
    try:
        return await asyncio.to_thread(EventLog.read, path), None
    except FileNotFoundError:
        close = (row.document.get("metadata") or {}).get("x_close") or {}
        if close.get("by") == "crash" and not Policy.read(row.document).zero_retention:
            raise NotFound(
                f"The events of conversation {conversation_id} are lost: they are stored when it ends, and the server "
                "was killed while it ran. Its record has what was said.",
                code="events_lost",
            ) from None
        raise NotFound(f"No events of conversation {conversation_id} are kept.", code="events_not_kept") from None


async def running(services: Services, conversation_id: str) -> Session:
    """The conversation that runs. Raises ``NotFound``, or ``Conflict``: it has ended, or waits for a place."""
    session = services.live.get(conversation_id)
    if session is not None:
        return session
    row = await services.store.conversations.get(conversation_id)
    if row is None:
        raise NotFound(f"Document with id {conversation_id} not found.")
    if row.status in LIVE:
        raise Conflict(f"The conversation has not begun here: it is {row.status}.", code=NOT_ACTIVE)
    raise not_active()


async def follow(log: EventLog, metrics: Metrics, after: int = 0) -> AsyncGenerator[Item, None]:
    """What came after an event, then what comes, to the end of the conversation. Whoever is slow is told what they
    have missed."""
    seq, history_ends_at = after, max(after, log.last_seq)
    is_history = True
    while True:
        dropped, entries = log.after(seq, AT_ONCE)
        if dropped is not None:
            metrics.events_missed += dropped.last - dropped.first + 1
            yield dropped
            seq = dropped.last
        for entry in entries:
            if is_history and entry.seq > history_ends_at:
                is_history = False
                yield HistoryComplete()
            yield entry
            seq = entry.seq
        if is_history and seq >= history_ends_at:
            is_history = False
            yield HistoryComplete()
        if log.last_seq <= seq:
            if log.is_closed:
                return
            await log.wait(seq)


def frame(item: Entry | Dropped) -> str:
    """An event as a socket sends it: as it was, and who, when and which as fields of ours."""
    if isinstance(item, Dropped):
        return orjson.dumps(item.event).decode()
    extra = {"x_seq": item.seq, "x_at": round(item.at, 3), "x_direction": item.direction, "x_by": item.by}
    return f"{item.frame[:-1]},{orjson.dumps(extra).decode()[1:]}"


def type_of(entry: Entry) -> str:
    """The event's type, cheaply: it is written first."""
    start = entry.frame.find('"type":"') + 8
    return entry.frame[start : entry.frame.find('"', start)]


Passes = Callable[[Entry], bool]


def passing(listed: object) -> Passes:
    """Which events a watcher gets by the agent's ``monitoring_events``; all of them when it lists none."""
    types = frozenset(str(one) for one in listed) if isinstance(listed, list) else frozenset()
    if not types:
        return lambda _entry: True
    return lambda entry: type_of(entry) in types
