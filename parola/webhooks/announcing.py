"""Who is to be told of a conversation: from settings to rows of the outbox (reference: webhooks.md §4).

The workspace's settings name an endpoint and the events it gets; an agent's ``workspace_overrides.webhooks`` takes
their place; a client that brought its agent along may name endpoints of its own. What is not sent gets a row too, with
the reason, so that "why did nothing arrive" has an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from parola.privacy.policy import Policy
from parola.store.base import ConversationRow, Store
from parola.store.outbox import DeliveryRow
from parola.store.pages import Document

WEBHOOK = "webhook"
"""Kind of the documents that are the workspace's webhooks."""

SETTINGS = "convai_settings"
"""Kind and id of the document that ``/v1/convai/settings`` keeps."""

PRE_CALL = "conversation_initiation_client_data_webhook"
"""Where settings, and an agent's ``workspace_overrides``, name the pre-call webhook."""

PRE_CALL_ENABLED = "enable_conversation_initiation_client_data_from_webhook"
"""Among an agent's ``overrides``: it asks that webhook."""

Event = Literal["transcript", "audio", "call_initiation_failure", "unredacted_transcript", "unredacted_audio"]

UNREDACTED: Literal["unredacted_transcript"] = "unredacted_transcript"
UNREDACTED_AUDIO: Literal["unredacted_audio"] = "unredacted_audio"
"""Events of conversations whose record is redacted, and of no others."""

TYPES: Mapping[str, str] = {
    "transcript": "post_call_transcription",
    "audio": "post_call_audio",
    "call_initiation_failure": "call_initiation_failure",
    UNREDACTED: UNREDACTED,
    UNREDACTED_AUDIO: UNREDACTED_AUDIO,
}
"""What a delivery is called in the outbox, by its event."""

OTEL = "post_call_transcription_otel"
"""In place of ``post_call_transcription`` where ``transcript_format`` is ``opentelemetry``."""

DEFAULT_EVENTS = ("transcript",)

BROUGHT = "brought:"
"""Begins what stands for an endpoint that a client brought along."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One endpoint, and what it is told."""

    webhook_id: str
    events: frozenset[str]
    transcript_format: str = "json"
    excludes_transcript: bool = False

    def type_of(self, event: Event) -> str:
        is_otel = event == "transcript" and self.transcript_format == "opentelemetry"
        return OTEL if is_otel else TYPES[event]

    def options(self, event: Event) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if event in ("transcript", UNREDACTED) and self.excludes_transcript:
            options["exclude_transcript"] = True
        if event == UNREDACTED and self.transcript_format == "opentelemetry":
            options["opentelemetry"] = True
        return options


async def settings_of(store: Store) -> Document:
    """What ``/v1/convai/settings`` holds; empty when nothing was ever set."""
    row = await store.documents.get(SETTINGS, SETTINGS)
    return {} if row is None else row.document


def subscriptions(settings: Document, agent: Document | None) -> list[Subscription]:
    """Who is told of conversations of this agent: the endpoint in ``webhooks``, and further ones in its
    ``x_endpoints``; the agent's own choice, if it names any, in place of the workspace's."""
    platform = (agent or {}).get("platform_settings") or {}
    own = (platform.get("workspace_overrides") or {}).get("webhooks") or {}
    return _named_in(own) or _named_in(settings.get("webhooks") or {})


def _named_in(webhooks: Mapping[str, Any]) -> list[Subscription]:
    entries = [{**webhooks, "webhook_id": webhooks.get("post_call_webhook_id")}]
    entries += [{**webhooks, "events": None, **entry} for entry in webhooks.get("x_endpoints") or ()]
    found: dict[str, Subscription] = {}
    for entry in entries:
        webhook_id = entry.get("webhook_id")
        if webhook_id and webhook_id not in found:
            events = set(DEFAULT_EVENTS if entry.get("events") is None else entry["events"])
            if entry.get("send_audio"):
                events.add("audio")
            found[webhook_id] = Subscription(
                str(webhook_id),
                frozenset(events),
                str(entry.get("transcript_format") or "json"),
                bool(entry.get("exclude_transcript")),
            )
    return list(found.values())


async def announcements(store: Store, conversation: ConversationRow, now: float) -> list[DeliveryRow]:
    """What an ended conversation calls for: pass it to ``Conversations.conclude`` with the change that ends it.
    ``conversation`` is its row as that change leaves it (``status`` done or failed, ``has_audio``); ``now`` is unix
    seconds. Its messages are made from the record when they are first sent."""
    events: tuple[Event, ...] = ("transcript", "audio", UNREDACTED, UNREDACTED_AUDIO)
    deliveries = [_freed(row, conversation, now) for row in await store.outbox.of(conversation.conversation_id)]
    return deliveries + await _asked_for(store, conversation, events, now, brought_own=bool(deliveries))


async def failure_announcements(store: Store, conversation: ConversationRow, now: float) -> list[DeliveryRow]:
    """What a conversation calls for that was refused before it began: pass it to ``Conversations.create``."""
    return await _asked_for(store, conversation, ("call_initiation_failure",), now, brought_own=False)


async def _asked_for(
    store: Store, conversation: ConversationRow, events: Sequence[Event], now: float, *, brought_own: bool
) -> list[DeliveryRow]:
    agent = await store.agents.get(conversation.agent_id)
    subscribed = subscriptions(await settings_of(store), agent.document if agent is not None else None)
    deliveries: list[DeliveryRow] = []
    for subscription in subscribed:
        endpoint = await store.documents.get(WEBHOOK, subscription.webhook_id)
        for event in events:
            if event in (UNREDACTED, UNREDACTED_AUDIO) and event not in subscription.events:
                continue  # nobody misses what few have asked for
            reason = _obstacle(endpoint.document if endpoint is not None else None, subscription, event, conversation)
            row = delivery(conversation, subscription.type_of(event), subscription.webhook_id, now)
            options = subscription.options(event)
            if environment := conversation.document.get("environment"):
                options["environment"] = environment
            row = replace(row, options=options)
            deliveries.append(skipped(row, reason, now) if reason else row)
    if not deliveries and not brought_own:
        deliveries.append(skipped(delivery(conversation, TYPES[events[0]], "", now), "not_configured", now))
    return deliveries


def _obstacle(
    endpoint: Document | None, subscription: Subscription, event: Event, conversation: ConversationRow
) -> str:
    """Why an endpoint is not told, as a code; empty when it is."""
    if endpoint is None:
        return "unknown_webhook"
    if event not in subscription.events:
        return "event_not_enabled"
    if endpoint.get("is_disabled"):
        return "disabled"
    if event in (UNREDACTED, UNREDACTED_AUDIO) and not Policy.read(conversation.document).redacts:
        return "not_redacted"
    if event == UNREDACTED_AUDIO:
        return "original_not_kept"
    if event == "audio" and not conversation.has_audio:
        return "no_audio"
    return ""


def delivery(conversation: ConversationRow, kind: str, endpoint: str, now: float) -> DeliveryRow:
    """A delivery that is due at once. Its ids follow from what it is: concluding a conversation twice makes no
    second one."""
    digest = hashlib.sha256(f"{conversation.conversation_id} {kind} {endpoint}".encode()).hexdigest()
    return DeliveryRow(
        delivery_id=f"whd_{digest[:24]}",
        event_id=f"evt_{digest[24:48]}",
        type=kind,
        endpoint=endpoint,
        status="waiting",
        conversation_id=conversation.conversation_id,
        agent_id=conversation.agent_id,
        created_at=now,
        due_at=now,
    )


def _freed(row: DeliveryRow, conversation: ConversationRow, now: float) -> DeliveryRow:
    """A delivery that was held while the conversation ran."""
    if row.status != "held":
        return row
    if row.type == TYPES["audio"] and not conversation.has_audio:
        return skipped(row, "no_audio", now)
    return replace(row, status="waiting", created_at=now, due_at=now)


def held(conversation: ConversationRow, brought: Mapping[str, bytes], now: float) -> list[DeliveryRow]:
    """Deliveries to endpoints that a client brought along, until its conversation ends: event to the sealed endpoint
    (``endpoints.sealed``)."""
    return [
        replace(
            delivery(conversation, TYPES[event], f"{BROUGHT}{event}", now),
            status="held",
            due_at=None,
            sealed_endpoint=sealed,
        )
        for event, sealed in brought.items()
    ]


def skipped(row: DeliveryRow, reason: str, now: float) -> DeliveryRow:
    """A delivery that is not made, and why."""
    return replace(row, status="skipped", reason=reason, due_at=None, ended_at=now)
