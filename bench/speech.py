"""What the benchmark's callers say: 16 kHz pcm whose first and last samples are speech.

Spoken by the embedded voice when it is installed; otherwise made of a glottal pulse train and moving formants, which
is no language but speech to a voice activity detector. Kept in the system's folder for temporary files.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000
TEXT = "Can you tell me where my order is right now"
LOUDNESS = 0.5
"""Peak, of full scale."""
EDGE = 0.04
"""What is quieter than this (of full scale) at either end is not heard as speech: it is cut off."""
BLOCK = 160
LONGEST_SECONDS = 2.5
"""Longer speech is cut: the pace of the turns depends on it."""

Samples = NDArray[np.float64]


def load(*, text: str = TEXT, seconds: float = LONGEST_SECONDS) -> tuple[bytes, str]:
    """(pcm, who speaks: ``hibari`` or ``synthetic``)."""
    try:
        import hibari  # noqa: F401
    except ImportError:
        return _finish(synthetic(2.2), seconds), "synthetic"
    kept = Path(tempfile.gettempdir()) / f"parola-bench-{abs(hash_of(text)):08x}-{round(10 * seconds)}.pcm"
    if not kept.is_file():
        pcm = _finish(asyncio.run(_spoken(text)), seconds)
        part = kept.with_suffix(".part")
        part.write_bytes(pcm)
        part.replace(kept)
    return kept.read_bytes(), "hibari"


def hash_of(text: str) -> int:
    """The same in every process, unlike ``hash``."""
    import zlib

    return zlib.crc32(text.encode())


async def _spoken(text: str) -> Samples:
    from parola.providers.base import VoiceSettings
    from parola.providers.hibari import HibariTextToSpeech
    from parola.session.audio import resample

    voice = HibariTextToSpeech()
    try:
        chunks = [chunk async for chunk in voice.speak(text, VoiceSettings())]
    finally:
        await voice.aclose()
    pcm = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), np.int16)
    return resample(pcm, chunks[0].sample_rate, SAMPLE_RATE).astype(np.float64) / 32768


def synthetic(seconds: float) -> Samples:
    """A voice without words: pulses at a moving pitch through formants that change four times a second."""
    count = int(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    pitch = 120 + 25 * np.sin(2 * math.pi * 0.7 * time) + 6 * np.sin(2 * math.pi * 5 * time)
    phase = np.cumsum(pitch) / SAMPLE_RATE
    source = np.zeros(count)
    source[1:][np.floor(phase[1:]) > np.floor(phase[:-1])] = 1.0
    source += 0.01 * np.random.default_rng(1).standard_normal(count)
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
    sound = np.zeros(count)
    syllable = SAMPLE_RATE // 4
    for index, start in enumerate(range(0, count, syllable)):
        piece = source[start : start + syllable]
        for formant in vowels[index % len(vowels)]:
            piece = _resonance(piece, formant, 60 + formant * 0.04)
        swell = 0.25 + 0.75 * np.sin(np.linspace(0.15, math.pi - 0.15, len(piece)))
        sound[start : start + len(piece)] = swell * piece / (np.abs(piece).max() or 1.0)
    return sound


def _resonance(samples: Samples, frequency: float, bandwidth: float) -> Samples:
    """A two-pole filter, by its impulse response."""
    radius = math.exp(-math.pi * bandwidth / SAMPLE_RATE)
    steps = np.arange(int(6 / (1 - radius)))
    angle = 2 * math.pi * frequency / SAMPLE_RATE
    response = radius**steps * np.sin((steps + 1) * angle) / math.sin(angle)
    return np.convolve(samples, response)[: len(samples)]


def _finish(samples: Samples, seconds: float) -> bytes:
    samples = samples / (np.abs(samples).max() or 1.0) * LOUDNESS
    samples = _trimmed(_trimmed(samples)[: int(seconds * SAMPLE_RATE)])
    return (samples * 32767).astype("<i2").tobytes()


def _trimmed(samples: Samples) -> Samples:
    blocks = np.abs(samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)).max(axis=1)
    loud = np.flatnonzero(blocks >= EDGE)
    return samples[loud[0] * BLOCK : (loud[-1] + 1) * BLOCK]
