"""Signatures of webhooks (reference: webhooks.md §3), in the hosted platform's form and in that of Standard Webhooks.

Both are made anew for each attempt, because receivers refuse old timestamps: a retry after an hour verifies too.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Iterable

HEADER = "ElevenLabs-Signature"

PREVIOUS = "ElevenLabs-Signature-Previous"
"""The same with the secret before this one, while both are valid. The header itself has one signature and no more:
receivers split it at its comma."""


def new_secret() -> str:
    return f"wsec_{secrets.token_hex(32)}"


def signed(
    parts: Iterable[bytes], event_id: str, timestamp: int, secret: str, previous_secret: str | None = None
) -> dict[str, str]:
    """The headers for a message that is sent in these parts; ``timestamp`` is unix seconds, now. The key is the secret
    as UTF-8, whatever it begins with."""
    keys = [one.encode() for one in (secret, previous_secret) if one]
    plain = [hmac.new(key, f"{timestamp}.".encode(), "sha256") for key in keys]
    standard = [hmac.new(key, f"{event_id}.{timestamp}.".encode(), "sha256") for key in keys]
    for part in parts:
        for digest in (*plain, *standard):
            digest.update(part)
    headers = {
        HEADER: f"t={timestamp},v0={plain[0].hexdigest()}",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{b64encode(digest.digest()).decode()}" for digest in standard),
    }
    if len(plain) > 1:
        headers[PREVIOUS] = f"t={timestamp},v0={plain[1].hexdigest()}"
    return headers
