"""``parola call``: talk to an agent with a recording, in real time, and keep what it says."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.markup import escape

from parola.errors import InvalidRequest
from parola.session.audio import AudioFormat, Decoder, Encoder, read_wav, wav_bytes
from parola.terminal import printing
from parola.terminal.chat import INTERRUPTED, value_of
from parola.terminal.client import Conversation, Server, conversation
from parola.terminal.transcript import Transcript

CHUNK_SECONDS = 0.025
LOUD = 500
"""A sample above this (of 32767) is sound."""

GREETING_SECONDS = 15.0
"""How long the caller waits for the agent's first words to end before speaking."""

SILENT_SECONDS = 2.0
"""An agent that has said nothing by then waits for the caller."""


@dataclass(slots=True)
class _Heard:
    """The agent's side as it would be played."""

    sample_rate: int = 16000
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    """(when it plays, 16-bit pcm), seconds from the start of the call."""
    plays_until: float = 0.0
    first_after: dict[int, float] = field(default_factory=dict)
    """When the first audio of each event id came."""

    def take(self, now: float, event_id: int, pcm: bytes) -> None:
        self.first_after.setdefault(event_id, now)
        start = max(now, self.plays_until)
        self.pieces.append((start, pcm))
        self.plays_until = start + len(pcm) / 2 / self.sample_rate

    def cut(self, now: float) -> None:
        kept = [(at, pcm[: max(0, int((now - at) * self.sample_rate)) * 2]) for at, pcm in self.pieces]
        self.pieces = [(at, pcm) for at, pcm in kept if pcm]
        self.plays_until = min(self.plays_until, now)

    def wav(self) -> bytes:
        length = max((round(at * self.sample_rate) + len(pcm) // 2 for at, pcm in self.pieces), default=0)
        track = np.zeros(length, np.int16)
        for at, pcm in self.pieces:
            samples = np.frombuffer(pcm, np.int16)
            start = round(at * self.sample_rate)
            track[start : start + len(samples)] = samples
        return wav_bytes(track.tobytes(), self.sample_rate)


async def call(
    server: Server,
    agent_id: str,
    *,
    question: Path,
    answer: Path | None,
    signed: bool,
    variables: dict[str, str],
    tool_result: str | None,
    timeout: float,
) -> int:
    """Stream ``question`` as the caller's voice and wait for the answer to be played. Returns the exit code."""
    pcm, rate = await asyncio.to_thread(read_wav, question)
    if answer is not None and not answer.parent.is_dir():
        raise InvalidRequest(f"{answer} cannot be written: there is no folder {answer.parent}.")
    async with conversation(server, agent_id, signed=signed, variables=variables, text_only=False) as opened:
        caller = _Caller(opened, pcm, rate, tool_result)
        try:
            code = await caller.run(timeout)
        except asyncio.CancelledError:
            code = INTERRUPTED
    if answer is not None and caller.heard.pieces:
        try:
            await asyncio.to_thread(answer.write_bytes, caller.heard.wav())
        except OSError as error:
            raise InvalidRequest(f"{answer} cannot be written: {error.strerror or error}.") from None
        printing.out.print(f"[dim]The agent's voice is in {escape(str(answer))}.[/]")
    printing.closed(opened.close_code, opened.close_reason, opened.conversation_id, went_well=opened.went_well)
    if opened.conversation_id:
        await asyncio.to_thread(printing.page, lambda: server.page(f"conversations/{opened.conversation_id}"))
    return code if opened.went_well or code == INTERRUPTED else 1


class _Caller:
    def __init__(self, opened: Conversation, pcm: bytes, rate: int, tool_result: str | None) -> None:
        self._opened = opened
        self._pcm = pcm
        self._rate = rate
        self._tool_result = tool_result
        self._clock = asyncio.get_running_loop().time
        self._started_at = self._clock()
        self._metadata = asyncio.Event()
        self._greeted = asyncio.Event()
        self._has_words = False
        """The agent has something to say, heard or yet to be heard: a cold voice takes seconds to begin."""
        self._answered = asyncio.Event()
        self._spoken_at: float | None = None
        """When the last loud sample of the question left, seconds from the start of the call."""
        self._loud_at: float | None = None
        """When the last loud sample so far left; None when its turn has been answered."""
        self._transcript = Transcript()
        self.heard = _Heard()
        self._decoder: Decoder | None = None

    def _now(self) -> float:
        return self._clock() - self._started_at

    async def run(self, timeout: float) -> int:
        reading = asyncio.create_task(self._read())
        speaking = asyncio.create_task(self._speak())
        try:
            async with asyncio.timeout(timeout):
                finished = asyncio.create_task(self._answered.wait())
                await asyncio.wait({reading, finished}, return_when=asyncio.FIRST_COMPLETED)
                finished.cancel()
                if self._answered.is_set():
                    await asyncio.wait({reading}, timeout=max(0.0, self.heard.plays_until - self._now()))
        except TimeoutError:
            printing.err.print(f"[red]No complete answer within {timeout:g} s.[/]")
        finally:
            speaking.cancel()
            await self._opened.socket.close()
            await asyncio.gather(reading, speaking, return_exceptions=True)
        return 0 if self._answered.is_set() else 1

    def _report(self) -> None:
        """How long the caller has waited, when the agent begins to answer."""
        if self._loud_at is not None:
            wait, self._loud_at = 1000 * (self._now() - self._loud_at), None
            measured = f"{wait:.0f} ms from the end of your speech to the first sound of the answer"
            self._transcript.note(f"{measured}, measured here.")

    async def _read(self) -> None:
        async for frame in self._opened.frames():
            self._transcript.frame(frame)
            match frame["type"]:
                case "conversation_initiation_metadata":
                    output = AudioFormat.parse(self._opened.output_format)
                    self._decoder = Decoder(output, output.sample_rate)
                    self.heard.sample_rate = output.sample_rate
                    self._metadata.set()
                case "audio":
                    event = frame["audio_event"]
                    assert self._decoder is not None
                    samples = self._decoder.decode(base64.b64decode(event["audio_base_64"]))
                    if event["event_id"] not in self.heard.first_after:
                        self._report()
                    self.heard.take(self._now(), event["event_id"], samples.tobytes())
                case "interruption":
                    self.heard.cut(self._now())
                case "agent_response" if frame["agent_response_event"]["agent_response"]:
                    self._has_words = True
                case "agent_response_complete":
                    self._greeted.set()
                    if self._spoken_at is not None and self._now() > self._spoken_at:
                        self._answered.set()
                case "client_tool_call" if frame["client_tool_call"]["expects_response"]:
                    await self._opened.answer_tool(frame["client_tool_call"], value_of(self._tool_result or "Done."))
        self._transcript.end()
        self._greeted.set()

    def _may_speak(self, waited: float) -> bool:
        """Polite callers let the agent finish its greeting."""
        if self._greeted.is_set() and self._now() >= self.heard.plays_until:
            return True
        return waited > (GREETING_SECONDS if self.heard.pieces or self._has_words else SILENT_SECONDS)

    async def _speak(self) -> None:
        """The greeting first; then the question; then silence, as a microphone gives it."""
        await self._metadata.wait()
        wire = AudioFormat.parse(self._opened.input_format)
        encoder = Encoder(self._rate, wire)
        step = int(self._rate * CHUNK_SECONDS)
        silence = bytes(step * 2)
        sent = 0
        begun = self._now()
        offset: int | None = None
        last_loud = _last_loud(self._pcm) or len(self._pcm)
        while True:
            if offset is None and self._may_speak(self._now() - begun):
                offset = 0
            chunk = silence
            if offset is not None and offset < len(self._pcm):
                chunk = self._pcm[offset : offset + step * 2]
                offset += len(chunk)
                if loud := _last_loud(chunk):
                    self._loud_at = self._now() - (len(chunk) - loud) / 2 / self._rate
                if offset >= last_loud and self._spoken_at is None:
                    self._spoken_at = self._now() - max(0, offset - last_loud) / 2 / self._rate
            audio = encoder.encode(chunk)
            if audio:
                await self._opened.send_audio(audio)
            sent += 1
            await asyncio.sleep(max(0.0, begun + sent * CHUNK_SECONDS - self._now()))


def _last_loud(pcm: bytes) -> int:
    """The byte offset after the last loud sample; 0 when there is none."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, np.int16).astype(np.int32)) > LOUD)
    return int(loud[-1] + 1) * 2 if len(loud) else 0
