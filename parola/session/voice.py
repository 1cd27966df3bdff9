"""The voice half of a session's input: decodes what comes, and listens as soon as the detector is ready.

Loading a model takes a second the first time; what the caller says meanwhile is kept, not lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from parola.conversation.events import EndRequested, Event
from parola.conversation.setup import Setup
from parola.errors import ParolaError
from parola.logs import logger
from parola.providers.base import SpeechToText, TranscriptionSettings
from parola.session.attention import Attention
from parola.session.audio import MODEL_RATE, AudioFormat, Decoder
from parola.session.listening import Listening
from parola.session.turn_detection import SharedTurnDetector
from parola.session.voice_activity import SharedVoiceActivity

log = logger(__name__)

KEPT_SECONDS = 20
"""Audio kept while the detector is being loaded, at most."""


class Ear:
    """From the client's bytes to a ``Listening``."""

    def __init__(
        self,
        stt: SpeechToText,
        input_format: AudioFormat,
        activity: Callable[[], Awaitable[SharedVoiceActivity]],
        turns: SharedTurnDetector | None = None,
        attention: Attention | None = None,
    ) -> None:
        self._stt = stt
        self._activity = activity
        self._turns = turns
        self._attention = attention or Attention()
        self._decoder = Decoder(input_format)
        self._listening: Listening | None = None
        self._early: list[NDArray[np.int16]] = []
        self._kept = 0

    async def open(self, tell: Callable[[Event], None], setup: Setup) -> None:
        """Load what is needed, then listen. A model that is missing ends the conversation with the reason."""
        try:
            activity = await self._activity()
            settings = TranscriptionSettings(language=setup.language, keywords=setup.keywords)
            scores = setup.events.passes("vad_score")
            self._listening = Listening(
                self._stt,
                settings,
                activity,
                tell,
                turns=self._turns,
                attention=self._attention,
                tell_scores=scores,
            )
            early, self._early = self._early, []
            for samples in early:
                self._listening.feed(samples)
            await self._stt.warm_up()
            if self._turns is not None:
                await self._turns.warm_up()
        except ParolaError as error:
            tell(EndRequested(error.message, 1011))

    @property
    def format(self) -> AudioFormat:
        """In which it hears."""
        return self._decoder.format

    def another(self) -> Ear:
        """For somebody else in the same conversation, with the same models."""
        return Ear(self._stt, self.format, self._activity)

    def hear(self, audio: bytes) -> NDArray[np.int16]:
        """Take in audio in the client's format, any number of bytes; gives it back at 16 kHz."""
        samples = self._decoder.decode(audio)
        if self._listening is not None:
            self._listening.feed(samples)
        elif self._kept < KEPT_SECONDS * MODEL_RATE:
            self._early.append(samples)
            self._kept += len(samples)
        return samples

    def agent_spoke(self, audio: bytes) -> None:
        """The client was sent ``audio`` to play: it may come back."""
        self._attention.agent_spoke(audio, asyncio.get_running_loop().time())

    def agent_cut(self) -> None:
        """The client was told to play no more."""
        self._attention.agent_cut(asyncio.get_running_loop().time())

    def transcribe_now(self) -> None:
        """Have the words so far told, though the user is still speaking."""
        if self._listening is not None:
            self._listening.transcribe_now()

    def switch_language(self, language: str) -> bool:
        """Listen for another language from the next turn on; False when the model does not know it."""
        known = self._stt.capabilities.languages
        if known and language[:2].lower() not in known:
            return False
        if self._listening is not None:
            self._listening.switch_language(language)
        return True

    def forget(self) -> None:
        if self._listening is not None:
            self._listening.forget()

    async def aclose(self) -> None:
        """Stop listening, and let go of the sound of the call: it must not wait for a garbage collection."""
        listening, self._listening = self._listening, None
        self._attention = Attention()
        if listening is not None:
            await listening.aclose()
