"""JSON that comes out as it went in: integers of any size, every depth up to a limit, strict on the way in.

orjson does nearly everything. It knows no integer beyond 64 bits (it would read one as a float) and writes no more
than 254 levels; those cases go to the standard library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

MAX_DEPTH = 500
"""Objects and lists inside one another; what is deeper is refused."""

_LONG_NUMBER = re.compile(rb"\d{19}")


def loads(data: bytes) -> Any:
    """Read one JSON value. Raises ``ValueError`` that says what is wrong and where."""
    value = orjson.loads(data)
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if _LONG_NUMBER.search(data):
        return json.loads(data)
    return value


def dumps(value: Any, *, sort_keys: bool = False) -> bytes:
    """Write one JSON value as UTF-8. Raises ``TypeError`` or ``ValueError`` for what is not JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else 0)
    except TypeError:
        separators = (",", ":")
        return json.dumps(
            value, ensure_ascii=False, allow_nan=False, separators=separators, sort_keys=sort_keys
        ).encode()


def merged(document: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` with ``change`` laid over it: objects are merged, anything else is replaced."""
    result = dict(document)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
