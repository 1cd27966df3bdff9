"""Sound between a caller and the person who has taken over: both ways, past the loop that decides only where nothing
is decided.

The person hears what the client sends and what the client is sent. What the person says arrives in the agent's input
format, leaves in its output format, and is told to the conversation at the pace of playback: a little ahead of it, as
the agent's voice. Somebody who sends faster than that waits in a line of bounded length.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from parola.conversation.commands import OperatorSpoke
from parola.session.audio import MODEL_RATE, AudioFormat, Decoder, Encoder
from parola.session.operator_ear import OperatorEar
from parola.session.pacing import Pacing

MOST_SECONDS = 20.0
"""Of the person's voice that wait; what comes on top is dropped."""

PIECE_SECONDS = 0.2
"""What is told at once, at most."""

MOST_OWN = 64

Hear = Callable[[str, bytes], None]
"""Told of each piece of sound: ``user`` in the agent's input format, ``agent`` in its output format."""


class OperatorLine:
    """One person's. Exists while they are connected with sound."""

    def __init__(
        self,
        tell: Callable[[OperatorSpoke], None],
        hear: Hear,
        input_format: AudioFormat,
        output_format: AudioFormat,
        pacing: Pacing,
        name: Callable[[], str],
        make_ear: Callable[[], OperatorEar | None] = lambda: None,
    ) -> None:
        """``name`` is asked for, and ``make_ear`` called, when they speak: who only listens needs neither."""
        self._name = name
        self._make_ear = make_ear
        self._ear: OperatorEar | None = None
        self._has_spoken = False
        self._closing: asyncio.Task[None] | None = None
        self._hear = hear
        self._own: deque[bytes] = deque(maxlen=MOST_OWN)
        """What the person has said of late: it leaves as the agent's voice does, and they need not hear it."""
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._input_format = input_format
        self._decoder = Decoder(input_format)
        self._encoder = Encoder(MODEL_RATE, output_format)
        self._format = output_format
        self._pacing = pacing
        self._pieces: deque[bytes] = deque()
        self._waiting_seconds = 0.0
        self._plays_until = 0.0
        self._sending: asyncio.Task[None] | None = None
        self.dropped_seconds = 0.0
        """Of the person's voice, because it came too fast."""

    def user_spoke(self, audio: bytes) -> None:
        self._hear("user", audio)

    def agent_spoke(self, audio: bytes) -> None:
        if audio in self._own:
            self._own.remove(audio)
        else:
            self._hear("agent", audio)

    def speak(self, audio: bytes) -> None:
        """The person says this, in the agent's input format."""
        if self._waiting_seconds + PIECE_SECONDS > MOST_SECONDS:
            self.dropped_seconds += self._input_format.seconds(len(audio))
            return  # a flood costs neither the decoder nor the recogniser anything
        if not self._has_spoken:
            self._has_spoken, self._ear = True, self._make_ear()
        if self._ear is not None:
            self._ear.hear(audio)
        wire = self._encoder.encode(self._decoder.decode(audio).tobytes())
        size = max(2, int(self._format.bytes_per_second * PIECE_SECONDS) // 2 * 2)
        for start in range(0, len(wire), size):
            piece = wire[start : start + size]
            seconds = self._format.seconds(len(piece))
            if self._waiting_seconds + seconds > MOST_SECONDS:
                self.dropped_seconds += seconds
                continue
            self._pieces.append(piece)
            self._waiting_seconds += seconds
        if self._pieces and self._sending is None:
            self._sending = self._loop.create_task(self._send())

    async def _send(self) -> None:
        while self._pieces:
            piece = self._pieces.popleft()
            seconds = self._format.seconds(len(piece))
            self._waiting_seconds -= seconds
            now = self._loop.time()
            self._plays_until = max(self._plays_until, now) + seconds
            self._own.append(piece)
            self._tell(OperatorSpoke(piece, seconds, self._name()))
            await asyncio.sleep(max(0.0, self._plays_until - self._pacing.ahead_seconds - now))
        self._sending = None

    def close(self) -> None:
        """The person has gone."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        self._pieces.clear()
        if self._ear is not None:
            self._closing = self._loop.create_task(self._ear.aclose())
