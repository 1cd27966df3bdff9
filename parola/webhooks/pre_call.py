"""The pre-call webhook (reference: webhooks.md §5): asked before a conversation begins who it is that calls.

The answer is what a client could have sent as its first message, and counts for more: the endpoint is the owner's, the
client is anybody. It may override what the agent allows to be overridden, no more.

The hosted platform asks for telephone calls only. Here ``x_channels`` says for which conversations it is asked, besides
the agent's own ``enable_conversation_initiation_client_data_from_webhook``; what came of it stands in the record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from parola.conversation.start_variables import from_client
from parola.errors import ConversationRefused
from parola.logs import logger
from parola.outbound.addresses import told
from parola.outbound.guard import AddressRefused
from parola.outbound.http import proxy_for
from parola.outbound.locators import Seal, ValueNotFound
from parola.outbound.request_headers import WEBHOOKS, without
from parola.protocol.agents import ConversationalConfig
from parola.protocol.client_messages import ConversationInitiationClientData
from parola.protocol.lossless import loads, merged
from parola.protocol.webhooks import Channel, PreCallWebhook
from parola.store.base import AgentRow, Store
from parola.store.pages import Document
from parola.tracing.context import headers as tracing
from parola.webhooks.announcing import PRE_CALL, PRE_CALL_ENABLED, settings_of
from parola.webhooks.endpoints import InvalidHeader, located

if TYPE_CHECKING:
    from parola.outbound.http import Connections

log = logger(__name__)

MOST_BYTES = 256 * 1024
"""Of an answer."""

FAILED = "pre_call_webhook_failed"

INVALID_ANSWER = "invalid_answer"
"""There was an answer, and nothing can be made of it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a conversation begins with."""

    client_data: ConversationInitiationClientData
    told: Document | None = None
    """For the record's ``metadata.x_pre_call_webhook``; None where there is no such webhook."""
    warning: str = ""


class _Failed(Exception):
    """``reason`` is a code, the message a sentence."""

    def __init__(self, reason: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status


class PreCall:
    """Asks; one for the process."""

    def __init__(self, store: Store, seal: Seal, connections: Callable[[], Connections]) -> None:
        self._store = store
        self._seal = seal
        self._connections = connections

    async def ask(
        self,
        agent: AgentRow,
        client_data: ConversationInitiationClientData,
        conversation_id: str,
        environment: str,
        channel: Channel = "web",
    ) -> Outcome:
        """What the conversation begins with. Raises ``ConversationRefused`` when the endpoint fails where
        ``x_on_failure`` is ``reject``."""
        platform: Mapping[str, Any] = agent.document.get("platform_settings") or {}
        own = (platform.get("workspace_overrides") or {}).get(PRE_CALL)
        configured = own or (await settings_of(self._store)).get(PRE_CALL)
        if not configured:
            return Outcome(client_data)
        if not (platform.get("overrides") or {}).get(PRE_CALL_ENABLED):
            return Outcome(client_data, {"result": "not_asked", "reason": "not_enabled_by_agent"})
        try:
            webhook = PreCallWebhook.model_validate(_without_ours(configured))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in (PRE_CALL, *first["loc"]))
            return self._failed(
                client_data, _Failed("invalid_configuration", f"{where}: {first['msg']}"), "proceed", {}
            )
        if channel not in webhook.x_channels:
            return Outcome(client_data, {"result": "not_asked", "reason": "channel_not_enabled"})
        asked = {
            "caller_id": "",
            "agent_id": agent.agent_id,
            "called_number": "",
            "call_sid": "",
            "conversation_id": conversation_id,
            "x_channel": channel,
            "x_user_id": client_data.user_id,
            "x_environment": environment,
        }
        began = time.monotonic()
        try:
            answer = await self._answer(webhook, asked, environment)
            applied = laid_over(client_data, answer)
        except _Failed as failure:
            told = {"seconds": round(time.monotonic() - began, 3)}
            return self._failed(client_data, failure, webhook.x_on_failure, told)
        seconds = round(time.monotonic() - began, 3)
        return Outcome(applied, {"result": "applied", "status_code": 200, "seconds": seconds})

    @staticmethod
    def _failed(
        client_data: ConversationInitiationClientData, failure: _Failed, on_failure: str, told: Document
    ) -> Outcome:
        log.warning(FAILED, reason=failure.reason, status=failure.status)
        if on_failure == "reject":
            message = f"The pre-call webhook failed: {failure.message}"
            # What keeps it from being asked may name addresses, which are nothing for a caller.
            reason = None if failure.reason == INVALID_ANSWER else "The pre-call webhook failed."
            raise ConversationRefused(1002, FAILED, message, reason=reason)
        told |= {"result": "failed", "reason": failure.reason, "status_code": failure.status}
        warning = f"The pre-call webhook failed, and the conversation began without it: {failure.message}"
        return Outcome(client_data, told, warning)

    async def _answer(self, webhook: PreCallWebhook, asked: Document, environment: str) -> Document:
        import aiohttp

        try:
            url, headers = await located(self._store, self._seal, webhook.url, webhook.request_headers, environment)
            client = await self._connections().guarded()
            async with client.post(
                url,
                data=orjson.dumps(asked),
                headers={"content-type": "application/json", **tracing(), **headers},
                timeout=aiohttp.ClientTimeout(total=webhook.x_timeout_secs),
                proxy=proxy_for(url),
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise _Failed(
                        f"http_{response.status}", f"expected status 200, got {response.status}", response.status
                    )
                body = bytearray()
                async for piece in response.content.iter_any():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise _Failed("too_large", f"expected an answer of at most {MOST_BYTES} bytes", 200)
        except ValueNotFound as error:
            raise _Failed("value_not_found", error.message) from None
        except InvalidHeader as error:
            raise _Failed("invalid_header", str(error)) from None
        except TimeoutError:
            raise _Failed("timeout", f"no answer within {webhook.x_timeout_secs:g} s") from None
        except AddressRefused as error:
            raise _Failed("address_refused", error.message) from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise _Failed("connection_failed", told(error)) from None
        try:
            answer = loads(bytes(body))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise _Failed(INVALID_ANSWER, "expected a JSON object", 200)
        return answer


def _wrong(error: ValidationError, *where: str) -> str:
    """The first thing that is wrong, what is missing left aside; empty: there is nothing else."""
    for one in error.errors(include_url=False, include_context=False):
        if one["type"] != "missing":
            return f"{'.'.join(str(part) for part in (*where, *one['loc']))}: {one['msg']}"
    return ""


def _without_ours(configured: Any) -> Any:
    """What is configured but for headers that this server sets itself: they were stored before anybody refused them."""
    if isinstance(configured, Mapping) and isinstance(given := configured.get("request_headers"), Mapping):
        return {**configured, "request_headers": without(WEBHOOKS, given)}
    return configured


def laid_over(client_data: ConversationInitiationClientData, answer: Document) -> ConversationInitiationClientData:
    """The client's first message with the endpoint's answer over it. Raises ``_Failed`` for an answer that is none."""
    kind = answer.get("type", ConversationInitiationClientData.event_type)
    if kind != ConversationInitiationClientData.event_type:
        expected = ConversationInitiationClientData.event_type
        raise _Failed(INVALID_ANSWER, f'type: expected "{expected}", got {kind!r}', 200)
    try:
        given = ConversationInitiationClientData.model_validate(answer)
        variables = from_client(given.dynamic_variables)
    except ValidationError as error:
        raise _Failed(INVALID_ANSWER, _wrong(error), 200) from None
    except ConversationRefused as error:
        raise _Failed(INVALID_ANSWER, f"dynamic_variables: {error.message.rstrip('.')}", 200) from None
    try:
        # Only a part: what is missing stands in the agent's. What the agent does not allow to be overridden is another
        # matter, and refuses the conversation when it begins.
        ConversationalConfig.model_validate(given.conversation_config_override)
    except ValidationError as error:
        if wrong := _wrong(error, "conversation_config_override"):
            raise _Failed(INVALID_ANSWER, wrong, 200) from None
    override = merged(dict(client_data.conversation_config_override), dict(given.conversation_config_override))
    changed: Document = {
        "dynamic_variables": {**client_data.dynamic_variables, **variables},
        "conversation_config_override": override,
    }
    for name in ("user_id", "branch_id", "environment"):
        if (value := getattr(given, name)) is not None:
            changed[name] = value
    body = given.custom_llm_extra_body
    if body is not None:
        old = client_data.custom_llm_extra_body
        both = isinstance(old, Mapping) and isinstance(body, Mapping)
        changed["custom_llm_extra_body"] = {**old, **body} if both else body
    return client_data.model_copy(update=changed)
