"""Language models that speak OpenAI's HTTP dialect: Ollama, vLLM, llama.cpp, LocalAI, hosted services.

What is not OpenAI's own behaviour but common among its imitators is accepted: tool calls written as bare JSON,
thinking aloud between ``<think>`` tags, parameters that a server does not know.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from parola.config import ProviderSettings
from parola.outbound.event_stream import payloads
from parola.outbound.http import Connections, Endpoint, message_in
from parola.providers.base import (
    JSON,
    Capabilities,
    ModelEvent,
    ModelRequest,
    TextDelta,
    TokenUsage,
    ToolDefinition,
)
from parola.providers.openai_tool_text import Calls, Gate

if TYPE_CHECKING:
    import aiohttp

DEFAULT_CONTEXT_TOKENS = 128_000


class OpenAIModel:
    """``LanguageModel`` over ``POST /chat/completions``, streamed.

    Its settings' options: ``context_tokens`` (default 128000) and ``extra_body``, an object merged into every request.
    """

    capabilities = Capabilities(tools=True)

    def __init__(
        self,
        settings: ProviderSettings,
        connections: Connections,
        *,
        name: str = "openai",
        headers: Mapping[str, str] | None = None,
        is_custom: bool = False,
    ) -> None:
        """``is_custom`` is an agent's own endpoint: it is told ``elevenlabs_extra_body`` and ``user_id`` as the hosted
        platform does. ``headers`` are sent with every request."""
        self.name = name
        self.context_tokens = int(settings.options.get("context_tokens", DEFAULT_CONTEXT_TOKENS))
        self._endpoint = Endpoint(settings, "/chat/completions", connections, name, headers)
        self._model = settings.model
        self._extra: Mapping[str, JSON] = settings.options.get("extra_body") or {}
        self._is_custom = is_custom
        self._refused: set[tuple[str, str]] = set()
        """Model and parameter: what this server has refused before is not sent again."""

    async def step(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Text as it comes, then the tool calls, then the usage. Closing it closes the HTTP response."""
        body = self._body(request)
        while True:
            async with self._endpoint.post(
                orjson.dumps(_without(body, self._refused), default=dict),
                {"content-type": "application/json", "accept": "text/event-stream"},
            ) as response:
                if response.status == 200:
                    async with aclosing(self._events(response, request.tools)) as events:
                        async for event in events:
                            yield event
                    return
                text, error = await self._endpoint.refusal(response)
            if response.status not in (400, 422) or not self._learn(body, text):
                raise error

    async def aclose(self) -> None:
        """The connections belong to the process."""

    def _body(self, request: ModelRequest) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "model": request.model or self._model,
            "messages": list(request.messages),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters or {"type": "object", "properties": {}},
                    },
                }
                for tool in request.tools
            ]
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens > 0:
            body["max_tokens"] = request.max_tokens
        if request.reasoning_effort is not None:
            body["reasoning_effort"] = request.reasoning_effort
        if request.extra_body:
            body["elevenlabs_extra_body"] = request.extra_body
        if request.user_id and self._is_custom:
            body["user_id"] = request.user_id
        return body | dict(self._extra)

    def _learn(self, body: Mapping[str, JSON], refusal: str) -> bool:
        """Whether the server refused a parameter that it can do without; it will not be sent to it again."""
        model = str(body["model"])
        for parameter, signs in _DISPENSABLE.items():
            known = (model, parameter)
            if parameter in body and known not in self._refused and any(sign in refusal for sign in signs):
                self._refused.add(known)
                return True
        return False

    async def _events(
        self, response: aiohttp.ClientResponse, tools: Sequence[ToolDefinition]
    ) -> AsyncGenerator[ModelEvent, None]:
        gate = Gate(frozenset(tool.name for tool in tools))
        calls = Calls(self._endpoint)
        usage: Mapping[str, JSON] | None = None
        async with aclosing(payloads(response)) as messages:
            async for message in messages:
                try:
                    chunk = orjson.loads(message)
                except orjson.JSONDecodeError:
                    raise self._endpoint.failed(f"streamed what is no JSON: {message[:80]!r}.") from None
                if not isinstance(chunk, Mapping):
                    raise self._endpoint.failed(f"streamed {message[:80]!r} where an object was expected.")
                if chunk.get("error"):
                    raise self._endpoint.failed(f"failed: {message_in(orjson.dumps(chunk).decode())}")
                usage = chunk.get("usage") or usage
                for choice in chunk.get("choices") or ():
                    # An answer that is not streamed has "message" instead.
                    delta = choice.get("delta") or choice.get("message") or {}
                    if (text := delta.get("content")) and (shown := gate.add(text)):
                        yield TextDelta(shown)
                    for part in delta.get("tool_calls") or ():
                        calls.add(part)
        text, bare = gate.close()
        if text:
            yield TextDelta(text)
        for call in [*calls.finished(), *bare]:
            yield call
        if usage:
            yield TokenUsage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))


_DISPENSABLE = {
    "stream_options": ("stream_options", "include_usage"),
    "max_tokens": ("max_completion_tokens",),
    "temperature": ("temperature",),
    "reasoning_effort": ("reasoning_effort", "reasoning effort"),
}
"""Parameters that some servers or models refuse, and the words of such a refusal. ``max_tokens`` is then sent under
its newer name, the others are left out."""


def _without(body: dict[str, JSON], refused: set[tuple[str, str]]) -> dict[str, JSON]:
    if not refused:
        return body
    body = dict(body)
    for model, parameter in refused:
        if model == body["model"] and parameter in body:
            value = body.pop(parameter)
            if parameter == "max_tokens":
                body["max_completion_tokens"] = value
    return body
