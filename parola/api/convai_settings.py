"""``/v1/convai/settings``: what holds for all agents, webhooks first. What this server does not use is kept."""

from __future__ import annotations

import time

from fastapi import APIRouter

from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key
from parola.errors import InvalidRequest
from parola.protocol.documents import JsonObject
from parola.protocol.webhooks import ConvAiSettingsResponse, ConvAiSettingsUpdate, ConvAiWebhooks, PreCallWebhook
from parola.store.base import DocumentRow
from parola.webhooks.announcing import DEFAULT_EVENTS, SETTINGS, WEBHOOK, settings_of

router = APIRouter(prefix="/v1/convai/settings", tags=["webhooks"], dependencies=[needs_key])

DEFAULTS: JsonObject = {
    "conversation_initiation_client_data_webhook": None,
    "webhooks": {},
    "can_use_mcp_servers": True,
    "rag_retention_period_days": 10,
    "conversation_embedding_retention_days": None,
    "default_livekit_stack": "standard",
}

DEFAULT_WEBHOOKS: JsonObject = {
    "post_call_webhook_id": None,
    "events": list(DEFAULT_EVENTS),
    "transcript_format": "json",
    "exclude_transcript": False,
}


@router.get("", operation_id="settings_get")
@described(response=ConvAiSettingsResponse)
async def get(services: ServicesDep) -> Json:
    """The settings of the workspace."""
    return Json(_response(await settings_of(services.store)))


@router.patch("", operation_id="settings_update")
@described(request=ConvAiSettingsUpdate, response=ConvAiSettingsResponse)
async def update(raw: RawBody, services: ServicesDep) -> Json:
    """Change settings; what is left out stays, null takes away. `webhooks` is changed field by field."""
    asked = checked(ConvAiSettingsUpdate, raw)
    await _check(services, asked)
    async with services.editing:
        old = await settings_of(services.store)
        changed = {**old, **raw}
        if raw.get("webhooks") is not None:
            changed["webhooks"] = {**(old.get("webhooks") or {}), **raw["webhooks"]}
        kept = {key: value for key, value in changed.items() if value is not None}
        now = time.time()
        await services.store.documents.put(DocumentRow(SETTINGS, SETTINGS, SETTINGS, kept, now, now))
    return Json(_response(kept))


async def _check(services: Services, asked: ConvAiSettingsUpdate) -> None:
    """What would be found out only when a conversation ends, or begins."""
    if asked.webhooks is not None:
        webhooks = checked(ConvAiWebhooks, asked.webhooks, "webhooks")
        ids = [webhooks.post_call_webhook_id, *(one.webhook_id for one in webhooks.x_endpoints or ())]
        for webhook_id in filter(None, ids):
            if await services.store.documents.get(WEBHOOK, webhook_id) is None:
                raise InvalidRequest(f"There is no webhook {webhook_id}: create it with POST /v1/workspace/webhooks.")
    if asked.conversation_initiation_client_data_webhook is not None:
        field = "conversation_initiation_client_data_webhook"
        webhook = checked(PreCallWebhook, asked.conversation_initiation_client_data_webhook, field)
        if "{{" not in webhook.url:
            services.tools.connections().guard.check_url(webhook.url)


def _response(kept: JsonObject) -> JsonObject:
    return {**DEFAULTS, **kept, "webhooks": {**DEFAULT_WEBHOOKS, **(kept.get("webhooks") or {})}}
