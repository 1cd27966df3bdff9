"""``/v1/x/conversations/waiting-for-human``: who waits for a person, as a list and as a stream; and asking for one from
outside.

The list is this process's. Taking over (``live.py``, the monitor) answers.
"""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from parola.api import commanding
from parola.api.auth import CALLER, Caller
from parola.api.described import described
from parola.api.errors import checked
from parola.api.responses import Json, OptionalBody
from parola.api.services import Services, ServicesDep, needs
from parola.api.streaming import EventStream, event, key_of
from parola.api.watching import running
from parola.conversation.commands import AskForHuman, Command, StopAskingForHuman
from parola.protocol import live as protocol
from parola.session.human_queue import Change

router = APIRouter(prefix="/v1/x/conversations", tags=["live control"])

watches, injects = needs("monitor"), needs("inject")

OfAgent = Annotated[str | None, Query(description="Only conversations of this agent.")]


@router.get("/waiting-for-human", operation_id="live_waiting_for_human_list", dependencies=[watches])
@described(response=protocol.WaitingForHumanResponse)
async def waiting_for_human(services: ServicesDep, agent_id: OfAgent = None) -> Json:
    """Conversations that wait for a person to take them over, longest first."""
    return Json({"waiting": services.live.humans.waiting(agent_id)})


@router.get(
    "/waiting-for-human/events",
    operation_id="live_waiting_for_human_events",
    response_model=None,
    dependencies=[watches],
)
@described(response=protocol.WaitingForHumanResponse)
async def events(
    request: Request, services: ServicesDep, agent_id: OfAgent = None, accept: Annotated[str, Header()] = ""
) -> Response:
    """The same; with `Accept: text/event-stream` as server-sent events: `snapshot`, the whole list, then
    `x_waiting_for_human` for each that begins to wait and `x_waiting_for_human_over` for each that does not any
    more."""
    if "text/event-stream" not in accept:
        return Json({"waiting": services.live.humans.waiting(agent_id)})
    if isinstance(caller := request.scope.get(CALLER), Caller):
        await services.audit.note(caller, "monitor", "waiting-for-human")
    return EventStream(services.live.humans.follow(agent_id), _told, key_of(request, services))


def _told(change: Change) -> bytes:
    return event(change.kind, orjson.dumps(change.about))


@router.post(
    "/{conversation_id}/waiting-for-human",
    operation_id="live_waiting_for_human_begin",
    status_code=202,
    dependencies=[injects],
)
@described(request=protocol.WaitForHumanRequest, response=protocol.AcceptedResponse, optional=True)
async def begin(conversation_id: str, raw: OptionalBody, request: Request, services: ServicesDep) -> Json:
    """Ask for a person to take a conversation over; without effect when it waits for one already."""
    body = checked(protocol.WaitForHumanRequest, raw)
    command = AskForHuman(body.reason, body.message_to_user, body.wait_timeout_secs, body.agent_while_waiting)
    return await _give(services, conversation_id, command, request, body.idempotency_key)


@router.delete(
    "/{conversation_id}/waiting-for-human",
    operation_id="live_waiting_for_human_end",
    status_code=202,
    dependencies=[injects],
)
@described(response=protocol.AcceptedResponse)
async def end(conversation_id: str, request: Request, services: ServicesDep) -> Json:
    """Nobody needs to come any more: the agent goes on alone."""
    return await _give(services, conversation_id, StopAskingForHuman(), request)


async def _give(
    services: Services, conversation_id: str, command: Command, request: Request, idempotency_key: str | None = None
) -> Json:
    session = await running(services, conversation_id)
    accepted = await session.commands.give(command, commanding.who(request.scope), idempotency_key)
    return Json({"accepted": True, "event_id": accepted.event_id, "seq": accepted.seq}, status_code=202)
