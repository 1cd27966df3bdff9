"""``/v1/x/conversations/export``: whole records, as many as there are, one a line."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from parola.api.conversation_filters import Filters, FiltersDep, all_matching
from parola.api.conversation_record import record
from parola.api.services import ServicesDep, needs
from parola.api.streaming import Streamed
from parola.protocol.lossless import dumps
from parola.store.base import Conversations

router = APIRouter(prefix="/v1/x/conversations", tags=["conversations"])


@router.get(
    "/export",
    operation_id="x_conversations_export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}, "description": "One conversation a line."}},
    dependencies=[needs("conversations:read", is_audited=True)],
)
async def export(services: ServicesDep, filters: FiltersDep) -> StreamingResponse:
    """Every conversation that the filters of the list leave, each a line of JSON as `GET …/conversations/{id}` gives
    it. Sent while it is read: the answer may be of any length."""
    return Streamed(_lines(services.store.conversations, filters), "application/x-ndjson")


async def _lines(conversations: Conversations, filters: Filters) -> AsyncGenerator[bytes, None]:
    async for row in all_matching(conversations, filters):
        turns = await conversations.turns(row.conversation_id)
        yield dumps(record(row, turns, time.time())) + b"\n"
