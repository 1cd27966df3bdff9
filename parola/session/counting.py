"""Counts what happens in one conversation, for the process's ``Metrics``: looks on, decides nothing."""

from __future__ import annotations

from parola.conversation.actions import Action, Close, Record, Send
from parola.metrics import Metrics
from parola.protocol.server_messages import Interruption


class Counting:
    """Told every action of a conversation."""

    __slots__ = ("_answers", "_metrics", "_questions", "_timed")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._questions: set[int] = set()
        """Places in the transcript where the user has the floor, backchannels aside."""
        self._answers: set[int] = set()
        self._timed: set[int] = set()

    def saw(self, action: Action) -> None:
        match action:
            case Send(message=Interruption()):
                self._metrics.interruptions += 1
            case Record(turn={"role": "user", "message": str()}):
                if not action.turn.get("ignored_as_backchannel") and "platform_event" not in action.turn:
                    self._questions.add(action.index)
            case Record(turn={"role": "agent"}) if action.index - 1 in self._questions:
                self._answered(action)

    def ended(self, close: Close) -> None:
        self._metrics.ended[(close.status, close.code)] += 1

    def _answered(self, action: Record) -> None:
        """The first message behind the user's turn. It is kept more than once: when it begins, and as it goes on."""
        if action.index not in self._answers:
            self._answers.add(action.index)
            self._metrics.turns_answered += 1
        latency = (action.turn.get("x_timeline") or {}).get("latency_secs")
        if latency and action.index not in self._timed:
            self._timed.add(action.index)
            self._metrics.turn_latency.observe(latency["total"])
