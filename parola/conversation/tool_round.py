"""One round of tools: from the model's wish to a result for each call, time-outs and ``end_call`` included.

Every call gets exactly one result: the first that comes, or the time-out, or an error. What comes later is ignored.

``end_call`` has its result at once and tells it last: the JavaScript client hangs up when it sees an
``agent_tool_response`` of that name, whoever it is from and whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.conversation.actions import RunTool, StopTool, SwitchLanguage
from parola.conversation.deadlines import Deadlines
from parola.conversation.events import ToolCalled, ToolFinished
from parola.conversation.outgoing import Outgoing
from parola.conversation.tools import Tool, ToolCall, as_text
from parola.conversation.transcript import Transcript
from parola.conversation.variables import Variables
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

    __slots__ = ("_out", "_tools", "_variables", "calls", "entry", "event_id", "is_refused", "is_running")

    def __init__(
        self, out: Outgoing, tools: Mapping[str, Tool], variables: Variables, entry: int, event_id: int
    ) -> None:
        self._out = out
        self._tools = tools
        self._variables = variables
        self.entry = entry
        """Where the step stands in the transcript."""
        self.event_id = event_id
        self.calls: list[ToolCall] = []
        self.is_running = False
        """False while the model is still asking."""
        self.is_refused = False
        """None of them runs: there were too many rounds."""

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
        self.is_running = self.is_refused = True
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
        elif tool.languages:
            self._switch_language(call, tool, now)
        elif tool.type == "system":
            self._finish(call, now, "Skipped: the agent waits for the user.")
        elif tool.type != "client":
            call.timeout_at = now + tool.timeout_seconds
            self._out.ask(RunTool(call.call_id, tool, call.arguments, self._variables.snapshot(now)))
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

    def _switch_language(self, call: ToolCall, tool: Tool, now: float) -> None:
        if (language := call.language) is None:
            known = ", ".join(tool.languages)
            message = f'This agent does not speak "{call.arguments.get("language")}". Its languages: {known}.'
            self._finish(call, now, message, is_error=True, error_type="unknown_language")
        else:
            self._out.ask(SwitchLanguage(language))
            self._finish(call, now, f"The conversation goes on in the language '{language}': answer in it.")

    # -- results ------------------------------------------------------------------------------------------------------

    def take_result(self, event: ClientToolResult | ToolFinished, now: float) -> bool:
        """What a tool answers; False when it is late, comes twice, was never asked for, or is not for the client to
        answer."""
        is_clients = isinstance(event, ClientToolResult)
        call_id = event.tool_call_id if isinstance(event, ClientToolResult) else event.call_id
        waiting = (c for c in self.calls if c.call_id == call_id and c.is_pending)
        call = next((c for c in waiting if (c.type == "client") == is_clients), None)
        if call is None or not self.is_running:
            return False
        if isinstance(event, ToolFinished):
            call.raw_error, call.details = event.raw_error, event.details
            self._finish(
                call,
                now,
                event.result,
                is_error=event.is_error,
                error_type=event.error_type,
                is_called=event.is_called,
            )
            return True
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
                self._stop(call)
                error_type = "client_timeout" if call.type == "client" else "timeout"
                self._finish(call, now, message, is_error=True, error_type=error_type)

    def give_up(self, now: float) -> None:
        """The conversation ends: what still runs has no result, and the record says so."""
        for call in self.calls:
            if call.is_pending:
                self._stop(call)
                self._finish(call, now, "The conversation ended first.", is_error=True, error_type="not_answered")

    def _stop(self, call: ToolCall) -> None:
        if call.type in ("webhook", "mcp"):
            self._out.ask(StopTool(call.call_id))

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
    def last_words(self) -> str:
        """What ``end_call`` wants said before the hang-up."""
        call = self.ending_call
        return str(call.arguments.get("message") or "").strip() if call is not None else ""

    @property
    def next_timeout(self) -> float | None:
        return min((call.timeout_at for call in self.calls if call.is_pending), default=None)

    @property
    def is_complete(self) -> bool:
        return self.is_running and not any(call.is_pending for call in self.calls)

    @property
    def ending_call(self) -> ToolCall | None:
        """The ``end_call`` among them."""
        if self.is_refused:
            return None
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


class Tools:
    """The round of tools there is, if any. Keeps the deadline ``tool``."""

    __slots__ = ("_deadlines", "_out", "_tools", "_transcript", "_variables", "round")

    def __init__(
        self,
        tools: Mapping[str, Tool],
        out: Outgoing,
        transcript: Transcript,
        deadlines: Deadlines,
        variables: Variables,
    ) -> None:
        self._tools = tools
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._variables = variables
        self.round: ToolRound | None = None

    def wanted(self, event: ToolCalled, entry: int, event_id: int, now: float) -> None:
        """The model asks; ``entry`` and ``event_id`` are those of its step."""
        if self.round is None:
            self.round = ToolRound(self._out, self._tools, self._variables, entry, event_id)
        self.round.add(event.name, event.arguments, now)

    def run(self, now: float, rounds_before: int) -> ToolRound | None:
        """The model has finished asking: run what it asked for; None when that is nothing."""
        round_ = self.round
        if round_ is None or round_.is_running:
            return None
        self._transcript.agent_entry(round_.entry).calls.extend(round_.calls)
        if rounds_before >= MAX_ROUNDS:
            self._out.warn(f"The model called tools {MAX_ROUNDS} times in one turn; it was stopped.")
            round_.refuse(now, "Too many tool calls in one turn.")
        else:
            round_.run(now)
        self._watch(round_)
        return round_

    def take_result(self, event: ClientToolResult | ToolFinished, now: float) -> bool:
        """What a tool answers; False when nobody waits for it."""
        if self.round is None or not self.round.take_result(event, now):
            return False
        self._watch(self.round)
        return True

    def time_out(self, now: float) -> None:
        if self.round is not None:
            self.round.time_out(now)
            self._watch(self.round)

    def _watch(self, round_: ToolRound) -> None:
        if round_.next_timeout is None:
            self._deadlines.clear("tool")
        else:
            self._deadlines.set("tool", round_.next_timeout)

    @property
    def is_running(self) -> bool:
        """A call has no result yet."""
        return self.round is not None and self.round.is_running and not self.round.is_complete

    @property
    def forbids_interruption(self) -> bool:
        return self.round is not None and self.round.forbids_interruption

    def finish(self) -> ToolRound | None:
        """All is done, or nothing more is wanted: there is no round any more."""
        round_, self.round = self.round, None
        self._deadlines.clear("tool")
        return round_

    def abandon_wishes(self) -> None:
        """A step that is cut before it has finished asking has asked for nothing."""
        if self.round is not None and not self.round.is_running:
            self.round = None

    def give_up(self, now: float) -> None:
        """The conversation ends."""
        self.abandon_wishes()
        if (round_ := self.finish()) is not None:
            round_.give_up(now)
            round_.tell_end()
