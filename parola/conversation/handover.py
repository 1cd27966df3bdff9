"""Handing the conversation over to another agent, or to a subagent of the workflow.

The conversation asks for it (``FetchAgent``), the session finds the agent, resolves it like at a start and tells
``AgentReady``; until then the call that wants it is pending. When the round of tools is over, and whatever was to be
said before it has been told, ``SwitchAgent`` makes the change: prompt, tools, model, voice and language are the new
one's, the transcript and the variables go with the call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from parola.conversation.actions import FetchAgent
from parola.conversation.afterwards import TakeOver, Transfer
from parola.conversation.events import AgentReady, AgentUnavailable
from parola.conversation.outgoing import Outgoing
from parola.conversation.setup import Setup
from parola.conversation.tools import ToolCall
from parola.conversation.variables import Variables

FETCH_SECONDS = 15.0
"""How long it may take until another agent is ready."""


class Handover:
    """Asks for agents, and turns what comes of it into results of calls."""

    __slots__ = ("_out", "_variables", "setup")

    def __init__(self, setup: Setup, out: Outgoing, variables: Variables) -> None:
        self.setup = setup
        """The agent that has the conversation."""
        self._out = out
        self._variables = variables

    def ask(self, call: ToolCall, transfer: Transfer, now: float) -> None:
        """``call`` is pending until the agent is ready, and for as long as the transfer is delayed."""
        call.transfer = transfer
        call.timeout_at = now + FETCH_SECONDS
        self._out.ask(FetchAgent(call.call_id, transfer, self._variables.snapshot(now)))

    def ready(self, call: ToolCall, event: AgentReady, now: float) -> bool:
        """The agent can take over; says whether it does so at once."""
        transfer = call.transfer
        assert transfer is not None
        call.then = TakeOver(call.call_id, arrived(self.setup, event.setup, transfer), transfer)
        call.words = self._variables.fill_in(transfer.message, now).strip()
        call.timeout_at = now + transfer.delay_ms / 1000
        if steps := (call.outcome or {}).get("steps"):
            steps[-1]["step_latency_secs"] = round(now - call.called_at, 3)  # until whoever it leads to is there
        return not transfer.delay_ms

    def told(self, call: ToolCall) -> str:
        """What the model reads of a transfer that happens; the record's ``result`` is noted at the call."""
        then, transfer = call.then, call.transfer
        assert isinstance(then, TakeOver) and transfer is not None
        if transfer.is_subagent:
            return "The workflow has moved on."
        call.outcome = {
            "result_type": "transfer_to_agent_success",
            "status": "success",
            "from_agent": self.setup.agent_id,
            "to_agent": then.setup.agent_id,
            "to_node": transfer.node_id,
            "condition": transfer.condition,
            "delay_ms": transfer.delay_ms,
            "transfer_message": transfer.message or None,
            "enable_transferred_agent_first_message": transfer.entry == "greets",
            "preserve_client_tts_overrides": transfer.keeps_client_voice,
            "preserve_voice_settings": transfer.keeps_voice,
        }
        if branch_id := then.setup.branch_id:
            reason = "configured" if transfer.branch_id == branch_id else "defaulting_to_main"
            call.outcome["branch_info"] = {"branch_reason": reason, "branch_id": branch_id}
        name = then.setup.agent_name or then.setup.agent_id
        return f"The conversation was handed over to {name}, who goes on from here."

    def failed(self, call: ToolCall, event: AgentUnavailable) -> str:
        """The same for a transfer that cannot happen."""
        call.raw_error = event.message
        if call.transfer is not None and not call.transfer.is_subagent:
            call.outcome = not_transferred(self.setup, event.message)
        return f"The conversation could not be handed over; go on yourself. {event.message}"


def not_transferred(setup: Setup, why: str) -> dict[str, Any]:
    """``transfer_to_agent_error``."""
    return {"result_type": "transfer_to_agent_error", "status": "error", "from_agent": setup.agent_id, "error": why}


def arrived(call: Setup, agent: Setup, transfer: Transfer) -> Setup:
    """The new agent, in the call as it is: its formats, its events and its end do not change."""
    return replace(
        agent,
        conversation_id=call.conversation_id,
        user_id=call.user_id,
        text_only=call.text_only,
        input_format=call.input_format,
        output_format=call.output_format,
        asr_provider=call.asr_provider,
        guards_echo=call.guards_echo,
        ignores_background=call.ignores_background,
        events=call.events,
        started_at_unix=call.started_at_unix,
        max_duration_seconds=call.max_duration_seconds,
        record_voice=call.record_voice and agent.keeps_words,
        keeps_words=call.keeps_words and agent.keeps_words,
        client_data=call.client_data,
        root_agent_id=call.root_agent_id or call.agent_id,
        voice=call.voice if transfer.keeps_voice else agent.voice,
    )
