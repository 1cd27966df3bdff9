"""Spans as OTLP has them in JSON: ids in hex, 64-bit numbers as text, times in nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

MOST_BYTES = 4096
"""Of an attribute's text."""

SERVER, CLIENT, INTERNAL = 2, 3, 1
OK, ERROR = 1, 2


@dataclass(slots=True)
class Span:
    """Something that took a while."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty: it begins the trace."""
    name: str
    start: float
    """Unix seconds, as ``end``."""
    end: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What is None is left out."""
    kind: int = INTERNAL
    error: str | None = None
    """What went wrong, as a type or a code: never words that somebody said."""
    events: Sequence[tuple[str, float]] = ()
    """What happened meanwhile, and when (unix seconds)."""


def encoded(span: Span) -> dict[str, Any]:
    """As OTLP has it in JSON."""
    told: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": cut(span.name),
        "kind": span.kind,
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(max(span.start, span.end)),
        "attributes": attributes(span.attributes),
        "status": {"code": OK} if span.error is None else {"code": ERROR, "message": cut(span.error)},
    }
    if span.parent_id:
        told["parentSpanId"] = span.parent_id
    if span.events:
        told["events"] = [{"name": name, "timeUnixNano": nanoseconds(at)} for name, at in span.events]
    return told


def tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """What models were asked for (``LlmUsage``), all of them together, as attributes."""
    totals: dict[str, int] = {}
    for kinds in (usage.get("model_usage") or {}).values():
        for kind, name in (("input", "input"), ("input_cache_read", "input"), ("output_total", "output")):
            key = f"gen_ai.usage.{name}_tokens"
            totals[key] = totals.get(key, 0) + int((kinds.get(kind) or {}).get("tokens") or 0)
    return totals


def nanoseconds(seconds: float) -> str:
    """A point in time; the record knows them to the millisecond, and so is this."""
    return str(round(seconds * 1000) * 1_000_000)


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """``[{key, value}]``; what is None is left out."""
    return [{"key": name, "value": _value(value)} for name, value in values.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}  # 64 bits do not fit a JSON number
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": cut(value)}
        case _:
            return {"stringValue": cut(orjson.dumps(value, default=str).decode())}


def cut(text: str) -> str:
    """At most ``MOST_BYTES`` of it, and nothing that is no character."""
    raw = text[:MOST_BYTES].encode("utf-8", "replace")
    return raw[:MOST_BYTES].decode("utf-8", "ignore")


def shortened(span: Span) -> None:
    """Without the text that would be cut anyway: a span may wait for long, and many do."""
    span.attributes = {
        name: value[:MOST_BYTES] if isinstance(value, str) else value for name, value in span.attributes.items()
    }
