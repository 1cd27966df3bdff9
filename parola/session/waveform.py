"""How loud a recording is over time, to draw it: the peak of each side in each short stretch.

Peaks are measured once, piece by piece, so that memory does not grow with the call, and kept in a small file beside the
recording: from the spool when it is mixed or asked for first, else from the MP3 (a hundred times slower).

The file: float64 seconds, uint32 stretches, then uint16 for each stretch of the user, then of the agent; little-endian.
"""

from __future__ import annotations

import math
import secrets
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.session.spool import played, sound
from parola.store.base import peaks_of, spool_of, stereo_of

FILE_HEAD = struct.Struct("<dI")

SHORTEST_SECONDS = 0.01
MOST_STRETCHES = 8000
"""A stretch is as short as these two allow: in two hours nine tenths of a second."""

FULL_SCALE = 32767

FRAMES_AT_ONCE = 1 << 16
"""Of an MP3 that is measured."""

Peak = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of a whole recording; both sides have as many stretches."""

    seconds: float
    user: Peak
    agent: Peak

    def drawn(self, points: int) -> tuple[list[float], list[float]]:
        """The peaks of user and agent, 0..1, in ``points`` stretches of one length."""
        starts = np.arange(points) * len(self.user) // points
        return _drawn(self.user, starts), _drawn(self.agent, starts)


def _drawn(peaks: Peak, starts: NDArray[np.int64]) -> list[float]:
    highest = np.maximum.reduceat(peaks, starts)
    return [round(value, 3) for value in np.minimum(highest / FULL_SCALE, 1.0).tolist()]


def kept_peaks(recording: Path) -> Peaks | None:
    """Of a recording that was measured; None: nobody has asked yet. Reads a small file."""
    with suppress(FileNotFoundError):
        return _read(peaks_of(recording))
    return None


def peaks(recording: Path) -> Peaks | None:
    """Of a recording that is there; None when there is none. Takes half a second for two hours when it is asked for
    first, and a minute of an old one of which only the MP3 is left: call it in a thread. Raises ``ModelMissing`` when
    the decoder it needs is not installed."""
    if (known := kept_peaks(recording)) is not None:
        return known
    for source, measure in ((spool_of(recording), measured), (stereo_of(recording), _measured_mp3)):
        with suppress(FileNotFoundError):
            found = measure(source)
            _keep(recording, found)
            return found
    return kept_peaks(recording)  # it was mixed in this moment


def keep_peaks(recording: Path) -> None:
    """Measure the spool before it goes, if nobody has. Call it in a thread."""
    if not peaks_of(recording).is_file():
        _keep(recording, measured(spool_of(recording)))


def measured(spool: Path) -> Peaks:
    """The peaks of what was recorded. Raises ``FileNotFoundError``."""
    with spool.open("rb", buffering=0) as file:
        pieces, _ = played(file.fileno())
        seconds = max((piece.at + piece.samples / piece.rate for piece in pieces), default=0.0)
        levels = {b"U": _Levels(seconds), b"A": _Levels(seconds)}
        for piece in pieces:
            levels[piece.track].add(piece.at, sound(file.fileno(), piece), piece.rate)
    return Peaks(seconds, levels[b"U"].values, levels[b"A"].values)


# -- while it is measured ----------------------------------------------------------------------------------------------


class _Levels:
    """One side, while it is measured."""

    def __init__(self, seconds: float) -> None:
        self._stretch = max(SHORTEST_SECONDS, seconds / MOST_STRETCHES)
        self._found = [0] * max(1, min(MOST_STRETCHES, math.ceil(seconds / self._stretch)))

    def add(self, at: float, samples: NDArray[np.int16], rate: int) -> None:
        """One step for each stretch that these samples reach into: few, of a long recording."""
        found, stretch = self._found, self._stretch
        # What is a millionth beside a border is the floating point's.
        place, start = min(len(found) - 1, int(at / stretch + 1e-6)), 0
        while start < len(samples):
            end = math.ceil(((place + 1) * stretch - at) * rate - 1e-3) if place < len(found) - 1 else len(samples)
            part = samples[start:end]
            if len(part):  # none of it is in the first stretch when it begins a moment before a border
                peak = max(int(np.maximum.reduce(part)), -int(np.minimum.reduce(part)))
                if peak > found[place]:
                    found[place] = peak
            place, start = place + 1, end

    @property
    def values(self) -> Peak:
        return np.array(self._found, np.uint16)


# -- the MP3, and the file --------------------------------------------------------------------------------------------


def _measured_mp3(stereo: Path) -> Peaks:
    if not stereo.is_file():
        raise FileNotFoundError(stereo)
    try:
        import miniaudio
    except ImportError:
        raise ModelMissing("The waveform of an MP3 needs the package miniaudio: install parola[speech].") from None
    about = miniaudio.mp3_get_file_info(str(stereo))
    sides = _Levels(about.duration), _Levels(about.duration)
    at = 0.0
    for block in miniaudio.mp3_stream_file(str(stereo), FRAMES_AT_ONCE):
        frames = np.frombuffer(block, np.int16).reshape(-1, about.nchannels)
        for side, levels in enumerate(sides):
            levels.add(at, np.ascontiguousarray(frames[:, side]), about.sample_rate)
        at += len(frames) / about.sample_rate
    return Peaks(about.duration, sides[0].values, sides[1].values)


def _keep(recording: Path, found: Peaks) -> None:
    """Beside the recording, unless that was deleted meanwhile: it must not come back."""
    path = peaks_of(recording)
    aside = path.with_suffix(f".{secrets.token_hex(6)}.part")  # several may measure at once
    head = FILE_HEAD.pack(found.seconds, len(found.user))
    with suppress(FileNotFoundError):
        aside.write_bytes(head + found.user.astype("<u2").tobytes() + found.agent.astype("<u2").tobytes())
        aside.replace(path)
    if not spool_of(recording).is_file() and not recording.is_file():
        path.unlink(missing_ok=True)


def _read(path: Path) -> Peaks:
    data = path.read_bytes()
    seconds, count = FILE_HEAD.unpack_from(data)
    both = np.frombuffer(data, "<u2", offset=FILE_HEAD.size).astype(np.uint16)
    return Peaks(seconds, both[:count], both[count:])
