"""Language models that speak OpenAI's HTTP dialect: Ollama, vLLM, llama.cpp, LocalAI, hosted services.

What is not OpenAI's own behaviour but common among its imitators is accepted: tool calls written as bare JSON,
thinking aloud between ``<think>`` tags, parameters that a server does not know.
"""

from __future__ import annotations

import json
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
    ModelBegan,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    ResponseMetadata,
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
    path = "/chat/completions"

    def __init__(
        self,
        settings: ProviderSettings,
        connections: Connections,
        *,
        name: str = "openai",
        headers: Mapping[str, str] | None = None,
        is_custom: bool = False,
        api_version: str = "",
    ) -> None:
        """``is_custom`` is an agent's own endpoint: it is told ``elevenlabs_extra_body`` and ``user_id`` as the hosted
        platform does. ``headers`` are sent with every request, ``api_version`` with its address."""
        self.name = name
        self.context_tokens = int(settings.options.get("context_tokens", DEFAULT_CONTEXT_TOKENS))
        self._endpoint = Endpoint(settings, self.path, connections, name, headers, api_version)
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
            if request.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = request.parallel_tool_calls
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens > 0:
            body["max_tokens"] = request.max_tokens
        if request.reasoning_effort is not None:
            body["reasoning_effort"] = request.reasoning_effort
        if request.thinking_budget is not None:
            # The former is what hosted Qwen services read, the latter what vLLM, SGLang and llama.cpp do.
            body["thinking_budget"] = request.thinking_budget
            body["chat_template_kwargs"] = {
                "enable_thinking": request.thinking_budget != 0,
                "thinking_budget": request.thinking_budget,
            }
        if request.response_schema is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": answer_format(request.response_schema)}
        return body | self._said_to_all(request)

    def _said_to_all(self, request: ModelRequest) -> dict[str, JSON]:
        """What is the same whichever way the model is asked."""
        body: dict[str, JSON] = {}
        if request.service_tier == "fast":
            body["service_tier"] = "priority"
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
        metadata: dict[str, JSON] = {}
        has_begun = is_finished = False
        async with aclosing(payloads(response)) as messages:
            async for message in messages:
                chunk = self._object(message)
                if chunk.get("error"):
                    raise self._endpoint.failed(f"failed: {message_in(orjson.dumps(chunk).decode())}")
                usage = chunk.get("usage") or usage
                if isinstance(chunk.get("metadata"), Mapping):
                    metadata |= chunk["metadata"]
                for choice in chunk.get("choices") or ():
                    is_finished = is_finished or bool(choice.get("finish_reason"))
                    # An answer that is not streamed has "message" instead.
                    delta = choice.get("delta") or choice.get("message") or {}
                    shown = gate.add(text) if isinstance(text := delta.get("content"), str) and text else ""
                    thought = _thought(delta) + gate.thoughts()
                    if not has_begun and (text or thought or delta.get("tool_calls")):
                        has_begun = True
                        if not shown:
                            yield ModelBegan()
                    if thought:
                        yield ReasoningDelta(thought)
                    if shown:
                        yield TextDelta(shown)
                    for part in delta.get("tool_calls") or ():
                        calls.add(part)
        text, bare = gate.close()
        if text:
            yield TextDelta(text)
        for call in [*calls.finished(), *bare]:
            yield call
        if not (has_begun or is_finished or usage or metadata):
            raise self._endpoint.failed("ended its answer before it had begun.")
        if metadata and self._is_custom:
            yield ResponseMetadata(metadata)
        if usage:
            yield usage_of(usage)

    def _object(self, message: bytes) -> Mapping[str, JSON]:
        chunk = _json(message)
        if chunk is None:
            raise self._endpoint.failed(f"streamed what is no JSON: {message[:80]!r}.")
        if not isinstance(chunk, Mapping):
            raise self._endpoint.failed(f"streamed {message[:80]!r} where an object was expected.")
        return chunk


def _json(message: bytes) -> JSON:
    """What a message says; None when it is no JSON. Halves of characters, which some servers cut, are replaced."""
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        pass
    try:
        found = json.loads(message.decode("utf-8", "replace"))
    except ValueError:
        return None
    return json.loads(
        json.dumps(found, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def _thought(delta: Mapping[str, JSON]) -> str:
    """``reasoning_content`` (vLLM, DeepSeek, llama.cpp) or ``reasoning`` (Ollama, newer vLLM)."""
    found = delta.get("reasoning_content") or delta.get("reasoning")
    return found if isinstance(found, str) else ""


def usage_of(usage: Mapping[str, JSON]) -> TokenUsage:
    """Of either way to ask: their names differ, their shape does not."""
    read = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    wrote = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    return TokenUsage(
        int(usage.get("prompt_tokens") or usage.get("input_tokens") or 0),
        int(usage.get("completion_tokens") or usage.get("output_tokens") or 0),
        cached_tokens=int(read.get("cached_tokens") or 0),
        reasoning_tokens=int(wrote.get("reasoning_tokens") or 0),
    )


_DISPENSABLE = {
    "stream_options": ("stream_options", "include_usage"),
    "max_tokens": ("max_completion_tokens",),
    "temperature": ("temperature",),
    "reasoning_effort": ("reasoning_effort", "reasoning effort"),
    "thinking_budget": ("thinking_budget",),
    "chat_template_kwargs": ("chat_template_kwargs",),
    "service_tier": ("service_tier",),
    "parallel_tool_calls": ("parallel_tool_calls",),
    "reasoning": ("reasoning",),
    "response_format": ("response_format", "json_schema", "schema", "structured output", "grammar"),
    "text": ("text.format", "json_schema", "schema", "structured output"),
}
"""Parameters that some servers or models refuse, and the words of such a refusal. ``max_tokens`` is then sent under
its newer name, the others are left out."""


def answer_format(schema: Mapping[str, JSON]) -> dict[str, JSON]:
    """A JSON schema as either way to ask names it."""
    return {"name": "answer", "strict": True, "schema": schema}


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
