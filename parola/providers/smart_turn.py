"""The turn detector Smart Turn v3.2 on onnxruntime: does this sound like the end of what the user has to say?

It judges the melody and the pace of the last eight seconds, not the words: "I'd like, um" with a pause after it sounds
unfinished, a sentence that falls at its end sounds complete. It is often wrong about single words and about pauses in
the middle of a clause, so its verdict is one vote among others, and the conversation counts them.

The model was trained on Whisper's features. They are computed here (``log_mel``), in single precision; on speech they
differ from those of transformers 5.23.0 (``WhisperFeatureExtractor(chunk_length=8)``) by less than 0.00002, where
values span about 2.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from parola.errors import ModelMissing, ProviderError
from parola.providers.base import Capabilities
from parola.providers.catalogue import SMART_TURN, locate

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]

SAMPLE_RATE = 16000
SECONDS = 8.0

_SAMPLES = int(SECONDS * SAMPLE_RATE)
_FFT, _HOP, _MELS = 400, 160, 80
_FRAMES = _SAMPLES // _HOP
_BLOCK = 25
"""Frames that are worked on together: they fit in the cache, and their product with the filters is so small that
OpenBLAS does not share it out among threads, which on busy cores takes ten times as long."""


class SmartTurnDetector:
    """``TurnDetector``. Loads its model (8.7 MB) at ``warm_up`` or at the first prediction; one prediction keeps one
    core busy for some 85 ms, in the one thread that all conversations share."""

    name = "smart-turn"
    capabilities = Capabilities(offline=True)
    sample_rate = SAMPLE_RATE
    seconds = SECONDS

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="smart-turn")
        self._session: Any = None

    async def predict(self, pcm: bytes) -> float:
        """Raises ``ModelMissing``, or ``ProviderError`` when the run fails."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, pcm)
        except ModelMissing:
            raise
        except Exception as error:
            message = f"Smart Turn could not judge {len(pcm) // 2 / SAMPLE_RATE:.1f} s of audio"
            raise ProviderError(self.name, f"{message}: {type(error).__name__}: {error}") from error

    async def warm_up(self) -> None:
        """Load the model and run it once; raises ``ModelMissing`` when it is not installed."""
        await self.predict(bytes(2))

    async def aclose(self) -> None:
        """A prediction that has begun is left to finish in its thread."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, pcm: bytes) -> float:
        if self._session is None:
            self._session = _load(self._models_dir)
        features = log_mel(np.frombuffer(pcm[: len(pcm) & ~1], "<i2"))
        (probabilities,) = self._session.run(None, {"input_features": features[None]})
        return float(probabilities[0, 0])


def _load(models_dir: Path) -> Any:
    path = locate(models_dir, SMART_TURN)
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelMissing("Turn detection needs onnxruntime: run `pip install 'parola[speech]'`.") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


# -- features -------------------------------------------------------------------------------------------------------


def log_mel(samples: Int16) -> Float32:
    """Whisper's features of the last eight seconds, with silence in front when there is less: float32 [80, 800], one
    row for each mel band, one column for each 10 ms, mostly within -1..1. Takes about 3 ms."""
    audio = np.zeros(_SAMPLES, np.float32)
    samples = samples[-_SAMPLES:]
    if len(samples):
        audio[-len(samples) :] = samples
        audio *= np.float32(1 / 32768)
    audio -= audio.mean()
    audio /= np.sqrt(audio.var() + np.float32(1e-7))
    # Frames are centred on every tenth millisecond; Whisper drops the last one.
    frames = sliding_window_view(np.pad(audio, _FFT // 2, mode="reflect"), _FFT)[::_HOP]
    window, filters = _window(), _mel_filters()
    features = np.empty((_MELS, _FRAMES), np.float32)
    for begin in range(0, _FRAMES, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        spectrum = np.fft.rfft(frames[block] * window, axis=1)
        features[:, block] = filters @ (spectrum.real**2 + spectrum.imag**2).T
    np.maximum(features, np.float32(1e-10), out=features)
    np.log10(features, out=features)
    np.maximum(features, features.max() - np.float32(8), out=features)
    features += np.float32(4)
    features /= np.float32(4)
    return features


@cache
def _window() -> Float32:
    """float32 [400]: a Hann window, one period of it, so without the closing zero."""
    return np.hanning(_FFT + 1)[:-1].astype(np.float32)


@cache
def _mel_filters() -> Float32:
    """float32 [80, 201]: how much of each frequency each mel band takes, after M. Slaney's Auditory Toolbox: bands are
    triangles of equal area, equally wide up to 1 kHz, and from there growing by the same factor."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), _MELS + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    frequency = np.linspace(0.0, SAMPLE_RATE / 2, _FFT // 2 + 1)
    rising, falling = (frequency - low) / (centre - low), (high - frequency) / (high - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling)) * 2 / (high - low)
    return filters.astype(np.float32)


_LINEAR_HERTZ = 200 / 3
"""The width of a mel up to 1 kHz, which is 15 mels."""
_GROWTH = np.log(6.4) / 27
"""Above, each mel is higher than the one before by this, in the natural logarithm."""


def _mel(hertz: float) -> float:
    """For frequencies above 1 kHz."""
    return 15 + float(np.log(hertz / 1000)) / float(_GROWTH)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * _LINEAR_HERTZ, 1000 * np.exp((mel - 15) * _GROWTH))
