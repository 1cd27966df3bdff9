"""How loud things are: the silence of a line, and the voice of the person who is calling.

Three small trackers, fed with windows of the caller's audio. None of them knows a clock: they count windows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Int16 = NDArray[np.int16]

LOWEST_GATE, HIGHEST_GATE = 40, 1000
"""Of 32767. A window whose loudest sample is below the gate cannot be speech."""
FIRST_GATE = 100
ABOVE_NOISE = 1.3
"""The gate lies so far above the usual peak of what is no speech: hiss does not come through."""

BACKGROUND_DECIBELS = 8.0
"""A voice so far below the caller's is somebody else's: it comes from the other end of the room, or out of a box."""
OWN_DECIBELS = 6.0
"""A voice so far below the caller's may not lower what is expected of the caller."""
KNOWN_WINDOWS = 16
"""Half a second of somebody's speech, and their loudness is known."""
USUAL_POWER = 1800.0**2
"""Of speech while it sounds: -25 dB of full scale."""
MOST_GAIN, LEAST_GAIN = 16.0, 2.0
"""24 dB; below the other nothing is done."""
GAIN_STEP = 0.03
KNEE, HEADROOM = 24000.0, 8000.0

FORGOTTEN_DECIBELS = 0.003
"""How much less is expected of the caller with each window of background: 6 dB in a minute. Somebody who walks away
from the telephone is heard again, in the end."""


def decibels(window: Int16) -> float:
    """Loudness of a window, in decibels of a sample unit: full scale is 90."""
    samples = window.astype(np.float32)
    return 10 * math.log10(float(samples @ samples) / len(samples) + 1.0)


def _peak(window: Int16) -> int:
    # The methods max and min take twice as long on so few samples.
    return max(int(np.maximum.reduce(window)), -int(np.minimum.reduce(window)))


class QuietGate:
    """Which windows are too quiet to be speech: what a line always hisses, and no more."""

    __slots__ = ("_noise", "peak")

    def __init__(self) -> None:
        self.peak = FIRST_GATE
        """Below this it is quiet."""
        self._noise = FIRST_GATE / ABOVE_NOISE

    def is_quiet(self, window: Int16) -> bool:
        """Whether it cannot be speech. If it is not, let a detector decide."""
        peak = _peak(window)
        if peak >= self.peak:
            return False
        self._learn(peak)
        return True

    def was_no_speech(self, window: Int16) -> None:
        """The detector is certain of that."""
        self._learn(_peak(window))

    def _learn(self, peak: int) -> None:
        # Down at once, up slowly: a bang is not a noisy line.
        step = 0.2 if peak < self._noise else 0.05
        self._noise += step * (min(peak, 2 * self._noise) - self._noise)
        self.peak = round(min(max(self._noise * ABOVE_NOISE, LOWEST_GATE), HIGHEST_GATE))


class MainSpeaker:
    """Who is calling, by loudness: whoever is far softer is in the background."""

    __slots__ = ("_known", "level")

    def __init__(self) -> None:
        self.level = 0.0
        """Loudness of the caller's speech, in decibels of a sample unit."""
        self._known = 0

    def spoke(self, level: float) -> None:
        """A window of speech that was not background. Pauses and soft sounds between count little."""
        if self._known == 0 or level > self.level:
            self.level += (level - self.level) * (0.2 if self._known else 1.0)
        elif level > self.level - OWN_DECIBELS:
            self.level += (level - self.level) * 0.01
        self._known += 1

    def is_background(self, level: float) -> bool:
        """Whether speech this loud is somebody else's."""
        if self._known < KNOWN_WINDOWS or level > self.level - BACKGROUND_DECIBELS:
            return False
        self.level -= FORGOTTEN_DECIBELS
        return True


class Loudness:
    """Makes a soft voice as loud as others, slowly: models have learned from speech of the usual loudness."""

    __slots__ = ("_gain", "_level")

    def __init__(self) -> None:
        self._level = 0.0
        """Power of the caller's speech."""
        self._gain = 1.0

    def spoke(self, window: Int16) -> None:
        """A window of the caller's speech: loud ones count at once, soft ones slowly."""
        samples = window.astype(np.float32)
        power = float(samples @ samples) / len(samples)
        if self._level == 0.0 or power > 4 * self._level:
            self._level = power
        else:
            self._level += (power - self._level) * GAIN_STEP
        wanted = math.sqrt(USUAL_POWER / max(self._level, 1.0))
        self._gain = min(max(wanted, 1.0), MOST_GAIN)

    def scaled(self, window: Int16) -> NDArray[np.float32]:
        """As loud as a detector likes it, within -1..1: it misses the soft sounds of a soft voice."""
        gain = self._gain if self._gain >= LEAST_GAIN else 1.0
        samples: NDArray[np.float32] = window.astype(np.float32) * np.float32(gain / 32768)
        if gain > 1.0:
            np.clip(samples, -1.0, 1.0, out=samples)
        return samples

    def applied(self, pcm: bytes) -> bytes:
        """``pcm`` as loud as a model likes it; the loudest samples are bent, not clipped."""
        if self._gain < LEAST_GAIN:
            return pcm
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) * np.float32(self._gain)
        if max(float(samples.max()), -float(samples.min())) > KNEE:
            size = np.abs(samples)
            over = np.maximum(size - KNEE, 0.0)
            samples = np.sign(samples) * (np.minimum(size, KNEE) + HEADROOM * np.tanh(over / HEADROOM))
        return samples.astype(np.int16).tobytes()
