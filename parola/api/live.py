"""``/v1/x/conversations/{id}/…``: act on a conversation that runs, and read what came and went in it."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from parola.api import commanding
from parola.api.auth import CALLER, Caller
from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody, RawBody
from parola.api.services import Services, ServicesDep, needs, needs_key
from parola.api.streaming import EventStream, event, key_of
from parola.api.watching import HistoryComplete, Item, follow, log_of, running
from parola.conversation.commands import AddContext, AnswerTool, BeginTakeover, Command, EndCall, EndTakeover
from parola.errors import Conflict, Unprocessable
from parola.protocol import live as protocol
from parola.protocol.client_messages import ClientToolResult
from parola.session.commands import NOT_ACTIVE, Accepted
from parola.session.event_log import Dropped

router = APIRouter(prefix="/v1/x/conversations/{conversation_id}", tags=["live control"])

injects = needs("inject")

MOST_WAIT_SECONDS = 120.0

MOST_A_PAGE = 5000

Wait = Annotated[Literal["response"] | None, Query(description="`response`: answer when the agent has.")]
Timeout = Annotated[float, Query(gt=0, le=MOST_WAIT_SECONDS, description="Seconds that `wait` takes at most.")]


@router.post(
    "/messages",
    operation_id="live_messages_create",
    status_code=202,
    responses={200: {"description": "With `wait=response`: what came of it."}},
    dependencies=[injects],
)
@described(request=protocol.MessageRequest, response=protocol.AcceptedResponse)
async def messages(
    conversation_id: str,
    raw: RawBody,
    request: Request,
    services: ServicesDep,
    wait: Wait = None,
    timeout: Timeout = 20.0,
) -> Json:
    """Put words into a conversation. With `wait=response` the answer (200) has what the agent said to them."""
    body = checked(protocol.MessageRequest, raw)
    session = await running(services, conversation_id)
    command = commanding.message(body)
    if wait is not None and isinstance(command, AddContext):
        raise Unprocessable("wait=response: expected words that are said or answered, got a contextual_update.")
    accepted = await session.commands.give(command, commanding.who(request.scope), body.idempotency_key)
    if wait is None:
        return _accepted(accepted)
    try:
        answered = await commanding.response_to(session, accepted, command, timeout)
    except Conflict as error:
        if error.code != NOT_ACTIVE:
            raise
        answered = commanding.Answered(None, "ended")  # before the words came to be said
    return Json(
        {
            "accepted": True,
            "event_id": accepted.event_id,
            "seq": accepted.seq,
            "response": answered.response,
            "timed_out": answered.why_not == "timed_out",
            "no_response_reason": answered.why_not,
        }
    )


@router.post("/end", operation_id="live_end", status_code=202, dependencies=[injects])
@described(request=protocol.EndRequest, response=protocol.AcceptedResponse, optional=True)
async def end(conversation_id: str, raw: OptionalBody, request: Request, services: ServicesDep) -> Json:
    """End a conversation: when the farewell has been heard, or what the agent is saying."""
    body = checked(protocol.EndRequest, raw)
    command = EndCall(body.reason, body.farewell)
    return await _give(services, conversation_id, command, request, body.idempotency_key)


@router.post("/takeover", operation_id="live_takeover_begin", status_code=202, dependencies=[injects])
@described(request=protocol.TakeoverRequest, response=protocol.AcceptedResponse, optional=True)
async def begin_takeover(conversation_id: str, raw: OptionalBody, request: Request, services: ServicesDep) -> Json:
    """A person has the conversation: the agent is silent until it is given back."""
    body = checked(protocol.TakeoverRequest, raw)
    return await _give(services, conversation_id, BeginTakeover(body.operator), request, body.idempotency_key)


@router.delete("/takeover", operation_id="live_takeover_end", status_code=202, dependencies=[injects])
@described(request=protocol.EndTakeoverRequest, response=protocol.AcceptedResponse, optional=True)
async def end_takeover(conversation_id: str, raw: OptionalBody, request: Request, services: ServicesDep) -> Json:
    """Give the conversation back to the agent. Of somebody else who has taken over only with `force`."""
    body = checked(protocol.EndTakeoverRequest, raw)
    command = EndTakeover(body.operator, body.force)
    return await _give(services, conversation_id, command, request, body.idempotency_key)


@router.patch("/variables", operation_id="live_variables_update", status_code=202, dependencies=[injects])
@described(request=protocol.VariablesRequest, response=protocol.AcceptedResponse)
async def variables(conversation_id: str, raw: RawBody, request: Request, services: ServicesDep) -> Json:
    """Set dynamic variables; they hold from the agent's next step on."""
    body = checked(protocol.VariablesRequest, raw)
    return await _give(services, conversation_id, commanding.variables(body.values), request)


@router.post("/tool-results", operation_id="live_tool_results_create", status_code=202, dependencies=[injects])
@described(request=protocol.ToolResultRequest, response=protocol.AcceptedResponse)
async def tool_results(conversation_id: str, raw: RawBody, request: Request, services: ServicesDep) -> Json:
    """Answer a client tool call in the client's place; the first answer counts."""
    body = checked(protocol.ToolResultRequest, raw)
    result = ClientToolResult(tool_call_id=body.tool_call_id, result=body.result, is_error=body.is_error)
    return await _give(services, conversation_id, AnswerTool(result), request, body.idempotency_key)


@router.get("/events", operation_id="live_events_list", response_model=None, dependencies=[needs_key])
@described(response=protocol.EventsResponse)
async def events(
    conversation_id: str,
    request: Request,
    services: ServicesDep,
    after: Annotated[int, Query(ge=0, description="Only events with a greater `seq`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_A_PAGE)] = 1000,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str, Header()] = "",
) -> Response:
    """Everything that came and went, in order, of a conversation that runs or has ended. With
    `Accept: text/event-stream` as server-sent events: what there is, then what comes, to the end. While it runs this
    needs the scope `monitor` too."""
    log, session = await log_of(services, conversation_id)
    if session is not None and isinstance(caller := request.scope.get(CALLER), Caller):
        services.keys.require(caller, "monitor")
        if not after and not last_event_id:
            await services.audit.note(caller, "monitor", conversation_id)
    if "text/event-stream" in accept:
        if last_event_id.strip().isdigit():
            after = int(last_event_id)
        return EventStream(follow(log, services.metrics, after), _told, key_of(request, services))
    dropped, found = log.after(after, limit)
    last = found[-1].seq if found else log.last_seq
    return Json(
        {
            "events": [entry.document for entry in found],
            "last_seq": log.last_seq,
            "has_more": last < log.last_seq,
            "is_live": not log.is_closed,
            "dropped": None if dropped is None else next(v for k, v in dropped.event.items() if k != "type"),
        }
    )


def _told(item: Item) -> bytes:
    match item:
        case HistoryComplete():
            return event("history_complete", b"{}")
        case Dropped():
            return event(str(item.event["type"]), orjson.dumps(item.event), item.last)
    document = item.document
    return event(str(document["event"].get("type")), orjson.dumps(document), item.seq)


# -- for all of them --------------------------------------------------------------------------------------------------


async def _give(
    services: Services, conversation_id: str, command: Command, request: Request, idempotency_key: str | None = None
) -> Json:
    session, by = await running(services, conversation_id), commanding.who(request.scope)
    accepted = await session.commands.give(command, by, idempotency_key)
    if isinstance(caller := request.scope.get(CALLER), Caller):
        await commanding.note_force(services.audit, caller, session, accepted, by)
    return _accepted(accepted)


def _accepted(accepted: Accepted) -> Json:
    return Json({"accepted": True, "event_id": accepted.event_id, "seq": accepted.seq}, status_code=202)
