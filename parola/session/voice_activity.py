"""One ear for all calls: windows of different conversations go through the detector in one run.

A run over many windows costs a quarter of as many runs over one. So a listener hands its window in and is told the
probability a moment later; windows that come within ``GATHER_SECONDS`` of each other share a run.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from parola.metrics import BATCH_SIZES, Histogram
from parola.providers.base import VoiceActivity

GATHER_SECONDS = 0.004
FEW = 4
"""With so few listeners nothing is gained by waiting for others."""


class Listener(Protocol):
    """Who wants to know: it has at most one window in a run at a time."""

    window: NDArray[np.float32]
    vad_state: Any

    def scored(self, probability: float) -> None:
        """Told the probability of ``window``; may hand in the next one. Must not raise."""

    def failed(self, error: Exception) -> None:
        """Told that the detector failed on the run its window was in. Must not raise."""


class SharedVoiceActivity:
    """Gathers windows and runs the detector. Everything happens on the event loop."""

    def __init__(self, detector: VoiceActivity, batches: Histogram | None = None) -> None:
        """``batches`` is told how many windows each run was over."""
        self.detector = detector
        self._batches = batches or Histogram(BATCH_SIZES)
        self.listeners = 0
        """How many calls are listening; with few of them nobody is waited for."""
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Listener] = []
        self._is_running = False

    def submit(self, listener: Listener) -> None:
        if not self._waiting and not self._is_running:
            if self.listeners <= FEW:
                self._loop.call_soon(self._run)
            else:
                self._loop.call_later(GATHER_SECONDS, self._run)
        self._waiting.append(listener)

    def _run(self) -> None:
        self._is_running = True
        try:
            while self._waiting:
                # Those with more windows come back at once: a long chunk is heard to its end in one go.
                batch, self._waiting = self._waiting, []
                self._score(batch)
        finally:
            self._is_running = False

    def _score(self, batch: list[Listener]) -> None:
        self._batches.observe(len(batch))
        try:
            probabilities = self.detector.probabilities(
                [listener.window for listener in batch], [listener.vad_state for listener in batch]
            )
        except Exception as error:
            for listener in batch:
                listener.failed(error)
            return
        for listener, probability in zip(batch, probabilities, strict=True):
            listener.scored(float(probability))
