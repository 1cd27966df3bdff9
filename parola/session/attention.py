"""Whom to listen to: of all that sounds like speech, what did the caller say?

Not the agent's own voice as it comes back (``echo.py``), and, where the agent's owner asks for it, not the television
(``levels.py``). ``Listening`` shows every window to the conversation's ``Attention`` and asks about those that would
begin or prolong an utterance. A call in which nothing plays and nobody else speaks pays for none of it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from parola.conversation.setup import Setup
from parola.session.audio import AudioFormat
from parola.session.echo import ArrivalClock, EchoGuard
from parola.session.levels import Loudness, MainSpeaker, QuietGate, decibels

Int16 = NDArray[np.int16]

RECENT_WINDOWS = 6
"""A voice is as loud as the loudest of its last windows: speech has soft sounds in it."""


def attention_for(setup: Setup) -> Attention:
    """What this conversation's agent wants."""
    guard = EchoGuard(AudioFormat.parse(setup.output_format)) if setup.guards_echo else None
    return Attention(guard, ignores_background=setup.ignores_background)


class Attention:
    """One conversation's."""

    __slots__ = ("_arrivals", "_ends_at", "_gate", "_guard", "_main", "_windows", "loudness")

    def __init__(self, guard: EchoGuard | None = None, *, ignores_background: bool = False) -> None:
        self._guard = guard
        self._main = MainSpeaker() if ignores_background else None
        self._gate = QuietGate()
        self._arrivals = ArrivalClock()
        self._windows: deque[Int16] = deque(maxlen=RECENT_WINDOWS)
        self._ends_at = 0.0
        """When the last sample of the window was due."""
        self.loudness = Loudness()
        """Of the caller, for those who transcribe."""

    # -- the agent ----------------------------------------------------------------------------------------------------

    def agent_spoke(self, audio: bytes, now: float) -> None:
        """The client was sent ``audio`` to play."""
        if self._guard is not None:
            self._guard.played(audio, now)

    def agent_cut(self, now: float) -> None:
        """The client was told to play no more."""
        if self._guard is not None:
            self._guard.cut(now)

    # -- the caller ---------------------------------------------------------------------------------------------------

    def arrived(self, samples: int, now: float) -> None:
        """So many samples have come, in all."""
        self._arrivals.arrived(samples, now)

    def take(self, window: Int16, end: int) -> None:
        """The next window; ``end`` is the number of the sample behind it."""
        self._windows.append(window)
        if self._guard is not None:
            self._ends_at = self._arrivals.at(end)
            if self._guard.is_awake(self._ends_at):
                self._guard.heard(window, end, self._ends_at)

    def is_quiet(self) -> bool:
        """Whether the window is too quiet to be speech."""
        return self._gate.is_quiet(self._windows[-1])

    def was_no_speech(self) -> None:
        """The detector is certain about the window."""
        self._gate.was_no_speech(self._windows[-1])

    def own_words(self, windows: int) -> int:
        """How many of the newest windows, up to the last without a break, the caller spoke in. They sound like speech:
        whose?"""
        if self._guard is not None:
            windows = self._guard.own_words(windows, self._ends_at)
        if self._main is not None and windows and self._main.is_background(self._level):
            return 0
        return windows

    @property
    def is_undecided(self) -> bool:
        """What ``own_words`` held back last may be the caller's all the same."""
        return self._guard is not None and self._guard.is_undecided

    @property
    def _level(self) -> float:
        return max(map(decibels, self._windows))

    def spoke(self, windows: int) -> None:
        """The newest windows are the caller's speech, this many that nothing was said about before."""
        for window in list(self._windows)[-windows:]:
            self.loudness.spoke(window)
        if self._main is not None:
            self._main.spoke(self._level)

    @property
    def hears_echo(self) -> bool:
        """The agent's voice is coming back."""
        return self._guard is not None and self._guard.hears_echo(self._ends_at)
