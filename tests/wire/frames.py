"""What holds for everything the server sends, whoever listens; and a raw client that checks it as it reads.

``FrameChecker`` judges one connection: every frame against its message's ``wire_schema()``, and the rules of order that
the official clients depend on. It collects ``problems`` and never raises, so that it can also sit between the server
and a client that knows nothing of it (``tap.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Self

import jsonschema_rs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from parola.protocol.server_messages import SERVER_MESSAGES

Frame = dict[str, Any]

TIMEOUT = 10.0
"""Nothing that a test waits for takes longer, on a busy machine either."""

OUTSIDE_THE_ORDER = frozenset({"ping", "agent_tool_response", "agent_tool_response_full_payload"})
"""Pings count on their own; what a tool gave carries the id of its request, however late it comes."""

LAST_FRAMES = frozenset(
    {
        *("agent_response_correction", "agent_tool_response", "agent_tool_response_full_payload"),
        *("user_transcript", "error"),
    }
)
"""What may come between the hang-up and the close."""

MAX_FRAME = 16 * 1024 * 1024
"""The Python and Node SDKs read no more in one frame."""

PAYLOAD_KEYS = {message.event_type: message.payload_key for message in SERVER_MESSAGES}
_SCHEMAS = {message.event_type: message for message in SERVER_MESSAGES}


def payload(frame: Frame) -> dict[str, Any]:
    """The payload object of a frame; the frame itself when its type is unknown."""
    return frame.get(PAYLOAD_KEYS.get(frame["type"], ""), frame)


class FrameChecker:
    """Everything one connection brought from the server, and what was wrong with it."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.problems: list[str] = []
        self.close: tuple[int, str] | None = None
        self._last_id = 0
        self._cut_at = 0
        self._is_ending = False
        self._part: str | None = None
        self._part_id = 0
        self._streamed: str | None = None
        self._calls: set[str] = set()

    # -- told what came -----------------------------------------------------------------------------------------------

    def text(self, text: str) -> Frame:
        """One text frame."""
        if len(text.encode()) >= MAX_FRAME:
            self._wrong("a frame of 16 MiB or more")
        frame: Frame = json.loads(text)
        self.frames.append(frame)
        if self.close is not None:
            self._wrong(f"a frame after the close: {text[:200]}")
        kind = frame.get("type")
        if kind not in PAYLOAD_KEYS:
            self._wrong(f"nobody knows this frame: {text[:200]}")
            return frame
        for error in _validator(kind).iter_errors(frame):
            self._wrong(f"{kind} at {error.instance_path}: {error.message}")
        self._order(kind, payload(frame))
        return frame

    def binary(self, size: int) -> None:
        self._wrong(f"a binary frame of {size} bytes")

    def closed(self, code: int, reason: str, *, by_server: bool = True) -> None:
        """The close frame, and who sent it first."""
        self.close = (code, reason)
        if not by_server:
            return
        if not reason:
            self._wrong(f"closed with {code} and no reason")
        if len(reason.encode()) > 123:
            self._wrong(f"a close reason of {len(reason.encode())} bytes")
        if self._part is not None:
            self._wrong("closed in the middle of agent_chat_response_part")
        if self._streamed is not None:
            self._wrong(f"streamed but never told as agent_response: {self._streamed!r}")

    # -- the rules of order -------------------------------------------------------------------------------------------

    def _order(self, kind: str, event: dict[str, Any]) -> None:
        if (kind == "conversation_initiation_metadata") != (len(self.frames) == 1):
            self._wrong(f"conversation_initiation_metadata comes first and once; frame {len(self.frames)} is {kind}")
        if self._is_ending and kind not in LAST_FRAMES:
            self._wrong(f"{kind} after a correction of {self._last_id}, but {self._cut_at} was interrupted")
        event_id = event.get("event_id")
        if isinstance(event_id, int) and kind not in OUTSIDE_THE_ORDER:
            if event_id < max(self._last_id, 1):
                self._wrong(f"{kind} has the id {event_id} after {self._last_id}")
            if kind != "tentative_user_transcript":  # it announces the id of a turn that may never be
                self._last_id = event_id
        match kind:
            case "audio":
                if event_id <= self._cut_at:
                    self._wrong(f"audio {event_id} after the interruption of {self._cut_at}")
                if "alignment" in event:
                    self._alignment(event["alignment"])
            case "interruption":
                self._cut_at = event_id
            case "agent_response_correction":
                # Without an interruption it is the hang-up that cut the words.
                self._is_ending = self._is_ending or event_id != self._cut_at
            case "agent_chat_response_part":
                self._chat_part(event)
            case "agent_response":
                if event_id <= self._cut_at:
                    self._wrong(f"agent_response {event_id} after the interruption of {self._cut_at}")
                self._told(event)
            case "client_tool_call":
                if event["tool_call_id"] in self._calls:
                    self._wrong(f"the tool call id {event['tool_call_id']} came twice")
                self._calls.add(event["tool_call_id"])

    def _alignment(self, alignment: dict[str, list[Any]]) -> None:
        lengths = {len(alignment[name]) for name in ("chars", "char_start_times_ms", "char_durations_ms")}
        if len(lengths) != 1:
            self._wrong(f"an alignment of unequal lengths {lengths}")
        starts = alignment["char_start_times_ms"]
        if starts != sorted(starts) or any(start < 0 for start in starts):
            self._wrong(f"an alignment that goes back in time: {starts}")

    def _chat_part(self, event: dict[str, Any]) -> None:
        event_id, text = event["event_id"], event["text"]
        match event["type"]:
            case "start":
                if self._part is not None:
                    self._wrong(f"start of {event_id} inside {self._part_id}")
                if self._streamed is not None:
                    self._wrong(f"start of {event_id} before the agent_response of what was streamed")
                self._part, self._part_id = text, event_id
            case "delta":
                if self._part is None or event_id != self._part_id:
                    self._wrong(f"a delta of {event_id} without its start")
                self._part = (self._part or "") + text
            case "stop":
                if self._part is None or event_id != self._part_id:
                    self._wrong(f"a stop of {event_id} without its start")
                streamed = ((self._part or "") + text).strip()
                self._part, self._streamed = None, streamed or None

    def _told(self, event: dict[str, Any]) -> None:
        streamed, self._streamed = self._streamed, None
        if self._part is not None:
            self._wrong("agent_response before the stop of its parts")
        if streamed is not None and (streamed, self._part_id) != (event["agent_response"].strip(), event["event_id"]):
            self._wrong(f"streamed {streamed!r} as {self._part_id}, told {event}")

    def _wrong(self, problem: str) -> None:
        self.problems.append(problem)


@cache
def _validator(kind: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(_SCHEMAS[kind].wire_schema())


class RawClient:
    """A client without manners of its own: it sends what it is told, keeps what it gets, and checks all of it.

    Leaving the block asserts that everything the server sent was in order.
    """

    def __init__(self, url: str, *, pongs: bool = True, checked: bool = True, **options: Any) -> None:
        self.url = url
        self.checker = FrameChecker()
        self._pongs = pongs
        self._checked = checked
        self._options = {"max_size": MAX_FRAME, "close_timeout": 2, **options}
        self._news = asyncio.Event()
        self._seen = 0
        self._ended = asyncio.Event()
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await connect(self.url, **self._options)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self.hang_up()
        if kind is None and self._checked:
            assert not self.checker.problems, self.checker.problems

    # -- speaking -----------------------------------------------------------------------------------------------------

    async def send(self, frame: Frame | str | bytes) -> None:
        """An object goes as JSON, text and bytes as they are."""
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def begin(self, **init: Any) -> Frame:
        """Send the first frame, return the metadata."""
        await self.send({"type": "conversation_initiation_client_data", **init})
        return await self.next("conversation_initiation_metadata")

    async def say(self, text: str) -> None:
        await self.send({"type": "user_message", "text": text})

    async def hang_up(self, code: int = 1000, reason: str = "") -> None:
        await self.socket.close(code, reason)
        await self._reader

    # -- listening ----------------------------------------------------------------------------------------------------

    @property
    def frames(self) -> list[Frame]:
        return self.checker.frames

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of every frame of a kind so far."""
        return [payload(frame) for frame in self.frames if frame["type"] == kind]

    async def next(
        self, kind: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True, timeout: float = TIMEOUT
    ) -> dict[str, Any]:
        """The payload of the next frame of a kind, after the one this returned last."""
        async with asyncio.timeout(timeout):
            while True:
                while self._seen < len(self.frames):
                    frame = self.frames[self._seen]
                    self._seen += 1
                    if frame["type"] == kind and matches(payload(frame)):
                        return payload(frame)
                if self._ended.is_set():
                    raise AssertionError(f"no {kind} before the close {self.checker.close}: {self.frames[-5:]}")
                self._news.clear()
                await self._news.wait()

    async def answer(self, text: str, timeout: float = TIMEOUT) -> str:
        """Say something, return what the agent answers."""
        await self.say(text)
        return str((await self.next("agent_response", timeout=timeout))["agent_response"])

    async def closed(self, timeout: float = TIMEOUT) -> tuple[int, str]:
        """Wait for the server's close: code and reason."""
        async with asyncio.timeout(timeout):
            await self._ended.wait()
        assert self.checker.close is not None
        return self.checker.close

    async def _read(self) -> None:
        try:
            while True:
                message = await self.socket.recv()
                if isinstance(message, bytes):
                    self.checker.binary(len(message))
                    continue
                frame = self.checker.text(message)
                self._news.set()
                if frame["type"] == "ping" and self._pongs:
                    with contextlib.suppress(ConnectionClosed):
                        await self.send({"type": "pong", "event_id": payload(frame)["event_id"]})
        except ConnectionClosed as closed:
            if closed.rcvd is None:
                self.checker.close = (1006, "")
            else:
                self.checker.closed(closed.rcvd.code, closed.rcvd.reason, by_server=bool(closed.rcvd_then_sent))
        finally:
            self._ended.set()
            self._news.set()
