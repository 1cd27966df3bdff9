"""Speech for tests that listen: the recorded sentence, the wire's formats, and how well words were understood."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parola.session.audio import read_wav, resample

RECORDING = Path(__file__).parents[1] / "audio" / "amiable.wav"
WORDS = "He might even have been made amiable himself."

Int16 = NDArray[np.int16]


@cache
def recording() -> bytes:
    """The sentence, 16 kHz pcm, with a second of silence after it."""
    pcm, rate = read_wav(RECORDING)
    assert rate == 16000
    return pcm + bytes(2 * rate)


def rate_of(name: str) -> int:
    return int(name.split("_")[1])


def bytes_per_second(name: str) -> int:
    return rate_of(name) * (1 if name.startswith("ulaw") else 2)


def encoded(samples: Int16, name: str) -> bytes:
    """Samples at a format's own rate as its bytes."""
    return _ulaw(samples) if name.startswith("ulaw") else samples.astype("<i2").tobytes()


def decoded(audio: bytes, name: str) -> Int16:
    """A format's bytes as samples at 16 kHz."""
    samples = _linear(audio) if name.startswith("ulaw") else np.frombuffer(audio, "<i2")
    return resample(samples.astype(np.int16), rate_of(name), 16000)


def word_error_rate(heard: str, said: str) -> float:
    """Edits between the words of two sentences, for each word that was said."""
    a, b = (re.findall(r"[a-z']+", text.lower()) for text in (said, heard))
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1] / len(a)


# G.711 as the recommendation tells it, sample by sample, so that the server's own tables are not their own judge.


def _ulaw(samples: Int16) -> bytes:
    codes = bytearray()
    for sample in samples.tolist():
        magnitude = min(abs(sample), 32635) + 132
        exponent = magnitude.bit_length() - 8
        code = exponent << 4 | magnitude >> exponent + 3 & 15
        codes.append(~(code | (0x80 if sample < 0 else 0)) & 0xFF)
    return bytes(codes)


def _linear(audio: bytes) -> Int16:
    samples = []
    for byte in audio:
        code = ~byte & 0xFF
        magnitude = ((code & 15) << 3 | 132) << (code >> 4 & 7)
        samples.append(132 - magnitude if code & 0x80 else magnitude - 132)
    return np.array(samples, np.int16)
