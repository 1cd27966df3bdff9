"""The agent's own voice, coming back through the caller's microphone: is this it, or is somebody speaking?

A loudspeaker telephone, or a line that reflects, returns what the agent says, later and softer and off the walls; to
the detector of speech it is speech. ``EchoGuard`` knows what was sent and when it should be playing. Asked about a
window of the caller's audio, it compares the loudness of some twenty bands of frequency, 62 times a second, with what
was sent up to 0.8 s before: no phases, so telephone codecs, loudspeakers and arrival in fits and starts do no harm.

Two questions are answered. *Is there an echo, and how late?* The pattern of the last third of a second is looked for
in what was sent. *Is there more than the echo?* Once the way through the room is known, band by band, so is the
loudness that the echo can have; what is well above it in many bands, a person said.

Pure computation, fed by times. Nothing is computed unless a window is asked about.
"""

from __future__ import annotations

import math
from collections import deque
from functools import cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from parola.session.audio import MODEL_RATE, AudioFormat, ulaw_decode

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

HOP_SECONDS = 0.016
FRAME_SECONDS = 0.032
LOWEST_HERTZ, HIGHEST_HERTZ, BANDS = 200.0, 3600.0, 20

LONGEST_DELAY_SECONDS = 0.8
"""From the moment at which a client should be playing something to its return: network, buffers, room, network."""
REVERBERATION_SECONDS = 0.3
CUT_SECONDS = 0.2
"""A client goes on playing for so long when it is told to stop."""

PATTERN_FRAMES = 20
"""How much of the caller's audio is looked for in the agent's: 0.32 s."""
DECAY_DECIBELS = 2.4
"""How much softer a room gets in a hop: 60 dB in 0.4 s."""
DYNAMIC_DECIBELS = 35.0
"""What is further below the loudest does not count: noise fills it."""
LIKE = 0.72
"""Patterns correlated so much are the same."""
FLOOR_DECIBELS = 13.0
"""Loudness of nothing, so that the logarithm of silence is a number."""

EXCESS_DECIBELS = 4.0
"""A band this far above the loudest possible echo holds something else."""
PERSON = 0.25
"""The part of the audible bands that has to hold something else."""
UNDECIDED_SECONDS = 0.3
"""So long a voice is held back, when no echo has been seen yet but one may be on its way."""
SUSPECTED_SECONDS = 0.45
"""An echo that is later than this holds nobody back before it has been heard: a second into what the agent says, the
caller's silence so far has to be enough to know that there is none."""
CLEARED_SECONDS = 0.5
"""Where no echo is known, who was found to be a person is not asked again for so long."""
MARGIN_DECIBELS = 10.0
LOUDER = 0.82
"""Patterns so much alike, at the delay that is known, are an echo that has become louder, and nobody else."""
SURE = 2
"""A delay found so often in a row is the echo's."""

_HOP = round(HOP_SECONDS * MODEL_RATE)
_DELAYS = round(LONGEST_DELAY_SECONDS / HOP_SECONDS) + 1
_SUSPECTED = round(SUSPECTED_SECONDS / HOP_SECONDS) + 1
_DECAY = 10 ** (-DECAY_DECIBELS / 10)
_MIC_FRAMES = 75
_SENT_FRAMES = 150
_RING_SAMPLES = _MIC_FRAMES * _HOP + _HOP
_KEPT_SECONDS = 2.6
_FLOOR_RISE = 0.1
_NOISE_DECIBELS = np.float32(8.0)
_FEW_BANDS = 8
_LOUDEST_PATH = np.float32(8.0)
_NEW_FRAMES = 14
_LIMIT_SECONDS = 5.0
_THINNED = 4
_FEWEST_FRAMES = 4
_FEWEST_LOUD = 10
_LOUD_DECIBELS = 45.0
_MOST_HELD = round(UNDECIDED_SECONDS / 0.032)


def _decibels(power: Float32) -> Float32:
    levels: Float32 = np.float32(10.0) * np.log10(power + np.float32(10 ** (FLOOR_DECIBELS / 10)))
    return levels


@cache
def _bank(sample_rate: int) -> tuple[Float32, Float32]:
    """(window, weights float32 [bins, bands]): band powers in squared sample units, whatever the rate."""
    size = round(FRAME_SECONDS * sample_rate)
    window = np.hanning(size).astype(np.float32)
    # Equal steps on the mel scale, as the ear's.
    edges = 700 * (np.exp(np.linspace(_mel(LOWEST_HERTZ), _mel(HIGHEST_HERTZ), BANDS + 1)) - 1)
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    inside = (frequencies[:, None] >= edges[:-1]) & (frequencies[:, None] < edges[1:])
    weights = inside.astype(np.float32) * np.float32(2 / (size * float((window**2).sum())))
    return window, weights


def _mel(hertz: float) -> float:
    return math.log(1 + hertz / 700)


def band_powers(samples: NDArray[Any], starts: NDArray[np.int64], sample_rate: int) -> Float32:
    """float32 [frames, bands]: power in each band of the frames that begin at ``starts``."""
    window, weights = _bank(sample_rate)
    frames = samples[starts[:, None] + np.arange(len(window))] * window
    spectrum = np.fft.rfft(frames)
    power: Float32 = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False) @ weights
    return power


def _powers(samples: NDArray[Any], starts: NDArray[np.int64], sample_rate: int) -> Float32:
    """float32 [frames]: mean power of the frames that begin at ``starts``, of 200 to 3600 Hz for the most part: that is
    what is left of the differences of samples a quarter of a millisecond apart. Every fourth of them tells it to half a
    decibel."""
    lag = round(sample_rate / 4000)
    few = samples[lag::_THINNED].astype(np.float32)
    few -= samples[:-lag:_THINNED]
    energy = np.concatenate(([0.0], np.cumsum(few * few, dtype=np.float64)))
    firsts, count = starts // _THINNED, (round(FRAME_SECONDS * sample_rate) - lag) // _THINNED
    power: Float32 = ((energy[firsts + count] - energy[firsts]) / count).astype(np.float32)
    return power


class ArrivalClock:
    """When the caller's samples were due, from when they arrived: the earliest arrivals of the last seconds count,
    the late ones say nothing."""

    __slots__ = ("_before", "_best", "_until")

    SECONDS = 1.5

    def __init__(self) -> None:
        self._best = self._before = math.inf
        self._until = -math.inf

    def arrived(self, samples: int, now: float) -> None:
        """So many samples have come, in all."""
        offset = now - samples / MODEL_RATE
        if now >= self._until:
            # Who has sent nothing at all for so long begins anew: a muted microphone, not a late packet.
            self._before = self._best if now < self._until + self.SECONDS else offset
            self._until = now + self.SECONDS
            self._best = offset
        elif offset < self._best:
            self._best = offset

    def at(self, samples: int) -> float:
        """When the sample of this number was due."""
        return min(self._best, self._before) + samples / MODEL_RATE


class _History:
    """Levels of one frame after the other, float32 [frames, BANDS], the newest kept."""

    __slots__ = ("_count", "_kept", "_rows", "next")

    def __init__(self, kept: int) -> None:
        self._rows = np.zeros((0, BANDS), np.float32)
        """Made with the first frame: most calls have no echo to look at."""
        self._kept = kept
        self._count = 0
        self.next = 0
        """The number of the frame behind the newest."""

    @property
    def first(self) -> int:
        """The number of the oldest frame."""
        return self.next - self._count

    def add(self, levels: Float32) -> None:
        if not len(self._rows):
            self._rows = np.zeros((self._kept * 3, BANDS), np.float32)
        if self._count + len(levels) > len(self._rows):
            kept = min(self._kept, self._count)
            self._rows[:kept] = self._rows[self._count - kept : self._count].copy()
            self._count = kept
        self._rows[self._count : self._count + len(levels)] = levels
        self._count += len(levels)
        self.next += len(levels)

    def start(self, number: int) -> None:
        """Forget everything: the next frame has this number."""
        self._count, self.next = 0, number

    def get(self, begin: int, end: int) -> Float32:
        """Frames ``begin`` to ``end``, which must be there: a view."""
        return self._rows[begin - self.first : end - self.first]


class EchoGuard:
    """One conversation's. Told what is sent (``played``, ``cut``) and every window that is heard while it ``is_awake``;
    asked (``is_echo``) about those that sound like speech."""

    __slots__ = (
        *("_bound", "_bound_at", "_cleared_until", "_delay", "_floor", "_format", "_held", "_mic", "_path", "_playing"),
        *(
            "_plays_until",
            "_ring",
            "_ring_end",
            "_sent",
            "_smeared",
            "_sounds_until",
            "_streak",
            "_width",
            "is_undecided",
        ),
    )

    def __init__(self, format: AudioFormat) -> None:
        """``format`` is what the client plays."""
        self._format = format
        self._width = 1 if format.codec == "ulaw" else 2
        """Bytes of a sample."""
        self._playing: deque[tuple[float, bytes]] = deque()
        """What was sent, each piece with the moment at which it begins to play."""
        self._plays_until = -math.inf
        """Where what is sent next will begin, or before."""
        self._sounds_until = -math.inf
        """The same, or a little later: a client does not stop at once."""
        self._ring: deque[Int16] = deque()
        self._ring_end = 0
        """The number of the sample behind the newest in the ring."""
        self._mic = _History(_MIC_FRAMES)
        """The caller's audio: frame n begins n hops after its first sample."""
        self._sent = _History(_SENT_FRAMES)
        """The agent's, with its reverberation: the middle of frame n plays n hops after the clock's zero."""
        self._smeared = np.zeros(BANDS, np.float32)
        """Powers of the newest of these."""
        self._floor = np.full(BANDS, np.inf, np.float32)
        self._delay: int | None = None
        """Of the echo, in hops, once it is certain."""
        self._path = np.zeros(BANDS, np.float32)
        """Decibels that each band gains from agent to caller."""
        self._streak = (0, 0)
        """(Delay of the last likeness, how often it was found in a row.)"""
        self._bound = np.full(_DELAYS, _LOUDEST_PATH, np.float32)
        """How loud an echo of each delay can be: louder ones would have been heard."""
        self._bound_at = 0.0
        self._cleared_until = -math.inf
        self._held = 0
        """How many windows in a row nothing could be said about."""
        self.is_undecided = False
        """The last verdict held a voice back without knowing that it is an echo."""

    # -- what is sent -------------------------------------------------------------------------------------------------

    def played(self, audio: bytes, now: float) -> None:
        """``audio`` is on its way, behind what was sent before."""
        starts = max(now, self._plays_until)
        if starts < self._sounds_until:
            self._shorten(starts)  # what a client still played after a cut, it plays no more
        self._plays_until = self._sounds_until = starts + self._format.seconds(len(audio))
        self._playing.append((starts, audio))
        while self._playing[0][0] < now - _KEPT_SECONDS:
            self._playing.popleft()

    def cut(self, now: float) -> None:
        """The client was told to stop."""
        if now < self._plays_until:
            self._plays_until = now
            self._sounds_until = min(self._sounds_until, now + CUT_SECONDS)
            self._shorten(self._sounds_until)

    def _shorten(self, until: float) -> None:
        while self._playing and self._playing[-1][0] >= until:
            self._playing.pop()
        if self._playing:
            starts, audio = self._playing[-1]
            kept = max(0, round((until - starts) * self._format.sample_rate))
            self._playing[-1] = (starts, audio[: kept * self._width])

    def is_awake(self, now: float) -> bool:
        """What is heard now may be echo: windows have to be shown to ``heard``."""
        return now < self._sounds_until + LONGEST_DELAY_SECONDS + REVERBERATION_SECONDS

    def hears_echo(self, now: float) -> bool:
        """There is an echo, and it may be sounding."""
        return self._delay is not None and self.is_awake(now)

    # -- what is heard ------------------------------------------------------------------------------------------------

    def heard(self, window: Int16, end: int, at: float) -> None:
        """The caller's next samples; ``end`` is the number of the one behind them, due ``at``."""
        if end - len(window) != self._ring_end:
            self._ring.clear()
        self._ring.append(window)
        self._ring_end = end
        if len(self._ring) * len(window) > _RING_SAMPLES + len(window):
            self._ring.popleft()
            if self._delay is None and at > self._bound_at + _LIMIT_SECONDS:
                self._limit(*self._loudness(at), at)

    def own_words(self, windows: int, at: float) -> int:
        """How many of the newest windows, up to the last without a break, hold more than the agent's own voice; the
        last sample of the last was due ``at``."""
        self.is_undecided = False
        if not self.is_awake(at):
            return windows
        if self._delay is None:
            if at < self._cleared_until:
                return windows
            if not self._may_be_echo(at):
                self._cleared_until = at + CLEARED_SECONDS
                return windows
        if not self._look():
            return windows
        here = self._hop(at)
        self._follow(here)
        if self._delay is not None:
            return self._beyond(windows, here)
        if self._is_suspect(windows, here):
            self.is_undecided = self._delay is None
            return 0
        self._cleared_until = at + CLEARED_SECONDS
        return windows

    def _hop(self, at: float) -> int:
        """What was being sent in the middle of the newest frame."""
        return round(at / HOP_SECONDS) - 1

    def _look(self) -> bool:
        """Compute the levels of the frames heard since, or of all that are kept. False: there is nothing new."""
        mic, ring = self._mic, self._ring
        oldest = -(-(self._ring_end - sum(map(len, ring))) // _HOP)
        end = self._ring_end // _HOP - 1
        if mic.next < oldest:
            mic.start(oldest)
        if end <= mic.next:
            return False
        missing = self._ring_end - mic.next * _HOP
        parts: list[Int16] = []
        for window in reversed(ring):
            parts.append(window)
            missing -= len(window)
            if missing <= 0:
                break
        samples = np.concatenate(parts[::-1])
        starts = mic.next * _HOP - (self._ring_end - len(samples)) + _HOP * np.arange(end - mic.next)
        levels = _decibels(band_powers(samples, starts, MODEL_RATE))
        mic.add(levels)
        self._floor = np.minimum(self._floor + np.float32(_FLOOR_RISE * len(levels)), levels.min(axis=0))
        return end - mic.first >= _FEWEST_FRAMES

    def _follow(self, here: int) -> None:
        """Compute the levels of what was sent, from as early as may be asked for to the hop behind ``here``."""
        sent, end = self._sent, here + 2
        first = here - _MIC_FRAMES - _DELAYS - 1
        if not first <= sent.next <= end or sent.first > first:
            sent.start(first)
            self._smeared = np.zeros(BANDS, np.float32)
        if sent.next == end:
            return
        rate = self._format.sample_rate
        samples, start = self._samples(sent.next, end)
        middles = np.rint((np.arange(sent.next, end) * HOP_SECONDS - start) * rate).astype(np.int64)
        powers = band_powers(samples, middles - round(FRAME_SECONDS * rate) // 2, rate)
        smeared = self._smeared
        for row in powers:
            row += smeared * _DECAY
            smeared = row
        self._smeared = smeared
        sent.add(_decibels(powers))

    def _samples(self, begin: int, end: int) -> tuple[Float32, float]:
        """What plays around the hops from ``begin`` to ``end``, and when its first sample does."""
        rate = self._format.sample_rate
        start = begin * HOP_SECONDS - FRAME_SECONDS
        samples = np.zeros(round(((end - begin) * HOP_SECONDS + 2 * FRAME_SECONDS) * rate) + 2, np.float32)
        for starts, audio in reversed(self._playing):
            place = round((starts - start) * rate)
            if place >= len(samples):
                continue
            if starts + self._format.seconds(len(audio)) <= start:
                break
            pcm = ulaw_decode(audio) if self._width == 1 else np.frombuffer(audio, "<i2")
            pcm = pcm[max(0, -place) : len(samples) - place]
            place = max(0, place)
            samples[place : place + len(pcm)] = pcm
        return samples, start

    # -- there is an echo ---------------------------------------------------------------------------------------------

    def _beyond(self, windows: int, here: int) -> int:
        """The echo is known: what is more than it?"""
        assert self._delay is not None
        most = min(windows, self._mic.next - self._mic.first, len(self._ring))
        persons = self._persons(most, here)
        if not persons[-1]:
            return 0
        likeness, delay = self._likeness(here)
        same = abs(delay - self._delay) <= 1
        if likeness < (LOUDER if same else LIKE):
            self._streak = (0, 0)
        else:
            # It has moved (the client's buffer has grown), or has become louder.
            self._count(delay)
            if self._streak[1] >= SURE:
                self._lock(here, delay)
            if not same:
                return 0
            persons = self._persons(most, here)
        return windows if all(persons) else persons[::-1].index(False)

    def _persons(self, windows: int, here: int) -> list[bool]:
        """Which of the newest windows hold much that the echo cannot have made. Where it made everything, the way
        through the room is learned: it changes slowly."""
        assert self._delay is not None
        frames = min(windows * len(self._ring[-1]) // _HOP, self._mic.next - self._mic.first)
        stop = here + 1 - self._delay
        echo = self._sent.get(stop - frames - 1, stop + 1)
        new = self._mic.get(self._mic.next - frames, self._mic.next)
        noise = self._floor + _NOISE_DECIBELS
        # The hop before and the one behind as well: the delay is known to a hop.
        now = echo[1:-1]
        loudest = np.maximum(np.maximum(echo[:-2], now), echo[2:])
        excess = new - np.maximum(loudest + self._path, noise)
        audible = new > max(float(self._pattern().max()) - 30.0, FLOOR_DECIBELS + 3)
        above = np.minimum(np.maximum((excess - EXCESS_DECIBELS) / 6.0, 0.0), 1.0) * audible
        firsts = np.arange(windows) * frames // windows
        more = np.add.reduceat(above.sum(axis=1), firsts)
        of = np.add.reduceat(audible.sum(axis=1), firsts)
        persons: list[bool] = (more >= PERSON * np.maximum(of, _FEW_BANDS)).tolist()
        if not any(persons):
            counts = (now > now.max() - 20.0) & (new > noise)
            step = np.minimum(np.maximum((new - now - self._path) * 0.1, -0.5), 0.5)
            self._path += (step * counts).sum(axis=0)
        return persons

    def _pattern(self) -> Float32:
        mic = self._mic
        return mic.get(max(mic.first, mic.next - PATTERN_FRAMES), mic.next)

    def _lock(self, here: int, delay: int) -> None:
        self._delay = delay
        heard = self._pattern()
        stop = here + 1 - delay
        echo = self._sent.get(stop - len(heard), stop)
        counts = echo > echo.max() - 25.0
        gains = np.where(counts, heard - echo, np.float32(np.nan))
        gains[:, counts.sum(axis=0) < 4] = np.nanmedian(gains)
        self._path = np.nanmedian(gains, axis=0).astype(np.float32)

    # -- is there an echo? --------------------------------------------------------------------------------------------

    def _is_suspect(self, windows: int, here: int) -> bool:
        """An echo is possible, but none is known. Look for one; while none is found, hold the voice back a moment."""
        likeness, delay = self._likeness(here)
        if likeness >= LIKE:
            self._count(delay)
            if self._streak[1] >= SURE:
                self._lock(here, delay)
            return True
        self._streak = (0, 0)
        self._held += windows
        return self._held <= _MOST_HELD

    def _may_be_echo(self, at: float) -> bool:
        """Whether an echo as loud as what is heard is possible, after all that was not heard."""
        heard, sent = self._loudness(at)
        levels = self._limit(heard, sent, at)
        possible = float((levels[:, -2:].max(axis=1) + self._bound)[:_SUSPECTED].max())
        return float(heard[-2:].max()) < possible + MARGIN_DECIBELS

    def _loudness(self, at: float) -> tuple[Float32, Float32]:
        """(Loudness of what is heard, and of what was sent, for as long as is kept.) Without their bands: that takes a
        hundredth of the time, and is done again and again while nobody speaks."""
        here, rate = self._hop(at), self._format.sample_rate
        heard = np.concatenate(self._ring)
        size = round(FRAME_SECONDS * MODEL_RATE)
        count = min((len(heard) - size) // _HOP + 1, _MIC_FRAMES)
        mic = _powers(heard, len(heard) - size - _HOP * np.arange(count)[::-1], MODEL_RATE)
        begin = here + 2 - count - _DELAYS
        samples, start = self._samples(begin, here + 1)
        middles = np.rint((np.arange(begin, here + 1) * HOP_SECONDS - start) * rate).astype(np.int64)
        sent = _powers(samples, middles - round(FRAME_SECONDS * rate) // 2, rate)
        smeared, powers = 0.0, sent.tolist()
        for place, power in enumerate(powers):
            powers[place] = smeared = power + smeared * _DECAY
        return _decibels(mic), _decibels(np.array(powers, np.float32))

    def _limit(self, heard: Float32, sent: Float32, at: float) -> Float32:
        """Learn how loud an echo can be at most: what the agent said has come back no louder than this. Gives the
        loudness of what was sent for each delay, float32 [delays, frames]."""
        levels = sliding_window_view(sent, len(heard))[::-1]
        self._bound = np.minimum(self._bound + np.float32(at - self._bound_at), _LOUDEST_PATH)
        self._bound_at = at
        if len(heard) > _NEW_FRAMES:
            # Only what was loud tells: a room falls silent sooner than is reckoned with here.
            past, then = levels[:, :-_NEW_FRAMES], heard[:-_NEW_FRAMES]
            peaks = past.max(axis=1, keepdims=True)
            loud = past > peaks - 10.0
            tells = (loud.sum(axis=1) >= _FEWEST_LOUD) & (peaks[:, 0] > _LOUD_DECIBELS)
            gains = np.where(loud, then - past, -np.inf).max(axis=1)
            self._bound = np.where(tells, np.minimum(self._bound, gains), self._bound).astype(np.float32)
        return levels

    def _count(self, delay: int) -> None:
        before, count = self._streak
        self._held = 0
        self._streak = (delay, count + 1 if abs(delay - before) <= 1 else 1)

    def _likeness(self, here: int) -> tuple[float, int]:
        """(How much the newest third of a second is like what was sent, after which delay it is most so)."""
        heard = self._pattern()
        count = len(heard)
        heard = np.maximum(heard, heard.max() - np.float32(DYNAMIC_DECIBELS))
        heard = heard - heard.mean(axis=0)
        sent = self._sent.get(here + 2 - count - _DELAYS, here + 1)
        views = sliding_window_view(sent, count, axis=0)  # [delays, BANDS, count]
        views = np.maximum(views, views.max(axis=(1, 2), keepdims=True) - np.float32(DYNAMIC_DECIBELS))
        views = views - views.mean(axis=2, keepdims=True)
        product = np.einsum("dbk,kb->d", views, heard)
        power = np.einsum("dbk,dbk->d", views, views) * np.float32((heard**2).sum())
        likeness = product / np.sqrt(power + np.float32(1.0))
        best = int(likeness.argmax())
        return float(likeness[best]), _DELAYS - 1 - best
