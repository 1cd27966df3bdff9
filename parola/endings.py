"""Why conversations end, in words of this server: what may be told where nothing that was said may be.

A reason as the record has it may hold more: what a model gave as its reason, what a provider answered, what an operator
or a client wrote. ``outline`` keeps of it what is written here, and nothing else; it never cuts a text and hopes. What
is made elsewhere under a cause that stands here needs no entry of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

AGENT_ENDED = "The agent ended the call"
CLIENT_LEFT = "Client disconnected"
COMMANDED = "Ended from outside"
GUARDRAIL = "Guardrail triggered"
INTERNAL_ERROR = "Internal error"
MAX_DURATION = "Maximum duration reached"
NEVER_BEGAN = "The client left before the conversation began"
NOT_STORED = "The conversation could not be stored"
SERVER_STOPPED = "The server stopped while the conversation was running"
SILENT = "The user was silent for too long"
STOPPING = "The server is stopping."
VOICEMAIL = "Voicemail was detected"
WORKFLOW_ENDED = "The workflow ended"

BY_CAUSE = {
    "agent": AGENT_ENDED,
    "client": CLIENT_LEFT,
    "client_lost": "The client's connection was lost",
    "command": COMMANDED,
    "crash": SERVER_STOPPED,
    "guardrail": GUARDRAIL,
    "max_duration": MAX_DURATION,
    "requested": "Ended by the server",
    "server_stopped": STOPPING,
    "silence": SILENT,
    # failures
    "asr_transcription_error": "What was said could not be transcribed",
    "cascade_brain_error": "No language model could answer",
    "custom_llm_error": "The agent's own language model failed",
    "internal_error": INTERNAL_ERROR,
    "invalid_message": "The client sent a message that cannot be read",
    "llm_error": "The language model failed",
    "llm_timeout": "The language model gave no answer in time",
    "missing_fields": "The client sent a message that lacks a field",
    "transport_receive_timeout": "Nothing came from the client",
    "tts_cascade_error": "The agent's voice failed",
    # refusals
    "authorization_error": "Could not authorize the conversation",
    "hung_up": "The caller hung up while it waited for a place",
    "missing_dynamic_variable": "A dynamic variable is missing",
    "override_error": "An override is not allowed",
    "pre_call_webhook_failed": "The pre-call webhook failed",
    "server_stopping": STOPPING,
    "stopped": "Ended while it waited for a place",
    "too_many_concurrent_requests": "There was no place",
    "value_error": "What the conversation was to begin with makes no sense",
}
"""The cause of a hang-up (``Close.cause``, ``metadata.x_close.cause``) to its sentence."""

FAILED = "The conversation failed"
ENDED = "The conversation ended"
"""Where no cause is known, as in records from before there were causes."""

_OURS = frozenset(
    {*BY_CAUSE.values(), FAILED, ENDED, NEVER_BEGAN, NOT_STORED, VOICEMAIL, WORKFLOW_ENDED, "end_call tool was called"}
)


def outline(termination_reason: str | None, cause: str | None, status: str | None) -> str:
    """Why a conversation ended, without a word of anybody's; empty when it has no reason yet. ``status`` is the
    record's."""
    if not termination_reason:
        return ""
    head = termination_reason.partition(": ")[0]
    if head in _OURS:
        return head
    return BY_CAUSE.get(cause or "", FAILED if status == "failed" else ENDED)


def outline_of(termination_reason: str | None, document: object, status: str | None) -> str:
    """The same of a conversation with this document."""
    metadata = document.get("metadata") if isinstance(document, Mapping) else None
    close = metadata.get("x_close") if isinstance(metadata, Mapping) else None
    return outline(termination_reason, close.get("cause") if isinstance(close, Mapping) else None, status)
