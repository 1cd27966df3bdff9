"""A guardrail has found something in a reply: the reply is stopped, told and recorded; what follows is decided."""

from __future__ import annotations

from typing import Literal

from parola.conversation.events import GuardrailTriggered as Triggered
from parola.conversation.guardrails import Retries, Trigger
from parola.conversation.outgoing import Outgoing
from parola.conversation.phases import Phase
from parola.conversation.speaking import Speaking
from parola.conversation.transcript import AgentEntry, Transcript
from parola.protocol.server_messages import GuardrailTriggered

What = Literal["end", "answer_again", "be_silent", "go_on"]


class GuardedReply:
    """The guardrails of the present answer."""

    __slots__ = ("_out", "_speaking", "_transcript", "retries")

    def __init__(self, out: Outgoing, speaking: Speaking, transcript: Transcript) -> None:
        self._out = out
        self._speaking = speaking
        self._transcript = transcript
        self.retries = Retries()

    def triggered(self, event: Triggered, phase: Phase, now: float) -> What:
        """``answer_again`` and ``be_silent`` leave the agent's turn cut; ``go_on``: it is too late, or too early."""
        turn, held = self._speaking.turn, self._speaking.held
        is_held = held is not None and held.number == event.reply
        if phase is Phase.ENDING or self._speaking.was_wrong_guess(event.reply):
            return "go_on"
        if is_held and turn is None:
            # On a guess that the user had finished: it is asked for again, and judged again.
            self._speaking.drop_held()
            return "go_on"
        self._out.send(GuardrailTriggered(guardrail_name=event.trigger.guardrail.name))
        self._keep(event, event.trigger, now)
        if event.trigger.guardrail.ends_call:
            return "end"
        is_present = turn is not None and (is_held or any(reply.number == event.reply for reply in turn.replies))
        if not is_present or self._speaking.is_done(now):
            self._out.warn(f"The guardrail {event.trigger.guardrail.name!r} triggered when all had been said.")
            return "go_on"
        self._speaking.cut(now, is_interruption=True)
        if self.retries.refused(event.trigger):
            return "answer_again"
        self._out.warn(f"The guardrail {event.trigger.guardrail.name!r} stopped every answer; the agent says nothing.")
        return "be_silent"

    def _keep(self, event: Triggered, trigger: Trigger, now: float) -> None:
        turn = self._speaking.turn
        replies = turn.replies if turn is not None else ()
        index = next((reply.entry for reply in replies if reply.number == event.reply), None)
        if index is None and turn is None:
            index = self._transcript.last_agent_index()
        if index is None:
            event_id = turn.event_id if turn is not None else self._out.last_event_id
            index = self._transcript.add(AgentEntry("", event_id, now))
        self._transcript.agent_entry(index).guardrails.append(trigger.record)
        self._out.record(index)
