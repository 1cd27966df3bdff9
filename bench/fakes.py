"""Models with fixed delays, OpenAI-compatible, over real HTTP on loopback: ``python -m bench.fakes --port N``.

    POST /v1/audio/transcriptions   after STT_SECONDS: {"text": "... ref<N>"}, N unique for each request
    POST /v1/chat/completions       first token after LLM_SECONDS, then TOKENS_PER_SECOND; quotes the last ref<N>
    POST /v1/audio/speech           pcm at 24 kHz, first byte after TTS_SECONDS, then TTS_SPEED times real time
    POST /v1/tool                   after TOOL_SECONDS: {"status": "on its way"}; models that are offered tools call one
    GET  /log                       what happened when: [[monotonic seconds, kind, ref], ...]
    POST /reset                     {"reply": "short" | "long"}: forget the log, choose what the model says

``ref<N>`` ties the three requests of one turn together, so that the time *between* them, which is the server's own,
can be told from the time *inside* them, which is fixed.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import orjson

STT_SECONDS = 0.150
LLM_SECONDS = 0.200
TOKENS_PER_SECOND = 100.0
TTS_SECONDS = 0.100
TTS_SPEED = 8.0
TOOL_SECONDS = 0.100
CHARACTERS_PER_SECOND = 15.0
SAMPLE_RATE = 24000
BLOCK_SECONDS = 0.1
BLOCK_BYTES = int(SAMPLE_RATE * BLOCK_SECONDS) * 2

REPLIES = {
    "short": "Okay {ref} let me check that order for you. It comes on Friday.",
    "long": "Okay {ref} let me check that order for you."
    + 6 * " It was packed on Monday and left the warehouse on Tuesday with the other parcels.",
}
"""``short`` is played within one turn of the voice scenario, ``long`` is there to be interrupted."""

REF = re.compile(r"ref\s?(\d+)", re.IGNORECASE)
HEAD_LIMIT = 2**20

Writer = asyncio.StreamWriter


def ref_in(text: str) -> int:
    """The last ref<N> of a text, -1 when there is none."""
    found = REF.findall(text)
    return int(found[-1]) if found else -1


def tone() -> bytes:
    """Two seconds of a quiet 220 Hz tone that repeats without a click: never silence, never speech."""
    time_axis = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    return (3000 * np.sin(2 * np.pi * 220 * time_axis)).astype("<i2").tobytes()


class Fakes:
    """The three models and the log of what they were asked."""

    def __init__(self) -> None:
        self.log: list[tuple[float, str, int]] = []
        self.reply = REPLIES["short"]
        self._last_ref = 0
        self._tone = tone()
        self._paths: dict[str, Callable[[Writer, bytes], Awaitable[None]]] = {
            "/v1/audio/transcriptions": self._transcribe,
            "/v1/chat/completions": self._complete,
            "/v1/audio/speech": self._speak,
            "/v1/tool": self._run_tool,
            "/log": self._tell_log,
            "/reset": self._reset,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """One connection, kept alive for as many requests as come."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
                request, *lines = head.split("\r\n")
                path = request.split(" ")[1].partition("?")[0]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await _body(reader, headers)
                perform = self._paths.get(path)
                if perform is None:
                    writer.write(_response(b"{}", "404 Not Found"))
                else:
                    await perform(writer, body)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    def _note(self, kind: str, ref: int) -> None:
        self.log.append((time.monotonic(), kind, ref))

    async def _transcribe(self, writer: Writer, _: bytes) -> None:
        start = time.monotonic()
        self._last_ref += 1
        ref = self._last_ref
        self._note("stt_asked", ref)
        await _until(start + STT_SECONDS)
        self._note("stt_answered", ref)
        writer.write(_response(orjson.dumps({"text": f"Where is my order ref{ref}", "language": "en"})))

    async def _complete(self, writer: Writer, body: bytes) -> None:
        start = time.monotonic()
        request = orjson.loads(body)
        spoken = [_text(message) for message in request.get("messages", []) if message.get("role") == "user"]
        ref = ref_in(spoken[-1]) if spoken else -1
        is_after_tool = request["messages"][-1].get("role") == "tool"
        if request.get("tools") and not is_after_tool:
            await self._call_tool(writer, start, request["tools"][0]["function"]["name"], ref)
            return
        self._note("llm_asked_again" if is_after_tool else "llm_asked", ref)
        words = self.reply.format(ref=f"ref{ref}").split(" ")
        writer.write(_stream_head("text/event-stream"))
        is_first_sentence = True
        for index, word in enumerate(words):
            await _until(start + LLM_SECONDS + index / TOKENS_PER_SECOND)
            if writer.is_closing():
                self._note("llm_cancelled", ref)
                return
            if index == 0:
                self._note("llm_first_token", ref)
            writer.write(_chunk(_event({"content": word if index == len(words) - 1 else word + " "})))
            if is_first_sentence and word.endswith("."):
                is_first_sentence = False
                self._note("llm_first_sentence", ref)
        writer.write(_chunk(_event({}, "stop")) + _chunk(b"data: [DONE]\n\n") + _chunk(b""))

    async def _call_tool(self, writer: Writer, start: float, name: str, ref: int) -> None:
        call = {"index": 0, "id": "call", "function": {"name": name, "arguments": orjson.dumps({"ref": ref}).decode()}}
        await _until(start + LLM_SECONDS)
        writer.write(_stream_head("text/event-stream"))
        writer.write(_chunk(_event({"tool_calls": [call]})) + _chunk(_event({}, "tool_calls")))
        self._note("llm_tool_called", ref)
        writer.write(_chunk(b"data: [DONE]\n\n") + _chunk(b""))

    async def _run_tool(self, writer: Writer, body: bytes) -> None:
        start = time.monotonic()
        ref = int(orjson.loads(body)["ref"])
        self._note("tool_asked", ref)
        await _until(start + TOOL_SECONDS)
        self._note("tool_answered", ref)
        writer.write(_response(b'{"status": "on its way"}'))

    async def _speak(self, writer: Writer, body: bytes) -> None:
        start = time.monotonic()
        request = orjson.loads(body)
        if request.get("response_format") != "pcm":
            writer.write(_response(b'{"error":{"message":"only response_format pcm"}}', "400 Bad Request"))
            return
        text = str(request.get("input", ""))
        ref = ref_in(text)
        self._note("tts_asked", ref)
        blocks = max(1, int(len(text) / CHARACTERS_PER_SECOND / BLOCK_SECONDS))
        writer.write(_stream_head("audio/pcm"))
        for index in range(blocks):
            await _until(start + TTS_SECONDS + index * BLOCK_SECONDS / TTS_SPEED)
            if writer.is_closing():
                self._note("tts_cancelled", ref)
                return
            if index == 0:
                self._note("tts_first_byte", ref)
            offset = index * BLOCK_BYTES % (len(self._tone) // 2)
            writer.write(_chunk(self._tone[offset : offset + BLOCK_BYTES]))
        writer.write(_chunk(b""))

    async def _tell_log(self, writer: Writer, _: bytes) -> None:
        writer.write(_response(orjson.dumps(self.log)))

    async def _reset(self, writer: Writer, body: bytes) -> None:
        self.reply = REPLIES[orjson.loads(body)["reply"]]
        self.log.clear()
        writer.write(_response(b"{}"))


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text", "")) for part in content or [])


async def _until(at: float) -> None:
    if (seconds := at - time.monotonic()) > 0:
        await asyncio.sleep(seconds)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if length := headers.get("content-length"):
        return await reader.readexactly(int(length))
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return b""
    parts: list[bytes] = []
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        part = await reader.readexactly(size + 2)
        if not size:
            return b"".join(parts)
        parts.append(part[:-2])


def _response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _stream_head(kind: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "fake", "object": "chat.completion.chunk", "created": 1, "model": "fake", "choices": [choice]}
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


async def main(port: int) -> None:
    fakes = Fakes()
    server = await asyncio.start_server(fakes.serve, "127.0.0.1", port, limit=HEAD_LIMIT, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    parser = argparse.ArgumentParser(
        prog="python -m bench.fakes", description="Models with fixed delays, for the benchmark."
    )
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(main(parser.parse_args().port))
