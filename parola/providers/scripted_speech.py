"""An ear and a mouth with no model in them: the scripted speech providers.

``ScriptedTextToSpeech`` plays each byte of the text as a pair of tones and ``ScriptedSpeechToText`` reads them back,
also after resampling and µ-law, so that a voice call can be tested to the letter. To ``ScriptedVoiceActivity``
whatever is loud is speech; a real detector would not take tones for a voice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.errors import ProviderError
from parola.providers.base import (
    Alignment,
    Capabilities,
    SpeechChunk,
    Transcript,
    TranscriptionSettings,
    Voice,
    VoiceSettings,
)

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

# -- tones: text as sound -------------------------------------------------------------------------------------------

CHARACTERS_PER_SECOND = 15.0
_TONES = np.array([*(600 + 80 * i for i in range(16)), *(2100 + 80 * i for i in range(16)), 400.0])
"""Hz. A byte sounds as one of the first sixteen (its low half) with one of the next sixteen (its high half), all
within a telephone's band; the last one alone begins a text."""
_MARK = 32
_MARK_SECONDS = 0.15
_SOUNDING = 0.7
"""Part of a byte's time that sounds; the pause after it tells it from the next."""
_AMPLITUDE = 8000.0
_FADE_SECONDS = 0.003
_MIN_SLOT_SECONDS = 0.04
"""Shorter ones could not be read back."""

_READING_RATE = 16000
_SMOOTHING, _HOP, _SEGMENT = 128, 16, 320
_QUIET_PART = 0.12
_LEAST_EXPLAINED = 0.6


@lru_cache(maxsize=16)
def _tones(samples: int, sample_rate: int) -> Float32:
    """float32 [33, samples]: each tone, faded in and out."""
    time = np.arange(samples) / sample_rate
    edge = np.minimum(time, time[::-1]) / _FADE_SECONDS
    sound = np.sin(2 * np.pi * _TONES[:, None] * time) * np.minimum(edge, 1.0) * _AMPLITUDE
    return sound.astype(np.float32)


def encode_tones(text: str, slot_seconds: float, sample_rate: int) -> tuple[Int16, Alignment]:
    """The text as sound, ``slot_seconds`` for each byte of its UTF-8 after the mark, and when each character sounds."""
    content = np.frombuffer(text.encode(), np.uint8)
    marks = int(_MARK_SECONDS * sample_rate)
    starts = marks + np.round(np.arange(len(content) + 1) * slot_seconds * sample_rate).astype(np.int64)
    tones = _tones(int(slot_seconds * _SOUNDING * sample_rate), sample_rate)
    samples = np.zeros(int(starts[-1]), np.int16)
    mark = _tones(int(_MARK_SECONDS * _SOUNDING * sample_rate), sample_rate)[_MARK]
    samples[: len(mark)] = mark * 1.5
    where = starts[:-1, None] + np.arange(tones.shape[1])
    samples[where] = tones[content & 15] + tones[16 + (content >> 4)]
    sizes = [len(char.encode()) for char in text]
    begins = np.cumsum([0, *sizes])
    times = starts[begins] / sample_rate
    return samples, Alignment(tuple(text), tuple(times[:-1].tolist()), tuple(np.diff(times).tolist()))


@cache
def _detectors() -> NDArray[np.complex64]:
    """complex64 [samples, tones]: multiplied with a segment they give each tone's amplitude and phase."""
    time = np.arange(_SEGMENT) / _READING_RATE
    detectors: NDArray[np.complex64] = (np.exp(-2j * np.pi * time[:, None] * _TONES) * 2 / _SEGMENT).astype(
        np.complex64
    )
    return detectors


def decode_tones(samples: Int16) -> str:
    """The texts in 16 kHz audio made by ``encode_tones``, with a space between them; empty when there are none."""
    if len(samples) < _SEGMENT + _SMOOTHING:
        return ""
    sound = samples.astype(np.float32) / 32768
    power = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    level = (power[_SMOOTHING:] - power[:-_SMOOTHING])[::_HOP] / _SMOOTHING
    loud = np.concatenate([[False], level > max(_QUIET_PART * float(level.max()), 1e-6), [False]])
    edges = np.flatnonzero(loud[1:] != loud[:-1])
    begins, ends = edges[::2], edges[1::2]
    centres = (begins + ends - 1) * _HOP // 2 + _SMOOTHING // 2
    first = centres - _SEGMENT // 2
    whole = (first >= 0) & (first + _SEGMENT <= len(sound)) & (ends - begins > _SEGMENT // _HOP // 2)
    if not whole.any():
        return ""
    segments = sound[first[whole, None] + np.arange(_SEGMENT)]
    amplitudes = np.abs(segments @ _detectors())
    powers = 2 * (segments**2).mean(axis=1)
    texts: list[bytearray] = []
    for amplitude, total in zip(amplitudes, powers, strict=True):
        if amplitude[_MARK] ** 2 > _LEAST_EXPLAINED * total:
            texts.append(bytearray())
            continue
        low, high = int(amplitude[:16].argmax()), int(amplitude[16:32].argmax())
        if texts and amplitude[low] ** 2 + amplitude[16 + high] ** 2 > _LEAST_EXPLAINED * total:
            texts[-1].append(high << 4 | low)
    return " ".join(text.decode(errors="ignore") for text in texts if text)


# -- text to speech -------------------------------------------------------------------------------------------------

TONE = Voice("tone", "Tone", "Plays each letter as a pair of tones; for tests.")
_CHUNK_SECONDS = 0.1


class ScriptedTextToSpeech:
    """``TextToSpeech`` in tones: about as long as speech, the same every time, readable by the scripted ear."""

    name = "scripted"
    capabilities = Capabilities(alignment=True, offline=True)
    voices: Sequence[Voice] = (TONE,)

    def __init__(self, *, rate: float = 1.0, delay: float = 0.0, sample_rate: int = 16000, fail: str = "") -> None:
        """``rate`` scales the speed, ``delay`` is how many seconds the first audio takes; with ``fail`` every
        sentence raises ``ProviderError`` with that message."""
        self._rate = rate
        self._delay = delay
        self._sample_rate = sample_rate
        self._fail = fail

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        """Chunks of 0.1 s; the characters of their alignments, joined, are the text."""
        if not any(char.isalnum() for char in text):
            return
        if self._delay:
            await asyncio.sleep(self._delay)
        if self._fail:
            raise ProviderError(self.name, self._fail)
        slot = 1 / (CHARACTERS_PER_SECOND * self._rate * (voice.speed or 1.0))
        samples, alignment = encode_tones(text, max(slot, _MIN_SLOT_SECONDS), self._sample_rate)
        size = int(_CHUNK_SECONDS * self._sample_rate)
        position = 0
        for begin in range(0, len(samples), size):
            end = position
            while end < len(text) and alignment.starts[end] * self._sample_rate < begin + size:
                end += 1
            part = slice(position, end)
            position = end
            starts = tuple(start - begin / self._sample_rate for start in alignment.starts[part])
            timing = Alignment(alignment.chars[part], starts, alignment.durations[part]) if starts else None
            yield SpeechChunk(samples[begin : begin + size].tobytes(), self._sample_rate, timing)

    async def warm_up(self) -> None:
        """There is nothing to load."""

    async def aclose(self) -> None:
        """There is nothing to close."""


# -- speech to text -------------------------------------------------------------------------------------------------


class ScriptedSpeechToText:
    """``SpeechToText`` that reads the scripted voice back, or returns what it was told to."""

    name = "scripted"
    capabilities = Capabilities(partials=True, offline=True)

    def __init__(
        self, *, transcripts: Sequence[str] = (), cycle: bool = False, delay: float = 0.0, fail: str = ""
    ) -> None:
        """``transcripts`` are returned one for each turn, in order, in every conversation anew; then nothing, or
        from the beginning with ``cycle``. ``delay`` is how many seconds a transcription takes; with ``fail`` each
        raises ``ProviderError`` with that message."""
        self.transcripts = tuple(transcripts)
        self.cycle = cycle
        self.delay = delay
        self.fail = fail

    def open(self, settings: TranscriptionSettings) -> ScriptedTranscription:
        if settings.sample_rate != _READING_RATE:
            raise ValueError(f"The scripted ear listens at {_READING_RATE} Hz, got {settings.sample_rate}")
        return ScriptedTranscription(self)

    async def warm_up(self) -> None:
        """There is nothing to load."""

    async def aclose(self) -> None:
        """There is nothing to close."""


class ScriptedTranscription:
    """One conversation's ear."""

    def __init__(self, ear: ScriptedSpeechToText) -> None:
        self._ear = ear
        self._pcm = bytearray()
        self._turn = 0

    def send(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def transcribe(self) -> Transcript:
        if self._ear.delay:
            await asyncio.sleep(self._ear.delay)
        if self._ear.fail:
            raise ProviderError(self._ear.name, self._ear.fail)
        if not self._pcm:
            return Transcript("")
        if known := self._ear.transcripts:
            turn = self._turn % len(known) if self._ear.cycle else self._turn
            return Transcript(known[turn] if turn < len(known) else "", 1.0)
        samples = np.frombuffer(bytes(self._pcm[: len(self._pcm) // 2 * 2]), np.int16)
        return Transcript(decode_tones(samples), 1.0)

    def reset(self) -> None:
        self._turn += bool(self._pcm)
        self._pcm.clear()

    async def aclose(self) -> None:
        self._pcm.clear()


# -- voice activity -------------------------------------------------------------------------------------------------


class ScriptedVoiceActivity:
    """``VoiceActivity`` by loudness alone: anything that is not quiet is speech, tones too."""

    name = "scripted"
    sample_rate = 16000
    window = 512

    def __init__(self, threshold: float = 0.01) -> None:
        """``threshold`` is an RMS value, of full scale."""
        self._power = threshold * threshold

    def new_state(self) -> None:
        """Nothing is remembered."""

    def probabilities(self, windows: Sequence[Float32], states: Sequence[Any]) -> Sequence[float]:
        """0.99 for a window louder than the threshold, else 0.01."""
        return [0.99 if float(np.dot(w, w)) / len(w) > self._power else 0.01 for w in windows]


# -- turn detection -------------------------------------------------------------------------------------------------

_ENDS = (".", "?", "!")


class ScriptedTurnDetector:
    """``TurnDetector`` that reads the scripted voice: a turn that ends with a full stop, a question mark or an
    exclamation mark is over, any other is not. Or it says what it was told to."""

    name = "scripted"
    capabilities = Capabilities(offline=True)
    sample_rate = _READING_RATE
    seconds = 8.0

    def __init__(self, *, probabilities: Sequence[float] = (), delay: float = 0.0, fail: str = "") -> None:
        """``probabilities`` are returned one after the other, in all conversations together, and again from the
        beginning. ``delay`` is how many seconds a prediction takes; with ``fail`` each raises ``ProviderError`` with
        that message."""
        self.probabilities = tuple(probabilities)
        self.delay = delay
        self.fail = fail
        self.heard: list[bytes] = []
        """The audio of each prediction that has begun."""

    async def predict(self, pcm: bytes) -> float:
        self.heard.append(pcm)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.fail:
            raise ProviderError(self.name, self.fail)
        if self.probabilities:
            return self.probabilities[(len(self.heard) - 1) % len(self.probabilities)]
        return 0.95 if decode_tones(np.frombuffer(pcm, np.int16)).endswith(_ENDS) else 0.05

    async def warm_up(self) -> None:
        """There is nothing to load."""

    async def aclose(self) -> None:
        """There is nothing to close."""
