"""``GET /v1/x/limits``: every time-out and every size that clients, owners and services can run into.

Nothing is written twice: a limit is the constant that enforces it, found by its address.
"""

from __future__ import annotations

from dataclasses import asdict
from importlib import import_module
from typing import Any

from fastapi import APIRouter

from parola.api import conversation_files, health
from parola.api.credentials import LIFETIME_SECONDS
from parola.api.responses import Json
from parola.api.services import Services, ServicesDep, needs_key
from parola.protocol.lossless import MAX_DEPTH

router = APIRouter(tags=["server"])

CONSTANTS: dict[str, dict[str, str]] = {
    "socket": {
        "frame_bytes": "terminal.serve:LARGEST_FRAME",
        "message_characters": "protocol.client_messages:MOST_CHARACTERS",
        "first_frame_secs": "api.conversation_socket:INIT_SECONDS",
        "ping_secs": "conversation.keep_alive:PING_SECONDS",
        "input_silence_secs": "session.connection:INPUT_STALL_SECONDS",
        "unread_output_secs": "session.connection:UNREAD_SECONDS",
        "drain_secs": "session.session:DRAIN_SECONDS",
        "close_secs": "api.conversation_socket:CLOSE_SECONDS",
        "resume_messages": "session.resuming:MOST_KEPT",
        "close_reason_bytes": "protocol.messages:LONGEST_REASON",
        "server_stop_secs": "session.live:FAREWELL_SECONDS",
    },
    "model": {
        "silence_secs": "conversation.speaking:LLM_SECONDS",
        "answer_characters": "session.thinking:MOST_CHARACTERS",
        "answer_secs": "session.thinking:MOST_SECONDS",
        "rests_after_failure_secs": "session.thinking:REST_SECONDS",
        "last_words_secs": "conversation.ending:FAREWELL_SECONDS",
        "shown_text_file_bytes": "session.opening:SHOWN_TEXT_BYTES",
        "retrieval_secs": "session.retrieving:MOST_SECONDS",
        "guardrail_judgement_secs": "session.guarding:JUDGE_SECONDS",
        "transfer_secs": "conversation.handover:FETCH_SECONDS",
        "workflow_steps": "conversation.walk:MAX_STEPS",
    },
    "tools": {
        "rounds_a_turn": "conversation.tool_round:MAX_ROUNDS",
        "calls_a_round": "conversation.tool_round:MAX_CALLS",
        "result_characters": "conversation.tool_results:MOST_CHARACTERS",
        "full_payload_bytes": "conversation.tool_round:FULL_PAYLOAD_LIMIT",
        "connect_secs": "tools.webhook:CONNECT_SECONDS",
        "retry_pauses_secs": "tools.webhook:PAUSES_SECONDS",
        "read_bytes": "tools.response:MOST_READ_BYTES",
        "shown_to_model_bytes": "tools.response:MOST_SHOWN_BYTES",
        "token_service_secs": "tools.auth:TOKEN_TIMEOUT_SECONDS",
        "mcp_connect_secs": "tools.mcp:CONNECT_SECONDS",
        "mcp_call_secs": "conversation.mcp_tools:DEFAULT_SECONDS",
        "mcp_approval_secs": "conversation.mcp_calls:APPROVAL_SECONDS",
        "mcp_answer_bytes": "tools.mcp_http:MOST_BYTES",
        "mcp_tools_of_a_server": "tools.mcp:MOST_TOOLS",
        "mcp_tools_of_an_agent": "conversation.mcp_tools:MOST_TOOLS",
    },
    "knowledge_base": {
        "file_bytes": "knowledge.formats:MOST_FILE_BYTES",
        "unpacked_bytes": "knowledge.formats:MOST_UNPACKED_BYTES",
        "characters": "knowledge.formats:MOST_CHARACTERS",
        "pages": "knowledge.formats:MOST_PAGES",
        "prompt_characters": "session.knowing:PROMPT_CHARACTERS",
        "indexed_bytes": "knowledge.indexing:MOST_INDEXED_BYTES",
        "documents_waiting": "knowledge.extraction:MOST_WAITING",
        "redirects": "knowledge.fetching:MOST_REDIRECTS",
        "url_characters": "knowledge.fetching:LONGEST_URL",
        "folder_depth": "api.knowledge_new:MOST_DEPTH",
    },
    "webhooks": {
        "retry_pauses_secs": "webhooks.retry:PAUSES_SECONDS",
        "then_every_secs": "webhooks.retry:THEN_SECONDS",
        "give_up_secs": "webhooks.retry:GIVE_UP_SECONDS",
        "deliveries_at_once_of_an_endpoint": "webhooks.delivery:MOST_AT_ONCE",
        "circuit_first_pause_secs": "webhooks.circuit:FIRST_PAUSE_SECONDS",
        "circuit_longest_pause_secs": "webhooks.circuit:LONGEST_PAUSE_SECONDS",
        "pre_call_answer_bytes": "webhooks.pre_call:MOST_BYTES",
    },
    "live_control": {
        "commands_a_second": "session.commands:MOST_A_SECOND",
        "commands_waiting": "conversation.live_control:MOST_WAITING",
        "takeover_secs": "conversation.takeover:LONGEST_SECONDS",
        "takeover_grace_secs": "conversation.takeover:GRACE_SECONDS",
        "people_who_hear": "session.operators:MOST_LINES",
        "unread_stream_secs": "api.cutting:UNREAD_SECONDS",
        "events_kept": "session.event_log:MOST_EVENTS",
        "event_bytes_kept": "session.event_log:MOST_BYTES",
    },
    "after_the_call": {
        "analysis_secs": "analysis.analysing:ANALYSIS_SECONDS",
        "answer_characters": "analysis.asking:MOST_CHARACTERS",
    },
    "outbound": {
        "connect_secs": "outbound.http:CONNECT_SECONDS",
        "keepalive_secs": "outbound.http:KEEPALIVE_SECONDS",
    },
    "pronunciation_dictionaries": {
        "versions": "api.pronunciation_dictionaries:MOST_VERSIONS",
        "file_bytes": "api.pronunciation_dictionaries:MOST_BYTES",
    },
    "audit_log": {"secret_use_secs": "api.auditing:SECRET_USE_SECONDS"},
    "api_keys": {
        "rotation_grace_secs": "api.auth:GRACE_SECONDS",
        "last_use_secs": "api.auth:LAST_USE_SECONDS",
        "master_key_characters": "config:SHORTEST_MASTER_KEY",
    },
}
"""Section, name, and where in ``parola`` the constant is. Names end in their unit."""


@router.get("/v1/x/limits", operation_id="x_limits_get", dependencies=[needs_key])
async def limits(services: ServicesDep) -> Json:
    """The sizes and times this server enforces."""
    told = {section: {name: constant(where) for name, where in names.items()} for section, names in CONSTANTS.items()}
    return Json({**told, **_settled(services)})


def constant(where: str) -> Any:
    """The value at ``module:NAME``."""
    module, _, name = where.partition(":")
    return getattr(import_module(f"parola.{module}"), name)


def _settled(services: Services) -> dict[str, Any]:
    """What depends on settings, and what has been told under these names before there were sections."""
    from parola.conversation import webhook_tool
    from parola.conversation.ending import FAREWELL_SECONDS
    from parola.session import waiting_room

    settings = services.settings
    return {
        "request_body_bytes": health.MOST_BODY_BYTES,
        "json_depth": MAX_DEPTH,
        "conversation_file_bytes": conversation_files.MOST_BYTES,
        "page_size": {"default": 30, "minimum": 1, "maximum": 100},
        "resume_window_secs": settings.resume_window_secs,
        "signed_url_lifetime_secs": LIFETIME_SECONDS,
        "signed_url_longest_lifetime_secs": 7 * 86400,
        "tool_response_timeout_secs": {
            "client": {"minimum": 1, "maximum": 120},
            "webhook": {"minimum": webhook_tool.SHORTEST_SECONDS, "maximum": webhook_tool.LONGEST_SECONDS},
            "default": webhook_tool.USUAL_SECONDS,
        },
        "webhook_tool_response_bytes": {
            "read": constant(CONSTANTS["tools"]["read_bytes"]),
            "shown_to_model": constant(CONSTANTS["tools"]["shown_to_model_bytes"]),
        },
        "first_frame_secs": constant(CONSTANTS["socket"]["first_frame_secs"]),
        "ping_secs": constant(CONSTANTS["socket"]["ping_secs"]),
        "llm_silence_secs": constant(CONSTANTS["model"]["silence_secs"]),
        "input_silence_secs": constant(CONSTANTS["socket"]["input_silence_secs"]),
        "unread_output_secs": constant(CONSTANTS["socket"]["unread_output_secs"]),
        "last_words_secs": FAREWELL_SECONDS,
        "conversations": {
            "maximum": settings.max_conversations or None,
            "held_when_busy": settings.hold_when_busy,
            "hold_secs": waiting_room.HOLD_SECONDS,
            "longest_wait_secs": waiting_room.LONGEST_WAIT_SECONDS,
            "waiting": waiting_room.MOST_WAITING,
        },
        "close_codes": {
            "too_many_conversations": waiting_room.TOO_MANY,
            "waited_too_long": waiting_room.TIMED_OUT,
        },
        "limits": {
            name: value if name == "count_loopback" else value or None
            for name, value in asdict(settings.limits).items()
        },
        "audit_retention_days": settings.audit_retention_days or None,
    }
