"""``/v1/convai/llm/list``: the language models an agent can name."""

from __future__ import annotations

from fastapi import APIRouter

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs_key
from parola.protocol.workspace import LlmListResponse

router = APIRouter(prefix="/v1/convai/llm", tags=["llm"], dependencies=[needs_key])

NO_DEPRECATION = {
    "warning_start_days": 0,
    "fallback_start_days": 0,
    "fallback_complete_days": 0,
    "fallback_start_percentage": 0,
    "fallback_complete_percentage": 0,
}


@router.get("/list", operation_id="llm_list")
@described(response=LlmListResponse)
async def list_llms(services: ServicesDep) -> Json:
    """Language models of this server."""
    return Json({"llms": list(services.registry.llms()), "default_deprecation_config": NO_DEPRECATION})
