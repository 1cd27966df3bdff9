"""Audio between the wire and the models: formats, G.711 µ-law, resampling, and WAV files.

Pure computation on numpy arrays: no sockets, no clock, no threads. The wire speaks one of seven formats
(``FORMATS``); inside, speech going to the models is 16 kHz and speech from a voice has the voice's own rate.
``Decoder`` turns a client's bytes into samples for the models, ``Encoder`` turns a voice's samples into a client's
bytes; both are streams, one per conversation and direction, and both cost almost nothing when the rates agree.

Samples are int16 unless a function says otherwise. Sources: ITU-T G.711 for µ-law; the resampler is a windowed-sinc
polyphase filter (Kaiser, beta 8, 24 input samples wide, cut-off at 0.92 of the lower Nyquist frequency).
"""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.errors import InvalidRequest

Int16 = NDArray[np.int16]
Float32 = NDArray[np.float32]

FORMATS = ("pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_44100", "pcm_48000", "ulaw_8000")
"""Every audio format of the protocol, both directions."""

MODEL_RATE = 16000
"""What speech to text and voice activity listen at, in Hz."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How audio looks on the wire: mono, either 16-bit little-endian pcm or 8-bit G.711 µ-law."""

    codec: str
    """``pcm`` or ``ulaw``."""
    sample_rate: int
    """In Hz."""

    @classmethod
    def parse(cls, name: str) -> AudioFormat:
        """The format called ``name``; raises ``InvalidRequest`` when there is no such format."""
        if name not in FORMATS:
            raise InvalidRequest(f"Unknown audio format {name!r}: expected one of {', '.join(FORMATS)}.")
        codec, rate = name.split("_")
        return cls(codec, int(rate))

    @property
    def name(self) -> str:
        """As the wire spells it, for example ``pcm_16000``."""
        return f"{self.codec}_{self.sample_rate}"

    @property
    def bytes_per_second(self) -> int:
        return self.sample_rate * (1 if self.codec == "ulaw" else 2)

    def seconds(self, size: int) -> float:
        """How long ``size`` bytes of this format play."""
        return size / self.bytes_per_second


# -- µ-law --------------------------------------------------------------------------------------------------------


@cache
def _ulaw_to_pcm() -> Int16:
    """int16 [256]: the sample of each code."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 15).astype(np.int32) << 3) + 0x84 << ((code >> 4) & 7).astype(np.int32)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@cache
def _pcm_to_ulaw() -> NDArray[np.uint8]:
    """uint8 [65536]: the code of each sample, indexed by the sample's 16 bits read as unsigned."""
    # G.711 works on 14 bits. The magnitude is clipped to 8158 before the bias of 33 (8159 would spill into a ninth
    # segment), and the shift of a negative sample is arithmetic, as in every deployed codec.
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(sample), 8158) + 33
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    code = segment << 4 | (magnitude >> segment + 1) & 15
    codes: NDArray[np.uint8] = (np.where(sample < 0, 0x7F, 0xFF) ^ code).astype(np.uint8)
    return codes


def ulaw_decode(data: bytes) -> Int16:
    """One int16 sample for each µ-law byte."""
    return _ulaw_to_pcm()[np.frombuffer(data, np.uint8)]


def ulaw_encode(pcm: Int16) -> bytes:
    """One µ-law byte for each int16 sample. ``pcm`` must be contiguous."""
    return _pcm_to_ulaw()[pcm.view(np.uint16)].tobytes()


# -- resampling ---------------------------------------------------------------------------------------------------

_WIDTH = 24
_BETA = 8.0
_CUT_OFF = 0.92
_FEW_PHASES = 6


@cache
def _filters(up: int, down: int) -> Float32:
    """float32 [up, taps]: row p weighs the ``taps`` inputs around an output that lies p/up after an input.

    Row p, column j belongs to the input j - (taps/2 - 1) samples after the one just before the output. When
    decimating, the filter is stretched by down/up so that its stop band begins at the new Nyquist frequency. At most
    42 kB for the pairs of ``FORMATS``, shared by every stream of the process.
    """
    stretch = max(1.0, down / up)
    taps = 2 * math.ceil(_WIDTH * stretch / 2)
    distance = np.arange(up)[:, None] / up - (np.arange(taps)[None, :] - (taps // 2 - 1))
    inside = np.clip(1 - (distance / (taps / 2)) ** 2, 0, None)
    weights = np.sinc(distance * _CUT_OFF / stretch) * np.i0(_BETA * np.sqrt(inside))
    weights /= weights.sum(axis=1, keepdims=True)
    filters: Float32 = np.ascontiguousarray(weights, dtype=np.float32)
    return filters


class Resampler:
    """A stream of samples from one rate to another.

    The output does not depend on how the input is cut into chunks, bit for bit. n samples in give exactly
    ``ceil(n * target / source)`` out once flushed, and output k lies at the time of input k * source / target: no
    shift, but each output waits for half a filter of input to come (12 samples of the lower rate, 1.5 ms at 8 kHz).
    """

    __slots__ = (
        *("_down", "_filters", "_given", "_passes", "_position", "_tail", "_taken", "_taps", "_up"),
        *("source_rate", "target_rate"),
    )

    def __init__(self, source_rate: int, target_rate: int) -> None:
        """Rates in Hz, positive integers; any rational ratio works."""
        if source_rate <= 0 or target_rate <= 0:
            raise ValueError(f"sample rates must be positive, got {source_rate} and {target_rate}")
        self.source_rate = source_rate
        self.target_rate = target_rate
        self._passes = source_rate == target_rate
        common = math.gcd(source_rate, target_rate)
        self._up, self._down = target_rate // common, source_rate // common
        self._filters = np.ones((1, 2), np.float32) if self._passes else _filters(self._up, self._down)
        self._taps = self._filters.shape[1]
        self._restart()

    def _restart(self) -> None:
        self._tail: Float32 = np.zeros(self._taps // 2 - 1, np.float32)
        # Of the next output, in units of 1/up input samples after the start of the tail.
        self._position = 0
        self._taken = 0
        self._given = 0

    def process(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The outputs that ``samples`` complete, maybe none. int16 in gives int16 out (rounded and clipped), float32
        gives float32; one stream keeps to one of them. When the rates agree it is the same array."""
        if self._passes or not len(samples):
            return samples
        self._taken += len(samples)
        return _as(samples.dtype, self._advance(samples))

    def flush(self, dtype: type[np.int16] | type[np.float32] = np.int16) -> NDArray[Any]:
        """The outputs still waiting for input, as if silence followed. The next ``process`` begins a new stream."""
        if self._passes or not self._taken:
            return np.zeros(0, dtype)
        rest = -(-self._taken * self._up // self._down) - self._given
        outputs = self._advance(np.zeros(self._taps // 2, np.float32))[:rest]
        self._restart()
        return _as(np.dtype(dtype), outputs)

    def _advance(self, samples: NDArray[Any]) -> Float32:
        up, down = self._up, self._down
        pending = np.concatenate((self._tail, samples), dtype=np.float32, casting="unsafe")
        ready = len(pending) - self._taps + 1  # how many inputs have their whole window
        if ready <= 0:
            self._tail = pending
            return np.zeros(0, np.float32)
        count = max(0, -(-(ready * up - self._position) // down))
        # Overlapping windows of ``pending`` without a copy; numpy's sliding_window_view costs more than the filter.
        windows: Float32 = np.ndarray((ready, self._taps), np.float32, pending, strides=(4, 4))
        if up <= _FEW_PHASES:
            # Outputs k, k + up, k + 2 up ... share a filter, and their windows lie ``down`` inputs apart: a view.
            outputs = np.empty(count, np.float32)
            for first in range(min(up, count)):
                start, phase = divmod(self._position + first * down, up)
                outputs[first::up] = np.einsum("ij,j->i", windows[start::down], self._filters[phase])
        else:
            starts, phases = np.divmod(self._position + down * np.arange(count), up)
            outputs = np.einsum("ij,ij->i", windows[starts], self._filters[phases])
        # The next output may lie beyond the inputs that are ready: the tail never holds less than a window's past.
        used = min(ready, (self._position + count * down) // up)
        self._position += count * down - used * up
        self._tail = pending[used:].copy()
        self._given += count
        return outputs


def _as(dtype: np.dtype[Any], samples: Float32) -> NDArray[Any]:
    if dtype == np.int16:
        np.rint(samples, out=samples)
        np.minimum(samples, 32767, out=samples)
        np.maximum(samples, -32768, out=samples)
        return samples.astype(np.int16)
    return samples.astype(dtype, copy=False)


def resample(samples: NDArray[Any], source_rate: int, target_rate: int) -> NDArray[Any]:
    """A whole recording at another rate; int16 or float32, as given."""
    resampler = Resampler(source_rate, target_rate)
    whole = resampler.process(samples)
    return np.concatenate((whole, resampler.flush(samples.dtype.type)))


# -- streams ------------------------------------------------------------------------------------------------------


class Decoder:
    """A client's audio, in whatever chunks it comes, as samples for the models."""

    __slots__ = ("_resampler", "_spare", "format")

    def __init__(self, format: AudioFormat, target_rate: int = MODEL_RATE) -> None:
        self.format = format
        self._spare = b""
        self._resampler = Resampler(format.sample_rate, target_rate)

    def decode(self, data: bytes) -> Int16:
        """The samples that ``data`` completes, maybe none; treat them as read-only. Half a sample at the end waits
        for the next chunk."""
        if self.format.codec == "ulaw":
            return self._resampler.process(ulaw_decode(data))
        if self._spare:
            data = self._spare + data
            self._spare = b""
        if len(data) & 1:
            self._spare = data[-1:]
            data = data[:-1]
        return self._resampler.process(np.frombuffer(data, "<i2"))

    def flush(self) -> Int16:
        """The samples still inside the resampler. A lone spare byte is dropped; the next ``decode`` starts anew."""
        self._spare = b""
        return self._resampler.flush()


class Encoder:
    """A voice's audio as a client's bytes."""

    __slots__ = ("_resampler", "format")

    def __init__(self, source_rate: int, format: AudioFormat) -> None:
        self.format = format
        self._resampler = Resampler(source_rate, format.sample_rate)

    def encode(self, pcm: bytes) -> bytes:
        """The wire bytes that ``pcm`` completes; whole samples only (``ValueError`` for half a sample)."""
        if self._resampler.source_rate == self.format.sample_rate and self.format.codec == "pcm":
            return pcm
        return self._wire(self._resampler.process(np.frombuffer(pcm, "<i2")))

    def flush(self) -> bytes:
        """The bytes still inside the resampler: call it when the speech ends. The next ``encode`` starts anew."""
        return self._wire(self._resampler.flush())

    def _wire(self, samples: Int16) -> bytes:
        return ulaw_encode(samples) if self.format.codec == "ulaw" else samples.astype("<i2", copy=False).tobytes()


class Converter:
    """Wire audio of one format as another's, in whatever chunks it comes: one for each stream."""

    __slots__ = ("_decoder", "_encoder", "_passes")

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._passes = source == target
        self._decoder = Decoder(source, target.sample_rate)
        self._encoder = Encoder(target.sample_rate, target)

    def convert(self, data: bytes) -> bytes:
        """The bytes that ``data`` completes, maybe none."""
        return data if self._passes else self._encoder.encode(self._decoder.decode(data).tobytes())


# -- WAV files ----------------------------------------------------------------------------------------------------


def wav_bytes(pcm: bytes, sample_rate: int) -> bytes:
    """A whole WAV file around 16-bit mono ``pcm``."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(pcm)
    return file.getvalue()


def read_wav(source: Path | str | bytes) -> tuple[bytes, int]:
    """(16-bit mono pcm, sample rate in Hz) of a WAV file, given by path or as its bytes.

    Channels are averaged; 8, 24 and 32-bit integer samples become 16-bit. Raises ``InvalidRequest`` for anything that
    is not uncompressed WAV, ``OSError`` when the file cannot be read.
    """
    try:
        with wave.open(io.BytesIO(source if isinstance(source, bytes) else Path(source).read_bytes())) as reader:
            channels, width, rate = reader.getnchannels(), reader.getsampwidth(), reader.getframerate()
            frames = reader.readframes(reader.getnframes())
    except (wave.Error, EOFError) as error:
        raise InvalidRequest(f"Expected a WAV file with uncompressed integer samples: {error}.") from error
    frames = frames[: len(frames) - len(frames) % (width * channels)]
    # The two highest bytes of a little-endian sample are its 16-bit value; 8-bit WAV alone is unsigned.
    if width == 1:
        samples = (np.frombuffer(frames, np.uint8).astype(np.int16) - 128) << 8
    else:
        samples = np.ascontiguousarray(np.frombuffer(frames, np.uint8).reshape(-1, width)[:, -2:]).view("<i2")[:, 0]
    if channels > 1:
        samples = np.rint(samples.reshape(-1, channels).mean(axis=1)).astype(np.int16)
    return samples.astype("<i2", copy=False).tobytes(), rate
