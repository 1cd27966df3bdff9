"""Signatures of tool requests, so that a service can tell this server from anybody else who knows its address."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

HEADER = "X-Parola-Signature"


def signing_secret(server_secret: bytes) -> str:
    """What receivers verify with, derived from the server's own secret: it changes only when that does."""
    return "tsec_" + hmac.digest(server_secret, b"parola tool requests", "sha256").hex()


def signature(
    secret: str, timestamp: int, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> str:
    """``t=…,v0=…,v1=…``. ``v0`` is that of webhooks (time and body), which the official SDK's ``construct_event``
    verifies; ``v1`` covers the method, the address and whose request it is as well, which a GET has nothing but.
    ``headers`` are those of ``identity.headers_of``."""
    key, content = secret.encode(), body or b""
    v0 = hmac.digest(key, f"{timestamp}.".encode() + content, "sha256").hex()
    said = [headers.get(name, "") for name in ("X-Agent-Id", "X-Conversation-Id", "X-Tool-Call-Id")]
    v1 = hmac.digest(key, "\n".join([str(timestamp), method, url, *said, ""]).encode() + content, "sha256").hex()
    return f"t={timestamp},v0={v0},v1={v1}"
