"""``/v1/convai/analytics``: how many conversations are alive."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key
from parola.protocol.conversations import LiveCountResponse

router = APIRouter(prefix="/v1/convai/analytics", tags=["analytics"], dependencies=[needs_key])


@router.get("/live-count", operation_id="analytics_live_count_get")
@described(response=LiveCountResponse)
async def live_count(
    services: ServicesDep,
    agent_id: str | None = None,
    agent_ids: Annotated[list[str] | None, Query()] = None,
) -> Json:
    """Conversations alive now, of all agents or of some."""
    chosen = set(agent_ids or ()) | ({agent_id} if agent_id else set())
    count = sum(services.live.count(one) for one in chosen) if chosen else services.live.count()
    return Json({"count": count})
