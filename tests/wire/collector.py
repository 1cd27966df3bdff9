"""A collector of OpenTelemetry traces, on this machine: keeps the spans it is sent, as plain values."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.webhooks.receiver import Receiver

TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One span. Times are unix seconds."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start: float
    end: float
    attributes: dict[str, Any]
    events: dict[str, float]
    is_error: bool


class Collector(Receiver):
    """Takes OTLP over HTTP. ``requests`` are as they came."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = b"{}"

    @property
    def spans(self) -> list[Seen]:
        """Everything so far."""
        return [span for received in list(self.requests) for span in read(received.json())]

    def of(self, conversation_id: str, *names: str) -> list[Seen]:
        """The spans of a conversation's trace, once its own span and all these are there."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            spans = self.spans
            roots = [
                span
                for span in spans
                if span.attributes.get("gen_ai.operation.name") == "invoke_agent"
                and span.attributes["gen_ai.conversation.id"] == conversation_id
            ]
            if roots:
                found = [span for span in spans if span.trace_id == roots[0].trace_id]
                if set(names) <= {span.name for span in found}:
                    return found
            assert time.monotonic() < deadline, f"of {names} only {[span.name for span in spans]}"
            time.sleep(0.05)


def read(request: dict[str, Any]) -> list[Seen]:
    """The spans of an ``ExportTraceServiceRequest``."""
    return [
        Seen(
            trace_id=span["traceId"],
            span_id=span["spanId"],
            parent_id=span.get("parentSpanId", ""),
            name=span["name"],
            kind=span["kind"],
            start=int(span["startTimeUnixNano"]) / 1e9,
            end=int(span["endTimeUnixNano"]) / 1e9,
            attributes={one["key"]: _value(one["value"]) for one in span["attributes"]},
            events={one["name"]: int(one["timeUnixNano"]) / 1e9 for one in span.get("events", ())},
            is_error=span["status"]["code"] == 2,
        )
        for resource in request["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def _value(value: dict[str, Any]) -> Any:
    ((kind, found),) = value.items()
    return int(found) if kind == "intValue" else found


def text_of(received: Any) -> str:
    """A request's body, to be searched."""
    return json.dumps(received.json(), ensure_ascii=False)
