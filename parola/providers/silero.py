"""Voice activity with Silero v6: is there speech in this 32 ms window?

The network is small (0.7 million multiplications a window) and is asked thirty times a second for each call, so it
runs here in numpy, as a handful of matrix products over the windows of all calls that came together: half of what a
general runtime takes, and to within 1e-5 of it (``docs/decisions/0014-voice-activity-in-numpy.md``). What a call
remembers is three small arrays. Deciding what is worth asking about (silence is cheaper to recognise by its energy)
and what a probability means are the caller's business.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.providers.catalogue import SILERO_VAD, locate
from parola.providers.onnx_weights import weights

Float32 = NDArray[np.float32]

_CONTEXT = 64
"""So much of the window before is heard again."""
_PADDING = 64
"""So much of the window's end is mirrored behind it."""
_FRAME, _HOP, _FRAMES = 256, 128, 4
_BINS = 129
_HIDDEN = 128
_STRIDES = (1, 2, 2, 1)
"""Of the encoder's convolutions, each over three frames."""


@dataclass(frozen=True, slots=True, eq=False)
class SileroState:
    """What one call's detector remembers: 1.3 kB."""

    context: Float32 = field(default_factory=lambda: np.zeros(_CONTEXT, np.float32))
    """float32 [64]: the end of the window before."""
    memory: Float32 = field(default_factory=lambda: np.zeros((2, _HIDDEN), np.float32))
    """float32 [2, 128]: hidden and cell state of the recurrent layer."""


class SileroVoiceActivity:
    """``VoiceActivity``. Loads its weights (2.3 MB) at the first use, or when ``load`` is called."""

    name = "silero"
    sample_rate = 16000
    window = 512

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._network: _Network | None = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load the weights now (some 10 ms); raises ``ModelMissing`` when they are not installed, or not these."""
        with self._loading:
            if self._network is None:
                path = locate(self._models_dir, SILERO_VAD)
                try:
                    self._network = _Network(weights(path))
                except (OSError, ValueError, LookupError) as error:
                    raise ModelMissing(f"The voice detector {path} cannot be read ({error}).") from None

    def new_state(self) -> SileroState:
        return SileroState()

    def probabilities(self, windows: Sequence[Float32], states: Sequence[Any]) -> Sequence[float]:
        """The probability of speech in each window: float32 [512] in -1..1, the next 32 ms of the call whose state
        stands at the same place. The states are brought up to date; no state may occur twice."""
        if not windows:
            return []
        if self._network is None:
            self.load()
        assert self._network is not None
        count = len(windows)
        heard = np.empty((count, _CONTEXT + self.window + _PADDING), np.float32)
        memory = np.empty((2, count, _HIDDEN), np.float32)
        for row, (window, state) in enumerate(zip(windows, states, strict=True)):
            heard[row, :_CONTEXT] = state.context
            heard[row, _CONTEXT:-_PADDING] = window
            memory[:, row] = state.memory
            state.context[:] = window[-_CONTEXT:]
        probabilities = self._network.run(heard, memory)
        for row, state in enumerate(states):
            state.memory[:] = memory[:, row]
        return probabilities


class _Network:
    """The 16 kHz half of the model, every convolution over the few frames of a window written as one matrix."""

    def __init__(self, named: Mapping[str, Sequence[Float32]]) -> None:
        """Raises ``LookupError`` when a weight is missing."""
        basis = next(w for w in named["stft.forward_basis_buffer"] if w.shape == (2 * _BINS, 1, _FRAME))
        place = [w is basis for w in named["stft.forward_basis_buffer"]].index(True)
        own = {name: found[place] for name, found in named.items() if len(found) > place}
        self._basis = np.ascontiguousarray(basis[:, 0].T)
        self._encoder: list[tuple[Float32, Float32]] = []
        frames = _FRAMES
        for number, stride in enumerate(_STRIDES):
            layer = f"encoder.{number}.reparam_conv"
            self._encoder.append(_as_matrix(own[f"{layer}.weight"], own[f"{layer}.bias"], frames, stride))
            frames = (frames - 1) // stride + 1
        # The gates come as input, forget, cell, output; the three that are squashed alike go together.
        order = np.r_[0 : 2 * _HIDDEN, 3 * _HIDDEN : 4 * _HIDDEN, 2 * _HIDDEN : 3 * _HIDDEN]
        recurrent = np.concatenate([own["decoder.rnn.weight_ih"], own["decoder.rnn.weight_hh"]], axis=1)
        bias = own["decoder.rnn.bias_ih"] + own["decoder.rnn.bias_hh"]
        # sigmoid(x) is (1 + tanh(x / 2)) / 2: with the halves taken here, one tanh does for all four.
        halves = np.repeat(np.array([0.5, 1.0], np.float32), [3 * _HIDDEN, _HIDDEN])
        self._recurrent = np.ascontiguousarray((recurrent[order] * halves[:, None]).T)
        self._recurrent_bias = bias[order] * halves
        self._last = np.ascontiguousarray(own["decoder.decoder.2.weight"][0, :, 0])
        self._last_bias = float(own["decoder.decoder.2.bias"][0])

    def run(self, heard: Float32, memory: Float32) -> list[float]:
        """``heard``: float32 [n, 640], its last 64 samples still to be filled in; ``memory``: [2, n, 128], brought up
        to date. Returns n probabilities."""
        count, end = len(heard), heard.shape[1] - _PADDING
        heard[:, end:] = heard[:, end - 2 : end - 2 - _PADDING : -1]
        step = heard.strides[1]
        frames = np.lib.stride_tricks.as_strided(
            heard, (count, _FRAMES, _FRAME), (heard.strides[0], _HOP * step, step), writeable=False
        )
        spectrum = frames.reshape(count * _FRAMES, _FRAME) @ self._basis
        np.multiply(spectrum, spectrum, out=spectrum)
        layer = np.sqrt(spectrum[:, :_BINS] + spectrum[:, _BINS:]).reshape(count, _FRAMES * _BINS)
        for matrix, bias in self._encoder:
            layer = layer @ matrix
            layer += bias
            np.maximum(layer, 0.0, out=layer)
        gates = np.concatenate([layer, memory[0]], axis=1) @ self._recurrent
        gates += self._recurrent_bias
        np.tanh(gates, out=gates)
        squashed = gates[:, : 3 * _HIDDEN]
        squashed += 1.0
        squashed *= 0.5
        hidden, cell = memory
        cell *= gates[:, _HIDDEN : 2 * _HIDDEN]
        cell += gates[:, :_HIDDEN] * gates[:, 3 * _HIDDEN :]
        np.multiply(gates[:, 2 * _HIDDEN : 3 * _HIDDEN], np.tanh(cell), out=hidden)
        speech = np.maximum(hidden, 0.0) @ self._last + self._last_bias
        probabilities: list[float] = (0.5 + 0.5 * np.tanh(0.5 * speech)).tolist()
        return probabilities


def _as_matrix(kernel: Float32, bias: Float32, frames: int, stride: int) -> tuple[Float32, Float32]:
    """A convolution over three frames, one frame of nothing at either end, as a matrix from all frames in to all
    frames out. ``kernel``: float32 [out, in, 3]."""
    out, channels, taps = kernel.shape
    frames_out = (frames - 1) // stride + 1
    matrix = np.zeros((frames, channels, frames_out, out), np.float32)
    for after in range(frames_out):
        for tap in range(taps):
            before = after * stride + tap - 1
            if 0 <= before < frames:
                matrix[before, :, after] = kernel[:, :, tap].T
    return np.ascontiguousarray(matrix.reshape(frames * channels, frames_out * out)), np.tile(bias, frames_out)
