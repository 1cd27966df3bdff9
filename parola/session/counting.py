"""Counts what happens in one conversation, for the process's ``Metrics``, and has it traced where somebody wants that:
looks on, decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from parola.conversation.actions import Action, Close, NoteLoss, NoteReturn, Record, Send, StartReply
from parola.conversation.events import Event
from parola.conversation.setup import Setup
from parola.metrics import Metrics
from parola.protocol.server_messages import Interruption
from parola.session.accounts import Accounts
from parola.session.replying import Brain, Mouth, perform
from parola.session.retrieving import Retriever
from parola.session.tracing import Tracing


class Counting:
    """Told every action of a conversation."""

    __slots__ = ("_answers", "_is_away", "_metrics", "_questions", "_seen", "_tracing", "latency_seconds")

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None) -> None:
        """Made when the conversation's clock starts."""
        self._metrics = metrics
        self._tracing = tracing
        if tracing is not None:
            tracing.begins()
        self._questions: set[int] = set()
        """Places in the transcript where the user has the floor, backchannels aside."""
        self._answers: set[int] = set()
        self.latency_seconds: float | None = None
        """Of the last answer."""
        self._is_away = False
        self._seen: set[tuple[int | str, str]] = set()
        """What of which turn, and which results of tools, have been counted: a turn is kept more than once."""

    def started(self, *, text_only: bool) -> None:
        self._metrics.started["text" if text_only else "voice"] += 1

    def perform(
        self,
        action: StartReply,
        brain: Brain,
        tell: Callable[[Event], None],
        mouth: Mouth | None,
        retriever: Retriever | None,
        accounts: Accounts,
    ) -> Coroutine[Any, Any, None]:
        """Make a reply, as ``replying.perform`` does."""
        if self._tracing is None:
            return perform(action, brain, mouth, tell, retriever, accounts)
        return self._tracing.perform(
            action, brain, lambda noted: perform(action, brain, mouth, noted, retriever, accounts), tell
        )

    def saw(self, action: Action) -> None:
        if self._tracing is not None:
            self._tracing.saw(action)
        match action:
            case NoteLoss():
                self._is_away = True
                self._metrics.connections["lost"] += 1
            case NoteReturn():
                self._is_away = False
                self._metrics.connections["resumed"] += 1
            case Send(message=Interruption()):
                self._metrics.interruptions += not self._is_away  # it was the line, not the user
            case Record(turn={"role": "user", "message": str()}):
                if not action.turn.get("ignored_as_backchannel") and "platform_event" not in action.turn:
                    self._questions.add(action.index)
            case Record(turn={"role": "agent"}):
                if action.index - 1 in self._questions:
                    self._answered(action)
                self._took(action)

    def handed_over(self, *, content: bool) -> None:
        """Another agent has the conversation. ``content``: its words may be in traces."""
        if self._tracing is not None:
            self._tracing.handed_over(content=content)

    def ended(self, close: Close, setup: Setup, charging: Mapping[str, Any]) -> None:
        """``charging`` is what models were asked for, as the record has it."""
        self._metrics.conversation_ended(close.status, close.code, close.cause)
        if close.cause == "client_lost":
            self._metrics.connections["stayed_away"] += 1
        if self._tracing is not None:
            self._tracing.ended(close, setup, charging)

    def _answered(self, action: Record) -> None:
        """The first message behind the user's turn. It is kept more than once: when it begins, and as it goes on."""
        if action.index not in self._answers:
            self._answers.add(action.index)
            self._metrics.turns_answered += 1
        latency = (action.turn.get("x_timeline") or {}).get("latency_secs")
        if latency and self._is_new(action.index, "latency"):
            self.latency_seconds = latency["total"]
            self._metrics.turn_latency.observe(latency["total"])
            for step, seconds in latency.items():
                if step != "total":
                    self._metrics.turn_steps[step].observe(seconds)

    def _took(self, action: Record) -> None:
        """What models and tools took for it."""
        taken: Mapping[str, Any] = (action.turn.get("conversation_turn_metrics") or {}).get("metrics") or {}
        for name, histogram in self._metrics.services.items():
            if name in taken and self._is_new(action.index, name):
                histogram.observe(taken[name]["elapsed_time"])
        for result in action.turn.get("tool_results") or ():
            if self._is_new(result["request_id"], "result"):
                self._metrics.tool_answered(
                    str(result["type"]), float(result["tool_latency_secs"]), is_error=bool(result["is_error"])
                )

    def _is_new(self, of: int | str, what: str) -> bool:
        is_new = (of, what) not in self._seen
        self._seen.add((of, what))
        return is_new
