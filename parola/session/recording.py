"""Recording a voice conversation: both sides, aligned in time, as cheaply as it can be done while the call runs.

While the call runs, audio is only appended to a spool file as it crosses the wire, each piece with its place in the
call. Mixing and encoding cost a hundred times more and happen when somebody asks to hear it: then ``mixing.py`` makes
MP3s of the spool, which ``spool.py`` reads. A spool cut short by a crash still plays up to there.

A spool is a sequence of pieces: one byte for the track, a float64 for its time in seconds from the start of the call, a
uint32 for the size, then the bytes; little-endian. Tracks: ``U`` the user, 16 kHz pcm; ``A`` the agent, in the client's
output format; ``X`` what the agent still had to play is dropped at this time; ``F``, once and first, the name of that
output format.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from parola.protocol.server_messages import Audio
from parola.session.audio import MODEL_RATE, AudioFormat

HEAD = struct.Struct("<cdI")

PIECE_SECONDS = 1.0
"""The user's audio is written in pieces of about this length."""

GAP_SECONDS = 0.5
"""A user who sent nothing for longer left a gap; shorter delays are the network's."""


class Recorder:
    """Writes one conversation's spool. Times are the session's clock; ``started_at`` is the spool's zero."""

    def __init__(self, path: Path, output_format: AudioFormat, started_at: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._format = output_format
        self.started_at = started_at
        self._user: list[bytes] = []
        self._user_at = 0.0
        self._user_ends_at = 0.0
        self._user_seconds = 0.0
        self._agent_ends_at = 0.0
        self.has_user_audio = False
        self.has_agent_audio = False
        self._write(b"F", 0.0, output_format.name.encode())

    def user_spoke(self, pcm: bytes, now: float) -> None:
        """The user's audio, 16 kHz, as it arrives."""
        if not pcm:
            return
        self.has_user_audio = True
        seconds = len(pcm) / 2 / MODEL_RATE
        at = now - self.started_at - seconds
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

    def agent_spoke(self, message: Audio, seconds: float, now: float) -> float:
        """The agent's audio as it is sent: it plays when what was sent before has been played. Returns when that is,
        in seconds from the start of the call."""
        start = max(self._agent_ends_at, now - self.started_at)
        self._agent_ends_at = start + seconds
        self.has_agent_audio = True
        self._write(b"A", start, message.audio_base_64)
        return start

    def agent_cut(self, now: float) -> None:
        """The client drops what it has not played yet."""
        self._agent_ends_at = now - self.started_at
        self._write(b"X", self._agent_ends_at, b"")

    def turn(self, index: int, turn: Mapping[str, Any]) -> None:
        """A turn as it is kept: nothing to a recording of everything."""

    def close(self) -> None:
        """Nothing more comes. May take a moment: call it in a thread."""
        self._flush_user()
        self._file.close()

    def discard(self) -> None:
        """Somebody takes part who may not be recorded: nothing of the recording remains."""
        path = Path(self._file.name)
        self._file.close()
        path.unlink(missing_ok=True)

    @property
    def has_audio(self) -> bool:
        return self.has_user_audio or self.has_agent_audio

    def _flush_user(self) -> None:
        if self._user:
            self._write(b"U", self._user_at, b"".join(self._user))
            self._user.clear()
            self._user_seconds = 0.0

    def _write(self, track: bytes, at: float, data: bytes) -> None:
        self._file.write(HEAD.pack(track, at, len(data)))
        self._file.write(data)
