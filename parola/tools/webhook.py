"""Webhook tools: one HTTP request for each call, and what becomes of its answer (reference: webhooks.md §6).

A call is cancelled when its time is over (the conversation sees to that); everything here, attempts and redirects and
the wait for a callback, happens within the tool's ``response_timeout_secs``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from parola.conversation.actions import RunTool
from parola.conversation.events import ToolFinished
from parola.conversation.tools import Tool
from parola.errors import ParolaError
from parola.logs import logger
from parola.outbound.addresses import shown, told
from parola.outbound.guard import AddressRefused
from parola.outbound.http import proxy_for
from parola.outbound.locators import ValueNotFound
from parola.tools.auth import NotAuthorized
from parola.tools.callbacks import PATH
from parola.tools.context import ToolContext
from parola.tools.identity import Identity, headers_of
from parola.tools.request import CannotCall, WebhookRequest, webhook_request
from parola.tools.response import Answer, for_model, read, shortened
from parola.tools.signing import HEADER, signature
from parola.tracing.context import headers as trace_headers

log = logger(__name__)

CONNECT_SECONDS = 10.0

LONGEST_RAW = 2000
"""Characters of a failed answer in the record."""

IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})
"""To ask these twice is to ask them once: they are tried again."""

TRIED_AGAIN = frozenset({502, 503, 504})
PAUSES_SECONDS = (0.2, 1.0)
"""Before the second and the third attempt."""


Asked = Callable[[Mapping[str, Any]], None]


class Unreachable(ParolaError):
    """There was no answer; the message says why."""

    code = "external_server"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call, as the dry run shows it."""

    finished: ToolFinished
    request: WebhookRequest | None = None
    status: int | None = None


class WebhookTools:
    """Runs the webhook tools of one conversation."""

    def __init__(self, context: ToolContext, identity: Identity) -> None:
        self._context = context
        self._identity = identity

    async def run(self, call: RunTool, asked: Asked = lambda details: None) -> ToolFinished:
        """The result; failures of the tool are results too. ``asked`` is told how the tool is asked, before it is."""
        return (await self.call(call, asked)).finished

    async def call(self, call: RunTool, asked: Asked = lambda details: None) -> Outcome:
        """The result, with what was asked and the status that came back."""
        api_schema = call.tool.config.get("api_schema")
        if not isinstance(api_schema, Mapping) or not api_schema.get("url"):
            problem = "The tool has no api_schema.url to call."
            return Outcome(_failed(call, problem, "invalid_tool", None, is_called=False))
        request: WebhookRequest | None = None
        try:
            locators = self._context.locators(self._identity.environment)
            request = await webhook_request(api_schema, call.arguments, call.variables, locators)
            connection_id = ""
            if located := api_schema.get("auth_connection"):
                connection_id = await locators.connection_id(located)
                request = request.with_headers(await self._context.auth.headers(connection_id), hidden=True)
            with self._context.callbacks.opened() as (token, result):
                identity = self._identity_now(call)
                request = self._addressed(request, identity, call.call_id, token)
                asked(request.details)
                answer = await self._answer(request, call.tool, connection_id)
                if answer.is_pending:
                    addressed = partial(self._addressed, identity=identity, call_id=call.call_id, token=token)
                    answer = await self._late(request, answer, result, addressed)
        except (CannotCall, ValueNotFound, NotAuthorized, AddressRefused) as error:
            return Outcome(_failed(call, error.message, error.code, request, is_called=False), request)
        except Unreachable as error:
            return Outcome(_failed(call, error.message, error.code, request), request)
        return Outcome(self._finished(call, request, answer, api_schema), request, answer.status)

    def _identity_now(self, call: RunTool) -> Identity:
        """A conversation may have gone over to another agent."""
        agent_id = call.variables.get("system__current_agent_id") or self._identity.agent_id
        return replace(self._identity, agent_id=str(agent_id))

    def _addressed(self, request: WebhookRequest, identity: Identity, call_id: str, token: str) -> WebhookRequest:
        """With what says whose request it is, and where a late result goes."""
        settings = self._context.settings
        if not settings.tool_identity_headers:
            return request
        headers = headers_of(identity, call_id)
        signed = signature(
            self._context.signing_secret, int(time.time()), request.method, request.url, headers, request.body
        )
        base = settings.public_url.rstrip("/") or f"http://{_own_host(settings.host)}:{settings.port}"
        request = request.with_headers({"X-Callback-Url": f"{base}{PATH}/{token}", HEADER: signed}, hidden=True)
        return request.with_headers(headers)

    async def _answer(self, request: WebhookRequest, tool: Tool, connection_id: str) -> Answer:
        attempts = 1 + (len(PAUSES_SECONDS) if request.method in IDEMPOTENT else 0)
        is_renewed = False
        for attempt in range(attempts):
            is_last = attempt == attempts - 1
            try:
                answer = await self._ask(request, tool.config)
            except Unreachable:
                if is_last:
                    raise
            else:
                if answer.status == 401 and connection_id and not is_renewed:
                    is_renewed = True  # not served, so that asking again is safe whatever the method
                    if await self._context.auth.renews(connection_id):
                        headers = await self._context.auth.headers(connection_id, is_stale=True)
                        request = request.with_headers(headers, hidden=True)
                        answer = await self._ask(request, tool.config)
                if is_last or answer.status not in TRIED_AGAIN:
                    return answer
            log.info("tool_asked_again", tool=tool.name, attempt=attempt + 1)
            await asyncio.sleep(PAUSES_SECONDS[attempt])
        raise AssertionError("the last attempt returns or raises")

    async def _late(
        self,
        request: WebhookRequest,
        answer: Answer,
        result: asyncio.Future[Answer],
        addressed: Callable[[WebhookRequest], WebhookRequest],
    ) -> Answer:
        """The result of a tool that has only begun: it calls back, or is asked how far it is; what comes first."""
        while answer.is_pending:
            seconds = answer.poll_seconds
            if seconds is None:
                return await result
            done, _ = await asyncio.wait({result}, timeout=seconds)
            if done:
                return result.result()
            url = urljoin(request.url, answer.poll_url)
            asking = replace(request, method="GET", url=url, headers={}, body=None)
            if _origin(url) == _origin(request.url):  # the headers are for the address they were configured for
                kept = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
                asking = addressed(replace(asking, headers=kept))
            answer, _ = await self._fetch(asking)
        return answer

    async def _ask(self, request: WebhookRequest, tool: Mapping[str, Any]) -> Answer:
        """One request, and the one redirect it may lead to."""
        answer, location = await self._fetch(request)
        if location is None or not tool.get("follow_redirects"):
            return answer
        target = redirect_target(request.url, location, tool.get("follow_redirects_allowed_domains") or ())
        # The headers are for the address they were configured for, and for no other.
        answer, _ = await self._fetch(replace(request, method="GET", url=target, headers={}, body=None))
        return answer

    async def _fetch(self, request: WebhookRequest) -> tuple[Answer, str | None]:
        """The answer, and where it redirects to. Raises ``Unreachable``, ``AddressRefused``."""
        import aiohttp

        address = shown(request.url)
        client = await self._context.connections().guarded()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        try:
            async with client.request(
                request.method,
                request.url,
                data=request.body,
                headers={**trace_headers(), **request.headers},
                timeout=timeout,
                proxy=proxy_for(request.url),
                allow_redirects=False,
            ) as response:
                location = response.headers.get("location") if 300 <= response.status < 400 else None
                return await read(response, request.secrets), location
        except AddressRefused:
            raise
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable(f"{address} could not be reached in {CONNECT_SECONDS:g} s.") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"{address} cannot be reached: {error.strerror or told(error)}.") from None
        except (aiohttp.InvalidURL, ValueError) as error:
            raise CannotCall(f"url: {address} cannot be asked: {told(error)}.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{address} broke off: {told(error)}.") from None

    def _finished(
        self, call: RunTool, request: WebhookRequest, answer: Answer, api_schema: Mapping[str, Any]
    ) -> ToolFinished:
        if answer.is_success:
            result = for_model(answer, api_schema.get("response_filter"))
            return ToolFinished(call.call_id, result, response=answer.json, details=request.details)
        said = shortened(" ".join(answer.text.split())) or "nothing"
        result = f"The tool answered {answer.status}: {said}"
        raw = f"{request.method} {shown(request.url)} answered {answer.status}: {said[:LONGEST_RAW]}"
        if answer.failure:
            result = raw = f"The tool reported a failure: {answer.failure[:LONGEST_RAW]}"
        elif 300 <= answer.status < 400:
            raw += " (redirects are followed only with follow_redirects, and only one)"
        return ToolFinished(
            call.call_id,
            result,
            is_error=True,
            error_type="customer_auth" if answer.status in (401, 403) else "external_server",
            raw_error=raw,
            response=answer.json,
            details=request.details,
        )


def redirect_target(url: str, location: str, allowed_domains: Any) -> str:
    """Where a redirect may lead: to HTTPS (or from HTTP to HTTP), to an allowed domain or below it if there are any.
    Raises ``AddressRefused``."""
    target = urljoin(url, location)
    address = urlsplit(target)
    if address.scheme != "https" and not (address.scheme == "http" and urlsplit(url).scheme == "http"):
        raise AddressRefused(f"The tool redirects to {shown(target)}: expected an https:// address.")
    host = (address.hostname or "").rstrip(".")
    allowed = [str(domain).lower().lstrip("*.") for domain in allowed_domains]
    if allowed and not any(host == domain or host.endswith(f".{domain}") for domain in allowed):
        raise AddressRefused(
            f"The tool redirects to {host}, which is not in follow_redirects_allowed_domains: {', '.join(allowed)}."
        )
    return target


def _origin(url: str) -> tuple[str, str]:
    address = urlsplit(url)
    return address.scheme, address.netloc


def _own_host(host: str) -> str:
    """How this machine reaches itself."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _failed(
    call: RunTool, problem: str, error_type: str, request: WebhookRequest | None, *, is_called: bool = True
) -> ToolFinished:
    return ToolFinished(
        call.call_id,
        problem,
        is_error=True,
        error_type=error_type,
        is_called=is_called,
        raw_error=problem,
        details=request.details if request is not None else None,
    )
