"""What happens to a voice on its way, and what else a microphone hears: float32 samples at 16 kHz, pure functions.

Everything random takes a seed, so that a scenario sounds the same every time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 16000

SPEECH_RMS = 0.08
"""How loud speech is while it sounds: -22 dB of full scale."""
AUDIBLE = -19.0
"""Decibels below speech. The true beginning and end of what is said are the first and the last 30 ms louder than
this: recordings hold breath, rooms and tape hiss at -22 to -30."""
BLOCK = 160
EDGE_SECONDS = 0.06
"""Kept around what is audible: the soft ends of consonants."""


# -- speech -----------------------------------------------------------------------------------------------------------


def blocks(samples: Samples) -> NDArray[np.float64]:
    """RMS of each 10 ms."""
    count = len(samples) // BLOCK
    loudness: NDArray[np.float64] = np.sqrt(
        np.mean(samples[: count * BLOCK].reshape(count, BLOCK).astype(np.float64) ** 2, axis=1)
    )
    return loudness


def levelled(samples: Samples, rms: float = SPEECH_RMS) -> Samples:
    """As loud as all speech here: the louder half of its blocks decides."""
    loudness = blocks(samples)
    loud = loudness[loudness > np.median(loudness)] if len(loudness) > 1 else loudness
    level = math.sqrt(float(np.mean(loud**2))) if len(loud) else 0.0
    return clipped(samples * np.float32(rms / level)) if level else samples


def clipped(samples: Samples) -> Samples:
    return np.clip(samples, -0.99, 0.99).astype(np.float32)


def sounding(samples: Samples) -> tuple[float, float]:
    """When it begins to be audible, and when it has ceased to be, in seconds."""
    power = np.convolve(blocks(samples) ** 2, np.full(3, 1 / 3), "full")
    loud = np.flatnonzero(power > (SPEECH_RMS * 10 ** (AUDIBLE / 20)) ** 2)
    if not len(loud):
        return 0.0, 0.0
    return int(loud[0]) * BLOCK / RATE, min(len(samples), max(int(loud[0]) + 1, int(loud[-1]) - 1) * BLOCK) / RATE


def trimmed(samples: Samples) -> Samples:
    """Without the silence around it, faded in and out."""
    first, last = sounding(samples)
    part = samples[max(0, int((first - EDGE_SECONDS) * RATE)) : int((last + EDGE_SECONDS) * RATE)]
    return faded(part)


def faded(samples: Samples, seconds: float = 0.005) -> Samples:
    count = min(int(seconds * RATE), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    samples = samples.copy()
    samples[:count] *= ramp
    samples[len(samples) - count :] *= ramp[::-1]
    return samples


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE), np.float32)


def joined(*parts: Samples) -> Samples:
    return np.concatenate(parts).astype(np.float32)


def louder(samples: Samples, decibels: float) -> Samples:
    return (samples * np.float32(10 ** (decibels / 20))).astype(np.float32)


def mixed(*tracks: Samples) -> Samples:
    """All at once, each from the beginning."""
    sum_ = np.zeros(max(len(track) for track in tracks), np.float32)
    for track in tracks:
        sum_[: len(track)] += track
    return clipped(sum_)


def quietest(samples: Samples, around: float) -> int:
    """Where a pause would fall: the middle of the quietest 20 ms within 0.35 s of a part (0..1) of the whole."""
    width = BLOCK * 2
    middle = int(len(samples) * around)
    first = max(0, middle - int(0.35 * RATE))
    last = min(len(samples), middle + int(0.35 * RATE))
    power = np.concatenate([[0.0], np.cumsum(samples[first:last].astype(np.float64) ** 2)])
    return first + int(np.argmin(power[width:] - power[:-width])) + width // 2


def interrupted(samples: Samples, around: float, seconds: float) -> Samples:
    """With a pause of so many seconds in it."""
    at = quietest(samples, around)
    return joined(faded(samples[:at]), silence(seconds), faded(samples[at:]))


def hum(samples: Samples, seconds: float) -> Samples:
    """ "Mm-hm", or nearly: the steadiest voiced moment of somebody's speech, drawn out, with the mouth closed."""
    width, longest = int(0.06 * RATE), int(RATE / 70)
    best, period, start = 0.0, int(RATE / 120), 0
    for at in range(0, len(samples) - width - longest, width // 2):
        window = samples[at : at + width]
        power = float(window @ window)
        if power < width * (0.5 * SPEECH_RMS) ** 2:
            continue
        for lag in range(int(RATE / 300), longest):
            other = samples[at + lag : at + lag + width]
            likeness = float(window @ other) / math.sqrt(power * float(other @ other) + 1e-9)
            if likeness > best + 0.002:
                best, period, start = likeness, lag, at
    cycle = samples[start : start + period].astype(np.float64)
    cycle = cycle + np.linspace(0, cycle[0] - cycle[-1], period)  # no step from one to the next
    count = int(seconds * RATE)
    time = np.arange(count) / seconds / RATE
    pitch = 1.0 + 0.12 * np.where(time < 0.5, time - 0.2, 0.8 - time)
    phase = np.cumsum(pitch) % period
    sound = np.interp(phase, np.arange(period + 1), np.append(cycle, cycle[0]))
    for _ in range(2):
        sound = _low_passed(sound, 450.0)
    swell = np.abs(np.sin(2 * np.pi * np.clip(time, 0, 1))) ** 0.6
    return faded(levelled((sound * swell).astype(np.float32), SPEECH_RMS * 0.6), 0.02)


# -- noises -----------------------------------------------------------------------------------------------------------


def _low_passed(samples: NDArray[np.float64], hertz: float) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(samples)
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    return np.fft.irfft(spectrum / np.sqrt(1 + (frequency / hertz) ** 4), len(samples))


def _shaped(seconds: float, seed: int, low: float, high: float, slope: float) -> NDArray[np.float64]:
    """Noise between two frequencies, falling by so many decibels an octave; RMS 1."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    shape = np.where((frequency >= low) & (frequency <= high), (np.maximum(frequency, 50) / 1000) ** (slope / 6.02), 0)
    sound = np.fft.irfft(spectrum * shape, count)
    return sound / math.sqrt(float(np.mean(sound**2)))


def white(seconds: float, seed: int = 1) -> Samples:
    """As loud as speech."""
    return (_shaped(seconds, seed, 20, 7900, 0) * SPEECH_RMS).astype(np.float32)


def street(seconds: float, seed: int = 1) -> Samples:
    """Traffic: a rumble that comes and goes, tyres, now and then something passing. As loud as speech."""
    time = np.arange(int(seconds * RATE)) / RATE
    randoms = np.random.default_rng(seed)
    rumble = _shaped(seconds, seed, 30, 400, -6) * (1 + 0.5 * np.sin(2 * np.pi * 0.13 * time + randoms.uniform(0, 6)))
    tyres = _shaped(seconds, seed + 1, 300, 4000, -5)
    passing = np.zeros(len(time))
    for middle in np.arange(randoms.uniform(0, 2), seconds, 3.5):
        passing += np.exp(-(((time - middle) / 0.7) ** 2))
    sound = rumble + tyres * (0.3 + passing)
    return (sound / math.sqrt(float(np.mean(sound**2))) * SPEECH_RMS).astype(np.float32)


def cough(seed: int = 1) -> Samples:
    """Two bursts of breath through an open throat, the second voiced a little."""
    parts: list[Samples] = []
    for index, (length, rate) in enumerate(((0.22, 14.0), (0.30, 9.0))):
        time = np.arange(int(length * RATE)) / RATE
        burst = _shaped(length, seed * 7 + index, 250, 5000, -4) * np.exp(-rate * time) * np.minimum(time / 0.008, 1)
        voice = sum(np.sin(2 * np.pi * (150 + 10 * seed) * k * time * (1 - 0.3 * time)) / k for k in range(1, 9))
        burst = burst + 0.4 * index * voice * np.exp(-rate * time)
        parts += [burst.astype(np.float32), silence(0.08)]
    return faded(_peaked(joined(*parts), 0.5))


def click(seed: int = 1) -> Samples:
    """A key, a pen, a cup put down: some milliseconds."""
    time = np.arange(int(0.05 * RATE)) / RATE
    noise = _shaped(0.05, seed, 800, 7000, 0) * np.exp(-time * 180)
    knock = np.sin(2 * np.pi * (600 + 150 * seed) * time) * np.exp(-time * 120)
    return _peaked((noise + 2 * knock).astype(np.float32), 0.5)


def door(seed: int = 1) -> Samples:
    """A door that falls shut: a thud, and the latch."""
    time = np.arange(int(0.5 * RATE)) / RATE
    thud = np.sin(2 * np.pi * 85 * time) * np.exp(-time * 14) + _shaped(0.5, seed, 40, 900, -3) * 0.5 * np.exp(
        -time * 18
    )
    latch = np.zeros(len(time))
    at = int(0.09 * RATE)
    latch[at:] = _shaped(0.5, seed + 3, 1000, 6000, 0)[: len(time) - at] * np.exp(-time[: len(time) - at] * 90) * 0.6
    return _peaked((thud + latch).astype(np.float32), 0.6)


def _peaked(samples: Samples, peak: float) -> Samples:
    return (samples * np.float32(peak / float(np.abs(samples).max()))).astype(np.float32)


# -- rooms and wires --------------------------------------------------------------------------------------------------


def room(delay_seconds: float, seed: int = 1, reverberation_seconds: float = 0.15) -> Samples:
    """How the loudspeaker's sound arrives at the microphone: after a delay, straight first and then off the walls.
    Its energy is 1, so that the echo is as loud as what is played."""
    randoms = np.random.default_rng(seed)
    length = int(reverberation_seconds * RATE)
    tail = randoms.standard_normal(length) * np.exp(-np.arange(length) * 6.9 / length) * 0.05
    tail[np.abs(tail) < 0.01] = 0.0
    tail[0] = 1.0
    tail /= math.sqrt(float(np.sum(tail**2)))
    return joined(silence(delay_seconds), tail.astype(np.float32))
