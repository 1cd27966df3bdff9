"""What was recorded becomes something to hear: MP3 and WAV, both sides mixed, or one on each channel.

A spool is mixed once, when somebody first asks: into an MP3 of both sides together and one with the user left and the
agent right. Then the spool goes. A WAV is made anew from the MP3 of its kind whenever it is asked for.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.session.audio import MODEL_RATE, AudioFormat, ulaw_decode
from parola.session.recording import pieces
from parola.session.waveform import keep_peaks
from parola.store.base import spool_of, stereo_of, unlink_files_of

BITRATE_KBPS = 32
"""For each channel."""

ENCODER_DELAY = 1105
"""Samples by which an MP3 sounds later than what went in: 576 in the encoder, 529 in every decoder. The first 69 ms of
a call, in which nobody has spoken yet, are left out in exchange."""

Track = NDArray[np.float32]


def mix_down(recording: Path) -> bool:
    """See to it that both MP3s are there; False when nothing was recorded. Takes two seconds for a minute of call: call
    it in a thread. Raises ``ModelMissing`` when the encoder is not installed."""
    spool = spool_of(recording)
    if spool.is_file():
        with suppress(FileNotFoundError):  # it was deleted
            keep_peaks(recording)
        user, agent = tracks(spool)
        for path, channels in ((stereo_of(recording), (user, agent)), (recording, (user + agent,))):
            aside = path.with_suffix(".part")
            aside.write_bytes(mp3(*channels))
            with suppress(FileNotFoundError):  # it was deleted
                aside.replace(path)
        try:
            spool.unlink()
        except FileNotFoundError:  # the recording was deleted meanwhile, and must not come back
            unlink_files_of(recording, words=False)
    return recording.is_file()


def mp3(*channels: Track) -> bytes:
    """One or two channels of 16 kHz, of one length."""
    try:
        import lameenc
    except ImportError:
        raise ModelMissing("Recordings need the package lameenc: install parola[speech].") from None
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(BITRATE_KBPS * len(channels))
    encoder.set_in_sample_rate(MODEL_RATE)
    encoder.set_channels(len(channels))
    encoder.set_quality(7)
    encoder.silence()
    return bytes(encoder.encode(interleaved(*channels)[ENCODER_DELAY:].tobytes())) + bytes(encoder.flush())


def wav(recording: Path) -> bytes:
    """An MP3 as a WAV of 16 bits and 16 kHz, with as many channels. Raises ``ModelMissing`` when the decoder is not
    installed."""
    try:
        import miniaudio
    except ImportError:
        raise ModelMissing("WAV recordings need the package miniaudio: install parola[speech].") from None
    decoded = miniaudio.mp3_read_file_s16(str(recording))
    channels: int = decoded.nchannels
    pcm: bytes = decoded.samples.tobytes()
    head = struct.pack(
        "<4sI8sIHHIIHH4sI",
        b"RIFF",
        36 + len(pcm),
        b"WAVEfmt ",
        16,
        1,
        channels,
        MODEL_RATE,
        2 * channels * MODEL_RATE,
        2 * channels,
        16,
        b"data",
        len(pcm),
    )
    return head + pcm


def interleaved(*channels: Track) -> NDArray[np.int16]:
    """(samples, channels), 16 bits."""
    return np.clip(np.stack(channels, axis=1), -32768, 32767).astype(np.int16)


def tracks(spool: Path) -> tuple[Track, Track]:
    """The user and the agent at 16 kHz, of one length."""
    user: list[tuple[float, NDArray[np.int16]]] = []
    agent: list[tuple[float, NDArray[np.int16]]] = []
    output = AudioFormat("pcm", MODEL_RATE)
    for track, at, data in pieces(spool):
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
    both = _laid_out(user, MODEL_RATE), _at_model_rate(_laid_out(agent, output.sample_rate), output.sample_rate)
    length = max(map(len, both))
    left, right = (np.pad(track, (0, length - len(track))) for track in both)
    return left, right


def _laid_out(pieces: list[tuple[float, NDArray[np.int16]]], rate: int) -> Track:
    length = max((round(at * rate) + len(samples) for at, samples in pieces), default=0)
    track = np.zeros(length, np.float32)
    for at, samples in pieces:
        start = max(0, round(at * rate))
        track[start : start + len(samples)] = samples[: length - start]
    return track


def _at_model_rate(track: Track, rate: int) -> Track:
    if rate == MODEL_RATE or not len(track):
        return track
    import soxr

    return np.asarray(soxr.resample(track, rate, MODEL_RATE), np.float32)
