"""The real models, asked only once: the same sound gets the same answer, and what it cost the first time is known.

A sweep over rules plays the same recordings again and again; what the models say of them does not depend on the
rules. With ``charged`` an answer takes as long as it took to compute (CPU seconds of this process, so that neighbours
on the machine do not count); otherwise it takes no time at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.providers.base import (
    SpeechChunk,
    SpeechToText,
    TextToSpeech,
    Transcript,
    Transcription,
    TranscriptionSettings,
    TurnDetector,
    VoiceActivity,
    VoiceSettings,
)
from parola.providers.registry import Chosen, Registry

Float32 = NDArray[np.float32]


def digest(*parts: bytes) -> bytes:
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        hashed.update(part)
    return hashed.digest()


@dataclass(slots=True)
class Clock:
    """Whether answers take time."""

    charged: bool = False

    async def charge(self, seconds: float) -> None:
        if self.charged and seconds > 0:
            await asyncio.sleep(seconds)


class RememberingRegistry(Registry):
    """The registry of a server, with a memory in front of each model."""

    def __init__(self, *arguments: Any, clock: Clock) -> None:
        super().__init__(*arguments)
        self._clock = clock
        self._remembering: dict[Any, Any] = {}

    def speech_to_text(self, provider_name: str) -> Chosen[SpeechToText]:
        chosen = super().speech_to_text(provider_name)
        return replace(chosen, provider=self._once(chosen.provider, RememberingSpeechToText))

    def text_to_speech(self, model_id: str, voice_id: str, language: str) -> Chosen[TextToSpeech]:
        chosen = super().text_to_speech(model_id, voice_id, language)
        return replace(chosen, provider=self._once(chosen.provider, RememberingTextToSpeech))

    async def voice_activity(self) -> VoiceActivity:
        detector: VoiceActivity = self._once(await super().voice_activity(), RememberingVoiceActivity)
        return detector

    def turn_detector(self) -> TurnDetector | None:
        detector = super().turn_detector()
        return None if detector is None else self._once(detector, RememberingTurnDetector)

    def _once(self, provider: Any, kind: Any) -> Any:
        if provider not in self._remembering:
            self._remembering[provider] = kind(provider, self._clock)
        return self._remembering[provider]


class Around:
    """A provider with a memory in front of it; what is not remembered is the provider's own."""

    def __init__(self, inner: Any, clock: Clock) -> None:
        self._inner = inner
        self._clock = clock
        self._known: dict[bytes, Any] = {}
        self._is_warm = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def warm_up(self) -> None:
        """Once, and before anything is charged: loading the model is nobody's answer time."""
        if not self._is_warm:
            await self._inner.warm_up()
            self._is_warm = True


# -- voice activity ---------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Heard:
    """What one call's detector has heard: by its digest, and as far as the model itself has been asked, its state."""

    state: Any
    key: bytes = b""
    behind: list[Float32] = field(default_factory=list)
    """Windows whose answers were known, so that the model has not seen them."""


class RememberingVoiceActivity(Around):
    def new_state(self) -> _Heard:
        return _Heard(self._inner.new_state())

    def probabilities(self, windows: Sequence[Float32], states: Sequence[_Heard]) -> Sequence[float]:
        return [self._probability(window, heard) for window, heard in zip(windows, states, strict=True)]

    def _probability(self, window: Float32, heard: _Heard) -> float:
        heard.key = digest(heard.key, window.tobytes())
        heard.behind.append(window)
        if heard.key not in self._known:
            for missed in heard.behind:
                answer = self._inner.probabilities([missed], [heard.state])[0]
            heard.behind.clear()
            self._known[heard.key] = float(answer)
        probability: float = self._known[heard.key]
        return probability


# -- speech to text ---------------------------------------------------------------------------------------------------


class RememberingSpeechToText(Around):
    def open(self, settings: TranscriptionSettings) -> _Stream:
        return _Stream(self, settings)

    async def transcript(self, pcm: bytes, settings: TranscriptionSettings) -> Transcript:
        key = digest(pcm)
        if key not in self._known:
            await self.warm_up()
            stream: Transcription = self._inner.open(settings)
            stream.send(pcm)
            began = time.process_time()
            self._known[key] = await stream.transcribe(), time.process_time() - began
            await stream.aclose()
        transcript, seconds = self._known[key]
        await self._clock.charge(seconds)
        known: Transcript = transcript
        return known


class _Stream:
    """``Transcription`` out of the memory."""

    def __init__(self, memory: RememberingSpeechToText, settings: TranscriptionSettings) -> None:
        self._memory = memory
        self._settings = settings
        self._pcm = bytearray()
        self._latest: tuple[int, Transcript] | None = None

    def send(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def transcribe(self) -> Transcript:
        if self._latest is not None and self._latest[0] == len(self._pcm):
            return self._latest[1]
        size = len(self._pcm)
        transcript = await self._memory.transcript(bytes(self._pcm), self._settings)
        self._latest = (size, transcript)
        return transcript

    def reset(self) -> None:
        self._pcm = bytearray()
        self._latest = None

    async def aclose(self) -> None:
        self.reset()


# -- turn detection ---------------------------------------------------------------------------------------------------


class RememberingTurnDetector(Around):
    async def predict(self, pcm: bytes) -> float:
        key = digest(pcm)
        if key not in self._known:
            await self.warm_up()
            began = time.process_time()
            self._known[key] = await self._inner.predict(pcm), time.process_time() - began
        probability, seconds = self._known[key]
        await self._clock.charge(seconds)
        return float(probability)


# -- text to speech ---------------------------------------------------------------------------------------------------


class RememberingTextToSpeech(Around):
    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        key = digest(text.encode(), repr(voice).encode())
        if key not in self._known:
            await self.warm_up()
            chunks: list[tuple[SpeechChunk, float]] = []
            began = time.process_time()
            async for chunk in self._inner.speak(text, voice):
                chunks.append((chunk, time.process_time() - began))
                began = time.process_time()
            self._known[key] = chunks
        for chunk, seconds in self._known[key]:
            await self._clock.charge(seconds)
            yield chunk
