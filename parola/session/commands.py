"""The one way in for commands from outside the call: REST, the monitor and attached sockets come by here.

A command is logged, told to the conversation, and answered when that says whether it holds: when it does, not before
that is stored, so that a killed server forgets nothing that somebody was told. The same idempotency key has an effect
once, whoever retries.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from parola.conversation.actions import Acknowledge, Action, NoteOperator
from parola.conversation.commands import AnswerTool, Command, Commanded, SetVariables, kind_of, told_of
from parola.conversation.events import Event
from parola.errors import Conflict, TooMany
from parola.protocol.client_messages import Feedback, McpToolApprovalResult, UserActivity
from parola.session.event_log import EventLog, without_secrets

NOT_ACTIVE = "conversation_not_active"

MOST_A_SECOND = 20.0
BURST = 60
"""Commands to one conversation: so many at once, and then so many a second."""

MOST_REMEMBERED = 1000
"""Idempotency keys of one conversation."""

LIMIT_CODES = ("too_many_waiting",)

OPERATOR_EVENTS = {"left": "operator_left", "back": "operator_back", "lapsed": "takeover_lapsed"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command that holds."""

    seq: int
    """Its number in the event log."""
    event_id: int | None
    """Of the words it brought in; None: it brought none, or they wait for the floor."""
    said: asyncio.Future[int] = field(repr=False, compare=False)
    """The same, as soon as they are in the conversation."""
    forced_from: str = ""
    """It took the conversation away from this person."""


@dataclass(slots=True)
class _Given:
    seq: int
    kind: str
    by: str
    about: Mapping[str, str]
    accepted: asyncio.Future[Accepted]
    said: asyncio.Future[int]
    is_noted: bool = False
    """The record has it."""


@dataclass(slots=True)
class _Remembered:
    command: Command
    by: str
    accepted: asyncio.Future[Accepted] = field(repr=False)


class Note(Protocol):
    """Told of every command that holds, for the record: kind, by whom, number in the log, and what else is known."""

    def __call__(self, kind: str, by: str, seq: int, /, **about: Any) -> None: ...


class Commands:
    """Those of one conversation."""

    def __init__(self, tell: Callable[[Event], None], log: EventLog, note: Note) -> None:
        self._tell = tell
        self._log = log
        self._note = note
        self._loop = asyncio.get_running_loop()
        self._last = 0
        self._given: dict[int, _Given] = {}
        self._held: list[tuple[_Given, Acknowledge]] = []
        """What holds since the last step, and nobody was told of."""
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()
        self._allowance = float(BURST)
        self._allowed_at = self._loop.time()
        self._is_closed = False

    async def give(self, command: Command, by: str, idempotency_key: str | None = None) -> Accepted:
        """Have it done. Raises ``Conflict`` when it does not hold, with the reason, and ``TooMany``."""
        if self._is_closed:
            raise not_active()
        if idempotency_key is None:
            return await self._give(command, by)
        known = self._remembered.get(idempotency_key)
        if known is None:
            known = _Remembered(command, by, self._give(command, by))
            self._remembered[idempotency_key] = known
            # What was refused had no effect: whoever tries again later is heard again.
            known.accepted.add_done_callback(partial(self._forget_refused, idempotency_key))
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        elif (known.command, known.by) != (command, by):
            whose = "with another body" if known.by == by else "from somebody else"
            raise Conflict(
                f"The idempotency_key {idempotency_key!r} came before {whose}.",
                code="idempotency_key_reused",
            )
        return await asyncio.shield(known.accepted)

    def _forget_refused(self, idempotency_key: str, accepted: asyncio.Future[Accepted]) -> None:
        known = self._remembered.get(idempotency_key)
        if known is not None and known.accepted is accepted and accepted.exception() is not None:
            del self._remembered[idempotency_key]

    def _give(self, command: Command, by: str) -> asyncio.Future[Accepted]:
        self._take_allowance()
        self._last += 1
        kind = kind_of(command)
        seq = self._log.add("command", by, {"type": f"x_{kind}", f"x_{kind}_event": _shown(command)})
        accepted, said = self._loop.create_future(), self._loop.create_future()
        given = _Given(seq, kind, by, told_of(command), accepted, said)
        self._given[self._last] = given
        self._tell(Commanded(self._last, command, by))
        return given.accepted

    def pass_on(self, message: UserActivity | Feedback | McpToolApprovalResult, by: str) -> None:
        """Something small that a client says, from somebody else. Raises ``Conflict`` and ``TooMany``."""
        if self._is_closed:
            raise not_active()
        self._take_allowance()
        event = message.model_dump(mode="json", exclude_none=True)
        self._log.add("command", by, {"type": message.event_type, **event})
        self._tell(message)

    def _take_allowance(self) -> None:
        now = self._loop.time()
        self._allowance = min(float(BURST), self._allowance + (now - self._allowed_at) * MOST_A_SECOND)
        self._allowed_at = now
        if self._allowance < 1:
            raise TooMany(
                f"At most {MOST_A_SECOND:g} commands a second can be given to one conversation.", code="rate_limited"
            )
        self._allowance -= 1

    def note(self, actions: Sequence[Action]) -> None:
        """Have the record tell what holds by these, before anything else of the same step is stored or sent."""
        for action in actions:
            if not isinstance(action, Acknowledge) or action.code:
                continue
            given = self._given.get(action.number)
            if given is not None and not given.is_noted:
                given.is_noted = True
                if given.kind != "typing":
                    about = {"forced_from": action.forced_from} if action.forced_from else {}
                    self._note(given.kind, given.by, given.seq, **given.about, **about)

    def acknowledged(self, action: Acknowledge) -> None:
        """The conversation has answered one. What does not hold is told at once, what holds by ``answer``."""
        given = self._given.get(action.number)
        if given is None:
            return
        if not action.code:
            self._held.append((given, action))
            return
        self._given.pop(action.number)
        failure = TooMany if action.code in LIMIT_CODES else Conflict
        _settle(given.accepted, failure(action.problem, code=action.code))
        given.said.cancel()
        self._log_result(given, ok=False, code=action.code, message=action.problem)

    def answer(self, stored: asyncio.Future[None] | None) -> None:
        """The step is over: tell what holds by it as soon as ``stored``, the last write, is done. After a write that
        failed the conversation ends, and ``close`` tells."""
        if not self._held:
            return
        held, self._held = self._held, []
        if stored is None or stored.done():
            self._stored(held, stored)
        else:
            stored.add_done_callback(partial(self._stored, held))

    def _stored(self, held: Sequence[tuple[_Given, Acknowledge]], stored: asyncio.Future[None] | None) -> None:
        if stored is not None and (stored.cancelled() or stored.exception() is not None):
            return
        for given, action in held:
            about: dict[str, Any] = {"forced_from": action.forced_from} if action.forced_from else {}
            if not given.accepted.done():
                given.accepted.set_result(Accepted(given.seq, action.event_id, given.said, action.forced_from))
            if action.event_id is not None:
                about["event_id"] = action.event_id
                if not given.said.done():
                    given.said.set_result(action.event_id)
            if action.is_waiting:
                about["is_waiting"] = True
            else:
                self._given.pop(action.number, None)  # a call may last for hours: nothing more will come of it
            self._log_result(given, ok=True, **about)

    def _log_result(self, given: _Given, *, ok: bool, **about: Any) -> None:
        result = {"command_seq": given.seq, "type": given.kind, "ok": ok, **about}
        self._log.add("internal", given.by, {"type": "x_command_result", "x_command_result_event": result})

    def operator_noted(self, action: NoteOperator) -> None:
        """Who has taken over is gone, back, or was away for too long: then they have lost it."""
        kind, seconds = OPERATOR_EVENTS[action.what], round(action.seconds, 3)
        about = {"operator": action.operator, "grace_secs" if action.what == "left" else "away_secs": seconds}
        seq = self._log.add("internal", "server", {"type": f"x_{kind}", f"x_{kind}_event": about})
        if action.what == "lapsed":
            self._note(kind, action.operator, seq, away_secs=seconds)

    async def said(self, accepted: Accepted) -> int:
        """The event id of a command's words, once they are in the conversation. Raises ``Conflict`` when they never
        will be."""
        return accepted.event_id if accepted.event_id is not None else await asyncio.shield(accepted.said)

    @property
    def open(self) -> int:
        """How many have not been answered for good."""
        return len(self._given)

    def close(self) -> None:
        """The conversation has ended: whoever waits is told."""
        self._is_closed = True
        for given in self._given.values():
            _settle(given.accepted, not_active())
            _settle(given.said, not_active())


def not_active() -> Conflict:
    return Conflict("The conversation has ended: nothing can be done in it any more.", code=NOT_ACTIVE)


def _settle(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody may be waiting for it


def _shown(command: Command) -> dict[str, Any]:
    """As the log has it: without secrets."""
    match command:
        case SetVariables(values=values):
            return {"values": without_secrets(values)}
        case AnswerTool(result=result):
            return result.model_dump(mode="json", exclude_none=True)
        case _:
            return asdict(command)
