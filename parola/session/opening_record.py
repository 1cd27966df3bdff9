"""How the stored record of a conversation begins: with what it was started with, or with why it was refused."""

from __future__ import annotations

import time

from parola.config import Settings
from parola.conversation import prompt
from parola.conversation.overrides import is_text_only
from parola.conversation.setup import Setup
from parola.errors import ConversationRefused
from parola.metrics import Metrics
from parola.outbound.locators import Seal
from parola.privacy.policy import Policy
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.messages import close_reason
from parola.session.admitted import Admitted
from parola.store.base import ConversationRow, Store
from parola.store.pages import Document
from parola.tracing.context import current
from parola.webhooks.announcing import failure_announcements, held
from parola.webhooks.endpoints import sealed_endpoint


async def keep_start(
    store: Store,
    admitted: Admitted,
    client_data: ConversationInitiationClientData,
    setup: Setup,
    started_at: float,
    seal: Seal,
    waited_seconds: float = 0.0,
) -> None:
    """A conversation that begins, or that waits for its place. ``started_at`` is unix seconds. Webhooks that the client
    brought along are held, sealed, until it has ended."""
    document = _document(admitted, client_data, setup, started_at)
    if waited_seconds:
        accepted_at = int(started_at - waited_seconds)
        document["metadata"] |= {
            "accepted_time_unix_secs": accepted_at,
            "queue_wait_secs": round(waited_seconds, 3),
        }
    row = ConversationRow(
        conversation_id=setup.conversation_id,
        agent_id=setup.agent_id,
        agent_name=setup.agent_name,
        status="in-progress",
        started_at=started_at,
        document=document,
        user_id=setup.user_id,
        source=document["metadata"]["conversation_initiation_source"],
        text_only=setup.text_only,
    )
    brought = {event: sealed_endpoint(seal, *endpoint) for event, endpoint in (admitted.brought_webhooks or {}).items()}
    await store.conversations.create(row, held(row, brought, started_at))


async def keep_refusal(
    store: Store,
    metrics: Metrics,
    admitted: Admitted,
    client_data: ConversationInitiationClientData,
    conversation_id: str,
    started_at: float,
    refusal: ConversationRefused,
    waited_seconds: float = 0.0,
) -> None:
    """A conversation that was refused before it began, with the reason, and whoever is to be told of it."""
    metrics.conversation_ended("failed", refusal.close_code, refusal.error_type)
    document = _document(admitted, client_data, None, started_at)
    config = admitted.agent.document.get("conversation_config") or {}
    text_only = is_text_only(client_data.conversation_config_override, config)
    document["metadata"]["text_only"] = text_only
    if refusal.close_code not in (1000, 1001):
        document["metadata"]["error"] = {"code": refusal.close_code, "reason": refusal.message}
    document["metadata"]["x_close"] = {
        "code": refusal.close_code,
        "reason": close_reason(refusal.reason),
        "by": "server",
        "status": "failed",
        "refused": True,
        "cause": refusal.error_type,
    }
    if waited_seconds:
        document["metadata"]["queue_wait_secs"] = round(waited_seconds, 3)
        started_at = time.time()  # it never started: a conversation of no length
    row = ConversationRow(
        conversation_id=conversation_id,
        agent_id=admitted.agent.agent_id,
        agent_name=admitted.agent.name,
        status="failed",
        started_at=started_at,
        ended_at=time.time(),
        document=document,
        user_id=client_data.user_id,
        source=document["metadata"]["conversation_initiation_source"],
        termination_reason=refusal.message,
        text_only=text_only,
    )
    await store.conversations.create(row, await failure_announcements(store, row, time.time()))


def _document(
    admitted: Admitted, client_data: ConversationInitiationClientData, setup: Setup | None, started_at: float
) -> Document:
    info = client_data.source_info
    started_with = client_data.model_dump(mode="json", exclude_none=True)
    variables = dict(setup.variables if setup is not None else client_data.dynamic_variables)
    if setup is not None:
        variables |= {
            "system__agent_id": setup.agent_id,
            "system__conversation_id": setup.conversation_id,
            "system__time_utc": prompt.utc_time(started_at),
            "system__timezone": setup.timezone or "UTC",
            "system__is_text_only": setup.text_only,
        }
    started_with["dynamic_variables"] = {
        name: "<REDACTED>" if name.startswith("secret__") else value for name, value in variables.items()
    }
    started_with.setdefault("custom_llm_extra_body", {})
    # Said here too: an agent that a client brought along is in no store.
    wish = Policy.of(admitted.agent.document, Settings())
    return {
        **wish.wished(),
        "branch_id": admitted.branch_id or client_data.branch_id,
        "version_id": admitted.agent.version_id or None,
        "environment": client_data.environment or admitted.environment,
        "metadata": {
            "authorization_method": admitted.authorization_method,
            "accepted_time_unix_secs": int(started_at),
            "conversation_initiation_source": admitted.source or (info.source if info else None) or "unknown",
            "conversation_initiation_source_version": admitted.source_version or (info.version if info else None),
            "main_language": setup.language if setup is not None else None,
            "text_only": setup.text_only if setup is not None else False,
            "timezone": setup.timezone if setup is not None else None,
            **({"x_pre_call_webhook": admitted.pre_call} if admitted.pre_call is not None else {}),
            **({"x_traceparent": trace.traceparent} if (trace := current.get()) is not None else {}),
        },
        "conversation_initiation_client_data": started_with,
    }
