"""Who was let in: what the door hands to the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from parola.protocol.client_messages import ConversationInitiationClientData
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
    """Of the agent; None: it is not one of this server's."""
    environment: str = "production"
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Registry tools that came along with the agent (the self-hosted handshake)."""
    brought_webhooks: Mapping[str, tuple[str, str | None]] | None = None
    """Event to the address and the secret of an endpoint that came along with the agent; None: it is an agent of this
    server."""
    warnings: tuple[str, ...] = ()
    bound: Bound | None = None
    """What a signed URL has settled."""
    address: str = ""
    """The client's IP address."""
    may_mock: bool = True
    """Its tools may be answered by mocks (``tool_mocks`` of the settings)."""
    can_resume: bool = False
    """It said that it can come back when its connection breaks (``x_resume=1``)."""
    key_id: str | None = None
    """The API key it came with, or that signed its URL."""
    pre_call: Mapping[str, Any] | None = None
    """What came of the pre-call webhook, for the record."""


MOCKS_IGNORED = (
    "tool_mock_config was ignored, tools are called: this server lets only clients with an API key of their own ask "
    "for mocks, or nobody (the setting tool_mocks)."
)


def mocks_if_allowed(
    admitted: Admitted, client_data: ConversationInitiationClientData
) -> tuple[Admitted, ConversationInitiationClientData]:
    """What the client began with, without the mocks that it may not ask for, which the record says."""
    config = client_data.tool_mock_config
    if admitted.may_mock or config is None or config.mocking_strategy == "none":
        return admitted, client_data
    admitted = replace(admitted, warnings=(*admitted.warnings, MOCKS_IGNORED))
    return admitted, client_data.model_copy(update={"tool_mock_config": None})
