"""``parola webhooks``: the workspace's endpoints, what was sent to them, and a receiver for trying things out."""

from __future__ import annotations

import hmac
import json
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from queue import Queue
from threading import Thread
from typing import Any, NamedTuple

from rich.markup import escape

from parola.errors import InvalidRequest
from parola.terminal import plain, printing
from parola.terminal.client import Server
from parola.terminal.received import body_of

TOLERANCE_SECONDS = 30 * 60
"""How old a signature may be: as the official SDKs have it."""

IDLE_SECONDS = 60.0
"""How long a connection may say nothing before the receiver closes it."""


def list_webhooks(server: Server) -> None:
    table = printing.table("webhook", "name", "address", "state", "used by", less=("used by", "name"))
    for webhook in server.rest("GET", "/v1/workspace/webhooks", include_usages="true")["webhooks"]:
        circuit = webhook["x_circuit"]["state"]
        state = "disabled" if webhook["is_disabled"] else "works" if circuit == "closed" else "fails"
        if circuit != "closed":
            state += f" ({webhook['x_most_recent_failure_reason']})"
        used = ", ".join(usage["usage_type"] for usage in webhook["usage"] or ()) or "nothing"
        table.add_row(webhook["webhook_id"], webhook["name"], webhook["webhook_url"], state, used)
    printing.listed(table, "There is no webhook; docs/webhooks.md says how to make one.")


def deliveries(server: Server, *, conversation: str | None, webhook: str | None, status: str | None, most: int) -> None:
    """The newest deliveries, with the reason of each."""
    wanted = {"conversation_id": conversation, "webhook_id": webhook, "status": status}
    query = {name: value for name, value in wanted.items() if value is not None}
    found = server.rest("GET", "/v1/x/webhook-deliveries", page_size=str(most), **query)
    table = printing.table(
        "delivery",
        "at",
        "type",
        "conversation",
        "status",
        "reason",
        "attempts",
        less=("attempts", "at", "conversation", "type"),
    )
    for one in found["deliveries"]:
        at = datetime.fromtimestamp(one["created_at_unix_secs"]).strftime("%Y-%m-%d %H:%M:%S")
        told = (one["delivery_id"], at, one["type"], one["conversation_id"] or "", one["status"], one["reason"])
        table.add_row(*told, str(one["attempt_count"]))
    printing.listed(table, "There is no such delivery.")


def replay(server: Server, delivery_id: str) -> None:
    """Send it again."""
    server.rest("POST", f"/v1/x/webhook-deliveries/{delivery_id}/replay")
    printing.out.print(f"{escape(delivery_id)} will be sent again now.")


def test(server: Server, webhook_id: str) -> bool:
    """Send a sample of each type; whether all arrived."""
    table = printing.table("type", "result", "seconds", "answer")
    results = server.rest("POST", f"/v1/x/webhooks/{webhook_id}/test")["deliveries"]
    for one in results:
        attempt: dict[str, Any] = one["attempts"][-1] if one["attempts"] else {"seconds": 0.0, "answer": ""}
        table.add_row(one["type"], one["reason"], f"{attempt['seconds']:.2f}", attempt["answer"][:200])
    printing.listed(table)
    return all(one["status"] == "delivered" for one in results)


# -- a receiver -------------------------------------------------------------------------------------------------------


def listen(host: str, port: int, secret: str, status: int, *, whole: bool, most: int | None = None) -> None:
    """Receive webhooks until interrupted, or until there were ``most``: verify each, print a line, answer with
    ``status``. ``whole``: print the messages themselves, as JSON."""
    arrived: Queue[_Arrived] = Queue()
    try:
        server = _Listener((host, port), _receiver(arrived, status))
    except OSError as error:
        raise InvalidRequest(f"Nobody can listen on {host}:{port}: {error.strerror or error}.") from None
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            printing.err.print(f"Listening on http://{host}:{server.server_port}/")
            for _ in count() if most is None else range(most):
                one = arrived.get()
                if whole:
                    print(plain.json_line(one.body.decode(errors="replace")), flush=True)
                else:
                    plain.line(_line(one.body, verdict(one.body, one.signature, secret, one.at), one.attempt))
        except KeyboardInterrupt:
            pass
        server.shutdown()


def verdict(body: bytes, signature: str | None, secret: str, now: float) -> str:
    """What there is to say of a signature (``ElevenLabs-Signature``): ``verified``, or what is wrong with it."""
    if not secret:
        return "not checked (no --secret)"
    if not signature:
        return "NOT SIGNED"
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    try:
        age = now - int(parts["t"])
    except (KeyError, ValueError):
        return f"NOT VERIFIED: expected t=…,v0=…, got {signature}"
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, "sha256").hexdigest()
    if not hmac.compare_digest(expected.encode(), parts.get("v0", "").encode()):
        return "NOT VERIFIED: another secret, or another body"
    return "verified" if age <= TOLERANCE_SECONDS else f"NOT VERIFIED: signed {age:.0f} seconds ago"


class _Arrived(NamedTuple):
    body: bytes
    signature: str | None
    attempt: str
    at: float
    """Unix seconds."""


class _Listener(ThreadingHTTPServer):
    """Each connection is served on its own: one that says nothing keeps nobody waiting."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever sends has gone, and sends it again."""


def _receiver(arrived: Queue[_Arrived], status: int) -> type[BaseHTTPRequestHandler]:
    """``arrived`` gets each message when it was answered."""

    class Receiver(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS

        def do_POST(self) -> None:
            try:
                body = body_of(self)
            except ValueError as error:
                self.send_error(400, str(error))
                return
            at = time.time()
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
            headers = self.headers
            arrived.put(_Arrived(body, headers.get("ElevenLabs-Signature"), headers.get("X-Webhook-Attempt", "1"), at))

        def log_message(self, *_: Any) -> None:
            """A line for each message is enough."""

    return Receiver


def _line(body: bytes, said: str, attempt: str) -> str:
    try:
        message = json.loads(body)
        what = f"{message['type']} {message['data'].get('conversation_id')}"
    except (ValueError, KeyError, TypeError, AttributeError):
        what = f"{len(body)} bytes that are no webhook"
    return f"{what} attempt {attempt}: {said}"
