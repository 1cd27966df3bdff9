"""The record of a conversation, put together from its row and its turns (reference: rest-schemas.md §3).

What the session stored in ``ConversationRow.document`` (fragments of the same shape) lies over what is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parola.api.conversation_turns import complete, thumbs
from parola.privacy.reaping import NEVER
from parola.protocol.lossless import merged
from parola.store.base import ConversationRow, whole_seconds
from parola.store.pages import Document

LIVE = ("initiated", "in-progress")


def record(row: ConversationRow, turns: Sequence[Document], now: float) -> Document:
    """``GetConversationResponse``. ``now`` gives a live conversation its duration so far."""
    branch_id, environment = row.document.get("branch_id"), row.document.get("environment") or "production"
    computed: Document = {
        "agent_id": row.agent_id,
        "agent_name": row.agent_name,
        "conversation_id": row.conversation_id,
        "conversation_product": "agent",
        "status": row.status,
        "user_id": row.user_id,
        "branch_id": branch_id,
        "version_id": row.document.get("version_id"),
        "metadata": _metadata(row, now),
        "analysis": None,
        "user_message_count": row.user_messages,
        "agent_message_count": row.agent_messages,
        "visited_agents": [{"agent_id": row.agent_id, "branch_id": branch_id}],
        "conversation_initiation_client_data": {
            "conversation_config_override": {},
            "custom_llm_extra_body": {},
            "user_id": row.user_id,
            "source_info": {"source": None, "version": None},
            "branch_id": branch_id,
            "environment": environment,
            "starting_workflow_node_id": None,
            "procedure_ids": None,
            "start_procedure_ids": [],
            "dynamic_variables": {},
        },
        "environment": environment,
        "has_audio": row.has_audio,
        "has_user_audio": row.has_audio,
        "has_response_audio": row.has_audio,
        "has_auxiliary_audio": False,
        "tag_ids": [],
        "otlp_traces": None,
    }
    found = merged(computed, row.document) | {"transcript": complete(row, turns)}
    likes, dislikes = thumbs(turns)
    feedback = found["metadata"]["feedback"]
    found["metadata"]["feedback"] = feedback | {
        "likes": feedback["likes"] + likes,
        "dislikes": feedback["dislikes"] + dislikes,
    }
    found["metadata"]["cost_fiat"] = cost(row)
    return found


def summary(row: ConversationRow, now: float, *, with_transcript_summary: bool) -> Document:
    """``ConversationSummaryResponse``: an item of the list."""
    analysis: Document = row.document.get("analysis") or {}
    metadata: Document = row.document.get("metadata") or {}
    return {
        "agent_id": row.agent_id,
        "branch_id": row.document.get("branch_id"),
        "version_id": row.document.get("version_id"),
        "agent_name": row.agent_name,
        "conversation_id": row.conversation_id,
        "start_time_unix_secs": int(row.started_at),
        "call_duration_secs": duration(row, now),
        "message_count": row.user_messages + row.agent_messages,
        "user_message_count": row.user_messages,
        "agent_message_count": row.agent_messages,
        "status": row.status,
        "termination_reason": row.termination_reason,
        "call_successful": analysis.get("call_successful", "unknown"),
        "call_success_score": analysis.get("call_success_score"),
        "transcript_summary": analysis.get("transcript_summary") if with_transcript_summary else None,
        "call_summary_title": analysis.get("call_summary_title"),
        "main_language": metadata.get("main_language"),
        "conversation_initiation_source": row.source,
        "tool_names": row.document.get("tool_names"),
        "cost": 0,
        "cost_fiat": cost(row),
        "direction": None,
        "rating": row.rating,
        "sentiment_analysis": None,
        "data_collection_results": _values(analysis.get("data_collection_results")),
        "evaluation_criteria_results": _verdicts(analysis.get("evaluation_criteria_results")),
        "tag_ids": row.document.get("tag_ids") or [],
    }


def duration(row: ConversationRow, now: float) -> int:
    """Whole seconds; a conversation that is only reserved has none."""
    if row.status == "initiated":
        return 0
    end = row.ended_at if row.ended_at is not None else now
    return whole_seconds(row.started_at, end)


def cost(row: ConversationRow) -> float | None:
    """USD by the owner's price list, of the conversation and its analyses; None where nothing is known of it yet."""
    charging: Document = (row.document.get("metadata") or {}).get("charging") or {}
    price = charging.get("llm_price")
    if price is None:
        return None
    total: Document = (charging.get("analysis") or {}).get("total") or {}
    return round(float(price) + float(total.get("price") or 0), 9)


def _values(results: Document | None) -> Document | None:
    return None if results is None else {name: result.get("value") for name, result in results.items()}


def _verdicts(results: Document | None) -> Document | None:
    """``EvaluationCriteriaSummaryResult`` by criterion."""
    if results is None:
        return None
    return {
        name: {key: result.get(key) for key in ("result", "score", "max_score")} for name, result in results.items()
    }


def _metadata(row: ConversationRow, now: float) -> dict[str, Any]:
    return {
        "start_time_unix_secs": int(row.started_at),
        "accepted_time_unix_secs": None,
        "call_duration_secs": duration(row, now),
        "queue_wait_secs": None,
        "cost": 0,
        "deletion_settings": {**NEVER},
        "feedback": {"type": None, "overall_score": None, "likes": 0, "dislikes": 0, "rating": None, "comment": None},
        "authorization_method": "public",
        "charging": {
            "dev_discount": False,
            "is_burst": False,
            "tier": None,
            "llm_usage": {
                "irreversible_generation": {"model_usage": {}},
                "initiated_generation": {"model_usage": {}},
            },
            "llm_price": None,
            "llm_charge": None,
            "call_charge": None,
            "platform_charge": None,
            "platform_usage": {"category_usage": {}},
            "platform_price": None,
            "free_minutes_consumed": 0,
            "free_llm_dollars_consumed": 0,
            "tts_usage": None,
            "asr_usage": None,
            "analysis": None,
            "voice_surcharge_charge": None,
        },
        "phone_call": None,
        "batch_call": None,
        "termination_reason": row.termination_reason,
        "error": None,
        "warnings": [],
        "main_language": None,
        "rag_usage": None,
        "text_only": row.text_only,
        "features_usage": {},
        "eleven_assistant": {"is_eleven_assistant": False},
        "initiator_id": None,
        "conversation_initiation_source": row.source,
        "conversation_initiation_source_version": None,
        "timezone": None,
        "async_metadata": None,
        "whatsapp": None,
        "sms": None,
        "agent_created_from": "unknown",
        "agent_last_updated_from": "unknown",
        "voice_rewards": [],
        "cost_fiat": None,
    }
