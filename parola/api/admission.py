"""Who may open a conversation: the decision at the socket's door (reference: websocket.md §1.3, §9).

A public agent is open to everybody; one with an allow-list only to the listed origins; one with ``enable_auth`` to a
signed URL for it or an API key. A single-use URL is claimed here, so that it opens one conversation and no more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from pydantic import ValidationError

from parola.api.auth import ApiKeyCheck, address_of, headers_of
from parola.api.credentials import Claims, Credentials
from parola.api.origins import allowed_hosts, is_allowed, is_in_network
from parola.api.signed_url_grants import SignedUrlGrants
from parola.config import Settings
from parola.conversation.toolbox import config_in
from parola.endings import NEVER_BEGAN
from parola.errors import ConversationRefused, Unauthorized
from parola.protocol.agents import AgentDocument
from parola.protocol.client_messages import CallWebhook, EnclaveSetupConfig
from parola.session.admitted import Admitted
from parola.session.bound import Bound
from parola.store.base import AgentRow, ConversationChange, Store
from parola.store.versions import main_branch

SHORTEST_HMAC_SECRET = 16

STARTING = "conversations:start"
"""The scope that opens conversations."""

OF_NOW = frozenset({"auth", "overrides", "x_override_policy", "call_limits", "queueing_config", "privacy"})
"""Of ``platform_settings``, what is an agreement with callers and no part of what a version does."""


class Admission:
    """The doorkeeper; one for the process."""

    def __init__(
        self, settings: Settings, store: Store, credentials: Credentials, keys: ApiKeyCheck, grants: SignedUrlGrants
    ) -> None:
        self._settings = settings
        self._store = store
        self._credentials = credentials
        self._keys = keys
        self._grants = grants
        self._enclave = settings.enclave

    async def admit(self, scope: MutableMapping[str, Any]) -> Admitted | None:
        """Raises ``ConversationRefused``. None when no agent is named and the first frame may still bring one."""
        query = query_of(scope)
        headers, address = headers_of(scope), address_of(scope)
        claims = self._claims(query, scope.get("subprotocols") or ())
        agent_id = query.get("agent_id") or (claims.agent_id if claims else None)
        if agent_id is None:
            if self._enclave:
                return None
            raise ConversationRefused(
                1008, "missing_fields", "Expected the query parameter agent_id, or a signed URL, got neither."
            )
        agent = await self._store.agents.get(agent_id)
        if agent is None:
            raise ConversationRefused(
                1008,
                "value_error",
                f"The AI agent you are trying to reach does not exist: {agent_id}.",
                reason="The AI agent you are trying to reach does not exist.",
            )
        if claims is not None and claims.agent_id != agent_id:
            raise _unauthorized("the signed URL is for another agent")
        method, key_id = await self._authorize(agent, claims, headers, scope.get("subprotocols") or (), address)
        bound = await self._terms(claims)
        agent, warnings = await self._versioned(agent, claims, query)
        conversation_id = claims.conversation_id if claims is not None else None
        if conversation_id is not None and not await self._store.conversations.claim(conversation_id):
            is_there = await self._store.conversations.get(conversation_id) is not None
            why = "this signed URL has been used" if is_there else "the conversation of this signed URL was deleted"
            raise _unauthorized(why)
        return Admitted(
            agent=agent,
            authorization_method=method,
            conversation_id=conversation_id,
            source=query.get("source"),
            source_version=query.get("version"),
            branch_id=main_branch(agent.agent_id),
            environment=query.get("environment") or (claims.environment if claims else None) or "production",
            bound=bound,
            may_mock=await self._may_mock(headers, scope.get("subprotocols") or ()),
            address=address,
            can_resume=wants_to_resume(query),
            key_id=key_id,
            warnings=warnings,
        )

    async def _versioned(
        self, agent: AgentRow, claims: Claims | None, query: Mapping[str, str]
    ) -> tuple[AgentRow, tuple[str, ...]]:
        """The agent as its version has it that was asked for, and what the record should say about that. Who may come
        in, and what they may do, is what the agent says now; of a signed URL, what was signed counts."""
        version_id, branch_id = query.get("version_id"), query.get("branch_id")
        if claims is not None:
            version_id, branch_id = claims.version_id, claims.branch_id
        warnings: tuple[str, ...] = ()
        if branch_id and branch_id != main_branch(agent.agent_id):
            warnings = (f"The agent has no branch {branch_id}: this is its main branch, the only one.",)
        if not version_id or version_id == agent.version_id:
            return agent, warnings
        old = await self._store.agents.at(agent.agent_id, version_id)
        if old is None:
            message = f"The agent {agent.agent_id} has no version {version_id}, or does not keep it any more."
            raise ConversationRefused(1008, "value_error", message)
        return _on_terms_of(agent, old), warnings

    async def settle(self, admitted: Admitted) -> None:
        """A reserved conversation that was claimed and never began has ended too."""
        if admitted.conversation_id is None:
            return
        row = await self._store.conversations.get(admitted.conversation_id)
        if row is not None and row.status == "in-progress":
            change = ConversationChange(status="failed", ended_at=time.time(), termination_reason=NEVER_BEGAN)
            await self._store.conversations.write(admitted.conversation_id, change)

    def enclave(self, setup: EnclaveSetupConfig, address: str = "") -> Admitted:
        """The agent a client at this address brought along in ``enclave_setup_config``."""
        if not self._enclave:
            raise ConversationRefused(
                1008, "invalid_message", "enclave_setup_config is not accepted here; start the server with --enclave."
            )
        document = _merged_agent(setup)
        webhooks = _webhooks(setup)
        if setup.prompt_knowledge_base:
            _append_knowledge(document, setup.prompt_knowledge_base)
        return Admitted(
            agent=AgentRow(
                agent_id=str(document.get("agent_id") or "agent_enclave"),
                name=str(document.get("name") or "Enclave agent"),
                document=document,
                created_at=time.time(),
                updated_at=time.time(),
            ),
            authorization_method="public",
            address=address,
            tools=_tools(setup.tools_config_list or ()),
            brought_webhooks=webhooks,
        )

    # -- credentials --------------------------------------------------------------------------------------------------

    def _claims(self, query: Mapping[str, str], subprotocols: Sequence[str]) -> Claims | None:
        """What a signed URL says; both names of the parameter are in use."""
        token = query.get("conversation_signature") or query.get("token")
        if token is None:
            return None
        try:
            claims = self._credentials.verify(token, time.time())
        except Unauthorized as error:
            raise _unauthorized(error.message) from None
        if claims.attach is not None:
            raise _unauthorized("this signed URL lets somebody into a conversation that runs; it begins none")
        return claims

    async def _terms(self, claims: Claims | None) -> Bound | None:
        """What a signed URL that was made with terms has settled; used up, if it opens one conversation only."""
        if claims is None or claims.url_id is None:
            return None
        bound = await self._grants.take(claims.url_id)
        if bound is None:
            raise _unauthorized("this signed URL has been used, or revoked")
        return bound

    async def _authorize(
        self,
        agent: AgentRow,
        claims: Claims | None,
        headers: Mapping[str, str],
        subprotocols: Sequence[str],
        address: str,
    ) -> tuple[str, str | None]:
        """The method by which the client may talk to this agent, and the key that lets it; raises when it may not."""
        auth: Mapping[str, Any] = _platform(agent).get("auth") or {}
        method, key_id = "public", None
        if claims is not None:
            if claims.key_id is not None and not await self._keys.still_may(claims.key_id, STARTING):
                raise _unauthorized("the API key that made this signed URL has been deleted, or may not start any more")
            method, key_id = "signed_url", claims.key_id
        elif auth.get("enable_auth"):
            key = headers.get("xi-api-key") or _bearer(headers.get("authorization"), subprotocols)
            if key is None:
                raise _unauthorized("this agent needs a signed URL")
            if await self._keys.are_needed():
                try:
                    caller = await self._keys.caller(key)
                    self._keys.require(caller, STARTING)
                except Unauthorized as error:
                    raise _unauthorized(error.message) from None
                key_id = caller.key_id
            method = "authorization_header"
        self._check_origin(auth, headers.get("origin"), method, address)
        return method, key_id

    async def _may_mock(self, headers: Mapping[str, str], subprotocols: Sequence[str]) -> bool:
        """By the setting ``tool_mocks``. A signed URL is in the hands of the user, so that it counts for nothing."""
        rule = self._settings.tool_mocks
        if rule in ("anyone", "never"):
            return rule == "anyone"
        if rule == "auto" and not await self._keys.are_needed():
            return True
        key = headers.get("xi-api-key") or _bearer(headers.get("authorization"), subprotocols)
        if key is None:
            return False
        try:
            await self._keys.caller(key)
        except Unauthorized:
            return False
        return True

    def _check_origin(self, auth: Mapping[str, Any], origin: str | None, method: str, address: str) -> None:
        hosts = allowed_hosts(auth)
        if origin is not None:
            if hosts and not is_allowed(origin, hosts):
                raise _unauthorized(f"the origin {origin} is not on the agent's allow-list")
            return
        is_strict = bool(hosts) and bool(auth.get("enable_auth")) and self._settings.strict_origins
        if not auth.get("require_origin_header") and not is_strict:
            return
        if method != "authorization_header" and not is_in_network(address, hosts):
            raise _unauthorized("this agent needs an Origin header")


def query_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The query of a socket's URL; of a name that comes twice, the last."""
    return {name: values[-1] for name, values in parse_qs(scope.get("query_string", b"").decode()).items()}


def wants_to_resume(query: Mapping[str, str]) -> bool:
    """``x_resume=1``. Clients of the hosted platform do not send it: for them a lost connection ends the conversation,
    and its record is there at once."""
    return query.get("x_resume", "").lower() in ("1", "true")


def _on_terms_of(now: AgentRow, old: AgentRow) -> AgentRow:
    """An old version with what the agent says now about those who call it: whoever may choose the version must not
    get back what its owner has withdrawn."""
    platform = {key: value for key, value in _platform(old).items() if key not in OF_NOW}
    platform |= {key: value for key, value in _platform(now).items() if key in OF_NOW}
    return replace(old, document={**old.document, "platform_settings": platform})


def _platform(agent: AgentRow) -> Mapping[str, Any]:
    return agent.document.get("platform_settings") or {}


def _bearer(authorization: str | None, subprotocols: Sequence[str]) -> str | None:
    """A key in ``Authorization: Bearer``, or in the JavaScript client's second subprotocol ``bearer.<key>``."""
    if authorization is not None and authorization.lower().startswith("bearer "):
        return authorization[7:].strip()
    return next((p.partition(".")[2] for p in subprotocols if p.startswith("bearer.")), None)


def _unauthorized(why: str) -> ConversationRefused:
    return ConversationRefused(3000, "authorization_error", f"Could not authorize the conversation: {why.rstrip('.')}.")


# -- the self-hosted handshake ----------------------------------------------------------------------------------------


def _merged_agent(setup: EnclaveSetupConfig) -> dict[str, Any]:
    document: dict[str, Any] = dict(setup.agent_config_dict or {})
    if not document and setup.override_agent_config_list:
        document = dict(setup.override_agent_config_list[0])
    if not isinstance(document.get("conversation_config"), Mapping):
        raise ConversationRefused(
            1008,
            "missing_fields",
            "enclave_setup_config: expected an exported agent with conversation_config in agent_config_dict.",
        )
    try:
        AgentDocument.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConversationRefused(1008, "value_error", f"agent_config_dict.{where}: {first['msg']}.") from None
    return document


def _append_knowledge(document: dict[str, Any], texts: Sequence[str]) -> None:
    """Knowledge the client brought goes to the end of the system prompt."""
    config = dict(document["conversation_config"])
    agent = dict(config.get("agent") or {})
    prompt = dict(agent.get("prompt") or {})
    prompt["prompt"] = "\n\n".join([str(prompt.get("prompt") or ""), "# Knowledge base", *texts]).strip()
    document["conversation_config"] = {**config, "agent": {**agent, "prompt": prompt}}


def _tools(entries: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Exported tools by id: ``{"id", "tool_config"}``."""
    tools: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        tool_id = entry.get("id") or entry.get("tool_id")
        if tool_id and isinstance(entry.get("tool_config"), Mapping):
            tools[str(tool_id)] = config_in(entry)
    return tools


def _webhooks(setup: EnclaveSetupConfig) -> dict[str, tuple[str, str | None]]:
    """The endpoints that a client brought along, checked as the platform does: event to (address, secret)."""
    pairs: tuple[tuple[str, str, CallWebhook | None, str | None], ...] = (
        (
            "transcript",
            "post_call_transcription_webhook",
            setup.post_call_transcription_webhook,
            setup.post_call_transcription_webhook_url,
        ),
        ("audio", "post_call_audio_webhook", setup.post_call_audio_webhook, setup.post_call_audio_webhook_url),
    )
    found: dict[str, tuple[str, str | None]] = {}
    for event, name, webhook, url in pairs:
        if webhook is not None and url:
            raise ConversationRefused(1008, "value_error", f"Expected either {name} or {name}_url, got both.")
        if webhook is not None and webhook.hmac_secret is not None and len(webhook.hmac_secret) < SHORTEST_HMAC_SECRET:
            raise ConversationRefused(
                1008, "value_error", f"{name}.hmac_secret: expected at least {SHORTEST_HMAC_SECRET} characters."
            )
        if webhook is not None:
            found[event] = webhook.url, webhook.hmac_secret
        elif url:
            found[event] = url, None
    return found
