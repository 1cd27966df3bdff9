"""``/v1/convai/conversation/…``: how a client that must not hold a key gets into a conversation."""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from parola.api.address import SOCKET_PATH, socket_url
from parola.api.agents import find_agent
from parola.api.credentials import LIFETIME_SECONDS, Claims
from parola.api.described import described
from parola.api.errors import detail
from parola.api.responses import Json, new_id
from parola.api.services import Services, ServicesDep, needs_key, open_to_all
from parola.protocol.conversations import SignedUrlResponse, TokenResponse
from parola.store.base import AgentRow, ConversationRow

router = APIRouter(prefix="/v1/convai/conversation", tags=["conversations"])


@router.get("/get_signed_url", include_in_schema=False, dependencies=[needs_key])
@router.get(
    "/get-signed-url",
    operation_id="conversations_get_signed_url",
    dependencies=[needs_key],
)
@described(response=SignedUrlResponse)
async def get_signed_url(
    request: Request,
    services: ServicesDep,
    agent_id: str,
    include_conversation_id: Annotated[
        bool, Query(description="Reserve a conversation; the URL opens it, once.")
    ] = False,
    branch_id: str | None = None,
    version_id: str | None = None,
    environment: str | None = None,
    debug_events_request: bool = False,
) -> Json:
    """An address that opens a conversation with this agent for the next 15 minutes."""
    agent = await find_agent(services, agent_id)
    now = time.time()
    conversation_id = await _reserve(services, agent, now) if include_conversation_id else None
    claims = Claims(
        agent_id=agent_id,
        expires_at=now + LIFETIME_SECONDS,
        conversation_id=conversation_id,
        branch_id=branch_id,
        version_id=version_id,
        environment=environment,
        debug=debug_events_request,
    )
    query = {
        "agent_id": agent_id,
        "conversation_signature": services.credentials.sign(claims),
        "conversation_id": conversation_id,
        "branch_id": branch_id,
        "version_id": version_id,
        "environment": environment,
    }
    given = urlencode({name: value for name, value in query.items() if value is not None})
    return Json({"signed_url": f"{socket_url(request, services.settings)}{SOCKET_PATH}?{given}"})


@router.get(
    "/token",
    operation_id="conversations_get_webrtc_token",
    dependencies=[open_to_all("Its only answer is which other way to take.")],
    responses={501: {"description": "This server speaks WebSocket."}},
)
@described(response=TokenResponse)
async def token() -> Json:
    """WebRTC is not spoken here; the message says what to use instead."""
    message = 'This server speaks WebSocket, not WebRTC: start the session with connectionType "websocket".'
    return Json(detail("webrtc_not_supported", message), status_code=501)


async def _reserve(services: Services, agent: AgentRow, now: float) -> str:
    conversation_id = new_id("conv")
    row = ConversationRow(conversation_id, agent.agent_id, "initiated", now, {}, agent_name=agent.name)
    await services.store.conversations.create(row)
    return conversation_id
