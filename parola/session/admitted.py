"""Who was let in: what the door hands to the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parola.session.bound import Bound
from parola.store.base import AgentRow


@dataclass(frozen=True, slots=True)
class Admitted:
    """A client that may talk to an agent, and what its credential and address said."""

    agent: AgentRow
    authorization_method: str = "public"
    conversation_id: str | None = None
    """Reserved by a single-use signed URL, and claimed."""
    source: str | None = None
    source_version: str | None = None
    branch_id: str | None = None
    environment: str = "production"
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Registry tools that came along with the agent (the self-hosted handshake)."""
    warnings: tuple[str, ...] = ()
    bound: Bound | None = None
    """What a signed URL has settled."""
    address: str = ""
    """The client's IP address."""
    key_id: str | None = None
    """The API key it came with, or that signed its URL."""
