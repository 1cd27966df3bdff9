"""``/v1/convai/llm/list``: the language models an agent can name; ``…/llm-usage/calculate``: what they would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from parola.api.agents import find_agent
from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody, RawBody
from parola.api.services import Services, ServicesDep, needs, needs_key
from parola.protocol.agents import ConversationalConfig
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import (
    AgentLlmUsageRequest,
    LlmListResponse,
    LlmUsageCalculatorResponse,
    LlmUsageRequest,
)

router = APIRouter(prefix="/v1/convai", tags=["llm"], dependencies=[needs_key])

NO_DEPRECATION = {
    "warning_start_days": 0,
    "fallback_start_days": 0,
    "fallback_complete_days": 0,
    "fallback_start_percentage": 0,
    "fallback_complete_percentage": 0,
}

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_PAGE = 500
MESSAGES_PER_MINUTE = 4
"""Answers of the agent in a minute of conversation."""

TOKENS_PER_MESSAGE = 50
"""An answer, and what the user says before it."""

MESSAGES_BEFORE = 10
"""So many the model reads again on average: half of a conversation of five minutes."""

RETRIEVED_TOKENS = 50_000 // CHARACTERS_PER_TOKEN
"""The most that a search adds to a request (``rag.max_documents_length``)."""


@router.get("/llm/list", operation_id="llm_list")
@described(response=LlmListResponse)
async def list_llms(services: ServicesDep) -> Json:
    """Language models of this server."""
    return Json({"llms": list(services.registry.llms()), "default_deprecation_config": NO_DEPRECATION})


@router.post("/llm-usage/calculate", operation_id="llm_usage_calculate", dependencies=[needs("agents:read")])
@described(request=LlmUsageRequest, response=LlmUsageCalculatorResponse)
async def calculate(raw: RawBody, services: ServicesDep) -> Json:
    """What each language model would cost for an agent with so long a prompt (characters) and so many pages of
    documents: an estimate in USD, by the owner's price list (``[prices]``)."""
    asked = checked(LlmUsageRequest, raw)
    return Json(_estimate(services, asked.prompt_length, asked.number_of_pages, is_searched=asked.rag_enabled))


@router.post(
    "/agent/{agent_id}/llm-usage/calculate",
    operation_id="agents_llm_usage_calculate",
    dependencies=[needs("agents:read")],
)
@described(request=AgentLlmUsageRequest, response=LlmUsageCalculatorResponse, optional=True)
async def calculate_for_agent(agent_id: str, raw: OptionalBody, services: ServicesDep) -> Json:
    """The same for an agent as it is; what the body names counts in place of what the agent has."""
    asked = checked(AgentLlmUsageRequest, raw)
    agent = await find_agent(services, agent_id)
    settings = ConversationalConfig.model_validate(agent.document.get("conversation_config") or {}).agent.prompt
    length = len(settings.prompt) if asked.prompt_length is None else asked.prompt_length
    pages = await _pages(services, settings.knowledge_base) if asked.number_of_pages is None else asked.number_of_pages
    is_searched = settings.rag.enabled if asked.rag_enabled is None else asked.rag_enabled
    return Json(_estimate(services, length, pages, is_searched=is_searched))


async def _pages(services: Services, documents: list[Any]) -> float:
    """How much text an agent's documents have."""
    characters = 0
    for located in documents:
        document_id = located.get("id") if isinstance(located, Mapping) else getattr(located, "id", None)
        row = await services.store.knowledge.get(str(document_id)) if document_id else None
        characters += row.size if row is not None else 0
    return characters / CHARACTERS_PER_TOKEN / TOKENS_PER_PAGE


def _estimate(services: Services, prompt_length: int, pages: float, *, is_searched: bool) -> JsonObject:
    from parola.session.accounts import MILLION, price_list

    known = pages * TOKENS_PER_PAGE
    read = prompt_length / CHARACTERS_PER_TOKEN + MESSAGES_BEFORE * TOKENS_PER_MESSAGE
    read += min(known, RETRIEVED_TOKENS) if is_searched else known
    found = []
    for one in services.registry.llms():
        prices = price_list(services.settings.prices, one["llm"])
        cost = (read * prices.get("input", 0.0) + TOKENS_PER_MESSAGE * prices.get("output", 0.0)) / MILLION
        found.append(
            {
                "llm": one["llm"],
                "price_per_minute": round(cost * MESSAGES_PER_MINUTE, 9),
                "price_per_message": round(cost, 9),
            }
        )
    return {"llm_prices": found}
