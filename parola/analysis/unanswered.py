"""Calls of tools that a killed server left without a result: whoever reads the record is told that there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.store.pages import Document

STOPPED = "The server stopped while the tool ran: its result is not known."


def with_results(turns: Mapping[int, Document]) -> dict[int, Document]:
    """Turns by their place in the transcript: those with calls that have no result, with a result for each."""
    changed: dict[int, Document] = {}
    for position, turn in turns.items():
        results = turn.get("tool_results") or []
        answered = {result.get("request_id") for result in results}
        lost = [_lost(call) for call in turn.get("tool_calls") or () if call.get("request_id") not in answered]
        if lost:
            changed[position] = {**turn, "tool_results": [*results, *lost]}
    return changed


def _lost(call: Mapping[str, Any]) -> Document:
    result: Document = {
        "type": call.get("type"),
        "request_id": call.get("request_id"),
        "tool_name": call.get("tool_name"),
        "result_value": STOPPED,
        "is_error": True,
        "tool_has_been_called": bool(call.get("tool_has_been_called")),
        "tool_latency_secs": 0,
        "error_type": "not_answered",
        "raw_error_message": STOPPED,
        "dynamic_variable_updates": [],
    }
    return result | ({"result": None} if call.get("type") in ("system", "workflow") else {})
