"""What nobody has recorded, said by the embedded voice."""

from __future__ import annotations

import asyncio

import numpy as np

from bench.listening.corpus import Clip
from bench.listening.sounds import RATE, levelled, trimmed
from parola.providers.base import VoiceSettings
from parola.providers.hibari import HibariTextToSpeech
from parola.session.audio import resample


class Voices:
    """Says each thing once. The same words in the same voice are the same samples on every machine."""

    def __init__(self) -> None:
        self._voice = HibariTextToSpeech()
        self._said: dict[tuple[str, str], Clip] = {}

    def speak(self, words: str, voice: str) -> Clip:
        key = words, voice
        if key not in self._said:
            self._said[key] = asyncio.run(self._speak(words, voice))
        return self._said[key]

    async def _speak(self, words: str, voice: str) -> Clip:
        chunks = [chunk async for chunk in self._voice.speak(words, VoiceSettings(voice=voice))]
        pcm = np.concatenate([np.frombuffer(chunk.pcm, np.int16) for chunk in chunks])
        samples = resample(pcm, chunks[0].sample_rate, RATE).astype(np.float32) / np.float32(32768)
        return Clip(f"{voice}: {words}", words, trimmed(levelled(samples)), is_human=False)
