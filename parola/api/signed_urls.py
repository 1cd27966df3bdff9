"""``/v1/convai/conversation/…``: how a client that must not hold a key gets into a conversation."""

from __future__ import annotations

import time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request

from parola.api.address import SOCKET_PATH, socket_url
from parola.api.agents import find_agent, find_version
from parola.api.attach_socket import ATTACH_PATH
from parola.api.auth import Caller
from parola.api.conversations import find_conversation
from parola.api.credentials import LIFETIME_SECONDS, Claims
from parola.api.described import described
from parola.api.errors import checked, detail
from parola.api.responses import Json, RawBody, new_id
from parola.api.services import CallerDep, Services, ServicesDep, needs, needs_key, open_to_all
from parola.api.socket_door import scopes_of_role
from parola.errors import InvalidRequest, NotFound
from parola.protocol.conversations import SignedUrlRequest, SignedUrlResponse, SignedUrlWithTerms, TokenResponse
from parola.store.base import AgentRow, ConversationRow

router = APIRouter(prefix="/v1/convai/conversation", tags=["conversations"])
terms_router = APIRouter(prefix="/v1/x/signed-urls", tags=["conversations"], dependencies=[needs_key])


@router.get(
    "/get_signed_url",
    include_in_schema=False,
    dependencies=[needs("conversations:start", is_audited=True)],
)
@router.get(
    "/get-signed-url",
    operation_id="conversations_get_signed_url",
    dependencies=[needs("conversations:start", is_audited=True)],
)
@described(response=SignedUrlResponse)
async def get_signed_url(
    request: Request,
    services: ServicesDep,
    agent_id: str,
    caller: CallerDep,
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
    if version_id:
        await find_version(services, agent_id, version_id)
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
        key_id=caller.key_id,
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


@terms_router.post("", operation_id="x_signed_urls_create")
@described(request=SignedUrlRequest, response=SignedUrlWithTerms)
async def create(request: Request, raw: RawBody, services: ServicesDep, caller: CallerDep) -> Json:
    """An address that opens conversations with an agent on your terms. What it settles wins over what the client
    sends; it is good until ``expires_at``, until it has been used (``single_use``), or until you delete it."""
    from parola.session.bound import Bound, unknown_overrides

    body = checked(SignedUrlRequest, raw)
    if body.attach is not None or body.conversation_id is not None:
        return await _attaching(request, body, services, caller)
    if body.agent_id is None:
        raise InvalidRequest("Expected agent_id, or conversation_id and attach, got neither.")
    await find_agent(services, body.agent_id)
    if body.version_id:
        await find_version(services, body.agent_id, body.version_id)
    allowed = None if body.allowed_overrides is None else tuple(body.allowed_overrides)
    if unknown := unknown_overrides(allowed or ()):
        raise InvalidRequest(
            "allowed_overrides: expected paths of conversation_config_override such as agent.language or tts, "
            f"got {', '.join(unknown)}."
        )
    if reserved := [name for name in body.dynamic_variables if name.startswith("system__")]:
        raise InvalidRequest(f"dynamic_variables: the prefix system__ is reserved, got {', '.join(reserved)}.")
    bound = Bound(body.user_id, body.dynamic_variables, allowed, body.environment)
    expires_at, url_id = time.time() + body.ttl_secs, new_id("surl")
    await services.grants.keep(
        url_id, body.agent_id, bound, expires_at=expires_at, single_use=body.single_use, key_id=caller.key_id
    )
    claims = Claims(
        agent_id=body.agent_id,
        expires_at=expires_at,
        branch_id=body.branch_id,
        version_id=body.version_id,
        key_id=caller.key_id,
        url_id=url_id,
    )
    query = urlencode({"agent_id": body.agent_id, "conversation_signature": services.credentials.sign(claims)})
    signed_url = f"{socket_url(request, services.settings)}{SOCKET_PATH}?{query}"
    return Json({"id": url_id, "signed_url": signed_url, "expires_at": int(expires_at)})


async def _attaching(request: Request, body: SignedUrlRequest, services: Services, caller: Caller) -> Json:
    """An address that lets somebody into a conversation that runs; whoever asks must be able to get in themselves."""
    if body.attach is None or body.conversation_id is None:
        raise InvalidRequest("conversation_id and attach belong together: expected both, got one.")
    if named := sorted({"user_id", "dynamic_variables", "allowed_overrides", "environment"} & body.model_fields_set):
        raise InvalidRequest(f"A conversation that runs has its terms already, got {', '.join(named)}.")
    for scope in scopes_of_role(body.attach):
        services.keys.require(caller, scope)
    conversation = await find_conversation(services, body.conversation_id)
    expires_at, url_id = time.time() + body.ttl_secs, new_id("surl")
    claims = Claims(
        agent_id=conversation.agent_id,
        expires_at=expires_at,
        conversation_id=body.conversation_id,
        key_id=caller.key_id,
        url_id=url_id,
        attach=body.attach,
    )
    from parola.session.bound import Bound

    await services.grants.keep(
        url_id, claims.agent_id, Bound(), expires_at=expires_at, single_use=body.single_use, key_id=caller.key_id
    )
    query = urlencode({"role": body.attach, "conversation_signature": services.credentials.sign(claims)})
    path = ATTACH_PATH.format(conversation_id=body.conversation_id)
    signed_url = f"{socket_url(request, services.settings)}{path}?{query}"
    return Json({"id": url_id, "signed_url": signed_url, "expires_at": int(expires_at)})


@terms_router.delete("/{url_id}", operation_id="x_signed_urls_delete")
async def revoke(url_id: str, services: ServicesDep) -> Json:
    """Have it open nothing any more; conversations that it opened go on."""
    if not await services.grants.revoke(url_id):
        raise NotFound(f"Document with id {url_id} not found.")
    return Json({})


async def _reserve(services: Services, agent: AgentRow, now: float) -> str:
    conversation_id = new_id("conv")
    row = ConversationRow(conversation_id, agent.agent_id, "initiated", now, {}, agent_name=agent.name)
    await services.store.conversations.create(row)
    return conversation_id
