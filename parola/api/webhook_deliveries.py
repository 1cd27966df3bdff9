"""``/v1/x/webhook-deliveries``: what was sent, what was not and why, and sending it again."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.paging import PageDep, SortDirection, page_body
from parola.api.responses import Json
from parola.api.services import CallerDep, Services, ServicesDep, needs_key
from parola.errors import Conflict, NotFound
from parola.protocol.documents import JsonObject
from parola.protocol.webhooks import WebhookDeliveriesPage, WebhookDelivery, WebhookDeliveryDetails
from parola.store.outbox import DeliveryQuery, DeliveryRow, DeliveryStatus
from parola.webhooks.announcing import BROUGHT
from parola.webhooks.delivery import replayed

router = APIRouter(prefix="/v1/x/webhook-deliveries", tags=["webhooks"], dependencies=[needs_key])

MEANT_TO_BE_SENT: tuple[DeliveryStatus, ...] = ("held", "waiting", "delivered", "dead")


@router.get("", operation_id="x_webhook_deliveries_list")
@described(response=WebhookDeliveriesPage)
async def list_deliveries(
    services: ServicesDep,
    page: PageDep,
    conversation_id: str | None = None,
    webhook_id: str | None = None,
    status: Annotated[
        list[DeliveryStatus] | None,
        Query(description="Any when a conversation is named; else all but `skipped`."),
    ] = None,
    type: Annotated[list[str] | None, Query(description="The message's type, for example `post_call_audio`.")] = None,
    sort_direction: SortDirection = "desc",
) -> Json:
    """List deliveries, newest first. Of a conversation it also says what was not sent, and why (`reason`)."""
    query = DeliveryQuery(
        conversation_id=conversation_id,
        endpoint=webhook_id,
        statuses=status or (MEANT_TO_BE_SENT if conversation_id is None else ()),
        types=type or (),
        ascending=sort_direction == "asc",
    )
    found = await services.store.outbox.page(query, page_size=page.size, cursor=page.cursor)
    return Json(page_body("deliveries", map(_response, found.items), found))


@router.get("/{delivery_id}", operation_id="x_webhook_deliveries_get")
@described(response=WebhookDeliveryDetails)
async def get(delivery_id: str, services: ServicesDep, caller: CallerDep) -> Json:
    """One delivery, with its message and every attempt. The message is a conversation's record, and an endpoint may say
    it again: `body` and the `answer` of attempts that were answered are null without the scope `conversations:read`."""
    found = await details(services, await _find(services, delivery_id))
    return Json(found if caller.may("conversations:read") else _without_words(found))


@router.post("/{delivery_id}/replay", operation_id="x_webhook_deliveries_replay")
@described(response=WebhookDelivery)
async def replay(delivery_id: str, services: ServicesDep) -> Json:
    """Send it again, or after all: the same message under the same event id, tried again for another 72 hours."""
    row = await _find(services, delivery_id)
    if row.status in ("held", "waiting"):
        raise Conflict(f"The delivery {delivery_id} is {row.status}: it will be made without this.")
    if not row.endpoint or row.conversation_id is None:
        what = "has no endpoint" if not row.endpoint else "was a test"
        raise Conflict(f"The delivery {delivery_id} {what}: expected one that was delivered, given up or skipped.")
    row = replayed(row, time.time())
    if not await services.store.outbox.update(row):
        raise NotFound(f"Document with id {delivery_id} not found.")
    return Json(_response(row))


# -- for this file and its neighbours ---------------------------------------------------------------------------------


async def details(services: Services, row: DeliveryRow) -> JsonObject:
    """``WebhookDeliveryDetails``."""
    body = await services.store.outbox.body(row.delivery_id)
    shown = None if body is None else body.decode(errors="replace")
    return {**_response(row), "body": shown, "attempts": [dict(attempt) for attempt in row.attempts]}


def _without_words(found: JsonObject) -> JsonObject:
    """What an endpoint has answered is left out; why it could not be asked is ours to say."""
    attempts = [one if one["status_code"] is None else {**one, "answer": None} for one in found["attempts"]]
    return {**found, "body": None, "attempts": attempts}


async def _find(services: Services, delivery_id: str) -> DeliveryRow:
    row = await services.store.outbox.get(delivery_id)
    if row is None:
        raise NotFound(f"Document with id {delivery_id} not found.")
    return row


def _response(row: DeliveryRow) -> JsonObject:
    """What came with a conversation has no id of the workspace."""
    is_workspaces = row.endpoint and not row.endpoint.startswith(BROUGHT)
    return {
        "delivery_id": row.delivery_id,
        "event_id": row.event_id,
        "type": row.type,
        "webhook_id": row.endpoint if is_workspaces else None,
        "status": row.status,
        "reason": row.reason,
        "conversation_id": row.conversation_id,
        "agent_id": row.agent_id or None,
        "created_at_unix_secs": row.created_at,
        "next_attempt_at_unix_secs": row.due_at,
        "ended_at_unix_secs": row.ended_at,
        "attempt_count": len(row.attempts),
        "last_status_code": row.attempts[-1]["status_code"] if row.attempts else None,
    }
