"""What a client is told of a failure: one sentence for each kind, without the words of whoever failed.

A provider's message names addresses, models, sometimes the beginning of a key. That is for who edits the agent, and
stands in the record and the log; who talks to the agent gets these.
"""

from __future__ import annotations

_SENTENCES = {
    "llm_error": "The language model failed.",
    "custom_llm_error": "The agent's own language model failed.",
    "cascade_brain_error": "No language model could answer.",
    "tts_cascade_error": "The agent's voice failed.",
    "asr_transcription_error": "What was said could not be transcribed.",
}

_TOOLS = {
    "timeout": "The tool gave no answer in time.",
    "customer_auth": "The tool refused the credentials it was called with.",
}


def of_failure(error_type: str, message: str) -> str:
    """For the ``error`` frame and the close frame. What this server says of itself and of the client is no secret."""
    return _SENTENCES.get(error_type, message)


def of_tool(error_type: str) -> str:
    """For a call that failed on its way: what a tool itself answers is for everybody, what its address is is not."""
    return _TOOLS.get(error_type, "The tool failed.")
