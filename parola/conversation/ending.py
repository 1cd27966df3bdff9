"""How a conversation can end, and what everybody is told about it (reference: websocket.md §6).

The client gets a close code and a reason that fits a close frame, after an ``error`` frame when something went wrong;
the record gets a status, a termination reason and, after a failure, an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parola import endings
from parola.conversation import public_words
from parola.conversation.actions import Close
from parola.conversation.events import ClientDisconnected, EndRequested
from parola.conversation.guardrails import Trigger
from parola.protocol.messages import close_reason
from parola.protocol.server_messages import Error

FAREWELL_SECONDS = 30.0
"""How long the last words may take to be made and played, at most."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The hang-up, and the ``error`` frame before it if there is one."""

    close: Close
    error: Error | None = None


def agent_ended(reason: str) -> Ending:
    """``end_call``, voicemail, the end of a workflow."""
    return Ending(Close(1000, endings.AGENT_ENDED, termination_reason=reason, cause="agent"))


def user_was_silent() -> Ending:
    return Ending(Close(1000, endings.SILENT, termination_reason=endings.SILENT, cause="silence"))


def took_too_long(max_seconds: float) -> Ending:
    reason = endings.MAX_DURATION
    message = f"The conversation reached its limit of {max_seconds:g} s."
    error = Error(code=1000, error_type="max_duration_exceeded", message=message, reason=reason)
    return Ending(Close(1000, reason, termination_reason=reason, cause="max_duration"), error)


def failed(code: int, error_type: str, message: str) -> Ending:
    """Something went wrong, here, at a provider's or at the client's. ``message`` is for the record; of what a provider
    said the client learns only that it failed."""
    told = public_words.of_failure(error_type, message)
    reason = close_reason(told)
    error = {"code": code, "reason": message}
    close = Close(code, reason, "failed", termination_reason=message, error=error, cause=error_type)
    return Ending(close, Error(code=code, error_type=error_type, message=told, reason=reason))


def guardrail_triggered(trigger: Trigger) -> Ending:
    """The conversation is stopped on purpose: for the record it is done, not failed."""
    message = f"{endings.GUARDRAIL}: {trigger.guardrail.name}"
    reason = close_reason(message)
    close = Close(1002, reason, termination_reason=message, cause="guardrail")
    return Ending(close, Error(code=1002, error_type="safety_violation", message=message, reason=reason))


def requested(event: EndRequested) -> Ending:
    reason = close_reason(event.reason)
    if event.code in (1000, 1001):
        cause = "requested" if event.code == 1000 else "server_stopped"
        return Ending(Close(event.code, reason, termination_reason=event.reason, cause=cause))
    error = {"code": event.code, "reason": event.reason}
    return Ending(
        Close(event.code, reason, "failed", termination_reason=event.reason, error=error, cause="internal_error")
    )


def commanded(reason: str) -> Ending:
    """By somebody who looks after the conversation."""
    reason = reason.strip() or endings.COMMANDED
    return Ending(Close(1000, close_reason(reason), termination_reason=reason, cause="command"))


def client_stayed_away(event: ClientDisconnected, window_seconds: float) -> Ending:
    """Its connection broke, and it had the time to come back."""
    why = f"code {event.code}" + (f", {event.reason}" if event.reason else "")
    reason = f"{endings.BY_CAUSE['client_lost']} ({why}) and it did not come back within {window_seconds:g} s"
    return Ending(
        Close(event.code, close_reason(event.reason), termination_reason=reason, cause="client_lost", by="client")
    )


def client_left(event: ClientDisconnected) -> Ending:
    reason = endings.CLIENT_LEFT + (f": {event.reason}" if event.reason else "")
    return Ending(Close(event.code, close_reason(event.reason), termination_reason=reason, cause="client", by="client"))


def client_closed_first(how: Ending, event: ClientDisconnected) -> Ending:
    """The client hung up, or its connection was lost, during the last words: what ended the conversation stands, the
    close frame is the client's."""
    return Ending(replace(how.close, code=event.code, reason=close_reason(event.reason), by="client"))


def while_client_was_away(how: Ending) -> Ending:
    """We end it, and nobody is there to be told."""
    return how if how.close.by == "client" else replace(how, close=replace(how.close, is_client_away=True))
