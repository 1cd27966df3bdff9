"""When what happened in a turn: enough to answer "why was it slow" and "why was I cut off" from the record.

Points in time are monotonic seconds here and seconds into the conversation in the record, where they appear under
``x_timeline`` of a turn. The latency of an answer is told as steps that follow each other, so that they add up: each
step counts only what it added to the waiting, and what ran ahead of time (a speculative model, a transcription during
the silence) adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST_VERDICTS = 20
"""Kept of one turn: the last ones."""


@dataclass(frozen=True, slots=True)
class VerdictAt:
    """One weighing of the evidence for the end of a turn."""

    at: float
    reason: str
    """``finished``, ``silence``, ``unsure``, ``unfinished`` or ``spelling``."""
    wait_seconds: float
    """The silence it asks for."""
    probability: float | None
    """The turn detector's, None when it had not spoken."""
    wording: str


@dataclass(slots=True)
class UserTimeline:
    """The life of a user turn."""

    speech_started_at: float | None = None
    speech_stopped_at: float | None = None
    """The last sound."""
    transcribed_at: float | None = None
    """When the words were there."""
    closed_at: float | None = None
    closed_because: str = ""
    """The verdict that ended it; or ``text``, ``end_of_call``, ``backchannel``."""
    verdicts: list[VerdictAt] = field(default_factory=list)

    def note(self, entry: VerdictAt) -> None:
        self.verdicts = [*self.verdicts[1 - MOST_VERDICTS :], entry]

    def record(self, zero: float) -> dict[str, Any]:
        """As the stored transcript has it; ``zero`` is the start of the conversation."""
        told: dict[str, Any] = _points(
            zero,
            speech_started_secs=self.speech_started_at,
            speech_stopped_secs=self.speech_stopped_at,
            transcribed_secs=self.transcribed_at,
            closed_secs=self.closed_at,
        )
        if self.closed_because:
            told["closed_because"] = self.closed_because
        if self.verdicts:
            told["verdicts"] = [
                {
                    "at_secs": _seconds(entry.at - zero),
                    "verdict": entry.reason,
                    "wait_secs": _seconds(entry.wait_seconds),
                    "turn_probability": None if entry.probability is None else round(entry.probability, 3),
                    "wording": entry.wording,
                }
                for entry in self.verdicts
            ]
        return told


STEPS = ("end_of_turn", "retrieval", "llm", "sentence", "tts", "send")
"""What an answer waits for, in order: the turn to be over, the agent's documents to be searched (where they are), the
first token, the first sentence, its first audio, the moment it leaves."""


@dataclass(slots=True)
class AgentTimeline:
    """The life of one message of the agent."""

    asked_at: float
    """The model was asked, or the words to be said were known."""
    is_speculative: bool = False
    """It was asked before the user's turn was over."""
    is_unasked: bool = False
    """It answers no user: a greeting, words after a silence, words that somebody else had said."""
    user_stopped_at: float | None = None
    """The last sound of the user that it answers."""
    user_transcribed_at: float | None = None
    """When the words it answers were there."""
    turn_closed_at: float | None = None
    """When that turn was over; for what answers nothing, when it was asked."""
    retrieved_at: float | None = None
    """The agent's documents had been searched; None when they were not."""
    first_text_at: float | None = None
    first_sentence_at: float | None = None
    """The first sentence was complete and went to the voice."""
    first_audio_at: float | None = None
    """The voice gave its first audio."""
    first_sent_at: float | None = None
    """The client was sent its first audio."""
    interrupted_at: float | None = None

    def latency(self) -> dict[str, float]:
        """Seconds each of ``STEPS`` added between the user's last sound and the first audio sent; empty until that."""
        if self.first_sent_at is None:
            return {}
        start = self.turn_closed_at if self.user_stopped_at is None else self.user_stopped_at
        if start is None:
            start = self.asked_at
        reached = start
        steps: dict[str, float] = {}
        points = (
            self.turn_closed_at,
            self.retrieved_at,
            self.first_text_at,
            self.first_sentence_at,
            self.first_audio_at,
            self.first_sent_at,
        )
        for step, at in zip(STEPS, points, strict=True):
            if step == "retrieval" and at is None:
                continue
            until = reached if at is None else max(reached, at)
            steps[step] = until - reached
            reached = until
        return steps

    def record(self, zero: float) -> dict[str, Any]:
        """As the stored transcript has it; ``zero`` is the start of the conversation."""
        told: dict[str, Any] = _points(
            zero,
            asked_secs=self.asked_at,
            retrieved_secs=self.retrieved_at,
            first_token_secs=self.first_text_at,
            first_sentence_secs=self.first_sentence_at,
            tts_first_byte_secs=self.first_audio_at,
            first_audio_sent_secs=self.first_sent_at,
            interrupted_secs=self.interrupted_at,
        )
        told["is_speculative"] = self.is_speculative
        if self.is_unasked:
            told["is_unasked"] = True
        if steps := self.latency():
            rounded = {step: _seconds(seconds) for step, seconds in steps.items()}
            told["latency_secs"] = rounded | {"total": _seconds(sum(rounded.values()))}
        return told


def _points(zero: float, **points: float | None) -> dict[str, Any]:
    return {name: _seconds(at - zero) for name, at in points.items() if at is not None}


def _seconds(value: float) -> float:
    return round(value, 3)
