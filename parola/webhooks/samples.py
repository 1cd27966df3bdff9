"""Messages to try an endpoint with: one of each type, in the shape of the real ones, marked as a test."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from parola.store.outbox import DeliveryRow
from parola.store.pages import Document
from parola.webhooks.announcing import OTEL, TYPES
from parola.webhooks.payloads import envelope, traces

AGENT_ID = "agent_test"
CONVERSATION_ID = "conv_test"

SILENCE = b"\xff\xf3\x40\xc4" + bytes(140)
"""A frame of MP3."""


def sample(kind: str, endpoint: str, delivery_id: str, event_id: str, now: float) -> tuple[DeliveryRow, bytes]:
    """A delivery that is no conversation's, and its message."""
    row = DeliveryRow(
        delivery_id=delivery_id,
        event_id=event_id,
        type=kind,
        endpoint=endpoint,
        status="held",
        reason="test",
        agent_id=AGENT_ID,
        created_at=now,
        options={"is_test": True},
    )
    return row, envelope(row, _DATA[kind](now))


def _transcription(now: float) -> Document:
    turns = [("agent", "Hello! This is a test.", 0), ("user", "It arrived.", 2)]
    return {
        "agent_id": AGENT_ID,
        "agent_name": "Test",
        "conversation_id": CONVERSATION_ID,
        "status": "done",
        "user_id": None,
        "transcript": [_turn(role, message, at) for role, message, at in turns],
        "metadata": {
            "start_time_unix_secs": int(now) - 4,
            "accepted_time_unix_secs": int(now) - 4,
            "call_duration_secs": 4,
            "cost": 0,
            "deletion_settings": {},
            "feedback": {"overall_score": None, "likes": 0, "dislikes": 0},
            "authorization_method": "public",
            "charging": {"dev_discount": False},
            "termination_reason": "Client disconnected",
            "error": None,
            "warnings": ["This is a test of the webhook: the conversation never happened."],
            "text_only": False,
        },
        "analysis": {
            "evaluation_criteria_results": {},
            "data_collection_results": {},
            "call_successful": "success",
            "transcript_summary": "A test of the webhook.",
        },
        "conversation_initiation_client_data": {
            "conversation_config_override": {},
            "custom_llm_extra_body": {},
            "dynamic_variables": {"system__conversation_id": CONVERSATION_ID},
        },
        "has_audio": False,
        "has_user_audio": False,
        "has_response_audio": False,
    }


def _turn(role: str, message: str, at: int) -> dict[str, Any]:
    return {
        "role": role,
        "message": message,
        "tool_calls": [],
        "tool_results": [],
        "feedback": None,
        "time_in_call_secs": at,
        "conversation_turn_metrics": None,
    }


def _audio(now: float) -> Document:
    full_audio = b64encode(SILENCE).decode()
    return {"agent_id": AGENT_ID, "conversation_id": CONVERSATION_ID, "full_audio": full_audio}


def _failure(now: float) -> Document:
    return {
        "agent_id": AGENT_ID,
        "conversation_id": CONVERSATION_ID,
        "failure_reason": "unknown",
        "metadata": {
            "type": "web",
            "body": {"close_code": 1008, "error_reason": "A test.", "source": "test", "user_id": None},
        },
    }


_DATA: dict[str, Callable[[float], Document]] = {
    TYPES["transcript"]: _transcription,
    OTEL: lambda now: traces(_transcription(now)),
    TYPES["audio"]: _audio,
    TYPES["call_initiation_failure"]: _failure,
}

SAMPLES = tuple(_DATA)
