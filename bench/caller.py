"""One simulated caller: streams audio in real time, takes turns, and notes when what came back.

Times are ``time.monotonic()``, which the fakes' log shares. A caller keeps its own absolute clock: held back by a busy
machine it catches up, as a real client's socket would, and notes how late it was.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from bench.fakes import ref_in
from bench.frames import CLOSE, PING, PONG, FrameReader, audio_frames, frame, upgrade

SAMPLE_RATE = 16000
TICK_SECONDS = 0.025
"""The JavaScript client's message length."""

BARGE_IN_AFTER_SECONDS = 1.0
"""How far into a reply the interrupting caller speaks again."""

REPLY_SECONDS = 8.0
"""How long an interrupting caller waits for a reply before it says the next thing anyway."""

AUDIO_PREFIX = b'{"type":"audio"'


@dataclass(frozen=True, slots=True)
class Times:
    """The pace of one run, in seconds."""

    period: float = 8.0
    """From turn to turn."""
    turns_end: float = 30.0
    """No turn begins later than this after the start."""
    listen: float = 6.0
    """How long the call goes on after that, for the last replies."""


@dataclass(frozen=True, slots=True)
class Script:
    """What every caller of one run does."""

    kind: str
    """``voice``: a spoken turn each period; ``barge_in``: the next turn begins within the reply; ``text`` and ``tool``:
    typed turns, no audio."""
    speech: tuple[bytes, ...] = ()
    """The user's turn, as frames."""
    quiet: tuple[bytes, ...] = ()
    """What the microphone hears between turns, as frames."""
    times: Times = Times()

    @classmethod
    def spoken(cls, kind: str, pcm: bytes, times: Times) -> Script:
        size = int(SAMPLE_RATE * TICK_SECONDS) * 2
        noise = random.Random(1).choices(range(-8, 9), k=size // 2 * 8)
        quiet = b"".join(sample.to_bytes(2, "little", signed=True) for sample in noise)
        return cls(kind, tuple(audio_frames(pcm, size)), tuple(audio_frames(quiet, size)), times)


@dataclass(slots=True)
class Turn:
    """One turn of a caller and what came of it."""

    started_at: float
    heard_id: int
    """The highest event id until then: what carries it or a lower one belongs to earlier turns."""
    cuts_reply: bool = False
    """The agent was being heard when the turn began."""
    ended_at: float | None = None
    """When the last sample of speech, or the text, was sent."""
    ref: int = -1
    text_at: float | None = None
    """The first text of the reply."""
    audio_at: float | None = None
    """The first audio of the reply."""
    interrupted_at: float | None = None
    old_audio_at: float | None = None
    """The last audio of the reply that was cut."""
    stale_frames: int = 0
    """Audio of the reply that was cut, sent after the interruption."""


@dataclass(slots=True)
class Call:
    """What one caller saw."""

    connect_seconds: float | None = None
    """From opening the socket to the first message."""
    error: str = ""
    turns: list[Turn] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    was_dropped: bool = False
    """The server hung up before the caller did."""


class Caller(asyncio.Protocol):
    """The wire and the script of one call. ``open`` it, then ``start`` it, then wait for ``ended``."""

    def __init__(self, script: Script, host: str, port: int, path: str, seed: int = 0) -> None:
        self.call = Call()
        self._script = script
        self._address = (host, port)
        self._path = path
        self._random = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_future()
        self._ready: asyncio.Future[bool] = self._loop.create_future()
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._opened_at = 0.0
        self._bytes_per_second = 48000
        self._heard_id = 0
        self._playback_ends_at = 0.0
        self._started_at = 0.0
        self._ticks = 0
        self._speaking: int | None = None
        self._next_turn_at: float | None = None
        self._hangs_up = False

    # -- the wire -----------------------------------------------------------------------------------------------------

    async def open(self, seconds: float = 20.0) -> bool:
        """Connect and wait for the first message; False, with ``call.error``, when it does not come."""
        self._opened_at = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await self._loop.create_connection(lambda: self, *self._address)
                return await self._ready
        except (OSError, TimeoutError) as error:
            self.call.error = self.call.error or f"{type(error).__name__}: {error}"
            return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._transport.write(upgrade(*self._address, self._path))

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._reader.is_open:
            status = self._reader.read_upgrade(data)
            if status is None:
                return
            if not self._reader.is_open:
                self.call.error = status
                self._transport.close()
                return
            self._send({"type": "conversation_initiation_client_data"})
            data = b""
        now = time.monotonic()
        for opcode, payload in self._reader.read(data):
            if opcode == CLOSE:
                if not self._hangs_up:
                    self.call.error = self.call.error or "closed: " + payload[2:].decode(errors="replace")
                self._transport.close()
            elif opcode == PING:
                self._transport.write(frame(payload, PONG))
            elif opcode != PONG:
                self._take(now, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        self.call.was_dropped = not self._hangs_up
        if not self.ended.done():
            self.ended.set_result(None)
        if not self._ready.done():
            self._ready.set_result(False)

    def hang_up(self) -> None:
        self._hangs_up = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(b"\x03\xe8", CLOSE))
            self._transport.close()

    def _send(self, message: dict[str, Any]) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(frame(orjson.dumps(message)))

    # -- what comes back ----------------------------------------------------------------------------------------------

    def _take(self, now: float, payload: bytes) -> None:
        if payload.startswith(AUDIO_PREFIX):
            at = payload.rindex(b'"event_id":') + 11
            event_id = int(payload[at : payload.index(b"}", at)].partition(b",")[0])
            seconds = len(payload) * 0.75 / self._bytes_per_second
            self._take_audio(now, event_id, seconds)
            return
        message = orjson.loads(payload)
        match message["type"]:
            case "ping":
                self._send({"type": "pong", "event_id": message["ping_event"]["event_id"]})
            case "conversation_initiation_metadata":
                codec, _, rate = message["conversation_initiation_metadata_event"][
                    "agent_output_audio_format"
                ].partition("_")
                self._bytes_per_second = int(rate) * (1 if codec == "ulaw" else 2)
                self.call.connect_seconds = now - self._opened_at
                if not self._ready.done():
                    self._ready.set_result(True)
            case "user_transcript" if self.call.turns:
                turn = self.call.turns[-1]
                if turn.ended_at is not None and turn.audio_at is None:
                    turn.ref = ref_in(message["user_transcription_event"]["user_transcript"])
            case "agent_chat_response_part" if self.call.turns:
                if message["text_response_part"]["text"]:
                    self._take_text(now)
            case "agent_response" if self.call.turns:
                self._take_text(now)
            case "interruption" if self.call.turns:
                turn = self.call.turns[-1]
                self._playback_ends_at = now
                if turn.cuts_reply and turn.interrupted_at is None:
                    turn.interrupted_at = now

    def _take_text(self, now: float) -> None:
        turn = self.call.turns[-1]
        if turn.ended_at is not None and turn.text_at is None:
            turn.text_at = now

    def _take_audio(self, now: float, event_id: int, seconds: float) -> None:
        self._playback_ends_at = max(now, self._playback_ends_at) + seconds
        if self.call.turns:
            turn = self.call.turns[-1]
            if event_id <= turn.heard_id:
                turn.old_audio_at = now
                turn.stale_frames += turn.interrupted_at is not None
            elif turn.audio_at is None and turn.ended_at is not None:
                turn.audio_at = now
                if self._script.kind == "barge_in":
                    self._next_turn_at = now + BARGE_IN_AFTER_SECONDS
        self._heard_id = max(self._heard_id, event_id)

    # -- the script ---------------------------------------------------------------------------------------------------

    def start(self, first_turn_seconds: float) -> None:
        """Begin to send audio now, and the first turn after so many seconds."""
        self._started_at = time.monotonic()
        self._next_turn_at = self._started_at + first_turn_seconds
        self._tick()

    def _tick(self) -> None:
        assert self._transport is not None
        now = time.monotonic()
        script = self._script
        if self._transport.is_closing():
            return
        if now >= self._started_at + script.times.turns_end + script.times.listen:
            self.hang_up()
            return
        due = self._started_at + self._ticks * TICK_SECONDS
        self.call.lateness.append(now - due)
        while due <= now:
            if self._speaking is None and self._next_turn_at is not None and due >= self._next_turn_at:
                self._begin_turn(now)
            if script.quiet:
                self._transport.write(self._next_frame(now))
            self._ticks += 1
            due = self._started_at + self._ticks * TICK_SECONDS
        self._loop.call_later(max(0.0, due - time.monotonic()), self._tick)

    def _begin_turn(self, now: float) -> None:
        script = self._script
        assert self._next_turn_at is not None
        if self._next_turn_at >= self._started_at + script.times.turns_end:
            self._next_turn_at = None
            return
        turn = Turn(now, self._heard_id, cuts_reply=self._playback_ends_at > now + 0.5)
        self.call.turns.append(turn)
        if script.kind == "barge_in":
            speech_seconds = len(script.speech) * TICK_SECONDS
            self._next_turn_at = now + speech_seconds + REPLY_SECONDS
        else:
            # A little unevenly, so that a turn begins anywhere within a voice activity window.
            self._next_turn_at += script.times.period * self._random.uniform(0.97, 1.03)
        if script.kind in ("text", "tool"):
            turn.ended_at = now
            turn.ref = 10**6 + self._random.randrange(10**9)
            self._send({"type": "user_message", "text": f"Where is my order ref{turn.ref}"})
        else:
            self._speaking = 0

    def _next_frame(self, now: float) -> bytes:
        script = self._script
        if self._speaking is None:
            return script.quiet[self._ticks % len(script.quiet)]
        chosen = script.speech[self._speaking]
        self._speaking += 1
        if self._speaking == len(script.speech):
            self._speaking = None
            self.call.turns[-1].ended_at = now
        return chosen
