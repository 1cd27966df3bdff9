"""Recording a voice conversation: both sides, aligned in time, as cheaply as it can be done while the call runs.

While the call runs, audio is only appended to a spool file as it crosses the wire, each piece with its place in the
call. Mixing and encoding cost a hundred times more and happen when somebody asks to hear it (``mix``): then the spool
becomes an MP3. A spool cut short by a crash still plays up to there.

A spool is a sequence of pieces: one byte for the track, a float64 for its time in seconds from the start of the call, a
uint32 for the size, then the bytes; little-endian. Tracks: ``U`` the user, 16 kHz pcm; ``A`` the agent, in the client's
output format; ``X`` what the agent still had to play is dropped at this time; ``F``, once and first, the name of that
output format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.session.audio import MODEL_RATE, AudioFormat, ulaw_decode
from parola.store.base import spool_of

_HEAD = struct.Struct("<cdI")

PIECE_SECONDS = 1.0
"""The user's audio is written in pieces of about this length."""

GAP_SECONDS = 0.5
"""A user who sent nothing for longer left a gap; shorter delays are the network's."""

BITRATE_KBPS = 32


class Recorder:
    """Writes one conversation's spool. Times are the session's clock."""

    def __init__(self, path: Path, output_format: AudioFormat, started_at: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._format = output_format
        self._started_at = started_at
        self._user: list[bytes] = []
        self._user_at = 0.0
        self._user_ends_at = 0.0
        self._user_seconds = 0.0
        self._agent_ends_at = 0.0
        self.has_audio = False
        self._write(b"F", 0.0, output_format.name.encode())

    def user_spoke(self, pcm: bytes, now: float) -> None:
        """The user's audio, 16 kHz, as it arrives."""
        if not pcm:
            return
        seconds = len(pcm) / 2 / MODEL_RATE
        at = now - self._started_at - seconds
        if at - self._user_ends_at > GAP_SECONDS:
            self._flush_user()
            self._user_ends_at = at
        if not self._user:
            self._user_at = self._user_ends_at
        self._user.append(pcm)
        self._user_seconds += seconds
        self._user_ends_at += seconds
        if self._user_seconds >= PIECE_SECONDS:
            self._flush_user()

    def agent_spoke(self, audio: bytes, seconds: float, now: float) -> None:
        """The agent's audio as it is sent: it plays when what was sent before has been played."""
        start = max(self._agent_ends_at, now - self._started_at)
        self._agent_ends_at = start + seconds
        self._write(b"A", start, audio)

    def agent_cut(self, now: float) -> None:
        """The client drops what it has not played yet."""
        self._agent_ends_at = now - self._started_at
        self._write(b"X", self._agent_ends_at, b"")

    def close(self) -> None:
        self._flush_user()
        self._file.close()

    def _flush_user(self) -> None:
        if self._user:
            self._write(b"U", self._user_at, b"".join(self._user))
            self._user.clear()
            self._user_seconds = 0.0

    def _write(self, track: bytes, at: float, data: bytes) -> None:
        self.has_audio = self.has_audio or track in b"UA"
        self._file.write(_HEAD.pack(track, at, len(data)))
        self._file.write(data)


def mix_down(recording: Path) -> bool:
    """See to it that the MP3 is there; False when nothing was recorded. Slow: call it in a thread."""
    if recording.is_file():
        return True
    spool = spool_of(recording)
    if not spool.is_file():
        return False
    aside = recording.with_suffix(".part")
    aside.write_bytes(mix(spool))
    aside.replace(recording)
    spool.unlink()
    return True


def mix(spool: Path) -> bytes:
    """The whole conversation as one MP3, both sides mixed, 16 kHz mono. Takes about a second for a minute of call:
    call it in a thread. Raises ``ModelMissing`` when the encoder is not installed."""
    try:
        import lameenc
    except ImportError:
        raise ModelMissing("Recordings need the package lameenc: install parola[speech].") from None
    samples = mixed(spool)
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(BITRATE_KBPS)
    encoder.set_in_sample_rate(MODEL_RATE)
    encoder.set_channels(1)
    encoder.set_quality(7)
    encoder.silence()
    return bytes(encoder.encode(samples.tobytes())) + bytes(encoder.flush())


def mixed(spool: Path) -> NDArray[np.int16]:
    """Both sides of a spool, added, at 16 kHz."""
    tracks = [track for track in _tracks(spool) if len(track)]
    total = np.zeros(max((len(track) for track in tracks), default=0), np.float32)
    for track in tracks:
        total[: len(track)] += track
    return np.clip(total, -32768, 32767).astype(np.int16)


def _tracks(spool: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    user: list[tuple[float, NDArray[np.int16]]] = []
    agent: list[tuple[float, NDArray[np.int16]]] = []
    output = AudioFormat("pcm", MODEL_RATE)
    for track, at, data in _pieces(spool):
        match track:
            case b"F":
                output = AudioFormat.parse(data.decode())
            case b"U":
                user.append((at, np.frombuffer(data, np.int16)))
            case b"A":
                samples = ulaw_decode(data) if output.codec == "ulaw" else np.frombuffer(data, np.int16)
                agent.append((at, samples))
            case b"X":
                agent = [
                    (start, samples[: max(0, round((at - start) * output.sample_rate))]) for start, samples in agent
                ]
    return _laid_out(user, MODEL_RATE), _at_model_rate(_laid_out(agent, output.sample_rate), output.sample_rate)


def _pieces(spool: Path) -> Iterator[tuple[bytes, float, bytes]]:
    with spool.open("rb") as file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            track, at, size = _HEAD.unpack(head)
            data = file.read(size)
            if len(data) < size:
                return
            yield track, at, data


def _laid_out(pieces: list[tuple[float, NDArray[np.int16]]], rate: int) -> NDArray[np.float32]:
    length = max((round(at * rate) + len(samples) for at, samples in pieces), default=0)
    track = np.zeros(length, np.float32)
    for at, samples in pieces:
        start = max(0, round(at * rate))
        track[start : start + len(samples)] = samples[: length - start]
    return track


def _at_model_rate(track: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    if rate == MODEL_RATE or not len(track):
        return track
    import soxr

    return np.asarray(soxr.resample(track, rate, MODEL_RATE), np.float32)
