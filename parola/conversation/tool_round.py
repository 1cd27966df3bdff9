"""One round of tools: from the model's wish to a result for each call, time-outs and ``end_call`` included.

Every call gets exactly one result: the first that comes, or the time-out, or an error. What comes later is ignored.

``end_call`` has its result at once and tells it last: the JavaScript client hangs up when it sees an
``agent_tool_response`` of that name, whoever it is from and whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.conversation.outgoing import Outgoing
from parola.conversation.tools import Tool, ToolCall, as_text
from parola.protocol.client_messages import ClientToolResult
from parola.protocol.server_messages import (
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    ClientToolCall,
)

MAX_ROUNDS = 10
"""Rounds of tools in one agent turn; then the model is offered none, so that it has to speak."""

FULL_PAYLOAD_LIMIT = 64 * 1024
"""``agent_tool_response_full_payload`` carries at most so many characters."""

HANGS_UP = "end_call"
"""A response of this name makes the JavaScript client hang up."""


class ToolRound:
    """The calls of one model step, in the order the model made them."""

    __slots__ = ("_out", "_tools", "calls", "entry", "event_id", "is_running")

    def __init__(self, out: Outgoing, tools: Mapping[str, Tool], entry: int, event_id: int) -> None:
        self._out = out
        self._tools = tools
        self.entry = entry
        """Where the step stands in the transcript."""
        self.event_id = event_id
        self.calls: list[ToolCall] = []
        self.is_running = False
        """False while the model is still asking."""

    def add(self, name: str, arguments: Mapping[str, Any], now: float) -> None:
        """The model wants this tool; nothing runs before the step is over."""
        self.calls.append(ToolCall(self._out.next_call_id(name), name, arguments, now, self._tools.get(name)))

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """The model has finished asking: tell the client what runs, and run it."""
        self.is_running = True
        self._out.record(self.entry)
        for call in self.calls:
            self._out.send(
                AgentToolRequest(
                    tool_name=call.name, tool_call_id=call.call_id, tool_type=call.type, event_id=self.event_id
                )
            )
            self._run_one(call, now)

    def refuse(self, now: float, why: str) -> None:
        """Run none of them; the client never hears of it."""
        self.is_running = True
        for call in self.calls:
            call.finish(now, why, is_error=True, error_type="not_called", is_called=False)
        self._out.record(self.entry)

    def _run_one(self, call: ToolCall, now: float) -> None:
        tool = call.tool
        call.called_at = now
        if tool is None:
            known = ", ".join(self._tools) or "none"
            message = f'There is no tool called "{call.name}". Tools of this agent: {known}.'
            self._finish(call, now, message, is_error=True, error_type="unknown_tool", is_called=False)
        elif call.ends_call:
            self._finish(call, now, "The call ends after these words.")
        elif tool.type == "system":
            self._finish(call, now, "Skipped: the agent waits for the user.")
        else:
            self._out.send(
                ClientToolCall(
                    tool_name=call.name,
                    tool_call_id=call.call_id,
                    parameters=dict(call.arguments),
                    event_id=self.event_id,
                    expects_response=tool.expects_response,
                )
            )
            if tool.expects_response:
                call.timeout_at = now + tool.timeout_seconds
            else:
                self._finish(call, now, "The tool was called; it gives no answer.")

    # -- results ------------------------------------------------------------------------------------------------------

    def take_result(self, event: ClientToolResult, now: float) -> bool:
        """The client's answer; False when it is late, comes twice, or was never asked for."""
        call = next((c for c in self.calls if c.call_id == event.tool_call_id and c.is_pending), None)
        if call is None or not self.is_running:
            return False
        self._finish(
            call,
            now,
            as_text(event.result),
            is_error=event.is_error or event.error_type is not None,
            error_type=event.error_type or "",
            is_called=event.error_type != "user_rejected",
        )
        return True

    def time_out(self, now: float) -> None:
        """Give up on every call whose time has come."""
        for call in self.calls:
            if call.is_pending and call.tool is not None and call.timeout_at <= now:
                message = f'The tool "{call.name}" gave no answer within {call.tool.timeout_seconds:g} s.'
                self._out.warn(message)
                self._finish(call, now, message, is_error=True, error_type="client_timeout")

    def give_up(self, now: float) -> None:
        """The conversation ends: what still runs has no result, and the record says so."""
        for call in self.calls:
            if call.is_pending:
                self._finish(call, now, "The conversation ended first.", is_error=True, error_type="not_answered")

    def tell_end(self) -> None:
        """The very last: what makes the JavaScript client hang up."""
        for call in self.calls:
            if call.ends_call:
                self._tell(call)

    def _finish(
        self,
        call: ToolCall,
        now: float,
        result: str,
        *,
        is_error: bool = False,
        error_type: str = "",
        is_called: bool = True,
    ) -> None:
        call.finish(now, result, is_error=is_error, error_type=error_type, is_called=is_called)
        self._out.record(self.entry)
        if call.name != HANGS_UP:
            self._tell(call)

    def _tell(self, call: ToolCall) -> None:
        result = call.result or ""
        told: dict[str, Any] = {
            "tool_name": call.name,
            "tool_call_id": call.call_id,
            "tool_type": call.type,
            "is_error": call.is_error,
            "is_called": call.is_called,
            "event_id": self.event_id,
            "status": "error" if call.is_error else "success",
        }
        self._out.send(AgentToolResponse(**told))
        cut = result[:FULL_PAYLOAD_LIMIT]
        self._out.send(AgentToolResponseFullPayload(**told, full_tool_result=cut, truncated=len(cut) < len(result)))

    # -- how far it is ------------------------------------------------------------------------------------------------

    @property
    def next_timeout(self) -> float | None:
        return min((call.timeout_at for call in self.calls if call.is_pending), default=None)

    @property
    def is_complete(self) -> bool:
        return self.is_running and not any(call.is_pending for call in self.calls)

    @property
    def ending_call(self) -> ToolCall | None:
        """The ``end_call`` among them."""
        return next((call for call in self.calls if call.ends_call), None)

    @property
    def skips_turn(self) -> bool:
        return all(call.skips_turn for call in self.calls)

    @property
    def forbids_interruption(self) -> bool:
        return any(c.is_pending and c.tool is not None and c.tool.interruption != "allow" for c in self.calls)

    @property
    def protects_turn(self) -> bool:
        return any(c.tool is not None and c.tool.interruption == "disable_during_tool_and_turn" for c in self.calls)
