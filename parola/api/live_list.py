"""``/v1/x/conversations/live``: the conversations that run in this process, as a list and as a stream.

Whoever follows the list is sent the whole of it when something in it has changed, at most twice a second. It is looked
at only then, once for everybody who wants the same; nobody looks on, and it costs nothing. A reader that stops reading
is not asked for: what it gets next is what is true then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from parola.api.auth import CALLER, Caller
from parola.api.described import described
from parola.api.process import Services
from parola.api.responses import Json
from parola.api.services import ServicesDep, needs
from parola.api.streaming import KEY_IS_GONE, Holds, Streamed, event, key_of
from parola.privacy.keeping import PrivateConversations
from parola.protocol.live import LiveConversationsResponse

router = APIRouter(prefix="/v1/x/conversations/live", tags=["live control"], dependencies=[needs("monitor")])

EVERY_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
"""A comment is sent so often when nothing changes, and so often it is looked whether the key still holds."""


@router.get("", operation_id="live_conversations_list", response_model=None)
@described(response=LiveConversationsResponse)
async def live(
    request: Request,
    services: ServicesDep,
    agent_id: Annotated[str | None, Query(description="Only conversations of this agent.")] = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Conversations that run, oldest first, and what happens in them now. With `Accept: text/event-stream` as
    server-sent events: `live` with this whole object at once and whenever it has changed, at most twice a second."""
    if "text/event-stream" not in accept:
        return Json(_document(services, agent_id))
    caller = request.scope.get(CALLER)
    if isinstance(caller, Caller):
        await services.audit.note(caller, "monitor", "live")
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return Streamed(_stream(services, agent_id, key_of(request, services)), "text/event-stream", headers)


def _document(services: Services, agent_id: str | None) -> dict[str, Any]:
    conversations = services.store.conversations
    found = []
    for session in services.live.running(agent_id):
        policy = None
        if isinstance(conversations, PrivateConversations):
            policy = conversations.policy_of(session.conversation_id)
        # Who cannot tell what may be kept shows no words: this list is looked at over many shoulders.
        words, user = policy is not None and policy.keeps_all, policy is not None and not policy.zero_retention
        found.append(session.glance.document(words=words, user=user))
    return {"conversations": found}


async def _stream(services: Services, agent_id: str | None, holds: Holds) -> AsyncGenerator[bytes, None]:
    clock = asyncio.get_running_loop().time
    told, told_at, checked_at = b"", clock(), clock()
    while not services.live.has_stopped:
        now = clock()
        tick = int(now / EVERY_SECONDS)
        found = services.looks.at(tick, agent_id or "", lambda: orjson.dumps(_document(services, agent_id)))
        if found != told:
            told, told_at = found, now
            yield b"event: live\ndata: %b\n\n" % found
        elif now - told_at >= HEARTBEAT_SECONDS:
            told_at = now
            yield b": heartbeat\n\n"
        if now - checked_at >= HEARTBEAT_SECONDS:
            checked_at = now
            if not await holds():
                yield event("x_stream_ended", orjson.dumps({"reason": KEY_IS_GONE}))
                return
        await asyncio.sleep((tick + 1) * EVERY_SECONDS - clock())
