"""The rules of the floor: when the user's turn is over, and what takes the floor from the agent.

A user turn is over when the user has been silent for long enough *and* the words of all that was said are there. The
words come from ``TranscriptUpdated``, one for each pause, and always cover the whole turn. It is taken when the agent
can be answered to: words said into a reply that cannot be cut wait until that reply has been heard.
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


@dataclass(frozen=True, slots=True)
class Floor:
    """The agent's hold of the floor at one moment."""

    is_busy: bool = False
    """Something of the agent is being made, or can be heard."""
    is_protected: bool = False
    """A first message, a tool or a goodbye that may not be cut."""
    was_sent: bool = False
    """The client has got something of it."""
    client_can_be_cut: bool = True
    """The hosted platform cuts the agent only for clients that listen to ``interruption``."""

    @property
    def yields_to_text(self) -> bool:
        """What the user writes takes the floor."""
        return self.is_busy and not self.is_protected

    @property
    def yields_to_speech(self) -> bool:
        """What the user says takes the floor. As long as nothing was sent, any client can be spared it."""
        return self.yields_to_text and (self.client_can_be_cut or not self.was_sent)

    @property
    def keeps_from_speech(self) -> bool:
        """What the user says has to wait until the agent has been heard."""
        return self.is_protected or (self.is_busy and not self.yields_to_speech)


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

    def transcribed(self, text: str) -> bool:
        """The turn's words so far; says whether they are new."""
        text = text.strip()
        self.not_transcribed()
        is_new = text != self.text
        self.text = text
        return is_new

    def not_transcribed(self) -> None:
        self.awaited_transcripts = max(0, self.awaited_transcripts - 1)

    @property
    def ends_at(self) -> float | None:
        """When silence alone would end the turn; None while the user speaks."""
        if self.stopped_at is None:
            return None
        return max(self.stopped_at + self.silence_seconds, self.held_until)

    @property
    def is_waiting_to_be_taken(self) -> bool:
        """The user has fallen silent and all the words are there."""
        return bool(self.text) and not self.is_speaking and not self.awaited_transcripts

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
