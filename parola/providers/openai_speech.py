"""Ears and voices that speak OpenAI's HTTP dialect: Speaches, LocalAI, Kokoro servers, hosted services.

What is common among OpenAI's imitators is accepted: WAV where raw audio was asked for, silence around the words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import orjson

from parola.config import ProviderSettings
from parola.outbound.http import Connections, Endpoint
from parola.providers.base import (
    JSON,
    Capabilities,
    SpeechChunk,
    Transcript,
    TranscriptionSettings,
    Voice,
    VoiceSettings,
)

if TYPE_CHECKING:
    import aiohttp

# -- speech to text -------------------------------------------------------------------------------------------------


class OpenAISpeechToText:
    """``SpeechToText`` over ``POST /audio/transcriptions``: a WAV file for each transcription."""

    capabilities = Capabilities()

    def __init__(self, settings: ProviderSettings, connections: Connections, *, name: str = "openai") -> None:
        self.name = name
        self.endpoint = Endpoint(settings, "/audio/transcriptions", connections, name)
        self.model = settings.model or "whisper-1"
        self._connections = connections

    def open(self, settings: TranscriptionSettings) -> OpenAITranscription:
        return OpenAITranscription(self, settings)

    async def warm_up(self) -> None:
        """Make the HTTP client. The service itself is not asked."""
        await self._connections.client()

    async def aclose(self) -> None:
        """The connections belong to the process."""


class OpenAITranscription:
    """One conversation's ear."""

    def __init__(self, provider: OpenAISpeechToText, settings: TranscriptionSettings) -> None:
        self._provider = provider
        self._settings = settings
        self._pcm = bytearray()

    def send(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def transcribe(self) -> Transcript:
        if not self._pcm:
            return Transcript("")
        endpoint = self._provider.endpoint
        async with endpoint.post(self._form) as response:
            if response.status != 200:
                raise (await endpoint.refusal(response))[1]
            body = await response.read()
        try:
            text = orjson.loads(body)["text"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise endpoint.failed(f'answered {body[:80]!r} where {{"text": …}} was expected.') from None
        return Transcript(str(text or "").strip())

    def _form(self) -> aiohttp.FormData:
        import aiohttp

        form = aiohttp.FormData({"model": self._provider.model, "response_format": "json"})
        if self._settings.language:
            form.add_field("language", self._settings.language[:2])
        if self._settings.keywords:
            form.add_field("prompt", ", ".join(self._settings.keywords))
        wav = wav_header(len(self._pcm), self._settings.sample_rate) + self._pcm
        form.add_field("file", BytesIO(wav), filename="turn.wav", content_type="audio/wav")
        return form

    def reset(self) -> None:
        self._pcm.clear()

    async def aclose(self) -> None:
        self._pcm.clear()


def wav_header(size: int, sample_rate: int) -> bytes:
    """The 44 bytes that make ``size`` bytes of pcm a WAV file."""
    return b"".join(
        (
            *(b"RIFF", (36 + size).to_bytes(4, "little"), b"WAVEfmt ", (16).to_bytes(4, "little")),
            *((1).to_bytes(2, "little"), (1).to_bytes(2, "little"), sample_rate.to_bytes(4, "little")),
            *((2 * sample_rate).to_bytes(4, "little"), (2).to_bytes(2, "little"), (16).to_bytes(2, "little")),
            *(b"data", size.to_bytes(4, "little")),
        )
    )


# -- text to speech -------------------------------------------------------------------------------------------------


class OpenAITextToSpeech:
    """``TextToSpeech`` over ``POST /audio/speech``, raw audio handed on as it arrives.

    Its settings' options: ``voices``, a list of names, and ``sample_rate`` (default 24000) of the service's pcm.
    """

    capabilities = Capabilities()

    def __init__(self, settings: ProviderSettings, connections: Connections, *, name: str = "openai") -> None:
        self.name = name
        named = [str(voice) for voice in settings.options.get("voices") or ()]
        known = list(dict.fromkeys([*([settings.voice] if settings.voice else []), *named]))
        self.voices: Sequence[Voice] = tuple(Voice(voice, voice, f"A voice of {name}.") for voice in known)
        self._endpoint = Endpoint(settings, "/audio/speech", connections, name)
        self._connections = connections
        self._model = settings.model or "tts-1"
        self._voice = settings.voice or (known[0] if known else "alloy")
        self._sample_rate = int(settings.options.get("sample_rate", 24000))

    async def speak(self, text: str, voice: VoiceSettings) -> AsyncIterator[SpeechChunk]:
        """One request for the text. Silence before and after it is dropped, whole samples only are handed on."""
        if not any(char.isalnum() for char in text):
            return
        body: dict[str, JSON] = {
            "model": voice.model or self._model,
            "input": text,
            "voice": voice.voice or self._voice,
            "response_format": "pcm",
        }
        if voice.speed != 1.0:
            body["speed"] = voice.speed
        async with self._endpoint.post(orjson.dumps(body), {"content-type": "application/json"}) as response:
            if response.status != 200:
                raise (await self._endpoint.refusal(response))[1]
            kind = response.headers.get("content-type", "").partition(";")[0]
            if kind in ("audio/mpeg", "audio/mp3", "audio/ogg", "audio/flac", "audio/aac", "application/json"):
                raise self._endpoint.failed(f"answered {kind}, where raw pcm was asked for.")
            reader = _PcmReader(self._sample_rate)
            async for chunk in response.content.iter_any():
                if pcm := reader.add(chunk):
                    yield SpeechChunk(pcm, reader.sample_rate)
            if pcm := reader.close():
                yield SpeechChunk(pcm, reader.sample_rate)

    async def warm_up(self) -> None:
        """Make the HTTP client. The service itself is not asked."""
        await self._connections.client()

    async def aclose(self) -> None:
        """The connections belong to the process."""


_QUIET = 160
"""Samples no louder than this are silence (-46 dB)."""
_LEAD_SECONDS = 0.02
_TAIL_SECONDS = 0.06


class _PcmReader:
    """Bytes in, speech out: a WAV header is read and taken off, half samples wait for the other half, silence at
    either end is dropped but for a breath."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._rest = b""
        self._has_begun = False
        self._has_spoken = False
        self._quiet = b""
        """Silence that may turn out to be the end."""

    def add(self, chunk: bytes) -> bytes:
        """Take in what arrived; returns what can be played, maybe nothing yet."""
        chunk = self._rest + chunk
        self._rest = b""
        if not self._has_begun:
            if len(chunk) < 4 or (chunk.startswith(b"RIFF") and (start := self._header(chunk)) < 0):
                self._rest = chunk
                return b""
            self._has_begun = True
            chunk = chunk[start:] if chunk.startswith(b"RIFF") else chunk
        if len(chunk) % 2:
            chunk, self._rest = chunk[:-1], chunk[-1:]
        return self._trimmed(chunk)

    def close(self) -> bytes:
        """No more will come: a breath of the silence at the end."""
        return self._quiet[: 2 * int(_TAIL_SECONDS * self.sample_rate)] if self._has_spoken else b""

    def _header(self, chunk: bytes) -> int:
        """Where the samples of a WAV file begin; below 0: further on."""
        position = 12
        while position + 8 <= len(chunk):
            size = int.from_bytes(chunk[position + 4 : position + 8], "little")
            kind = chunk[position : position + 4]
            if kind == b"data":
                return position + 8
            if kind == b"fmt " and position + 16 <= len(chunk):
                self.sample_rate = int.from_bytes(chunk[position + 12 : position + 16], "little")
            position += 8 + size + size % 2
        return -1

    def _trimmed(self, pcm: bytes) -> bytes:
        import numpy as np

        pcm = self._quiet + pcm
        loud = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > _QUIET)
        if not len(loud):
            keep = len(pcm) if self._has_spoken else 2 * int(_LEAD_SECONDS * self.sample_rate)
            self._quiet = pcm[-keep:]
            return b""
        begin = 0 if self._has_spoken else max(0, 2 * (int(loud[0]) - int(_LEAD_SECONDS * self.sample_rate)))
        end = 2 * (int(loud[-1]) + 1)
        self._has_spoken = True
        self._quiet = pcm[end:]
        return pcm[begin:end]
