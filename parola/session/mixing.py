"""What was recorded becomes something to hear: MP3 and WAV, both sides mixed, or one on each channel.

A spool is mixed once, when somebody first asks: into an MP3 of both sides together and one with the user left and the
agent right. Then the spool goes. A WAV is made anew from the MP3 of its kind whenever it is asked for.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.session.audio import MODEL_RATE
from parola.session.spool import laid_out, played
from parola.session.waveform import keep_peaks
from parola.store.base import spool_of, stereo_of, unlink_files_of

BITRATE_KBPS = 32
"""For each channel."""

ENCODER_DELAY = 1105
"""Samples by which an MP3 sounds later than what went in: 576 in the encoder, 529 in every decoder. The first 69 ms of
a call, in which nobody has spoken yet, are left out in exchange."""

BLOCK_SECONDS = 10
"""What of a recording is in memory at a time."""

Track = NDArray[np.float32]


def mix_down(recording: Path) -> bool:
    """See to it that both MP3s are there; False when nothing was recorded. Takes two seconds for a minute of call, and
    as little memory for hours: call it in a thread. Raises ``ModelMissing`` when the encoder is not installed."""
    spool = spool_of(recording)
    if spool.is_file():
        with suppress(FileNotFoundError):  # it was deleted
            keep_peaks(recording)
        stereo, mono = Mp3(stereo_of(recording), 2), Mp3(recording, 1)
        with spool.open("rb", buffering=0) as file, stereo, mono:
            for user, agent in sides(file.fileno()):
                stereo.add(user, agent)
                mono.add(user + agent)
        stereo.keep()
        mono.keep()
        try:
            spool.unlink()
        except FileNotFoundError:  # the recording was deleted meanwhile, and must not come back
            unlink_files_of(recording, words=False)
    return recording.is_file()


class Mp3:
    """An MP3 of one or two channels at 16 kHz while it is made: beside its place until it is whole."""

    def __init__(self, path: Path, channels: int) -> None:
        try:
            import lameenc
        except ImportError:
            raise ModelMissing("Recordings need the package lameenc: install parola[speech].") from None
        self._path = path
        self._aside = path.with_suffix(".part")
        self._encoder = lameenc.Encoder()
        self._encoder.set_bit_rate(BITRATE_KBPS * channels)
        self._encoder.set_in_sample_rate(MODEL_RATE)
        self._encoder.set_channels(channels)
        self._encoder.set_quality(7)
        self._encoder.silence()
        self._encoder.encode(b"")  # of a call that was killed before anything was written there is nothing to add
        self._left_out = ENCODER_DELAY

    def __enter__(self) -> Mp3:
        self._file = self._aside.open("wb")
        return self

    def add(self, *channels: Track) -> None:
        """The next samples; as many of each channel."""
        samples = interleaved(*channels)[self._left_out :]
        self._left_out = max(0, self._left_out - len(channels[0]))
        if len(samples):
            self._file.write(self._encoder.encode(samples.tobytes()))

    def __exit__(self, failed: object, *_: object) -> None:
        if not failed:
            self._file.write(self._encoder.flush())
        self._file.close()
        if failed:
            self._aside.unlink(missing_ok=True)

    def keep(self) -> None:
        """It is whole."""
        with suppress(FileNotFoundError):  # it was deleted
            self._aside.replace(self._path)


def wav(recording: Path, into: BinaryIO) -> None:
    """Write an MP3 as a WAV of 16 bits and 16 kHz, with as many channels, into a file that is empty. Raises
    ``ModelMissing`` when the decoder is not installed."""
    try:
        import miniaudio
    except ImportError:
        raise ModelMissing("WAV recordings need the package miniaudio: install parola[speech].") from None
    channels: int = miniaudio.mp3_get_file_info(str(recording)).nchannels
    into.write(_wav_head(channels, 0))
    size = 0
    for block in miniaudio.mp3_stream_file(str(recording), MODEL_RATE * BLOCK_SECONDS):
        size += into.write(block.tobytes())
    into.seek(0)
    into.write(_wav_head(channels, size))


def _wav_head(channels: int, size: int) -> bytes:
    return struct.pack(
        "<4sI8sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVEfmt ",
        16,
        1,
        channels,
        MODEL_RATE,
        2 * channels * MODEL_RATE,
        2 * channels,
        16,
        b"data",
        size,
    )


def interleaved(*channels: Track) -> NDArray[np.int16]:
    """(samples, channels), 16 bits."""
    return np.clip(np.stack(channels, axis=1), -32768, 32767).astype(np.int16)


def sides(spool: int) -> Iterator[tuple[Track, Track]]:
    """The user and the agent at 16 kHz, of an open spool, in blocks: both sides of a block have one length."""
    pieces, output = played(spool)
    user = laid_out(spool, [piece for piece in pieces if piece.track == b"U"], MODEL_RATE * BLOCK_SECONDS)
    rate = output.sample_rate
    agent = laid_out(spool, [piece for piece in pieces if piece.track == b"A"], rate * BLOCK_SECONDS)
    return _side_by_side(user, agent if rate == MODEL_RATE else _at_model_rate(agent, rate))


def _side_by_side(one: Iterator[Track], other: Iterator[Track]) -> Iterator[tuple[Track, Track]]:
    """Two tracks that come in blocks of any length, in blocks of one; the shorter becomes silent."""
    left = right = np.zeros(0, np.float32)
    while True:
        left = left if len(left) else next(filter(len, one), left)
        right = right if len(right) else next(filter(len, other), right)
        if not len(left) and not len(right):
            return
        length = min(len(left) or len(right), len(right) or len(left))
        silent = np.zeros(length, np.float32)
        yield (left[:length] if len(left) else silent), (right[:length] if len(right) else silent)
        left, right = left[length:], right[length:]


def _at_model_rate(track: Iterator[Track], rate: int) -> Iterator[Track]:
    import soxr

    stream = soxr.ResampleStream(rate, MODEL_RATE, 1, dtype="float32")
    for block in track:
        yield np.asarray(stream.resample_chunk(block), np.float32)
    yield np.asarray(stream.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)
