"""Opaque cursors: the place after an item, written as its sort value and its id.

A page continues after that place whatever was inserted or deleted meanwhile.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import orjson

from parola.errors import InvalidRequest

Place = tuple[str | float, str]


def write(place: Place) -> str:
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def read(cursor: str, kind: type[str] | type[float]) -> Place:
    """The place a cursor stands for. Raises ``InvalidRequest`` when it is not one of ours, or of another order."""
    try:
        value, last_id = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, kind) and isinstance(last_id, str):
            return value, last_id
    except (ValueError, TypeError):
        pass
    raise InvalidRequest(f'cursor: expected the "next_cursor" of a page of this list, got "{cursor[:60]}".')
