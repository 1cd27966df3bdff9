"""From what was asked, by REST or on a socket, to a command of the conversation; and the agent's answer to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from parola.api.auditing import Audit
from parola.api.auth import CALLER, Caller
from parola.api.errors import explained
from parola.conversation.commands import (
    AddContext,
    AnswerTool,
    BeginTakeover,
    CallNumber,
    Command,
    EndCall,
    EndTakeover,
    Say,
    SetVariables,
    ShowTyping,
    UserSays,
)
from parola.errors import ClientError, Unprocessable
from parola.protocol.client_messages import ClientToolResult
from parola.protocol.live import (
    MOST_VALUE,
    MOST_VARIABLES,
    ContextParameters,
    EndParameters,
    EndTakeoverParameters,
    MessageRequest,
    MonitorCommand,
    NoResponse,
    NumberParameters,
    OperatorParameters,
    TextParameters,
    ToolResultParameters,
    TypingParameters,
    VariablesParameters,
)
from parola.session.commands import Accepted
from parola.session.event_log import EventLog

if TYPE_CHECKING:
    from parola.session.operators import Seat
    from parola.session.session import Session

UNKNOWN_COMMAND = "unknown_command"


NOBODY = "local"
"""Somebody without a key who does not say who they are."""

MOST_NAME = 200
"""Characters of a name that are kept."""


def who(scope: Mapping[str, Any]) -> str:
    """Who commands by REST: the name of their key."""
    caller = scope.get(CALLER)
    return (caller.key_name or caller.key_id or NOBODY) if isinstance(caller, Caller) else NOBODY


def seat(session: Session, caller: Caller, name: str, *, may_hold: bool) -> Seat:
    """A place beside a conversation for somebody who comes by a socket: under the name they give, or their key's. Who
    has no key of their own (none at all, or somebody else's in a signed URL) is told from the others by a number."""
    base, is_numbered = caller.key_name or caller.key_id or NOBODY, not caller.key_name
    return session.operators.seat(name.strip()[:MOST_NAME], base, may_hold=may_hold, is_numbered=is_numbered)


def message(body: MessageRequest) -> Command:
    """The command of ``POST …/messages``."""
    match body.type:
        case "user_message":
            return UserSays(body.text, body.role_label, interrupts=body.interrupt is not False)
        case "contextual_update":
            return AddContext(body.text, body.context_id, body.role_label)
        case kind:
            is_human = kind == "human_message"
            interrupts, operator = body.interrupt is True, body.operator if is_human else ""
            return Say(body.text, is_human, body.role_label, interrupts=interrupts, operator=operator)


def variables(values: Mapping[str, Any]) -> SetVariables:
    """Raises ``Unprocessable`` for what no variable can be."""
    if not values or len(values) > MOST_VARIABLES:
        raise Unprocessable(f"Expected one to {MOST_VARIABLES} variables, got {len(values)}.")
    for name, value in values.items():
        if not name.strip() or len(name) > 200 or name.startswith("system__"):
            raise Unprocessable(
                f"{name[:200]!r}: expected a name of at most 200 characters that does not begin with system__.",
                code="reserved_variable" if name.startswith("system__") else None,
            )
        if isinstance(value, str) and len(value) > MOST_VALUE:
            raise Unprocessable(f"{name}: expected at most {MOST_VALUE} characters, got {len(value)}.")
    return SetVariables(dict(values))


ALTERNATIVES = ("str", "int")
"""What pydantic adds to the place of a field that may be either."""

# -- the monitor's ----------------------------------------------------------------------------------------------------


def _text(command: type[Say] | type[UserSays], **fixed: Any) -> Callable[[Any], Command]:
    def make(given: TextParameters) -> Command:
        interrupts = given.interrupt is True if command is Say else given.interrupt is not False
        return command(given.text, role_label=given.role_label, interrupts=interrupts, **fixed)

    return make


def _answer(given: ToolResultParameters) -> Command:
    return AnswerTool(ClientToolResult(tool_call_id=given.tool_call_id, result=given.result, is_error=given.is_error))


MONITOR_COMMANDS: Mapping[str, tuple[type[BaseModel], Callable[[Any], Command]]] = {
    "end_call": (EndParameters, lambda p: EndCall(p.reason, p.farewell, is_immediate=not p.farewell)),
    "transfer_to_number": (
        NumberParameters,
        lambda p: CallNumber(p.phone_number, p.client_message, p.agent_message),
    ),
    "contextual_update": (ContextParameters, lambda p: AddContext(p.contextual_update, p.context_id)),
    "enable_human_takeover": (OperatorParameters, lambda p: BeginTakeover(p.operator)),
    "disable_human_takeover": (EndTakeoverParameters, lambda p: EndTakeover(p.operator, p.force)),
    "send_human_message": (TextParameters, _text(Say, is_human=True)),
    "agent_message": (TextParameters, _text(Say)),
    "user_message": (TextParameters, _text(UserSays)),
    "agent_typing": (TypingParameters, lambda p: ShowTyping(p.is_typing, p.duration_ms)),
    "set_variables": (VariablesParameters, lambda p: variables(p.variables)),
    "tool_result": (ToolResultParameters, _answer),
}
"""By ``command_type``: what its parameters are, and what it has done. The first five and ``send_human_message`` are
the hosted platform's."""


def monitor_command(asked: MonitorCommand) -> Command:
    """Raises ``ClientError`` with what was expected and what came."""
    known = MONITOR_COMMANDS.get(asked.command_type)
    if known is None:
        raise Unprocessable(
            f"Expected a command_type out of {', '.join(MONITOR_COMMANDS)}; got {asked.command_type!r}.",
            code=UNKNOWN_COMMAND,
        )
    shape, make = known
    return make(read(shape, asked.parameters, "parameters"))


def read(shape: type[BaseModel], document: Any, where: str = "") -> Any:
    """``document`` as this shape. Raises ``Unprocessable``."""
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        first = explained(dict(error.errors(include_url=False, include_context=False)[0]))
        parts = [str(part) for part in first["loc"] if part not in ALTERNATIVES]
        place = ".".join(filter(None, (where, *parts))) or "command"
        raise Unprocessable(f"{place}: {first['msg']}.", code="invalid_command") from None


def refusal(error: ClientError) -> dict[str, str]:
    """What ``command_result`` says of a command that does not hold."""
    return {"code": error.code, "message": error.message}


async def note_force(audit: Audit, caller: Caller, session: Session, accepted: Accepted, by: str) -> None:
    """Have the audit log say who took a conversation away from whom, if that is what was done."""
    if accepted.forced_from:
        about = {"by": by, "forced_from": accepted.forced_from}
        await audit.note(caller, "takeover_forced", session.conversation_id, **about)


# -- the agent's answer -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of words that somebody waits for."""

    response: str | None
    why_not: NoResponse | None = None
    """Why there is no response; None: there is one."""


async def response_to(session: Session, accepted: Accepted, command: Command, seconds: float) -> Answered:
    """What the agent says to a message of the user, or has said by command: its own answer to that, and nobody
    else's words."""
    said: list[str] = []
    why: NoResponse = "timed_out"
    try:
        async with asyncio.timeout(seconds):
            event_id = await session.commands.said(accepted)
            why = await _gather(session.events, accepted.seq, event_id, isinstance(command, UserSays), said)
    except TimeoutError:
        return Answered(" ".join(said) or None, "timed_out")
    return Answered(" ".join(said), None) if said else Answered(None, why)


async def _gather(log: EventLog, seq: int, event_id: int, is_question: bool, said: list[str]) -> NoResponse:
    """Until the turn is over that answers the words of ``event_id``, or that is them, or until nothing more of it can
    come; gives back why nothing came, if nothing did."""
    has_begun, others = False, set[Any]()
    while True:
        _, entries = log.after(seq)
        for entry in entries:
            seq = entry.seq
            event = entry.event
            kind = str(event["type"])
            about = event.get("user_transcription_event" if kind == "user_transcript" else f"{kind}_event")
            about = about if isinstance(about, dict) else {}
            theirs = about.get("event_id")
            if kind == "x_command_result":
                has_begun = has_begun or theirs == event_id
                if theirs != event_id and about.get("type") in ("agent_message", "human_message"):
                    others.add(theirs)
            if is_question and has_begun and (why := _overtaken(entry.direction, kind, about, event_id)):
                return why
            if entry.direction not in ("to_client", "internal") or not isinstance(theirs, int) or theirs in others:
                continue
            if not (theirs > event_id if is_question else theirs == event_id):
                continue
            match kind:
                case "agent_response":
                    said.append(str(about["agent_response"]))
                case "agent_response_complete":
                    return "silent"
                case "interruption":
                    return "interrupted"
        if log.is_closed and not log.after(seq)[1]:
            return "ended"
        await log.wait(seq)


def _overtaken(direction: str, kind: str, about: Mapping[str, Any], event_id: int) -> NoResponse | None:
    """What has come between the words of ``event_id`` and their answer: the agent answers that, or nobody."""
    if kind == "x_command_result" and about.get("ok"):
        if about.get("type") == "takeover_begin":
            return "taken_over"
        theirs = about.get("event_id")
        return "superseded" if about.get("type") == "user_message" and theirs not in (None, event_id) else None
    if (direction, kind) == ("from_client", "user_message"):
        return "superseded"
    theirs = about.get("event_id")
    return "superseded" if kind == "user_transcript" and isinstance(theirs, int) and theirs > event_id else None
