"""``/v1/workspace/webhooks`` and ``/v1/x/webhooks``: the workspace's endpoints, their secrets, whether they work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody, RawBody, new_id
from parola.api.services import Services, ServicesDep, needs_key
from parola.api.webhook_deliveries import details
from parola.errors import Conflict, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.webhooks import (
    RotationRequest,
    RotationResponse,
    StatusResponse,
    WebhookCreated,
    WebhookRequest,
    WebhookSettings,
    WebhooksResponse,
    WebhookTestRequest,
    WebhookTestResponse,
    WebhookUpdate,
)
from parola.store.base import DocumentRow
from parola.webhooks.announcing import WEBHOOK
from parola.webhooks.endpoints import all_webhooks, usages
from parola.webhooks.samples import SAMPLES, sample
from parola.webhooks.signing import new_secret

router = APIRouter(tags=["webhooks"], dependencies=[needs_key])

_OK = {"status": "ok"}


@router.get("/v1/workspace/webhooks", operation_id="webhooks_list")
@described(response=WebhooksResponse)
async def list_webhooks(
    services: ServicesDep,
    include_usages: Annotated[bool, Query(description="Say what uses each.")] = False,
) -> Json:
    """List the workspace's webhooks, oldest first."""
    used = await usages(services.store) if include_usages else None
    return Json({"webhooks": [await _response(services, row, used) async for row in all_webhooks(services.store)]})


@router.post("/v1/workspace/webhooks", operation_id="webhooks_create")
@described(request=WebhookRequest, response=WebhookCreated)
async def create(raw: RawBody, services: ServicesDep) -> Json:
    """Create a webhook. Its secret is shown this once."""
    asked = checked(WebhookSettings, checked(WebhookRequest, raw).settings, "settings")
    _check_address(services, asked.webhook_url)
    secret, now = new_secret(), time.time()
    document = {**raw["settings"], "auth_type": "hmac", "secret": services.webhooks().endpoints.sealed(secret)}
    row = DocumentRow(new_id("webhook"), WEBHOOK, asked.name, document, now, now)
    await services.store.documents.put(row)
    return Json({"webhook_id": row.document_id, "webhook_secret": secret})


@router.patch("/v1/workspace/webhooks/{webhook_id}", operation_id="webhooks_update")
@described(request=WebhookUpdate, response=StatusResponse)
async def update(webhook_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Rename, disable or enable a webhook; what waits for a disabled one waits until it is enabled."""
    asked = checked(WebhookUpdate, raw)
    if asked.webhook_url is not None:
        _check_address(services, asked.webhook_url)
    given = {key: value for key, value in raw.items() if key not in _NOT_GIVEN and value is not None}
    async with services.editing:
        row = await _find(services, webhook_id)
        await _put(services, replace(row, name=asked.name, document={**row.document, **given}))
    services.store.outbox.news.set()
    return Json(_OK)


@router.delete("/v1/workspace/webhooks/{webhook_id}", operation_id="webhooks_delete")
@described(response=StatusResponse)
async def delete(webhook_id: str, services: ServicesDep) -> Json:
    """Delete a webhook that nothing uses any more; what waits for it is given up."""
    async with services.editing:
        await _find(services, webhook_id)
        if uses := (await usages(services.store)).get(webhook_id):
            raise Conflict(
                f"The webhook {webhook_id} is in use by {', '.join(named for _, named in uses)}. "
                "Take it out there first: webhooks.post_call_webhook_id and webhooks.x_endpoints."
            )
        await services.store.documents.delete(WEBHOOK, webhook_id)
    await services.webhooks().forget(webhook_id)
    services.store.outbox.news.set()
    return Json(_OK)


# -- our extensions ---------------------------------------------------------------------------------------------------


@router.post("/v1/x/webhooks/{webhook_id}/rotate-secret", operation_id="x_webhooks_rotate_secret")
@described(request=RotationRequest, response=RotationResponse, optional=True)
async def rotate(webhook_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """Give a webhook a new secret. For a while messages are signed with both: with the new one in
    `ElevenLabs-Signature`, with the old one in `ElevenLabs-Signature-Previous`, with both in `webhook-signature`."""
    until = time.time() + checked(RotationRequest, raw).overlap_secs
    secret = new_secret()
    async with services.editing:
        row = await _find(services, webhook_id)
        changed = {
            "secret": services.webhooks().endpoints.sealed(secret),
            "previous_secret": row.document["secret"],
            "previous_secret_until": until,
        }
        await _put(services, replace(row, document={**row.document, **changed}))
    answer = {"webhook_id": webhook_id, "webhook_secret": secret}
    return Json({**answer, "previous_secret_valid_until_unix": int(until)})


@router.post("/v1/x/webhooks/{webhook_id}/enable", operation_id="x_webhooks_enable")
@described(response=StatusResponse)
async def enable(webhook_id: str, services: ServicesDep) -> Json:
    """Say that an endpoint works again: it is enabled, and what waits for it goes out now."""
    async with services.editing:
        row = await _find(services, webhook_id)
        await _put(services, replace(row, document={**row.document, "is_disabled": False}))
    await services.webhooks().close_circuit(webhook_id)
    return Json(_OK)


@router.post("/v1/x/webhooks/{webhook_id}/test", operation_id="x_webhooks_test")
@described(request=WebhookTestRequest, response=WebhookTestResponse, optional=True)
async def test(webhook_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """Send a sample of each type now, once, also to a disabled endpoint; answers with what came of it."""
    types = checked(WebhookTestRequest, raw).types
    await _find(services, webhook_id)
    outbox = services.store.outbox

    async def try_one(kind: str) -> JsonObject:
        row, body = sample(kind, webhook_id, new_id("whd"), new_id("evt"), time.time())
        await outbox.put([row], body)
        tried = await services.webhooks().try_once(row)
        return await details(services, tried)

    kinds = list(dict.fromkeys(types)) if types is not None else SAMPLES
    return Json({"deliveries": await asyncio.gather(*map(try_one, kinds))})


# -- for this file ----------------------------------------------------------------------------------------------------

_NOT_GIVEN = frozenset({"secret", "previous_secret", "previous_secret_until", "name", "auth_type"})
"""Of a document, what a PATCH does not reach."""


def _check_address(services: Services, url: str) -> None:
    """An address that will never be asked is refused now; one with variables in it when it is used."""
    if "{{" not in url:
        services.tools.connections().guard.check_url(url)


async def _find(services: Services, webhook_id: str) -> DocumentRow:
    row = await services.store.documents.get(WEBHOOK, webhook_id)
    if row is None:
        raise NotFound(f"Document with id {webhook_id} not found.")
    return row


async def _put(services: Services, row: DocumentRow) -> None:
    await services.store.documents.put(replace(row, updated_at=time.time()))


async def _response(services: Services, row: DocumentRow, used: dict[str, list[tuple[str, str]]] | None) -> JsonObject:
    document, now = row.document, time.time()
    circuit = await services.webhooks().circuit(row.document_id)
    failed_at = circuit.last_failure_at
    return {
        "name": row.name,
        "webhook_id": row.document_id,
        "webhook_url": document["webhook_url"],
        "is_disabled": bool(document.get("is_disabled")),
        "is_auto_disabled": False,
        "created_at_unix": int(row.created_at),
        "auth_type": "hmac",
        "usage": None if used is None else [{"usage_type": kind} for kind in _kinds(used.get(row.document_id, []))],
        "events": document.get("events"),
        "retry_enabled": True,
        "request_headers": document.get("request_headers"),
        "most_recent_failure_error_code": circuit.last_failure_code,
        "most_recent_failure_timestamp": None if failed_at is None else int(failed_at),
        "x_most_recent_failure_reason": circuit.last_failure_reason or None,
        "x_circuit": {
            "state": circuit.state(now),
            "failures": circuit.failures,
            "probe_at_unix_secs": None if circuit.probe_at is None else int(circuit.probe_at),
        },
    }


def _kinds(uses: list[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys(kind for kind, _ in uses))
