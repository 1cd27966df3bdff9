"""Events of a conversation as OpenTelemetry batches, for monitors that ask for them: one span without length each,
below the span of the conversation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from parola.session.event_log import Entry
from parola.webhooks.opentelemetry import MOST_BYTES, resource_spans

Batch = dict[str, Any]


class Spans:
    """Of one conversation."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        """``record`` is the conversation's, as REST shows it."""
        self._root = resource_spans({**record, "transcript": []}, source="monitor")[0]
        scope = self._root["scopeSpans"][0]
        self._scope = scope["scope"]
        self._trace_id, self._parent_id = scope["spans"][0]["traceId"], scope["spans"][0]["spanId"]

    @property
    def root(self) -> Batch:
        """The batch with the conversation's own span."""
        return {"resourceSpans": [self._root]}

    def batch(self, entry: Entry) -> Batch:
        """The batch of one event."""
        at = str(round(entry.at * 1_000_000_000))
        event = entry.event
        direction = "recv" if entry.direction == "from_client" else "sent" if entry.direction == "to_client" else "x"
        span = {
            "traceId": self._trace_id,
            "spanId": hashlib.blake2s(f"{self._trace_id}:{entry.seq}".encode(), digest_size=8).hexdigest(),
            "parentSpanId": self._parent_id,
            "name": f"elevenlabs.{direction}.{event.get('type')}",
            "kind": 1,
            "startTimeUnixNano": at,
            "endTimeUnixNano": at,
            "attributes": [
                {"key": "x_seq", "value": {"intValue": str(entry.seq)}},
                {"key": "x_by", "value": {"stringValue": entry.by}},
                {
                    "key": "elevenlabs.event",
                    "value": {"stringValue": entry.frame.encode()[:MOST_BYTES].decode(errors="ignore")},
                },
            ],
            "status": {},
        }
        scope = {"scope": self._scope, "spans": [span]}
        return {"resourceSpans": [{"resource": self._root["resource"], "scopeSpans": [scope]}]}
