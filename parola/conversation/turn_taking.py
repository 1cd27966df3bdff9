"""The user's side: speech, the turn it belongs to, and whether that turn is over.

A turn is over when the user has been silent for long enough *and* the words of all that was said are there. The
words come from ``TranscriptUpdated``, one for each pause, and always cover the whole turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from parola.conversation.events import SpeechStarted, SpeechStopped

END_OF_TURN_SECONDS = {"eager": 0.35, "normal": 0.5, "patient": 0.9}
"""Silence after which a turn is over, by the agent's ``turn_eagerness``."""

BARGE_IN_SECONDS = 0.2
"""Speech that takes the floor from the agent."""

TYPING_SECONDS = 2.0
"""How long a ``user_activity`` keeps the agent from taking the turn."""

TRANSCRIPT_SECONDS = 15.0
"""How long the words of a turn may lag behind its end before listening counts as failed."""


@dataclass(slots=True)
class UserTurn:
    """What the user has said since the last turn ended. Times are monotonic seconds."""

    silence_seconds: float
    """Silence that ends the turn."""
    text: str = ""
    is_speaking: bool = False
    started_at: float | None = None
    """When the present utterance began; None before any speech."""
    stopped_at: float | None = None
    """When the user fell silent; None while speaking, or before any speech."""
    awaited_transcripts: int = 0
    held_until: float = 0.0
    """The user is typing: the turn is not over before this."""

    @property
    def has_begun(self) -> bool:
        return self.started_at is not None

    def speech_started(self, event: SpeechStarted) -> None:
        self.is_speaking = True
        self.started_at = event.at
        self.stopped_at = None

    def speech_stopped(self, event: SpeechStopped) -> None:
        self.is_speaking = False
        self.stopped_at = event.at
        self.awaited_transcripts += 1

    def transcribed(self, text: str) -> None:
        self.text = text.strip()
        self.awaited_transcripts = max(0, self.awaited_transcripts - 1)

    def not_transcribed(self) -> None:
        self.awaited_transcripts = max(0, self.awaited_transcripts - 1)

    @property
    def ends_at(self) -> float | None:
        """When silence alone would end the turn; None while the user speaks."""
        if self.stopped_at is None:
            return None
        return max(self.stopped_at + self.silence_seconds, self.held_until)

    def is_over(self, now: float) -> bool:
        ends_at = self.ends_at
        return ends_at is not None and now >= ends_at and self.awaited_transcripts == 0

    def spoken_seconds(self, now: float) -> float:
        """Length of the present (or last) utterance."""
        if self.started_at is None:
            return 0.0
        return (now if self.stopped_at is None else self.stopped_at) - self.started_at

    def clear(self) -> None:
        """The turn has been taken. Transcripts still on their way belong to it and are no longer awaited."""
        self.text = ""
        self.is_speaking = False
        self.started_at = None
        self.stopped_at = None
        self.awaited_transcripts = 0
        self.held_until = 0.0
