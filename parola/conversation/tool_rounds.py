"""The rounds of tools of one conversation: the one that the agent waits for, and calls that run in the background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parola.conversation.deadlines import Deadlines
from parola.conversation.events import AgentReady, AgentUnavailable, McpServerTried, ToolAsked, ToolCalled, ToolFinished
from parola.conversation.handover import Handover
from parola.conversation.mcp_calls import McpCalls, McpServers
from parola.conversation.outgoing import Outgoing
from parola.conversation.setup import Setup
from parola.conversation.system_tools import SystemTools
from parola.conversation.tool_round import MAX_ROUNDS, ToolRound
from parola.conversation.tools import Tool, ToolCall
from parola.conversation.transcript import LateResultEntry, Transcript
from parola.conversation.variables import Variables
from parola.conversation.waiting_for_human import WaitForHuman
from parola.conversation.walk import Walk
from parola.protocol.client_messages import ClientToolResult, McpToolApprovalResult


class Tools:
    """The round of tools there is, if any, and those with calls in the background. Keeps the deadlines ``tool`` and
    ``tool_speech``."""

    __slots__ = (
        *("_background", "_deadlines", "_out", "_over", "_transcript", "_variables", "handover", "human", "offered"),
        *("mcp", "mcp_servers", "round", "system", "walk"),
    )

    def __init__(
        self,
        setup: Setup,
        out: Outgoing,
        transcript: Transcript,
        deadlines: Deadlines,
        variables: Variables,
    ) -> None:
        self.handover = Handover(setup, out, variables)
        self.human = WaitForHuman(out, deadlines)
        self.system = SystemTools(out, transcript, variables, self.handover, self.human)
        self.walk = Walk(setup, out, transcript, variables, self.handover, self.system)
        self.mcp = McpCalls(out, variables)
        self.mcp_servers = McpServers(setup, out)
        self.offered: Mapping[str, Tool] = setup.tools
        """Those that the model was offered last."""
        self._out = out
        self._transcript = transcript
        self._deadlines = deadlines
        self._variables = variables
        self._over: list[ToolRound] = []
        """Those that the end of the conversation has cut short."""
        self._background: list[ToolRound] = []
        """Rounds that are over but for calls that nobody waits for; the present one may be among them."""
        self.round: ToolRound | None = None

    def wanted(self, event: ToolCalled, entry: int, event_id: int, now: float) -> None:
        """The model asks; ``entry`` and ``event_id`` are those of its step."""
        if self.round is None:
            self.round = ToolRound(self, self._out, self.offered, self._variables, entry, event_id)
        self.round.add(event, now)

    def run(self, now: float, rounds_before: int, *, has_words: bool = False) -> ToolRound | None:
        """The model has finished asking: run what it asked for; None when that is nothing."""
        round_ = self.round
        if round_ is None or round_.is_running:
            return None
        self._transcript.agent_entry(round_.entry).calls.extend(round_.calls)
        if rounds_before >= MAX_ROUNDS:
            self._out.warn(f"The model called tools {MAX_ROUNDS} times in one turn; it was stopped.")
            round_.refuse(now, "Too many tool calls in one turn.")
        else:
            round_.run(now, has_words=has_words)
        if any(call.is_background for call in round_.calls):
            self._background.append(round_)
        self._watch()
        return round_

    def asked(self, event: ToolAsked) -> None:
        """How a call is being made."""
        call = next((c for round_ in self._rounds for c in round_.calls if c.call_id == event.call_id), None)
        if call is not None:
            call.details = event.details

    def take_result(self, event: ClientToolResult | ToolFinished, now: float) -> ToolCall | None:
        """What a tool answers; None when nobody asked, or it has answered already."""
        for round_ in self._rounds:
            if (call := round_.take_result(event, now)) is not None:
                self._told([call], now)
                return call
        return None

    def agent_answered(self, event: AgentReady | AgentUnavailable, now: float) -> bool:
        """Another agent is ready, or cannot be had; False when nobody waits for it any more."""
        answered = self.round is not None and self.round.agent_answered(event, now)
        self._watch()
        return answered

    def call_here(
        self,
        tools: Mapping[str, Tool],
        entry: int,
        event_id: int,
        now: float,
        arguments: Mapping[str, Any] | None = None,
    ) -> ToolRound:
        """Run tools that the model was not asked about."""
        self.round = ToolRound(self, self._out, tools, self._variables, entry, event_id)
        for name in tools:
            self.round.add(ToolCalled(0, name, arguments or {}), now)
        self._transcript.agent_entry(entry).calls.extend(self.round.calls)
        self.round.run(now)
        self._watch()
        return self.round

    def take_over(self, setup: Setup) -> None:
        """Another agent has the conversation, with its own tools and, unless it is a subagent, its own workflow."""
        self.handover.setup = setup
        self.offered = setup.tools
        self.walk.taken_over(setup)

    def decide(self, answer: McpToolApprovalResult, now: float) -> ToolCall | None:
        """Somebody agrees to a call, or refuses: the call that has its result by that, if one has."""
        for round_ in self._rounds:
            if (call := round_.decide(answer, now)) is not None:
                self._told([call], now)
                return call
        self._watch()
        return None

    def server_tried(self, event: McpServerTried) -> Setup:
        """An MCP server has been reached, or not: what the model is offered from its next step on."""
        setup = self.mcp_servers.tried(event, self.handover.setup)
        self.handover.setup = self.walk.setup = setup
        return setup

    def stop_waiting_for_approval(self) -> None:
        """The user has said something: calls that only wait for somebody to agree to them are not waited for any more.
        They run when they are approved, and their results come like those of calls in the background."""
        round_ = self.round
        pending = [call for call in round_.calls if call.is_pending] if round_ is not None else []
        if round_ is None or not pending or not all(self.mcp.awaits_approval(call) for call in pending):
            return
        for call in pending:
            call.is_background = call.awaits_approval = True
        if round_ not in self._background:
            self._background.append(round_)

    def time_out(self, now: float) -> list[ToolCall]:
        """Give up on those whose time has come."""
        calls = [call for round_ in self._rounds if round_.is_running for call in round_.time_out(now)]
        self._told(calls, now)
        return calls

    def words_end(self, at: float, now: float) -> None:
        """What was said before the calls will have been heard by ``at``: some wait for that."""
        round_ = self.round
        if round_ is None or not round_.is_running or not round_.holds:
            return
        if at > now:
            self._deadlines.set("tool_speech", at)
            return
        round_.words_heard(now)
        self._watch()

    def words_cut(self, now: float, why: str) -> None:
        """They will not be heard to their end."""
        self._deadlines.clear("tool_speech")
        if self.round is not None and self.round.is_running:
            self.round.words_cut(now, why)
            self._watch()

    def _told(self, calls: Sequence[ToolCall], now: float) -> None:
        """These have their results now; those of the background are shown to the model as what happens now."""
        for call in calls:
            if call.is_background:
                self._transcript.add(LateResultEntry(call, now))
        self._background = [r for r in self._background if any(c.result is None and c.is_background for c in r.calls)]
        self._watch()

    @property
    def _rounds(self) -> list[ToolRound]:
        others = [round_ for round_ in self._background if round_ is not self.round]
        return others if self.round is None else [self.round, *others]

    def _watch(self) -> None:
        times = [at for round_ in self._rounds if round_.is_running and (at := round_.next_timeout) is not None]
        if times:
            self._deadlines.set("tool", min(times))
        else:
            self._deadlines.clear("tool")

    def take_words(self) -> str:
        """What is to be said before the round is over, once."""
        return self.round.take_words() if self.round is not None else ""

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
        self._deadlines.clear("tool_speech")
        self._watch()
        return round_

    @property
    def wants_silence(self) -> bool:
        """Nothing is to be said before a call that the model has asked for."""
        return self.round is not None and not self.round.is_running and self.round.is_silent

    def wait_for_client(self, until: float) -> None:
        """The client is away until then, at most: it cannot answer before."""
        for round_ in self._rounds:
            for call in round_.asked_of_client:
                call.timeout_at = max(call.timeout_at, until)
        self._watch()

    def ask_client_again(self, now: float) -> None:
        """The client is back: calls that it has not answered begin anew."""
        for round_ in self._rounds:
            round_.ask_client_again(now)
        self._watch()

    def leave_running(self, now: float) -> ToolRound | None:
        """Nobody waits for the present round any more: its calls run on in the background, as far as their results
        mean something without the agent."""
        if self.round is None:
            return None
        if self.round.go_to_background(now, "a person has taken over the conversation"):
            self._background.append(self.round)
        return self.finish()

    def abandon_wishes(self) -> None:
        """A step that is cut before it has finished asking has asked for nothing."""
        if self.round is not None and not self.round.is_running:
            self.round = None

    def came_after_the_end(self, event: ToolFinished, now: float) -> None:
        """What a call in the background gave when the conversation had ended: for the record alone."""
        self._out.is_hushed = True
        for round_ in self._over:
            round_.take_late(event, now)

    def give_up(self, now: float) -> None:
        """The conversation ends. What runs in the background runs on, for the record."""
        self.abandon_wishes()
        rounds, last = self._rounds, self.round
        self.round, self._background = None, []
        for round_ in rounds:
            round_.give_up(now)
        self._over = rounds
        if last is not None:
            last.tell_end()
        self._deadlines.clear("tool", "tool_speech")
