"""Language models that are asked by OpenAI's Responses API: ``POST /responses``, streamed, nothing kept there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import orjson

from parola.outbound.event_stream import payloads
from parola.outbound.http import message_in
from parola.providers.base import (
    JSON,
    ModelBegan,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    ResponseMetadata,
    TextDelta,
    ToolDefinition,
)
from parola.providers.openai import OpenAIModel, answer_format, usage_of
from parola.providers.openai_tool_text import Calls

if TYPE_CHECKING:
    import aiohttp

_TEXT = ("response.output_text.delta", "response.refusal.delta")
_THOUGHT = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")


class OpenAIResponsesModel(OpenAIModel):
    """``LanguageModel`` over the Responses API. Settings and options are those of ``OpenAIModel``."""

    path = "/responses"

    def _body(self, request: ModelRequest) -> dict[str, JSON]:
        body: dict[str, JSON] = {
            "model": request.model or self._model,
            "input": [item for message in request.messages for item in _items(message)],
            "stream": True,
            "store": False,
        }
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters or {"type": "object", "properties": {}},
                    "strict": False,
                }
                for tool in request.tools
            ]
            if request.parallel_tool_calls is not None:
                body["parallel_tool_calls"] = request.parallel_tool_calls
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_tokens > 0:
            body["max_output_tokens"] = request.max_tokens
        reasoning = {"effort": request.reasoning_effort} if request.reasoning_effort is not None else {}
        if request.wants_reasoning:
            reasoning["summary"] = "auto"
        if reasoning:
            body["reasoning"] = reasoning
        if request.response_schema is not None:
            body["text"] = {"format": {"type": "json_schema", **answer_format(request.response_schema)}}
        return body | self._said_to_all(request)

    async def _events(
        self, response: aiohttp.ClientResponse, tools: Sequence[ToolDefinition]
    ) -> AsyncGenerator[ModelEvent, None]:
        calls = Calls(self._endpoint)
        whole: Mapping[str, JSON] | None = None
        has_begun = has_text = False
        async with aclosing(payloads(response)) as messages:
            async for message in messages:
                event = self._object(message)
                kind = event.get("type") or ("response.completed" if "output" in event else "")
                if event.get("error") or kind in ("error", "response.failed"):
                    raise self._endpoint.failed(f"failed: {message_in(orjson.dumps(_complaint(event)).decode())}")
                if kind in _TEXT and event.get("delta"):
                    has_begun = has_text = True
                    yield TextDelta(str(event["delta"]))
                elif kind in _THOUGHT and event.get("delta"):
                    has_begun = True
                    yield ReasoningDelta(str(event["delta"]))
                elif kind == "response.output_item.added" and not has_begun:
                    has_begun = True
                    yield ModelBegan()
                elif kind == "response.output_item.done":
                    _take_call(calls, event.get("item") or {})
                elif kind in ("response.completed", "response.incomplete"):
                    whole = event.get("response") or event
        if whole is None and not (has_begun or calls.by_index):
            raise self._endpoint.failed("ended its answer before it had begun.")
        whole = whole or {}
        if not has_text and (text := _text_of(whole)):
            yield TextDelta(text)
        if not calls.by_index:
            for item in whole.get("output") or ():
                _take_call(calls, item)
        for call in calls.finished():
            yield call
        if whole.get("metadata") and self._is_custom:
            yield ResponseMetadata(whole["metadata"])
        if whole.get("usage"):
            yield usage_of(whole["usage"])


def _items(message: Mapping[str, JSON]) -> Iterator[dict[str, JSON]]:
    """One message of a chat, as items of a response's input."""
    content = message.get("content")
    if message["role"] == "tool":
        yield {"type": "function_call_output", "call_id": message["tool_call_id"], "output": str(content or "")}
        return
    if isinstance(content, str):
        if content:
            yield {"role": message["role"], "content": content}
    elif content:
        yield {"role": message["role"], "content": [_part(part) for part in content]}
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield {
            "type": "function_call",
            "call_id": call["id"],
            "name": function["name"],
            "arguments": function["arguments"],
        }


def _part(part: Mapping[str, JSON]) -> dict[str, JSON]:
    if part.get("type") == "image_url":
        return {"type": "input_image", "image_url": part["image_url"]["url"]}
    return {"type": "input_text", "text": part.get("text", "")}


def _take_call(calls: Calls, item: Mapping[str, JSON]) -> None:
    if item.get("type") == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        calls.add({"index": len(calls.by_index), "id": item.get("call_id") or item.get("id"), "function": function})


def _text_of(response: Mapping[str, JSON]) -> str:
    """What a response says that was not streamed."""
    parts = [part for item in response.get("output") or () for part in item.get("content") or () if item]
    return "".join(str(part.get("text") or "") for part in parts if part.get("type") == "output_text")


def _complaint(event: Mapping[str, JSON]) -> JSON:
    response = event.get("response")
    return response.get("error") or event if isinstance(response, Mapping) else event
