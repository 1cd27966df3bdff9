"""What a record that a killed server left says beside its turns: until when, and what was still under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parola.store.pages import Document

NOTED = ("x_commands", "x_connections", "x_waiting_for_human")
"""Lists of ``metadata`` whose entries have a moment of their own."""


def last_noted(metadata: Mapping[str, Any]) -> float:
    """Seconds into the conversation of the last thing noted in its metadata; 0 when there is nothing."""
    noted = (one for name in NOTED for one in metadata.get(name) or ())
    return max((float(one.get("time_in_call_secs") or 0) for one in noted), default=0.0)


def human_waits_cut(metadata: Mapping[str, Any], ended_secs: float) -> Document:
    """``x_waiting_for_human`` with the end of the wait that was still on: it was abandoned, after the seconds that are
    known of it. Empty when nobody was waited for."""
    waits = metadata.get("x_waiting_for_human") or ()
    if all(wait.get("outcome") for wait in waits):
        return {}
    return {"x_waiting_for_human": [wait if wait.get("outcome") else _abandoned(wait, ended_secs) for wait in waits]}


def _abandoned(wait: Mapping[str, Any], ended_secs: float) -> Document:
    waited = max(0.0, ended_secs - float(wait.get("time_in_call_secs") or 0))
    return {**wait, "outcome": "abandoned", "waited_secs": round(waited, 3), "operator": None}
