"""The conversation waits for a person to take it over: who asked for one and why, for how long, how that ends.

The agent asks with its tool ``x_transfer_to_human``, somebody outside with the command ``AskForHuman``. Until somebody
takes over, the time is up, the wish is withdrawn or the call ends, the user is not hung up on for being silent. The
agent goes on answering, or is kept silent (``agent_while_waiting``); then what the user says is owed an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from parola.conversation.actions import NoteHumanWait, NoteHumanWaitOver
from parola.conversation.deadlines import Deadlines
from parola.conversation.outgoing import Outgoing
from parola.protocol.tools import TransferToHumanParams

TRANSFER_TO_HUMAN = "x_transfer_to_human"

Outcome = Literal["answered", "timed_out", "withdrawn", "abandoned"]
"""Somebody took over; nobody did in time; it was called off; the call ended first."""


def terms(config: Mapping[str, Any]) -> tuple[TransferToHumanParams, str]:
    """How the tool waits, by its config; and what is wrong with that, empty when nothing is: then defaults count."""
    try:
        return TransferToHumanParams.model_validate(config.get("params") or {}), ""
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in ("params", *first["loc"]))
        return TransferToHumanParams(), f"{where}: {first['msg']}."


class WaitForHuman:
    """On or off. Keeps the deadlines ``human`` and ``human_message``."""

    __slots__ = ("_deadlines", "_out", "_since", "is_on", "terms")

    def __init__(self, out: Outgoing, deadlines: Deadlines) -> None:
        self._out = out
        self._deadlines = deadlines
        self._since = 0.0
        self.terms = TransferToHumanParams()
        self.is_on = False

    @property
    def silences_agent(self) -> bool:
        """The model is not asked for anything."""
        return self.is_on and self.terms.agent_while_waiting == "silent"

    def lasted(self, now: float) -> float:
        return now - self._since

    def begins(self, reason: str, by: str, terms: TransferToHumanParams, now: float) -> None:
        """``by``: ``agent``, or who commanded it."""
        self.is_on, self.terms, self._since = True, terms, now
        self._deadlines.set("human", now + terms.wait_timeout_secs)
        self.remind_later(now)
        is_silent = terms.agent_while_waiting == "silent"
        self._out.ask(NoteHumanWait(reason.strip(), by, float(terms.wait_timeout_secs), agent_is_silent=is_silent))

    def remind_later(self, now: float) -> None:
        """When the user is told again that they have to wait."""
        if self.terms.waiting_message.strip():
            self._deadlines.set("human_message", now + self.terms.waiting_message_interval_secs)

    def ends(self, outcome: Outcome, now: float, operator: str = "") -> None:
        """Without effect when nobody was waited for."""
        if self.is_on:
            self.is_on = False
            self._deadlines.clear("human", "human_message")
            self._out.ask(NoteHumanWaitOver(outcome, self.lasted(now), operator))
