"""Headers that somebody configures for requests of this server: which may be sent, and which it sets itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

V = TypeVar("V")

CONNECTIONS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""They say how a message is sent, where it ends and whom it is for: whoever sends it sets them."""

WEBHOOKS = CONNECTIONS | {
    "content-encoding",
    "content-type",
    "elevenlabs-signature",
    "elevenlabs-signature-previous",
    "traceparent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-webhook-attempt",
    "x-webhook-event-id",
    "x-webhook-type",
}
"""The same for webhooks: what they say about their message is this server's to say."""

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def is_name(name: str) -> bool:
    """Whether it is a token (RFC 9110 §5.6.2), as names of headers are."""
    return _NAME.fullmatch(name) is not None


def control_character(value: str) -> str:
    """The first that no header may hold, as ``U+000A``; empty: there is none."""
    found = _CONTROL.search(value)
    return f"U+{ord(found[0]):04X}" if found else ""


def without(names: frozenset[str], headers: Mapping[str, V]) -> dict[str, V]:
    """Headers but those of these names, which are in lower case."""
    return {name: value for name, value in headers.items() if name.lower() not in names}


def problem_of(headers: Mapping[str, Any]) -> str:
    """What keeps headers from being sent, in a sentence that quotes no value; empty: nothing."""
    for name, value in headers.items():
        if not is_name(name):
            return f"request_headers: expected the name of an HTTP header, got {name!r}."
        if found := control_character(str(value)):
            return f"request_headers.{name}: expected a value without control characters, got one with {found}."
    return ""
