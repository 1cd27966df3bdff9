"""Sounds for the time a tool takes: made here out of noise and sines, quiet, and the same every time.

``typing`` is somebody at a keyboard; ``elevator1`` to ``elevator4`` are slow chords, one note after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from parola.conversation.events import SoundMade
from parola.conversation.tool_rules import Sound
from parola.session.audio import AudioFormat, Encoder

RATE = 16000
LOOP_SECONDS = 8
"""Then it begins again."""

PIECE_SECONDS = 0.2
AHEAD_SECONDS = 0.4
"""So much is in flight when the answer comes."""

PEAK = 0.06
"""Of full scale (-24 dB): well below a voice."""

_KEYS_A_SECOND = 5.5
_CHORDS: dict[str, tuple[tuple[int, ...], ...]] = {
    "elevator1": ((60, 64, 67, 71), (57, 60, 64, 67), (62, 65, 69, 72), (55, 59, 62, 65)),
    "elevator2": ((65, 69, 72, 76), (62, 65, 69, 72), (67, 70, 74, 77), (60, 64, 67, 70)),
    "elevator3": ((57, 60, 64, 71), (53, 57, 60, 64), (60, 64, 67, 74), (55, 59, 62, 69)),
    "elevator4": ((62, 66, 69, 73), (59, 62, 66, 69), (55, 59, 62, 66), (57, 61, 64, 67)),
}
"""MIDI notes, two seconds a chord."""


class ToolSounds:
    """Plays for one conversation: pieces in the client's format, told one by one as time goes on."""

    def __init__(self, tell: Callable[[SoundMade], None]) -> None:
        self._tell = tell
        self._playing: asyncio.Task[None] | None = None

    def start(self, sound: Sound, format: AudioFormat) -> None:
        self.stop()
        self._playing = asyncio.get_running_loop().create_task(self._play(sound, format))

    def stop(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    async def _play(self, sound: Sound, format: AudioFormat) -> None:
        loop = asyncio.get_running_loop()
        encoder = Encoder(RATE, format)
        told_until = loop.time()
        for piece in cycle(_pieces(sound)):
            if wire := encoder.encode(piece):
                seconds = format.seconds(len(wire))
                told_until += seconds
                self._tell(SoundMade(wire, seconds))
            await asyncio.sleep(max(0.0, told_until - AHEAD_SECONDS - loop.time()))


def _pieces(sound: Sound) -> tuple[bytes, ...]:
    pcm, size = loop_of(sound), int(RATE * PIECE_SECONDS) * 2
    return tuple(pcm[start : start + size] for start in range(0, len(pcm), size))


@lru_cache(maxsize=5)
def loop_of(sound: Sound) -> bytes:
    """The whole loop as 16-bit mono pcm at ``RATE``. Its end leads into its beginning without a click."""
    wave = np.zeros(RATE * LOOP_SECONDS)
    for start, part in _keys() if sound == "typing" else _notes(_CHORDS[sound]):
        at = np.arange(start, start + len(part)) % len(wave)  # what rings on past the end is heard at the beginning
        wave[at] += part
    wave *= PEAK / np.abs(wave).max()
    return bytes((wave * 32767).astype("<i2").tobytes())


def _keys() -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Key strokes: bursts of noise that die at once, in groups as words have letters."""
    random = np.random.default_rng(7)
    length = int(0.03 * RATE)
    decay = np.exp(-np.arange(length) / (0.004 * RATE))
    at = 0.1
    while at < LOOP_SECONDS - 0.1:
        noise = np.convolve(random.standard_normal(length), np.ones(3) / 3, mode="same")
        yield int(at * RATE), noise * decay * random.uniform(0.4, 1.0)
        is_end_of_word = random.random() < 0.18
        at += random.uniform(0.35, 0.8) if is_end_of_word else random.uniform(0.6, 1.4) / _KEYS_A_SECOND


def _notes(chords: tuple[tuple[int, ...], ...]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Each chord note by note, up and down, soft as on an electric piano."""
    seconds = 1.6
    time = np.arange(int(seconds * RATE)) / RATE
    envelope = np.minimum(time / 0.02, 1.0) * np.exp(-time * 2.2) * np.minimum((seconds - time) / 0.1, 1.0)
    for number, chord in enumerate(chords):
        for step, note in enumerate((*chord, *chord[-2:0:-1])):
            frequency = 440.0 * 2 ** ((note - 69) / 12)
            tone = np.sin(2 * np.pi * frequency * time) + 0.25 * np.sin(4 * np.pi * frequency * time)
            yield int((2 * number + step / 3) * RATE), tone * envelope
