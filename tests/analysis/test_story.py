"""The record tells a person why a conversation ended, whoever ended it and however."""

from __future__ import annotations

from typing import Any

import pytest

from parola.analysis.story import ending, story, timeline
from parola.store.outbox import DeliveryRow

TURNS: list[dict[str, Any]] = [
    {
        "role": "user",
        "message": "A table for four",
        "time_in_call_secs": 3,
        "x_timeline": {"speech_started_secs": 3.2, "closed_secs": 4.9},
    },
    {
        "role": "agent",
        "message": "One moment, I look",
        "interrupted": True,
        "original_message": "One moment, I look into the book.",
        "time_in_call_secs": 6,
        "tool_calls": [{"request_id": "c1", "tool_name": "book"}, {"request_id": "c2", "tool_name": "look"}],
        "tool_results": [
            {
                "request_id": "c1",
                "tool_name": "book",
                "is_error": True,
                "error_type": "timeout",
                "raw_error_message": "No answer within 5 s.",
                "tool_latency_secs": 5.0,
            }
        ],
        "x_timeline": {
            "first_audio_sent_secs": 6.7,
            "interrupted_secs": 68.0,
            "latency_secs": {"end_of_turn": 0.4, "llm": 1.25, "tts": 0.15, "total": 1.8},
        },
    },
]


def record(status: str = "done", *, close: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata = {
        "start_time_unix_secs": 1_760_000_000,
        "call_duration_secs": 75,
        "authorization_method": "signed_url",
        "conversation_initiation_source": "python_sdk",
        "termination_reason": "Client disconnected",
        "warnings": ["Voice 'x' is not mapped."],
        "text_only": False,
        "x_close": close or {"code": 1000, "reason": "", "by": "client", "status": status},
        **more.pop("metadata", {}),
    }
    return {
        "conversation_id": "conv_1",
        "agent_id": "agent_1",
        "agent_name": "Front desk",
        "user_id": "user-7",
        "status": status,
        "metadata": metadata,
        "user_message_count": 1,
        "agent_message_count": 1,
        "visited_agents": [{"agent_id": "agent_1"}],
        "transcript": TURNS,
        "analysis": {"call_successful": "failure", "evaluation_criteria_results": {"booked": {"result": "failure"}}},
        **more,
    }


def delivery(**more: Any) -> DeliveryRow:
    fields = {"type": "post_call_transcription", "endpoint": "wh_1", "status": "delivered", **more}
    return DeliveryRow("whd_1", "evt_1", **fields)


def test_about_ten_sentences_tell_the_whole_call() -> None:
    attempts = ({"at": 1.0}, {"at": 2.0})
    assert story(record(), [delivery(attempts=attempts)]) == [
        "user-7 called Front desk by voice with python_sdk at 2025-10-09 08:53:20 UTC (signed url).",
        "It lasted 1:15 min: the user said something once, the agent once.",
        "The slowest answer took 1.80 s, at 0:06 (“One moment, I look”): 1.25 s of that was the language model.",
        "The agent was interrupted once, at 1:08; the last heard of it was “One moment, I look”.",
        "Tools were called twice, the slowest in 5.00 s; 1 of them failed; 1 without a result.",
        "  book at 0:06 (timeout): No answer within 5 s.",
        "Warning: Voice 'x' is not mapped.",
        "The client hung up: Client disconnected. (close 1000)",
        "The analysis says failure (booked: failure).",
        "The webhook post_call_transcription to wh_1 was delivered at attempt 2.",
    ]


END_CALL = [{"role": "agent", "message": "Bye", "tool_results": [{"tool_name": "end_call", "is_error": False}]}]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (record("in-progress"), "It still runs."),
        (record("initiated"), "It was announced, and nobody has called yet."),
        (
            record(
                transcript=END_CALL,
                close={"code": 1000, "reason": "The agent ended the call", "by": "server", "status": "done"},
                metadata={"termination_reason": "end_call tool was called"},
            ),
            "The agent ended it: end_call tool was called. (close 1000 “The agent ended the call”)",
        ),
        (
            record(
                "failed",
                close={"code": 1002, "reason": "The model failed.", "by": "server", "status": "failed"},
                metadata={"termination_reason": "The model failed: 500", "error": {"code": 1002}},
            ),
            "The server ended it after a failure: The model failed: 500. (close 1002 “The model failed.”)",
        ),
        (
            record(
                "failed",
                close={"code": 1008, "reason": "Missing: name", "by": "server", "status": "failed", "refused": True},
                metadata={"termination_reason": "Missing: name"},
            ),
            "It was refused before it began: Missing: name. (close 1008 “Missing: name”)",
        ),
        (
            record("failed", close={"code": 1006, "reason": "", "by": "crash", "status": "failed"}),
            "The server was killed or crashed while it ran; no close frame was sent. "
            "The last thing stored of it is from 0:06.",
        ),
        (
            record(close={"status": "done"}, metadata={"termination_reason": ""}),
            "The server ended it: No reason was stored. (no close frame is known)",
        ),
    ],
)
def test_the_end_is_somebodys_and_has_a_reason(found: dict[str, Any], said: str) -> None:
    assert ending(found) == said


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        (delivery(status="skipped", endpoint="", reason="not_configured"), "was not sent: not configured."),
        (delivery(status="dead", reason="http_503", attempts=({},) * 5), "was given up after 5 attempts: http 503."),
        (delivery(status="waiting"), "is on its way, 0 attempts so far."),
    ],
)
def test_every_fate_of_a_webhook_is_told(row: DeliveryRow, fate: str) -> None:
    assert story(record(), [row])[-1].endswith(fate)


def test_the_timeline_is_in_order_and_ends_with_the_close() -> None:
    events = timeline(record())
    assert [(event["at_secs"], event["event"]) for event in events] == [
        (0.0, "began"),
        (3.2, "user"),
        (6.7, "agent"),
        (6.7, "tool"),
        (6.7, "tool"),
        (68.0, "interruption"),
        (75.0, "close"),
    ]
    assert events[3]["words"] == "book failed in 5.00 s" and events[-1]["words"] == "1000  (by client)"
