"""One call played out: the real session between a caller made of samples and an agent whose words are known.

It runs on the loop whose clock jumps: a minute of call takes as long as the models need to hear it, and is the same
every time. What the caller hears back is all that is looked at.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from bench.listening.remembering import Clock, RememberingRegistry
from bench.listening.sounds import RATE, Samples
from parola.config import Settings, default_models_dir
from parola.conversation.setup import Setup
from parola.conversation.turn_taking import Patience
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.session.admitted import Admitted
from parola.session.audio import Resampler, ulaw_encode
from parola.session.live import LiveSessions
from parola.session.opening import Opening
from parola.session.transport import Disconnected
from parola.store.base import AgentRow
from parola.store.memory import MemoryStore
from parola.tools.context import ToolContext
from tests.virtual_time import run

MESSAGE_SECONDS = 0.025
BEFORE_SECONDS = 0.6
"""Between the start of the call and the first sample of the caller, when the agent does not speak."""
ROOM_RMS = 0.0005
"""No microphone is silent."""

REPLY = "Certainly, I will see to it."
EVENTS = (
    *("audio", "interruption", "user_transcript", "agent_response", "agent_response_correction"),
    "conversation_initiation_metadata",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """How the end of a turn is decided."""

    name: str
    eagerness: str = "normal"
    silence_seconds: float | None = None
    """Nothing but this much silence ends a turn; None: the server's own rules."""
    speculates: bool = False
    """The model is asked before it is certain that the turn is over."""
    model_seconds: float = 0.0
    """How long the language model takes to its first word."""


@dataclass(frozen=True, slots=True)
class Call:
    """What happens in one call."""

    user: Samples
    """What the caller says, from ``after_seconds`` on."""
    agent_says: str = ""
    """The agent speaks first, and this."""
    agent_answers: str = REPLY
    after_seconds: float = BEFORE_SECONDS
    """When the caller begins: after the call does, or after the agent begins to speak."""
    background: Samples | None = None
    """What else the microphone hears, from the start of the call and again and again."""
    echo: Samples | None = None
    """How the agent's voice comes back into the microphone (an impulse response), echo and all."""
    wait_seconds: float = 3.5
    """How long the caller waits for something to happen afterwards."""
    is_telephone: bool = False
    """8 kHz µ-law."""
    filters_background: bool = False
    """The agent's owner has asked for voices in the background to be ignored."""
    late_packets: int = 0
    """Not 0: one message in ten comes 0.1 to 0.3 s late, and the next behind it. Which ones, this number decides."""


@dataclass(slots=True)
class Observed:
    """What the caller heard; seconds from the caller's first sample."""

    turns: list[tuple[float, str]] = field(default_factory=list)
    """When a turn was taken, and its words."""
    audio: list[tuple[float, float]] = field(default_factory=list)
    """When a chunk came, and how long it plays."""
    interruptions: list[float] = field(default_factory=list)
    began_at: float = 0.0
    close: str = ""


class Stage:
    """Plays calls, one at a time, with models that are loaded once."""

    def __init__(self, models: Path | None = None) -> None:
        """``models`` is where the speech models are; by default where a server looks for them."""
        self.clock = Clock()
        self._settings = Settings(ephemeral=True, record_audio=False, models=models or default_models_dir())
        self._registry = RememberingRegistry(self._settings, clock=self.clock)

    def play(self, call: Call, rules: Rules, voice: str = "heart") -> Observed:
        """The agent speaks with ``voice``."""
        return run(self._play(call, rules, voice))

    async def _play(self, call: Call, rules: Rules, voice: str) -> Observed:
        store, live = MemoryStore(), LiveSessions()
        tools = ToolContext(self._settings, store, _NoSecrets(), lambda: self._registry.connections, b"")
        opening = _Opening(rules, self._settings, store, self._registry, live, tools)
        agent = AgentRow("agent_bench", "Bench", document(call, rules, voice), 0.0, 0.0)
        caller = Caller(call)
        session = await opening.open(Admitted(agent), ConversationInitiationClientData(), (), caller)
        await opening.hold(session)
        return caller.observed()


class _NoSecrets:
    """Nothing is sealed here."""

    def open(self, sealed: bytes) -> str:
        return sealed.decode()


class _Opening(Opening):
    """Opens calls whose rules may be none of the server's."""

    def __init__(self, rules: Rules, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._rules = rules

    async def _set_up(self, *arguments: Any) -> Setup:
        setup = await super()._set_up(*arguments)
        if self._rules.silence_seconds is None:
            return setup
        silence = self._rules.silence_seconds
        return replace(setup, patience=Patience(**{reason.name: silence for reason in fields(Patience)}))


def document(call: Call, rules: Rules, voice: str) -> dict[str, Any]:
    return {
        "conversation_config": {
            "agent": {
                "first_message": call.agent_says,
                "prompt": {
                    "llm": "scripted",
                    "x_script": {"default": {"say": call.agent_answers, "delay": rules.model_seconds}},
                },
            },
            "asr": {"user_input_audio_format": "ulaw_8000" if call.is_telephone else "pcm_16000"},
            "tts": {"voice_id": voice, "agent_output_audio_format": "pcm_16000"},
            "turn": {"turn_eagerness": rules.eagerness, "turn_timeout": -1, "speculative_turn": rules.speculates},
            "conversation": {"client_events": list(EVENTS)},
            "vad": {"background_voice_detection": call.filters_background},
        }
    }


class Caller:
    """``Transport`` to somebody with a microphone and a loudspeaker."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()
        self._sent = 0
        self._late_until = 0.0
        self._randoms = np.random.default_rng(call.late_packets or 1)
        self._to_telephone = Resampler(RATE, 8000)
        self._user_from: int | None = None if call.agent_says else int(call.after_seconds * RATE)
        self._played = np.zeros(int(120 * RATE), np.float32)
        self._plays_until = 0
        self._room = np.random.default_rng(5).standard_normal(RATE * 4).astype(np.float32) * np.float32(ROOM_RMS)
        self._frames: list[tuple[float, str, Any]] = []
        self._closed = asyncio.Event()

    # -- the microphone -----------------------------------------------------------------------------------------------

    async def receive(self) -> str | Disconnected:
        """The next 25 ms of sound, when they have passed."""
        first = int(self._sent * MESSAGE_SECONDS * RATE)
        last = int((self._sent + 1) * MESSAGE_SECONDS * RATE)
        due = self._zero + last / RATE
        if self._loop.time() < due:
            await asyncio.sleep(due - self._loop.time())
        if self._user_from is not None:
            end = self._user_from + len(self._call.user) + int(self._call.wait_seconds * RATE)
            if first >= end or self._closed.is_set():
                return Disconnected(1000)
        self._sent += 1
        frame = _message(self._wire(self._microphone(first, last)))
        if self._call.late_packets:
            if self._randoms.random() < 0.1:
                self._late_until = max(self._late_until, due + self._randoms.uniform(0.1, 0.3))
            if self._loop.time() < self._late_until:
                await asyncio.sleep(self._late_until - self._loop.time())
        return frame

    def _microphone(self, first: int, last: int) -> Samples:
        sound = _looped(self._room, first, last)
        call = self._call
        if self._user_from is not None:
            begin = max(first, self._user_from)
            part = call.user[begin - self._user_from : max(0, last - self._user_from)]
            sound[begin - first : begin - first + len(part)] += part
        if call.background is not None:
            sound += _looped(call.background, first, last)
        if call.echo is not None and first > len(call.echo):
            heard = self._played[first - len(call.echo) + 1 : last]
            sound += np.convolve(heard, call.echo, "valid")[-(last - first) :]
        return sound

    def _wire(self, sound: Samples) -> bytes:
        pcm = (np.clip(sound, -0.999, 0.999) * 32767).astype(np.int16)
        if not self._call.is_telephone:
            return pcm.tobytes()
        return ulaw_encode(np.ascontiguousarray(self._to_telephone.process(pcm)))

    # -- the loudspeaker ----------------------------------------------------------------------------------------------

    async def send(self, frame: str) -> None:
        message = orjson.loads(frame)
        now = self._loop.time()
        match message["type"]:
            case "audio":
                pcm = np.frombuffer(b64decode(message["audio_event"]["audio_base_64"]), np.int16)
                self._frames.append((now, "audio", len(pcm) / RATE))
                self._play(pcm, now)
            case "interruption":
                self._frames.append((now, "interruption", None))
                self._plays_until = min(self._plays_until, self._place(now))
                self._played[self._plays_until :] = 0.0
            case "user_transcript":
                self._frames.append((now, "turn", message["user_transcription_event"]["user_transcript"]))

    def _play(self, pcm: NDArray[np.int16], now: float) -> None:
        if self._user_from is None:
            self._user_from = self._place(now + self._call.after_seconds)
        begin = max(self._plays_until, self._place(now))
        self._plays_until = min(begin + len(pcm), len(self._played))
        self._played[begin : self._plays_until] = pcm[: self._plays_until - begin] / np.float32(32768)

    def _place(self, at: float) -> int:
        return round((at - self._zero) * RATE)

    async def close(self, code: int, reason: str) -> None:
        self._frames.append((self._loop.time(), "close", f"{code} {reason}".strip()))
        self._closed.set()

    def observed(self) -> Observed:
        began_at = self._zero + (self._user_from or 0) / RATE
        observed = Observed(began_at=began_at)
        for at, kind, value in self._frames:
            match kind:
                case "turn":
                    observed.turns.append((at - began_at, value))
                case "audio":
                    observed.audio.append((at - began_at, value))
                case "interruption":
                    observed.interruptions.append(at - began_at)
                case "close":
                    observed.close = value
        return observed


def _looped(sound: Samples, first: int, last: int) -> Samples:
    """A part of a sound that goes on again and again: a copy."""
    begin = first % len(sound)
    part = sound[begin : begin + last - first]
    return np.concatenate([part, sound[: last - first - len(part)]])


def _message(pcm: bytes) -> str:
    return '{"user_audio_chunk":"' + b64encode(pcm).decode() + '"}'
