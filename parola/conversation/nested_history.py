"""A conversation's history that a tool was given stands in the next history too, and so on: only its length is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

MARK = "x-elevenlabs-history"
"""The key that says of a JSON object that it is a history."""


def shortened(text: str) -> str:
    """``text`` with every history in it, JSON within JSON too, as ``[conversation_history (N turns)]``."""
    if MARK not in text:
        return text
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    short = _shortened(document)
    return short if isinstance(short, str) and isinstance(document, Mapping) else orjson.dumps(short).decode()


def _shortened(value: Any) -> Any:
    match value:
        case {"x-elevenlabs-history": True}:
            entries = value.get("entries")
            return f"[conversation_history ({len(entries) if isinstance(entries, list) else 0} turns)]"
        case Mapping():
            return {key: _shortened(one) for key, one in value.items()}
        case list():
            return [_shortened(one) for one in value]
        case str():
            return shortened(value)
        case _:
            return value
