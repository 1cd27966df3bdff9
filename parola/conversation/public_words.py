"""What a client is told of a failure: one sentence for each kind, without the words of whoever failed.

A provider's message names addresses, models, sometimes the beginning of a key. That is for who edits the agent, and
stands in the record and the log; who talks to the agent gets these.
"""

from __future__ import annotations

from parola.endings import BY_CAUSE

_OF_PROVIDERS = frozenset(
    {"llm_error", "custom_llm_error", "cascade_brain_error", "tts_cascade_error", "asr_transcription_error"}
)

_TOOLS = {
    "timeout": "The tool gave no answer in time.",
    "customer_auth": "The tool refused the credentials it was called with.",
}


def of_failure(error_type: str, message: str) -> str:
    """For the ``error`` frame and the close frame. What this server says of itself and of the client is no secret."""
    return f"{BY_CAUSE[error_type]}." if error_type in _OF_PROVIDERS else message


def of_tool(error_type: str) -> str:
    """For a call that failed on its way: what a tool itself answers is for everybody, what its address is is not."""
    return _TOOLS.get(error_type, "The tool failed.")
