"""A receiver of webhooks that fails half of the time."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Self

from parola.terminal.received import body_of

FAILS = 0.5
"""Of all requests: half of these are answered with 503, of the others the connection is cut without an answer."""


class FlakyReceiver:
    """Ends with the block. What it has answered with 200 is ``accepted``; ``seen`` is that and all else."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._lock = Lock()
        self.requests = 0
        self.failed = 0
        self.seen: dict[tuple[str, str], list[str]] = defaultdict(list)
        """(conversation id, type) to the event ids that came, each time."""
        self.accepted: dict[tuple[str, str], dict[str, Any]] = {}
        """(conversation id, type) to the ``data`` of the last one that was accepted."""
        self.accepted_again = 0
        """Came again when it had been accepted already."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # connections of killed servers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, event_id: str, body: bytes) -> int | None:
        """The status to answer with; None: hang up."""
        event = json.loads(body)
        data = event["data"]
        key = (data["conversation_id"], event["type"])
        with self._lock:
            self.requests += 1
            self.seen[key].append(event_id)
            if self._dice.random() < FAILS:
                self.failed += 1
                return 503 if self._dice.random() < 0.5 else None
            self.accepted_again += key in self.accepted
            self.accepted[key] = {name: data.get(name) for name in ("status", "transcript")}
        return 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                try:
                    body = body_of(self)
                except (ValueError, OSError):  # whoever sent it was killed in the middle
                    self.close_connection = True
                    return
                status = receiver.take(self.headers["x-webhook-event-id"], body)
                if status is None:
                    self.close_connection = True
                    return
                try:
                    self.send_response(status)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    pass  # whoever asked was killed

            def log_message(self, *_: Any) -> None:
                """What is counted is told at the end."""

        return Handler
