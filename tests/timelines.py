"""What the timeline of a stored turn owes its reader, whichever conversation it is of."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

STEPS = ["end_of_turn", "retrieval", "llm", "sentence", "tts", "send"]

IN_ORDER = (
    ("speech_started", "speech_stopped", "closed"),
    ("transcribed", "closed"),
    ("asked", "retrieved", "first_token", "first_sentence", "tts_first_byte", "first_audio_sent", "interrupted"),
)


def adds_up(turn: Mapping[str, Any]) -> None:
    """Points of time follow each other; the steps of the latency are none below zero, and make the total."""
    told = turn.get("x_timeline") or {}
    for names in IN_ORDER:
        points = [told[f"{name}_secs"] for name in names if f"{name}_secs" in told]
        for earlier, later in pairwise(points):
            assert earlier <= later, turn
    assert ("latency_secs" in told) == ("first_audio_sent_secs" in told), turn
    if "latency_secs" in told:
        steps = dict(told["latency_secs"])
        total = steps.pop("total")
        expected = [step for step in STEPS if step != "retrieval" or "retrieved_secs" in told]
        assert list(steps) == expected and min(steps.values()) >= 0, turn
        assert abs(sum(steps.values()) - total) < 0.002, turn
