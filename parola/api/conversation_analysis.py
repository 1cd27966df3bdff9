"""``/v1/convai/conversations/{id}/analysis``: reading a conversation once more."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter

from parola.analysis.analysing import OneCriterion
from parola.api.conversation_record import record
from parola.api.conversations import find_conversation
from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, RawBody
from parola.api.services import Services, ServicesDep, needs_key
from parola.protocol.conversations import ConversationResponse, EvaluationRunRequest

router = APIRouter(prefix="/v1/convai/conversations", tags=["conversations"], dependencies=[needs_key])


UNREADABLE: dict[int | str, dict[str, Any]] = {502: {"description": "No model could read it; the old analysis stays."}}


@router.post("/{conversation_id}/analysis/run", operation_id="conversations_analysis_run", responses=UNREADABLE)
@described(response=ConversationResponse)
async def run(conversation_id: str, services: ServicesDep) -> Json:
    """Analyse a conversation that has ended, now, by what its agent asks for now; the new analysis replaces the old
    one. Answers with the record. When no model can read it, what was there before stays."""
    return await _read_again(services, conversation_id)


@router.post(
    "/{conversation_id}/analysis/evaluations/run",
    operation_id="conversations_analysis_run_evaluation",
    responses=UNREADABLE,
)
@described(request=EvaluationRunRequest, response=ConversationResponse)
async def run_evaluation(conversation_id: str, raw: RawBody, services: ServicesDep) -> Json:
    """Judge one criterion anew; the rest of the analysis stays. Of a conversation that had several agents,
    `evaluated_agent_id` says whose; without it a criterion of the whole conversation is judged for the first agent
    that has it, one of the scope `agent` for every agent that has it."""
    asked = checked(EvaluationRunRequest, raw)
    one = OneCriterion(asked.evaluation_id, asked.scope, asked.evaluated_agent_id, asked.evaluated_branch_id)
    return await _read_again(services, conversation_id, one)


async def _read_again(services: Services, conversation_id: str, one: OneCriterion | None = None) -> Json:
    await find_conversation(services, conversation_id)
    await services.after_call.run_again(conversation_id, one)
    row = await find_conversation(services, conversation_id)
    return Json(record(row, await services.store.conversations.turns(conversation_id), time.time()))
