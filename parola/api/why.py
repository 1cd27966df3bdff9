"""``/v1/x/conversations/{id}/why``: the story of a conversation, and why it ended."""

from __future__ import annotations

import time

from fastapi import APIRouter

from parola.analysis.story import ending, story, timeline
from parola.api.conversation_record import record
from parola.api.conversations import find_conversation
from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key
from parola.protocol.conversations import WhyResponse

router = APIRouter(prefix="/v1/x/conversations", tags=["conversations"], dependencies=[needs_key])


@router.get("/{conversation_id}/why", operation_id="conversations_why")
@described(response=WhyResponse)
async def why(conversation_id: str, services: ServicesDep) -> Json:
    """Who called, how long, what was slow, what failed, who ended it and why, what became of its webhooks: about ten
    sentences, with the timeline that proves them. Also for a conversation that runs, was refused, or was cut off."""
    row = await find_conversation(services, conversation_id)
    found = record(row, await services.store.conversations.turns(conversation_id), time.time())
    deliveries = await services.store.outbox.of(conversation_id)
    return Json(
        {
            "conversation_id": conversation_id,
            "status": row.status,
            "ending": ending(found),
            "close": found["metadata"].get("x_close"),
            "story": story(found, deliveries),
            "timeline": timeline(found),
        }
    )
