"""A service on this machine that webhooks and tools are sent to: it answers what the test says, and keeps what came."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """``status`` and ``answer`` may be changed at any time."""

    def __init__(self, status: int = 200, answer: str = '{"received": true}') -> None:
        self.status = status
        self.answer = answer
        self.paths: list[str] = []
        self.url = ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                told.paths.append(self.path)
                body = told.answer.encode()
                self.send_response(told.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        return Handler


@contextmanager
def receiver(status: int = 200, answer: str = '{"received": true}') -> Iterator[Receiver]:
    """One that listens while the block runs."""
    told = Receiver(status, answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), told.handler())
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
