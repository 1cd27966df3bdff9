"""Somebody who receives webhooks, on this machine: keeps what comes, answers as the test says."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

from parola.terminal.received import body_of

TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes

    def json(self) -> Any:
        import json

        return json.loads(self.body)


class Receiver:
    """A server that ends with the block. ``status`` and ``answer`` are what it says."""

    def __init__(self) -> None:
        self.status = 200
        self.answer = b"seen"
        self.requests: list[Received] = []
        self.goes_on = Event()
        """Cleared: requests are read, and not answered until it is set."""
        self.goes_on.set()
        self._news: queue.Queue[Received] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()

    def next(self) -> Received:
        """The next request, in order."""
        return self._news.get(timeout=TIMEOUT)

    def next_of(self, conversation_id: str) -> Received:
        """The next request about a conversation; others before it are dropped."""
        while True:
            received = self.next()
            if received.json()["data"]["conversation_id"] == conversation_id:
                return received

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.path, headers, body_of(self))
                receiver.requests.append(received)
                receiver._news.put(received)
                receiver.goes_on.wait(TIMEOUT)
                answer = b"" if receiver.status == 204 else receiver.answer
                try:
                    self.send_response(receiver.status)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_: Any) -> None:
                """The test tells what came."""

        return Handler
