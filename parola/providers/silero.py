"""Voice activity with Silero v6 on onnxruntime: is there speech in this 32 ms window?

One session serves the process; windows of different calls share one run, which costs a fraction per window of what
runs of their own would. What a call remembers is two small arrays. Deciding what is worth asking about (silence is
cheaper to recognise by its energy) and what a probability means are the caller's business.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parola.errors import ModelMissing
from parola.providers.catalogue import SILERO_VAD, locate

_CONTEXT = 64
_RATE = np.array(16000, np.int64)

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class SileroState:
    """What one call's detector remembers: 2.3 kB."""

    context: Float32 = field(default_factory=lambda: np.zeros(_CONTEXT, np.float32))
    """float32 [64]: the end of the window before."""
    memory: Float32 = field(default_factory=lambda: np.zeros((2, 128), np.float32))
    """float32 [2, 128]: the network's recurrent state."""


class SileroVoiceActivity:
    """``VoiceActivity``. Loads its model (2.3 MB) at the first use, or when ``load`` is called."""

    name = "silero"
    sample_rate = 16000
    window = 512

    def __init__(self, models_dir: Path) -> None:
        self._models_dir = models_dir
        self._session: Any = None
        self._loading = threading.Lock()

    def load(self) -> None:
        """Load the model now (some 100 ms); raises ``ModelMissing`` when it is not installed."""
        with self._loading:
            if self._session is not None:
                return
            path = locate(self._models_dir, SILERO_VAD)
            try:
                import onnxruntime
            except ImportError as error:
                raise ModelMissing("Voice activity needs onnxruntime: run `pip install 'parola[speech]'`.") from error
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def new_state(self) -> SileroState:
        return SileroState()

    def probabilities(self, windows: Sequence[Float32], states: Sequence[Any]) -> Sequence[float]:
        """The probability of speech in each window: float32 [512] in -1..1, the next 32 ms of the call whose state
        stands at the same place. The states are brought up to date; no state may occur twice."""
        if not windows:
            return []
        if self._session is None:
            self.load()
        count = len(windows)
        inputs = np.empty((count, _CONTEXT + self.window), np.float32)
        memory = np.empty((2, count, 128), np.float32)
        for row, (window, state) in enumerate(zip(windows, states, strict=True)):
            inputs[row, :_CONTEXT] = state.context
            inputs[row, _CONTEXT:] = window
            memory[:, row] = state.memory
            state.context[:] = window[-_CONTEXT:]
        outputs, memory = self._session.run(None, {"input": inputs, "state": memory, "sr": _RATE})
        for row, state in enumerate(states):
            state.memory[:] = memory[:, row]
        probabilities: list[float] = outputs[:, 0].tolist()
        return probabilities
