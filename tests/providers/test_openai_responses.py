"""OpenAI's Responses API: what is asked, and what is made of its events."""

import pytest

from parola.config import ProviderSettings
from parola.errors import ProviderError
from parola.providers.base import (
    ModelBegan,
    ModelRequest,
    ReasoningDelta,
    ResponseMetadata,
    TextDelta,
    TokenUsage,
    ToolCallRequested,
)
from parola.providers.openai_responses import OpenAIResponsesModel
from tests.providers.test_openai import HELLO, WEATHER, response, serving, sse, take

CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "get_weather",
    "arguments": '{"city":"Rome"}',
}


def text(words):
    return {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "delta": words}


def completed(**more):
    return {"type": "response.completed", "response": {"status": "completed", "output": [], **more}}


async def events_of(request, *answers, is_custom=True):
    async with serving(*answers) as (service, connections):
        settings = ProviderSettings("openai", base_url=service.base_url, api_key="key")
        made = OpenAIResponsesModel(settings, connections, is_custom=is_custom)
        return await take(made.step(request)), service.asked


async def test_the_request_is_that_of_the_responses_api():
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:x"}}],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    request = ModelRequest(
        messages,
        (WEATHER,),
        "m",
        temperature=0.5,
        max_tokens=50,
        reasoning_effort="low",
        wants_reasoning=True,
        parallel_tool_calls=True,
        extra_body={"a": 1},
        user_id="u",
    )
    _, [asked] = await events_of(request, sse(text("x"), completed()))
    assert asked.path == "/v1/responses"
    assert asked.headers["authorization"] == "Bearer key"
    assert asked.json == {
        "model": "m",
        "input": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "data:x"}],
            },
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "rain"},
        ],
        "stream": True,
        "store": False,
        "tools": [
            {
                "type": "function",
                "name": "get_weather",
                "description": "Tells the weather.",
                "parameters": WEATHER.parameters,
                "strict": False,
            }
        ],
        "parallel_tool_calls": True,
        "temperature": 0.5,
        "max_output_tokens": 50,
        "reasoning": {"effort": "low", "summary": "auto"},
        "elevenlabs_extra_body": {"a": 1},
        "user_id": "u",
    }


async def test_text_thoughts_calls_metadata_and_usage_are_told():
    usage = {
        "input_tokens": 90,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
    }
    events, _ = await events_of(
        HELLO,
        sse(
            {"type": "response.created", "response": {"status": "in_progress"}},
            {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}},
            {"type": "response.reasoning_summary_text.delta", "delta": "They want the weather."},
            text("One "),
            text("moment."),
            {"type": "response.output_item.added", "output_index": 2, "item": {**CALL, "arguments": ""}},
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": '{"city":"Rome"}'},
            {"type": "response.output_item.done", "output_index": 2, "item": CALL},
            completed(usage=usage, metadata={"intent": "weather"}, output=[CALL]),
        ),
    )
    assert events == [
        ModelBegan(),
        ReasoningDelta("They want the weather."),
        TextDelta("One "),
        TextDelta("moment."),
        ToolCallRequested("get_weather", {"city": "Rome"}, "call_1"),
        ResponseMetadata({"intent": "weather"}),
        TokenUsage(90, 30, cached_tokens=64, reasoning_tokens=10),
    ]


async def test_an_answer_that_is_not_streamed_is_an_answer():
    message = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]}
    events, _ = await events_of(HELLO, response({"object": "response", "output": [message, CALL]}))
    assert events == [TextDelta("Hi."), ToolCallRequested("get_weather", {"city": "Rome"}, "call_1")]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit", "message": "slow down"},
        {"type": "response.failed", "response": {"error": {"code": "server_error", "message": "slow down"}}},
        {"error": "slow down"},
    ],
)
async def test_an_error_in_the_stream_is_an_error(event):
    with pytest.raises(ProviderError, match="slow down"):
        await events_of(HELLO, sse(text("Well"), event))


async def test_an_answer_that_ran_out_of_tokens_is_what_was_said():
    cut = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}
    events, _ = await events_of(HELLO, sse(text("Your order"), cut))
    assert events == [TextDelta("Your order")]


async def test_a_stream_that_ends_before_it_began_is_an_error():
    with pytest.raises(ProviderError, match="before it had begun"):
        await events_of(HELLO, sse({"type": "response.created", "response": {}}, done=False))
