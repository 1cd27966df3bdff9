"""How fast the models of this server are, measured by having them do what a call has them do."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

import numpy as np

from parola.errors import ProviderError
from parola.providers.base import (
    Answered,
    Embedder,
    LanguageModel,
    ModelRequest,
    ReasoningDelta,
    SpeechToText,
    TextDelta,
    TextToSpeech,
    TokenUsage,
    TranscriptionSettings,
    VoiceSettings,
)
from parola.session.audio import resample

Kind = Literal["speech_to_text", "text_to_speech", "language_model", "embeddings"]

SENTENCE = "Hello there, I can help you book an appointment today."
QUESTION = "In one short sentence: what is a dialogue?"
TEXTS = (SENTENCE, QUESTION, "We are open from nine to five.", "Parcels arrive within three days.")

RUNS = 3
MOST_SECONDS = 30.0
"""For all runs of a measurement, loading the model included."""

RATE = 16000


class Choice(Protocol):
    """A provider, and what to ask it for."""

    provider: Any
    model: str
    voice: str
    warning: str | None


class Choices(Protocol):
    """Who stands in for what an agent asks for."""

    def language_model(self, llm: str) -> Any: ...

    def text_to_speech(self, model_id: str, voice_id: str, language: str) -> Any: ...

    def speech_to_text(self, provider_name: str) -> Any: ...

    def embedder(self, model: str) -> Any: ...


async def measure(choices: Choices, kind: Kind, model: str) -> dict[str, Any]:
    """What was done, by whom, and how long it took: the median of ``RUNS`` runs, after one that does not count. Raises
    what the provider raises, and ``ProviderError`` when it takes too long."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            match kind:
                case "text_to_speech":
                    chosen = choices.text_to_speech(model, "", "en")
                    figures = await _speaking(chosen.provider, chosen)
                case "speech_to_text":
                    chosen = choices.speech_to_text(model)
                    figures = await _listening(chosen.provider, choices.text_to_speech("", "", "en"))
                case "language_model":
                    chosen = choices.language_model(model)
                    figures = await _thinking(chosen.provider, chosen.model or model)
                case "embeddings":
                    chosen = choices.embedder(model)
                    figures = await _embedding(chosen.provider)
    except TimeoutError:
        raise ProviderError(kind, f"It took longer than {MOST_SECONDS:g} s: nothing was measured.") from None
    return {
        "kind": kind,
        "asked": model or None,
        "provider": chosen.provider.name,
        "model": chosen.model or None,
        "warning": chosen.warning,
        "runs": RUNS,
        **figures,
    }


async def _speaking(provider: TextToSpeech, chosen: Choice) -> dict[str, Any]:
    audio_seconds = 0.0

    async def once() -> tuple[float, float]:
        nonlocal audio_seconds
        begun, first = time.perf_counter(), 0.0
        seconds = 0.0
        async for chunk in provider.speak(SENTENCE, VoiceSettings(voice=chosen.voice, model=chosen.model)):
            first = first or time.perf_counter() - begun
            seconds += len(chunk.pcm) / 2 / chunk.sample_rate
        audio_seconds = seconds
        return first, time.perf_counter() - begun

    first, whole = await _median(once)
    return {
        "what": f'Speaking "{SENTENCE}"',
        "first_byte_seconds": round(first, 4),
        "seconds": round(whole, 4),
        "audio_seconds": round(audio_seconds, 3),
        "real_time_factor": round(whole / audio_seconds, 4) if audio_seconds else None,
    }


async def _listening(provider: SpeechToText, voice: Choice) -> dict[str, Any]:
    spoken: TextToSpeech = voice.provider
    chunks = [chunk async for chunk in spoken.speak(SENTENCE, VoiceSettings(voice=voice.voice, model=voice.model))]
    if not chunks:
        raise ProviderError(spoken.name, "There is nothing to listen to: the voice of this server says nothing.")
    pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), np.int16)
    samples = resample(pcm, chunks[0].sample_rate, RATE)
    heard = ""

    async def once() -> tuple[float, float]:
        nonlocal heard
        ear = provider.open(TranscriptionSettings())
        try:
            ear.send(samples.tobytes())
            begun = time.perf_counter()
            heard = (await ear.transcribe()).text
            return 0.0, time.perf_counter() - begun
        finally:
            await ear.aclose()

    _, whole = await _median(once)
    length = len(samples) / RATE
    return {
        "what": f'Transcribing "{SENTENCE}", spoken by {spoken.name}',
        "heard": heard,
        "seconds": round(whole, 4),
        "audio_seconds": round(length, 3),
        "real_time_factor": round(whole / length, 4),
    }


async def _thinking(provider: LanguageModel, model: str) -> dict[str, Any]:
    tokens = 0

    async def once() -> tuple[float, float]:
        nonlocal tokens
        begun, first, written = time.perf_counter(), 0.0, 0
        async for event in provider.step(ModelRequest([{"role": "user", "content": QUESTION}], model=model)):
            match event:
                case TextDelta() | ReasoningDelta():
                    first = first or time.perf_counter() - begun
                    written += 1
                case TokenUsage(output_tokens=count) | Answered(usage=TokenUsage(output_tokens=count)):
                    written = count or written
        tokens = written
        return first, time.perf_counter() - begun

    first, whole = await _median(once)
    return {
        "what": f'Answering "{QUESTION}"',
        "first_token_seconds": round(first, 4),
        "seconds": round(whole, 4),
        "output_tokens": tokens,
        "tokens_per_second": round(tokens / whole, 2) if whole else None,
    }


async def _embedding(provider: Embedder) -> dict[str, Any]:
    async def once() -> tuple[float, float]:
        begun = time.perf_counter()
        await provider.embed(TEXTS)
        return 0.0, time.perf_counter() - begun

    _, whole = await _median(once)
    return {
        "what": f"Embedding {len(TEXTS)} sentences",
        "seconds": round(whole, 4),
        "texts_per_second": round(len(TEXTS) / whole, 2) if whole else None,
        "dimensions": provider.dimensions,
    }


async def _median(once: Callable[[], Awaitable[tuple[float, float]]]) -> tuple[float, float]:
    await once()  # what is loaded at the first use is no speed
    runs = [await once() for _ in range(RUNS)]
    return statistics.median(first for first, _ in runs), statistics.median(whole for _, whole in runs)
