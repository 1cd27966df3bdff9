"""For whom a tool runs, and how a request says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """For whom a tool runs: what a request to the outside says of the conversation."""

    agent_id: str
    conversation_id: str
    branch_id: str | None = None
    environment: str = "production"


def headers_of(identity: Identity, call_id: str) -> dict[str, str]:
    """Whose request it is."""
    headers = {
        "X-Agent-Id": identity.agent_id,
        "X-Conversation-Id": identity.conversation_id,
        "X-Tool-Call-Id": call_id,
        "X-Environment": identity.environment,
    }
    return headers | ({"X-Branch-Id": identity.branch_id} if identity.branch_id else {})
