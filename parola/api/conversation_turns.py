"""The turns of a record with every field they can have (``TranscriptResponse``, reference: rest-schemas.md §3).

The session stores what it knows; what follows from the rest of the record is filled in here, and what does not apply is
null or empty, so that readers of the newest shape find every key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parola.store.base import ConversationRow
from parola.store.pages import Document

_TURN: Document = {
    "agent_metadata": None,
    "message": None,
    "multivoice_message": None,
    "tool_calls": [],
    "tool_results": [],
    "feedback": None,
    "llm_override": None,
    "producing_llm": None,
    "time_in_call_secs": 0,
    "conversation_turn_metrics": None,
    "rag_retrieval_info": None,
    "llm_usage": None,
    "interrupted": False,
    "ignored_as_backchannel": False,
    "platform_event": None,
    "original_message": None,
    "reasoning": [],
    "source_medium": None,
    "source_event_id": None,
    "used_static_kb_document_ids": [],
    "user_identifier": None,
    "triggered_guardrails": [],
    "file_input": None,
    "file_inputs": [],
    "contextual_update_info": None,
    "reasoned": False,
}

_AGENT: Document = {"branch_id": None, "workflow_node_id": None, "version_id": None}

_CALL: Document = {"tool_id": None, "tool_details": None}

_RESULT: Document = {
    "tool_id": None,
    "is_blocked": False,
    "tool_latency_secs": 0,
    "error_type": "",
    "raw_error_message": "",
    "dynamic_variable_updates": [],
}


def complete(row: ConversationRow, turns: Sequence[Document]) -> list[Document]:
    """Every turn with every field."""
    voices = _voices(row)
    return [_turn(row, position, turn, voices) for position, turn in enumerate(turns)]


def _turn(row: ConversationRow, position: int, turn: Document, voices: Mapping[str, Any]) -> Document:
    known = _TURN | turn
    calls = {call.get("request_id"): call for call in known["tool_calls"]}
    known["tool_calls"] = [_CALL | call for call in known["tool_calls"]]
    known["tool_results"] = [
        _RESULT | {"tool_id": calls.get(result.get("request_id"), {}).get("tool_id")} | result
        for result in known["tool_results"]
    ]
    if known["agent_metadata"] is not None:
        known["agent_metadata"] = _AGENT | known["agent_metadata"]
    if known["file_inputs"] and known["file_input"] is None:
        known["file_input"] = known["file_inputs"][0]
    if known["conversation_turn_metrics"] is not None:
        known["conversation_turn_metrics"] = voices | known["conversation_turn_metrics"]
    known["id"] = f"{row.conversation_id}_{position}"
    known["created_at_unix_ms"] = round((row.started_at + began(known)) * 1000)
    return known


def began(turn: Mapping[str, Any]) -> float:
    """When a turn began, in seconds of the conversation, as exactly as the record knows it."""
    timeline: Mapping[str, Any] = turn.get("x_timeline") or {}
    exact = timeline.get("speech_started_secs", timeline.get("first_audio_sent_secs", turn.get("x_at_secs")))
    return float(exact if exact is not None else turn.get("time_in_call_secs") or 0)


def thumbs(turns: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many replies the user liked and disliked during the conversation."""
    scores = [feedback.get("score") for turn in turns if (feedback := turn.get("feedback"))]
    return scores.count("like"), scores.count("dislike")


def _voices(row: ConversationRow) -> Document:
    """Who listened and spoke; known when the conversation has ended."""
    charging: Mapping[str, Any] = (row.document.get("metadata") or {}).get("charging") or {}
    heard, spoken = charging.get("asr_usage") or {}, charging.get("tts_usage") or {}
    voices = spoken.get("per_voice_usage") or [{}]
    return {
        "metrics": {},
        "convai_asr_provider": heard.get("asr_model"),
        "convai_tts_model": spoken.get("primary_tts_model"),
        "convai_tts_cascade": None,
        "voice_id": voices[0].get("voice_id"),
    }
