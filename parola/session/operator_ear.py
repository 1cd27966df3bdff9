"""What the person who has taken over says, in words: for the record, and for the agent when it goes on.

The same models listen as to the caller, with less finesse: what was said up to a pause is one message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from parola.conversation.commands import OperatorSaid
from parola.conversation.events import Event, SpeechStarted, SpeechStopped, TranscriptUpdated
from parola.conversation.setup import Setup
from parola.session.voice import Ear

PAUSE_SECONDS = 0.7
"""So long a pause ends a message. Who sends nothing for so long, not even silence, is silent."""

SILENCE_SECONDS = 1.0
"""Fed to the detector then, so that it notices."""


class OperatorEar:
    """One person's. ``open`` before anything is heard."""

    def __init__(self, ear: Ear, tell: Callable[[OperatorSaid], None], name: str) -> None:
        self._ear = ear
        self._name = name
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._text = ""
        self._heard_from = 0.0
        """Since when their microphone sends without a pause. It may send faster than people speak."""
        self._began_at: float | None = None
        self._is_speaking = False
        self._pause: asyncio.TimerHandle | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None

    def open(self, setup: Setup) -> None:
        self._opening = self._loop.create_task(self._ear.open(self._take, setup))

    def hear(self, audio: bytes) -> None:
        """Audio in the agent's input format."""
        self._ear.hear(audio)
        if self._quiet is None:
            self._heard_from = self._loop.time()
        else:
            self._quiet.cancel()
        self._quiet = self._loop.call_later(PAUSE_SECONDS, self._fell_silent)

    def _fell_silent(self) -> None:
        self._quiet = None
        self._ear.hear(bytes(int(self._ear.format.bytes_per_second * SILENCE_SECONDS) // 2 * 2))

    def _take(self, event: Event) -> None:
        match event:
            case SpeechStarted():
                self._is_speaking = True
                if self._began_at is None:
                    self._began_at = max(event.at, self._heard_from)
                self._wait(None)
            case SpeechStopped():
                self._is_speaking = False
            case TranscriptUpdated(is_partial=False):
                self._text = event.text.strip()
                if not self._is_speaking:
                    self._wait(PAUSE_SECONDS)

    def _wait(self, seconds: float | None) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = None if seconds is None else self._loop.call_later(seconds, self._said)

    def _said(self) -> None:
        text, began_at = self._text, self._began_at
        self._text, self._began_at = "", None
        self._ear.forget()
        if text:
            self._tell(OperatorSaid(text, self._name, began_at))

    async def aclose(self) -> None:
        for timer in (self._pause, self._quiet):
            if timer is not None:
                timer.cancel()
        if self._opening is not None:
            self._opening.cancel()
        await self._ear.aclose()
