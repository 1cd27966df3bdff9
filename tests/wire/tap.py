"""A loopback proxy that listens in: every byte goes through unchanged, and every frame of the server is checked.

It stands between the server and the official clients, which know nothing of it. It reads the WebSocket protocol on its
own copy of the stream, compression included.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Generator
from typing import Any

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

from tests.wire.frames import TIMEOUT, FrameChecker, payload


class Tap:
    """A proxy on a thread of its own. ``calls`` are the conversations it carried, in order of their upgrade."""

    def __init__(self, port: int) -> None:
        self.calls: list[Call] = []
        self._called = threading.Condition()
        self._target = port
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="tap", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, index: int, timeout: float = TIMEOUT) -> Call:
        """One of the calls, as soon as there is one."""
        with self._called:
            assert self._called.wait_for(lambda: len(self.calls) > index, timeout), "nobody called"
            return self.calls[index]

    def close(self) -> None:
        """Stop listening in; what is still connected is cut."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())
        self._loop.close()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()
            return
        back.write(head)
        call: Call | None = None
        if b"upgrade: websocket" in head.lower():
            call = Call(head)
            with self._called:
                self.calls.append(call)
                self._called.notify_all()
        try:
            await asyncio.gather(
                _pump(reader, back, call.from_client if call else None),
                _pump(there, writer, call.from_server if call else None),
            )
        finally:
            for end in (writer, back):
                end.close()


class Call:
    """One WebSocket as it went past."""

    def __init__(self, head: bytes) -> None:
        self.request = head.decode("latin1")
        self.checker = FrameChecker()
        self.sent: list[str] = []
        """The client's text frames."""
        self._news = threading.Condition()
        self._has_ended = False
        self._head = b""
        self._is_open = False
        self._client_closed = False
        self._server_side = _Parser(self._server_frame, is_masked=False)
        self._client_side = _Parser(self._client_frame, is_masked=True)

    @property
    def path(self) -> str:
        return self.request.split(" ", 2)[1]

    def next(self, kind: str, count: int = 1, timeout: float = TIMEOUT) -> dict[str, Any]:
        """The payload of the ``count``-th frame of a kind, as soon as it has gone past."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(kind)) >= count or self._has_ended, timeout), kind
            return self.of(kind)[count - 1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The payloads of the server's frames of a kind."""
        return [payload(frame) for frame in self.checker.frames if frame["type"] == kind]

    def ponged(self, timeout: float = TIMEOUT) -> None:
        """Wait until the client has answered a ping: it is at work."""
        with self._news:
            assert self._news.wait_for(lambda: self.sent_of("pong") or self._has_ended, timeout), "no pong"

    def sent_of(self, kind: str) -> list[dict[str, Any]]:
        """The client's frames of a kind."""
        return [frame for frame in map(json.loads, self.sent) if frame.get("type") == kind]

    @property
    def conversation_id(self) -> str:
        return str(self.next("conversation_initiation_metadata")["conversation_id"])

    def ended(self, timeout: float = TIMEOUT) -> tuple[int, str] | None:
        """The server's close, once the connection is gone; None when there was none."""
        with self._news:
            assert self._news.wait_for(lambda: self._has_ended, timeout), "the connection is still open"
            return self.checker.close

    def from_client(self, data: bytes) -> None:
        self._client_side.feed(data)

    def from_server(self, data: bytes) -> None:
        if not data:
            with self._news:
                self._has_ended = True
                self._news.notify_all()
            return
        if not self._is_open:
            self._head += data
            head, mark, data = self._head.partition(b"\r\n\r\n")
            if not mark:
                return
            self._is_open = True
            deflate = _deflate(head.decode("latin1"))
            self._server_side.extensions += deflate()
            self._client_side.extensions += deflate(is_server=True)
        self._server_side.feed(data)

    def _server_frame(self, frame: Frame) -> None:
        with self._news:
            self._check(frame)
            self._news.notify_all()

    def _check(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT:
                self.checker.text(bytes(frame.data).decode())
            case Opcode.BINARY:
                self.checker.binary(len(frame.data))
            case Opcode.CLOSE:
                close = Close.parse(bytes(frame.data)) if frame.data else Close(1005, "")
                self.checker.closed(close.code, close.reason, by_server=not self._client_closed)

    def _client_frame(self, frame: Frame) -> None:
        with self._news:
            match frame.opcode:
                case Opcode.TEXT:
                    self.sent.append(bytes(frame.data).decode())
                case Opcode.CLOSE:
                    self._client_closed = True
            self._news.notify_all()


class _Parser:
    """Whole messages out of one direction of the stream."""

    def __init__(self, tell: Any, *, is_masked: bool) -> None:
        self.extensions: list[PerMessageDeflate] = []
        self._tell = tell
        self._is_masked = is_masked
        self._stream = StreamReader()
        self._machine = self._run()
        next(self._machine)

    def feed(self, data: bytes) -> None:
        if not data:
            return
        self._stream.feed_data(data)
        next(self._machine)

    def _run(self) -> Generator[None, None, None]:
        message: list[Frame] = []
        while True:
            frame = yield from Frame.parse(
                self._stream.read_exact, mask=self._is_masked, max_size=None, extensions=self.extensions
            )
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                message.append(frame)
                if frame.fin:
                    self._tell(Frame(message[0].opcode, b"".join(bytes(part.data) for part in message)))
                    message.clear()
            else:
                self._tell(frame)


def _deflate(head: str) -> Any:
    """Makes the decompressors of both directions, as the server's answer settled them."""
    header = next((line for line in head.split("\r\n") if line.lower().startswith("sec-websocket-extensions:")), "")
    if "permessage-deflate" not in header:
        return lambda is_server=False: []
    parts = [part.strip().partition("=") for part in header.partition(":")[2].split(";")[1:]]
    params = [(name, value.strip('"') or None) for name, _, value in parts]

    def make(is_server: bool = False) -> list[PerMessageDeflate]:
        client = ClientPerMessageDeflateFactory(client_max_window_bits=True).process_response_params(params, [])
        if not is_server:
            return [client]
        return [
            PerMessageDeflate(
                client.local_no_context_takeover,
                client.remote_no_context_takeover,
                client.local_max_window_bits,
                client.remote_max_window_bits,
            )
        ]

    return make


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tell: Any) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            if tell is not None:
                tell(data)
            writer.write(data)
            await writer.drain()
    if tell is not None:
        tell(b"")
    with contextlib.suppress(OSError):
        writer.write_eof()
