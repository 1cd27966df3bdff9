"""One round of tools: from the model's wish to a result for each call, time-outs and ``end_call`` included.

Every call gets exactly one result: the first that comes, or the time-out, or an error. What comes later is ignored. A
call that runs in the background has left the round: nobody waits for it, and its result is told when it comes.

``end_call`` has its result at once and tells it last: the JavaScript client hangs up when it sees an
``agent_tool_response`` of that name, whoever it is from and whatever it says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from parola.conversation import public_words, tool_mocks
from parola.conversation.actions import RunTool, StopTool
from parola.conversation.afterwards import Afterwards, GoOn, HangUp, Speak, TakeOver
from parola.conversation.assignments import assign
from parola.conversation.events import AgentReady, AgentUnavailable, ToolCalled, ToolFinished
from parola.conversation.handover import Handover, not_transferred
from parola.conversation.mcp_calls import NOBODY_APPROVED, NOT_APPROVED, McpCalls
from parola.conversation.mcp_tools import arguments_for
from parola.conversation.outgoing import Outgoing
from parola.conversation.prompt import fill_in_all
from parola.conversation.system_tools import Outcome, SystemTools, params, telephone_result
from parola.conversation.tool_arguments import checked
from parola.conversation.tool_results import of_failure
from parola.conversation.tools import Tool, ToolCall, as_text
from parola.conversation.variables import Variables
from parola.conversation.walk import Walk
from parola.protocol.client_messages import ClientToolResult, McpToolApprovalResult
from parola.protocol.server_messages import (
    AgentToolRequest,
    AgentToolResponse,
    AgentToolResponseFullPayload,
    ClientToolCall,
)

MAX_ROUNDS = 10
"""Rounds of tools in one agent turn; then the model is offered none, so that it has to speak."""

MAX_CALLS = 16
"""Calls in one step of the model; what goes beyond is not called."""

FULL_PAYLOAD_LIMIT = 64 * 1024
"""``agent_tool_response_full_payload`` carries at most so many characters."""

MOST_SHOWN = 200
"""Characters of unreadable arguments that are shown again."""

ONE_TRANSFER = "Not called: the conversation is being handed over already, and can go to one agent only."

_NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")

HANGS_UP = "end_call"
"""A response of this name makes the JavaScript client hang up."""


class Host(Protocol):
    """What the calls of a conversation share."""

    system: SystemTools
    walk: Walk
    handover: Handover
    mcp: McpCalls


class ToolRound:
    """The calls of one model step, in the order the model made them."""

    __slots__ = ("_host", "_out", "_tools", "_variables", "calls", "entry", "event_id", "is_refused", "is_running")

    def __init__(
        self, host: Host, out: Outgoing, tools: Mapping[str, Tool], variables: Variables, entry: int, event_id: int
    ) -> None:
        self._host = host
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

    def add(self, wish: ToolCalled, now: float) -> None:
        """The model wants this tool; nothing runs before the step is over."""
        tool = self._tools.get(wish.name)
        # A name nobody has chosen may be anything, and it goes back to the model, whose vendor may not take anything.
        name = wish.name if tool is not None else _NO_NAME.sub("_", wish.name)[:64] or "_"
        call_id = self._out.next_call_id(name)
        self.calls.append(ToolCall(call_id, name, wish.arguments, now, tool, unreadable=wish.unreadable))

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, now: float, *, has_words: bool = False) -> None:
        """The model has finished asking: tell the client what runs, and run it. ``has_words``: it said something
        before, which some calls wait for."""
        self.is_running = True
        for call in self.calls[MAX_CALLS:]:
            message = f"Not called: at most {MAX_CALLS} tools can be called at once, and this is one more."
            call.finish(now, message, is_error=True, error_type="too_many_calls", is_called=False)
        self._out.record(self.entry)
        is_goodbye = self.ending_call is not None
        for call in self.calls[:MAX_CALLS]:
            if call.type != "workflow":
                told = {"tool_name": call.name, "tool_call_id": call.call_id, "tool_type": call.type}
                self._out.send(AgentToolRequest(**told, event_id=self.event_id))
            self._run_one(call, now, may_hold=has_words and not is_goodbye)

    def refuse(self, now: float, why: str) -> None:
        """Run none of them; the client never hears of it."""
        self.is_running = self.is_refused = True
        for call in self.calls:
            call.finish(now, why, is_error=True, error_type="not_called", is_called=False)
        self._out.record(self.entry)

    def _run_one(self, call: ToolCall, now: float, *, may_hold: bool) -> None:
        tool = call.tool
        call.called_at = now
        if tool is None:
            known = ", ".join(self._tools) or "none"
            message = f'There is no tool called "{call.name}". Tools of this agent: {known}.'
            self._finish(call, now, message, is_error=True, error_type="unknown_tool", is_called=False)
        elif problem := self._problem(call, tool, now):
            self._finish(call, now, problem, is_error=True, error_type="invalid_arguments", is_called=False)
        elif tool.type == "system" and tool.name == "transfer_to_agent" and any(c.transfer for c in self.calls):
            call.outcome = not_transferred(self._host.handover.setup, ONE_TRANSFER)
            self._finish(call, now, ONE_TRANSFER, is_error=True, error_type="no_transfer", is_called=False)
        elif tool.type == "system":
            self._take(call, self._host.system.run(call, tool, self.event_id, now), now)
        elif tool.type == "workflow":
            self._take(call, self._host.walk.follow(call, now), now)
        elif (mock := tool_mocks.answer(tool, call.arguments)) is not None:
            self._settle(
                call, now, mock.result, is_error=mock.is_error, error_type=mock.error_type, is_called=mock.is_called
            )
        elif may_hold and tool.rules.execution == "post_tool_speech":
            call.is_held = True
            call.timeout_at = math.inf
        else:
            self._start(call, tool, now)

    def _problem(self, call: ToolCall, tool: Tool, now: float) -> str:
        """What is wrong with the arguments, for the model; empty when they fit, and then they are as the tool gets
        them."""
        if call.unreadable:
            wrote = call.unreadable[:MOST_SHOWN]
            return f"Not called: expected the arguments as one JSON object, got {wrote!r}. Call it again."
        found = checked(
            call.arguments,
            fill_in_all(tool.definition.parameters, self._variables.lookup(now)),
            keeps_unknown=tool.type == "mcp",
            is_lenient=tool.type not in ("client", "webhook", "mcp"),
        )
        call.arguments, call.ignored = found.arguments, found.ignored
        if not found.problems:
            return ""
        return f"Not called: {'; '.join(found.problems)}. Call it again with arguments that fit."

    def _start(self, call: ToolCall, tool: Tool, now: float) -> None:
        """Have it run, by the client or by the session."""
        call.is_held = False
        call.called_at = now
        call.timeout_at = now + tool.timeout_seconds
        if tool.type != "client":
            call.is_background |= tool.rules.execution == "async"
            if tool.type == "mcp" and (obstacle := self._host.mcp.obstacle(call, tool, now)) is not None:
                if obstacle:
                    self._finish(call, now, obstacle, is_error=True, error_type="not_approved", is_called=False)
                return
            self._out.ask(RunTool(call.call_id, tool, call.arguments, self._variables.snapshot(now)))
            return
        if tool.config.get("given"):
            call.arguments = arguments_for(tool, call.arguments, self._variables.snapshot(now))
        call.details = {"type": "client", "parameters": orjson.dumps(call.arguments).decode()}
        self._ask_client(call, tool)
        if tool.expects_response:
            call.is_background = tool.rules.execution == "async"
        else:
            self._finish(call, now, "The tool was called; it gives no answer.")

    def _ask_client(self, call: ToolCall, tool: Tool) -> None:
        self._out.send(
            ClientToolCall(
                tool_name=call.name,
                tool_call_id=call.call_id,
                parameters=dict(call.arguments),
                event_id=self.event_id,
                expects_response=tool.expects_response,
            )
        )

    @property
    def asked_of_client(self) -> list[ToolCall]:
        """Calls that only the client can answer, and has not."""
        return [c for c in self.calls if c.type == "client" and c.tool and c.result is None and not c.is_held]

    def ask_client_again(self, now: float) -> None:
        """The client has lost them, perhaps: ask once more, with the whole time to answer."""
        for call in self.asked_of_client if self.is_running else ():
            assert call.tool is not None
            call.timeout_at = now + call.tool.timeout_seconds
            self._ask_client(call, call.tool)

    def _take(self, call: ToolCall, outcome: Outcome | None, now: float) -> None:
        """What a tool that runs here gave; None: it comes later."""
        if outcome is None:
            self._out.record(self.entry)
            return
        call.outcome = outcome.result
        is_error, error_type, is_called = outcome.is_error, outcome.error_type, outcome.is_called
        self._finish(call, now, outcome.text, is_error=is_error, error_type=error_type, is_called=is_called)

    # -- results ------------------------------------------------------------------------------------------------------

    def take_result(self, event: ClientToolResult | ToolFinished, now: float) -> ToolCall | None:
        """What a tool answers, and whose answer it is; None when it is late, comes twice, was never asked for, or is
        not for the client to give."""
        is_clients = isinstance(event, ClientToolResult)
        call_id = event.tool_call_id if isinstance(event, ClientToolResult) else event.call_id
        waiting = (c for c in self.calls if c.call_id == call_id and c.result is None and not c.is_held)
        call = next((c for c in waiting if (c.type == "client") == is_clients), None)
        if call is None or not self.is_running:
            return None
        if isinstance(event, ToolFinished) and call.type == "system":
            call.outcome = (
                event.response or telephone_result(call, event.result, is_error=event.is_error) or call.outcome
            )
        if isinstance(event, ToolFinished):
            call.content = event.content
            call.failed_on_way = event.is_error and call.type in ("webhook", "mcp") and not event.content
            call.details = event.details if event.details is not None else call.details
            self._settle(
                call,
                now,
                event.result,
                response=event.response,
                is_error=event.is_error,
                error_type=event.error_type,
                is_called=event.is_called,
                raw_error=event.raw_error,
            )
        else:
            self._settle(
                call,
                now,
                as_text(event.result),
                response=None if isinstance(event.result, str) else event.result,
                is_error=event.is_error or event.error_type is not None,
                error_type=event.error_type or "",
                is_called=event.error_type != "user_rejected",
            )
        return call

    def _settle(
        self,
        call: ToolCall,
        now: float,
        result: str,
        *,
        response: Any = None,
        is_error: bool = False,
        error_type: str = "",
        is_called: bool = True,
        raw_error: str = "",
    ) -> None:
        """The tool itself has answered, or failed, or somebody in its place: follow what its config says of that."""
        tool = call.tool
        if is_error:
            call.raw_error = raw_error or result
            error_type = error_type or "unknown"
            if is_called and tool is not None:
                result = of_failure(tool, error_type, call.raw_error)
        elif tool is not None and (assignments := tool.rules.assignments):
            assigned = assign(
                assignments,
                result,
                response,
                self._variables,
                tool_name=call.name,
                request_id=call.call_id,
                now=now,
            )
            if assigned.result != result:
                call.content = ()  # there it still stands
            result, call.updates = assigned.result, assigned.updates
        self._finish(call, now, result, is_error=is_error, error_type=error_type, is_called=is_called)

    def agent_answered(self, event: AgentReady | AgentUnavailable, now: float) -> bool:
        """The agent that a call wants to hand over to is ready, or cannot be had; False when none of them waits."""
        call = next((c for c in self.calls if c.call_id == event.call_id and c.is_pending and c.then is None), None)
        if call is None or call.transfer is None:
            return False
        if isinstance(event, AgentUnavailable):
            if call.type == "workflow":
                call.then = Speak(call.transfer.says) if call.transfer.says else GoOn()
            self._finish(call, now, self._host.handover.failed(call, event), is_error=True, error_type="no_transfer")
        elif self._host.handover.ready(call, event, now):
            self._finish(call, now, self._host.handover.told(call))
        return True

    def decide(self, answer: McpToolApprovalResult, now: float) -> ToolCall | None:
        """Somebody agrees to a call, or refuses: the call that has its result by that, if one has."""
        call = next((c for c in self.calls if c.call_id == answer.tool_call_id and c.result is None), None)
        if call is None or call.tool is None or not self._host.mcp.decided(answer):
            return None
        if answer.is_approved:
            self._start(call, call.tool, now)
            return None
        self._finish(call, now, NOT_APPROVED, is_error=True, error_type="user_rejected", is_called=False)
        return call

    def time_out(self, now: float) -> list[ToolCall]:
        """Give up on every call whose time has come; a transfer that was delayed happens now."""
        late = [call for call in self.calls if call.result is None and call.tool is not None and call.timeout_at <= now]
        for call in late:
            assert call.tool is not None
            if isinstance(call.then, TakeOver):
                self._finish(call, now, self._host.handover.told(call))
                continue
            if self._host.mcp.awaits_approval(call):
                self._out.warn(f'The tool "{call.name}": {NOBODY_APPROVED}')
                self._finish(call, now, NOBODY_APPROVED, is_error=True, error_type="approval_timeout", is_called=False)
                continue
            message = f'The tool "{call.name}" gave no answer within {call.tool.timeout_seconds:g} s.'
            self._out.warn(message)
            self._stop(call)
            error_type = "client_timeout" if call.type == "client" else "timeout"
            if call.type == "workflow":
                call.then = GoOn()
            self._settle(call, now, message, is_error=True, error_type=error_type)
        return late

    def words_heard(self, now: float) -> None:
        """What the agent said before its calls has reached the user: call what waited for that."""
        for call in self.calls:
            if call.is_held and call.result is None and call.tool is not None:
                self._start(call, call.tool, now)

    def words_cut(self, now: float, why: str) -> None:
        """The user has not heard it to its end: what waited for that is for the model to decide again."""
        for call in self.calls:
            if call.is_held and call.result is None:
                message = f"Not called: {why}. Call it again if it is still wanted."
                self._finish(call, now, message, is_error=True, error_type="interrupted", is_called=False)

    def go_to_background(self, now: float, why: str) -> bool:
        """Nobody waits for it any more. What has not begun does not, and nobody is handed over to; says whether
        something runs on."""
        self.words_cut(now, why)
        for call in self.calls:
            if not call.is_pending:
                continue
            if call.transfer is not None or call.type == "workflow":
                call.then = None
                self._finish(call, now, f"Not done: {why}.", is_error=True, error_type="interrupted", is_called=False)
            else:
                call.is_background = True
        return any(call.result is None for call in self.calls)

    def give_up(self, now: float) -> None:
        """The conversation ends: what still runs has no result, and the record says so."""
        for call in self.calls:
            if call.result is None:
                was_called = not (call.is_held or self._host.mcp.awaits_approval(call))
                call.may_come_late = call.is_background and was_called and call.type in ("webhook", "mcp")
                if not call.may_come_late:
                    self._stop(call)
                message = "The conversation ended first."
                self._finish(call, now, message, is_error=True, error_type="not_answered", is_called=was_called)

    def take_late(self, event: ToolFinished, now: float) -> None:
        """The result of a call that ran on when the conversation had ended."""
        call = next((c for c in self.calls if c.call_id == event.call_id and c.may_come_late), None)
        if call is not None:
            call.may_come_late, call.result, call.raw_error = False, None, ""
            self.take_result(event, now)

    def _stop(self, call: ToolCall) -> None:
        if call.type in ("webhook", "mcp") and not call.is_held:
            self._out.ask(StopTool(call.call_id))

    def tell_end(self) -> None:
        """The very last: what makes the JavaScript client hang up."""
        for call in self.calls:
            if call.name == HANGS_UP and call.ends_call:
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
        if is_error:
            call.raw_error = call.raw_error or result
        call.finish(now, result, is_error=is_error, error_type=error_type, is_called=is_called)
        self._out.record(self.entry)
        if call.type == "mcp":
            self._host.mcp.finished(call, now)
        if call.name != HANGS_UP and call.type != "workflow":
            self._tell(call)

    def _tell(self, call: ToolCall) -> None:
        result = call.result or ""
        if call.failed_on_way:
            result = public_words.of_tool(call.error_type)
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
        times = (call.timeout_at for call in self.calls if call.result is None and not call.is_held)
        return min(times, default=None)

    @property
    def holds(self) -> bool:
        """A call waits for the words before it."""
        return any(call.is_held and call.result is None for call in self.calls)

    @property
    def is_silent(self) -> bool:
        """Nothing is to be said before one of these calls."""
        return any(call.tool is not None and call.tool.rules.speech == "off" for call in self.calls)

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
    def then(self) -> Afterwards | None:
        """What comes after it; None: the model goes on. The end of the call goes before all else."""
        wanted = [] if self.is_refused else [call.then for call in self.calls if call.then is not None]
        return next((one for one in wanted if isinstance(one, HangUp)), wanted[0] if wanted else None)

    def take_words(self) -> str:
        """What is to be said before that, once."""
        words = " ".join(call.words for call in self.calls if call.words)
        for call in self.calls:
            call.words = ""
        return words

    @property
    def skips_turn(self) -> bool:
        return all(call.skips_turn for call in self.calls)

    @property
    def skip_seconds(self) -> float | None:
        """How long the agent waits before it looks after the user (``wait_timeout_secs``); below 0: for ever; None:
        as long as ever."""
        skips = [call.tool for call in self.calls if call.tool is not None and call.name == "skip_turn"]
        waits = [params(tool.config).get("wait_timeout_secs") for tool in skips]
        given = next((float(seconds) for seconds in waits if isinstance(seconds, int | float)), -1.0)
        return given if skips else None

    @property
    def forbids_interruption(self) -> bool:
        pending = [c for c in self.calls if c.is_pending and c.tool is not None and c.tool.interruption != "allow"]
        return any(not self._host.mcp.awaits_approval(call) for call in pending)

    @property
    def protects_turn(self) -> bool:
        return any(c.tool is not None and c.tool.interruption == "disable_during_tool_and_turn" for c in self.calls)
