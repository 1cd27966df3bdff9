"""The door of ``/v1/convai/conversations/{id}/monitor``: watch a conversation, and act on it (reference: websocket.md
§7).

First ``connected``, then everything from the first event on, ``history_complete``, and what happens. Of a conversation
that has ended the history is told, and the socket closes with the reason. Every event is as the client got or sent it,
with fields of ours: ``x_seq``, ``x_at``, ``x_direction``, ``x_by``. Commands are answered with ``command_result``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from parola.api import commanding
from parola.api.conversation_record import record
from parola.api.errors import shown
from parola.api.event_spans import Spans
from parola.api.process import Services
from parola.api.socket_door import ENDED, Door, Visitor, until_first
from parola.api.watching import HistoryComplete, follow, frame, log_of, passing
from parola.errors import ClientError, TooMany, Unauthorized, Unprocessable
from parola.protocol.live import MonitorCommand
from parola.session.commands import not_active
from parola.session.event_log import CLOSED, Dropped, Entry, EventLog

if TYPE_CHECKING:
    from parola.session.operators import Seat
    from parola.session.session import Session

MONITOR_PATH = "/v1/convai/conversations/{conversation_id}/monitor"

MOST_NAME = 100
"""Characters of the name of a command that is told back though nobody knows it."""

FORMATS = ("json", "opentelemetry")


class MonitorSocket(Door):
    """Watching needs the scope ``monitor``, commands ``inject``, what is over ``conversations:read``."""

    async def welcome(self, visitor: Visitor) -> None:
        form = visitor.query.get("events_format") or "json"
        if form not in FORMATS:
            raise Unprocessable(f"events_format: expected one of {', '.join(FORMATS)}, got {form[:80]!r}.")
        log, session = await log_of(self.services, visitor.conversation_id)
        if session is None:
            self.services.keys.require(visitor.caller, "conversations:read")
        await visitor.tell({"type": "connected"})
        told: Callable[[Entry | Dropped], Any] = frame
        if form == "opentelemetry":
            spans = await self._spans(visitor.conversation_id)
            await visitor.tell(spans.root)
            told = lambda item: item.event if isinstance(item, Dropped) else spans.batch(item)  # noqa: E731
        passes = passing(await self._listed(visitor.conversation_id))

        async def show() -> None:
            async for item in follow(log, self.services.metrics):
                match item:
                    case HistoryComplete():
                        await visitor.tell({"type": "history_complete"})
                    case Dropped():
                        await visitor.tell(told(item))
                    case _ if passes(item):
                        await visitor.tell(told(item))

        seat = None
        if session is not None:
            may_hold = visitor.caller.may("inject")
            seat = commanding.seat(session, visitor.caller, visitor.name, may_hold=may_hold)
        try:
            await until_first(show(), obey(visitor, session, seat, self.services))
        finally:
            if seat is not None:
                seat.leave()
        await visitor.transport.close(ENDED, end_of(log))

    async def _spans(self, conversation_id: str) -> Spans:
        row = await self.services.store.conversations.get(conversation_id)
        assert row is not None, "its events are there"
        return Spans(record(row, (), time.time()))

    async def _listed(self, conversation_id: str) -> object:
        """The agent's ``monitoring_events``."""
        row = await self.services.store.conversations.get(conversation_id)
        agent = None if row is None else await self.services.store.agents.get(row.agent_id)
        config = {} if agent is None else agent.document.get("conversation_config") or {}
        return (config.get("conversation") or {}).get("monitoring_events")


def end_of(log: EventLog) -> str:
    """Why a conversation ended, as the close of its watchers says it."""
    _, entries = log.after(log.last_seq - 1)
    about = entries[-1].event.get(f"{CLOSED}_event") if entries else None
    reason = about.get("reason") if isinstance(about, dict) else ""
    return f"The conversation has ended: {reason}" if reason else "The conversation has ended."


async def obey(visitor: Visitor, session: Session | None, seat: Seat | None, services: Services) -> None:
    """Take commands, one after the other, until the visitor leaves (``Gone``)."""
    while True:
        try:
            text = await visitor.frame()
        except Unprocessable as error:
            await visitor.tell_result("", error)
            continue
        await do(visitor, session, seat, services, text)


async def do(visitor: Visitor, session: Session | None, seat: Seat | None, services: Services, text: str) -> None:
    """One command, and its answer. Without a session, and a seat beside it, the conversation is over."""
    asked: MonitorCommand | None = None
    document: dict[str, Any] = {}
    try:
        document = read_object(text)
        asked = commanding.read(MonitorCommand, document)
        try:
            services.keys.require(visitor.caller, "inject")
        except Unauthorized as error:
            raise Unprocessable(error.message, code=error.code) from None
        command = commanding.monitor_command(asked)
        if session is None or seat is None:
            raise not_active()
        accepted = await session.commands.give(command, seat.name)
    except ClientError as error:
        kind, command_id = _named(document) if asked is None else (asked.command_type, asked.command_id)
        if asked is not None and not isinstance(error, TooMany):  # who floods must not fill the audit log
            await visitor.note("command", error, command=asked.command_type)
        await visitor.tell_result(kind, error, command_id=command_id)
        return
    await visitor.note("command", command=asked.command_type)
    await commanding.note_force(services.audit, visitor.caller, session, accepted, seat.name)
    await visitor.tell_result(
        asked.command_type, command_id=asked.command_id, event_id=accepted.event_id, x_seq=accepted.seq
    )


def read_object(text: str) -> dict[str, Any]:
    """Raises ``Unprocessable``."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Unprocessable(f"Expected a JSON object, got text that is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise Unprocessable(f"Expected a JSON object, got {shown(document)}.")
    return document


def _named(document: Mapping[str, Any]) -> tuple[str, str | int | None]:
    """What a command that cannot be read calls itself."""
    kind, command_id = document.get("command_type"), document.get("command_id")
    is_id = isinstance(command_id, str | int) and not isinstance(command_id, bool)
    return kind[:MOST_NAME] if isinstance(kind, str) else "", command_id if is_id else None
